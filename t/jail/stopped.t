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
use IvleJail::Httpd qw(runs slurp);
use IvleJail::Test;

use constant { TRIES => 20,
    ACCEPTED => 5 };    # seconds that httpd waits for a warden

my %IDLE = (default => 1, patient => 600);

my $CONFIG = <<"CONF";
IvleJailIdle $IDLE{default}
<IvleJailProfile patient>
    IvleJailIdle $IDLE{patient}
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

sub warden_of {
    my ($profile) = @_;
    my ($warden) = map { /^warden $profile\@.*\@(\d+)$/ }
        $httpd->jails('warden');
    return $warden;
}

# Stops the warden that has just served a request, before it is its time to
# end.  Returns its pid and what it has answered.
sub stop_warden {
    my ($path, $profile) = @_;
    for (1 .. TRIES) {
        my $begin = time;
        my $said = finish(ask($path))->{content};
        my $warden = warden_of($profile) // next;
        stop_process($warden);
        return ($warden, split ' ', $said)
            if time - $begin < $IDLE{$profile};
        kill CONT => $warden;
    }
    die "no warden of $profile can be stopped in time\n";
}

# Connections that httpd has to wardens, by the numbers of their sockets:
# SOCK_SEQPACKET (5), connected (3).
sub connections {
    my %is_one = map { ("socket:[$_]" => 1) } slurp('/proc/net/unix')
        =~ /^\S+ \S+ \S+ \S+ 0005 03 +(\d+)/mg;
    return scalar grep { $is_one{$_} }
        map { values %{ descriptors($_) } } $httpd->children;
}

# A request that comes to a stopped warden, whose time to end comes, too; then
# it goes on.  Returns its pid, what it should answer, and the answer, if that
# is there before httpd may have given up.
sub queued_at_end {
    for (1 .. TRIES) {
        my ($warden, $number, $start) = stop_warden('/my', 'default');
        wait_until(60, sub { !connections() });
        my $begin = time;
        my $request = ask('/my');
        wait_until(60, \&connections) or die "it does not come\n";
        sleep $IDLE{default} + 0.2;
        kill CONT => $warden or die "kill: $!";
        my $answer = finish($request);
        return ($warden, $number + 1 . " $start\n", $answer)
            if time - $begin < ACCEPTED;
    }
    die "no request is answered in time\n";
}

sub check_queued_at_end {
    my ($warden, $expected, $answer) = queued_at_end();
    is(outcome($answer), '200 whole', 'a request that waits at the end');
    is($answer->{content}, $expected, '... is served by that warden, at once');
    ok(wait_until(60, sub { !runs($warden) }), '... which then ends');
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
