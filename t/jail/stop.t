# SPDX-License-Identifier: Apache-2.0
#
# stop.t - after a stop nothing is left, whatever ran: no mount in any
# namespace, no process, no file in /run

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use List::Util qw(min sum0);
use Test::More;
use Time::HiRes qw(time);

use IvleJail::Client;
use IvleJail::Httpd qw(runs);
use IvleJail::Test;

# alice may have two at a time: her third one waits in the queue.
my $CONFIG = <<'CONF';
GracefulShutdownTimeout 8
IvleJailMaxRequests 2 4
IvleJailLimit nproc 500
CONF

my $PROGRAM = <<'SH';
#!/bin/sh
test "$QUERY_STRING" != idle || exec echo "Status: 204

"
echo Content-Type: text/plain
echo
echo begun
sleep 1000 &
setsid sleep 1000 &
read -r line < /home/$REMOTE_USER/gate
kill %1
echo ended
SH

my @CASES = (
    # what, MPM, signal, who runs programs, whose come to their end, what the
    # clients hear
    ['nobody came', 'event', 'TERM', [], [], []],
    ['idle jails', 'worker', 'TERM', [qw(alice?idle bob?idle)], [],
        ['204 whole', '204 whole']],
    ['running programs and a queue', 'event', 'TERM',
        [qw(alice alice alice bob)], [],
        ['200 cut', '200 cut', '200 cut', '599 cut']],
    ['graceful-stop, one ends and one does not', 'prefork', 'WINCH',
        [qw(alice bob)], ['alice'], ['200 cut', '200 whole']],
);

my %gate;

sub begin_one {
    my ($httpd, $user, $query) = @_;
    my $request = begin($httpd, "/my/run.sh$query", user => $user);
    return $query eq '' ? $request : { answer => finish($request) };
}

# As many run as the limit lets: a shell and two others each.  What they have
# said is with their clients.
sub all_run {
    my ($requests, @running) = @_;
    my %of;
    $of{$_}++ for @running;
    my $count = sum0(map { min($_, 2) } values %of);
    my $clients = IO::Select->new(map { $_->{socket} // () } @$requests);
    return wait_until(60, sub {
        3 * $count == grep { / busybox$/ } @{ processes() } })
        && wait_until(60, sub { $count == (() = $clients->can_read(0)) });
}

# Whether httpd does not listen any more.
sub is_closed {
    my ($httpd) = @_;
    return !IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $httpd->{port});
}

sub stop {
    my ($httpd, $signal, @who_end) = @_;
    my $pid = $httpd->pid or die 'no httpd';
    my $start = time;
    kill $signal => $pid or die "kill: $!";
    wait_until(60, sub { is_closed($httpd) }) if @who_end;
    open_gate($gate{$_}) for @who_end;
    return wait_until(60, sub { !runs($pid) }) ? time - $start : undef;
}

sub check_stop {
    my ($what, $mpm, $signal, $who, $who_end, $heard) = @_;
    my $before = leftovers();
    my $httpd = IvleJail::Httpd->new(name => 'stop', mpm => $mpm,
        config => $CONFIG);
    ok($httpd->start, "$what: httpd starts") or diag $httpd->output;
    my @requests = map { begin_one($httpd, /^(\w+)(\??.*)$/) } @$who;
    ok(all_run(\@requests, grep { !/\?/ } @$who),
        "$what: who should run does");
    my $seconds = stop($httpd, $signal, @$who_end);
    ok(defined $seconds, "$what: httpd ends");
    diag sprintf '%s: %.1f s', $what, $seconds // -1;
    is_deeply([left_since($before)], [], "$what: nothing is left");
    is_deeply([sort map { outcome($_->{answer} // finish($_)) } @requests],
        $heard, "$what: the clients hear so");
}

must_be_root();
install();
base('busybox');
for my $user (qw(alice bob)) {
    put_program($user => 'web/run.sh', $PROGRAM);
    $gate{$user} = put_gate($user);
}
check_stop(@$_) for @CASES;
done_testing;
