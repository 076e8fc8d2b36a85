# SPDX-License-Identifier: Apache-2.0
#
# stopped.t - a warden that does not run for a while, as its user or a busy
# machine may have it: what comes when it should end is served all the same,
# and what nobody waits for any more is never started

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Client;
use IvleJail::Httpd qw(runs);
use IvleJail::Test;

my $CONFIG = <<'CONF';
IvleJailIdle 1
<IvleJailProfile patient>
    IvleJailIdle 60
</IvleJailProfile>
Use Place patient
CONF

# Its number among all processes that its warden has started, and when that
# was started itself.
my $PROGRAM = <<'SH';
#!/bin/sh
echo Content-Type: text/plain
echo
read -r stat < /proc/1/stat
set -- $stat
echo "$$ ${22}"
SH

my $httpd = IvleJail::Httpd->new(name => 'stopped', config => $CONFIG);

sub ask {
    my ($path) = @_;
    return begin($httpd, "$path/who.sh", user => 'alice', method => 'POST',
        content => 'x');
}

# Stops the warden that has just served a request.  Returns its pid and what
# it has answered.
sub stop_warden {
    my ($path, $profile) = @_;
    my $said = finish(ask($path))->{content};
    my ($warden) = map { /^warden $profile\@.*\@(\d+)$/ }
        $httpd->jails('warden');
    kill STOP => $warden or die "kill: $!";
    return ($warden, split ' ', $said);
}

# Its time to end comes while it is stopped and a request waits.
sub check_queued_at_end {
    my ($warden, $number, $start) = stop_warden('/my', 'default');
    my $request = ask('/my');
    sleep 1.5;
    kill CONT => $warden or die "kill: $!";
    my $answer = finish($request);
    is(outcome($answer), '200 whole', 'a request that waits at the end');
    is($answer->{content}, $number + 1 . " $start\n",
        '... is served by that warden, at once');
    ok(wait_until(5, sub { !runs($warden) }), '... which then ends');
    is(outcome(finish(ask('/my'))), '200 whole',
        '... and the next one by another');
}

# Longer than httpd waits for a request to be taken.
sub check_silence {
    my $mark = log_mark("$httpd->{dir}/logs/error_log");
    my ($warden, $number, $start) = stop_warden('/patient', 'patient');
    my $answer = finish(ask('/patient'));
    is($answer->{status}, 503, 'a warden that takes nothing: 503');
    is($answer->{headers}{'retry-after'}, 5, '... with Retry-After');
    like(log_since($mark), qr/IJ0064: .* 'alice' .* does not answer/,
        '... and a line in the log');
    kill CONT => $warden or die "kill: $!";
    is(finish(ask('/patient'))->{content}, $number + 1 . " $start\n",
        '... and the next program is the first that it starts again');
}

must_be_root();
install();
base('busybox');
put_program(alice => 'web/who.sh', $PROGRAM);
ok($httpd->start, 'httpd starts') or diag $httpd->output;
check_queued_at_end();
check_silence();
ok($httpd->stop, 'httpd stops');
done_testing;
