# SPDX-License-Identifier: Apache-2.0
#
# stopped.t - a warden that does not run for a while, as its user or a busy
# machine may have it: what comes when it should end is served all the same,
# and what nobody took in time is never run

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Client;
use IvleJail::Httpd;
use IvleJail::Load;
use IvleJail::Test;

my $httpd = IvleJail::Httpd->new(name => 'stopped',
    config => "IvleJailIdle 1\n");

# Sends a word; the program says it back, and when its warden was started.
sub send_word {
    my ($word) = @_;
    return begin($httpd, "/my/counter.sh?$word", user => 'alice',
        method => 'POST', content => 'x');
}

sub start_in {
    my ($answer) = @_;
    return $answer->{content} =~ / at (\d+)$/ ? $1 : 'none';
}

# Stops the warden that has just served a request.  Returns its pid, and when
# it was started.
sub stop_warden {
    my ($word) = @_;
    my $first = finish(send_word($word));
    my ($warden) = map { /\@(\d+)$/ } $httpd->jails('warden');
    kill STOP => $warden or die "kill: $!";
    return ($warden, start_in($first));
}

# Its time to end comes while it is stopped and a request waits.
sub check_queued_at_end {
    my ($warden, $start) = stop_warden('before');
    my $request = send_word('queued');
    sleep 1.5;
    kill CONT => $warden or die "kill: $!";
    my $answer = finish($request);
    is(outcome($answer), '200 whole', 'a request that waits at the end');
    is(start_in($answer), $start, '... is served by that warden');
    ok(wait_until(2, sub { !kill 0, $warden }), '... which then ends');
    is(outcome(finish(send_word('after'))), '200 whole',
        '... and the next one by another');
}

# Longer than httpd waits for a request to be taken.
sub check_silence {
    my $mark = log_mark("$httpd->{dir}/logs/error_log");
    my ($warden) = stop_warden('awake');
    my $answer = finish(send_word('lost'));
    is($answer->{status}, 503, 'a warden that takes nothing: 503');
    is($answer->{headers}{'retry-after'}, 5, '... with Retry-After');
    like(log_since($mark), qr/IJ0064: .* 'alice' .* does not answer/,
        '... and a line in the log');
    kill CONT => $warden or die "kill: $!";
    ok(wait_until(2, sub { !kill 0, $warden }), 'continued, it ends');
    is(outcome(finish(send_word('next'))), '200 whole',
        '... and the next request works');
}

must_be_root();
install();
base('busybox');
IvleJail::Load::put_counter('alice');
ok($httpd->start, 'httpd starts') or diag $httpd->output;
check_queued_at_end();
check_silence();
is_deeply([IvleJail::Load::lines("$USERS/alice/home/alice/ran")],
    [qw(before queued after awake next)], 'each ran once, the lost one never');
ok($httpd->stop, 'httpd stops');
done_testing;
