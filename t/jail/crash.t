# SPDX-License-Identifier: Apache-2.0
#
# crash.t - whatever is killed, the next request works and nothing runs on
# that nobody waits for: a child of httpd, the trampoline at any moment, the
# warden, the client, and httpd's root parent

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Instance;
use IvleJail::Test;

# Those of hers that were killed count as hers until init takes notice: nobody
# else may have her uid.
use constant { UID => 74601, ROUNDS => 60, MOST => 5, PATIENCE => 60 };

# One child that serves, so that it is known which one.
my $ONE_CHILD = <<'CONF';
StartServers 1
ServerLimit 1
MaxRequestWorkers 32
MinSpareThreads 1
MaxSpareThreads 32
IvleJailLimit nproc 500
CustomLog ${IJ_SERVER}/logs/children %P
CONF

# ... and one thread, so that its only child process is the trampoline.
my $ONE_THREAD = <<'CONF';
StartServers 1
ServerLimit 1
MaxRequestWorkers 1
MinSpareServers 1
MaxSpareServers 1
CustomLog ${IJ_SERVER}/logs/children %P
CONF

# When its warden was started, which tells one from the next.
my $QUICK = <<'SH';
#!/bin/sh
echo Content-Type: text/plain
echo
read -r stat < /proc/1/stat
set -- $stat
echo ${22}
SH

# With processes in its own group, and in a session that it has left.
my $SLOW = <<'SH';
#!/bin/sh
sleep 1000 &
setsid sleep 1000 &
if test "$QUERY_STRING" = begun; then
    echo Content-Type: text/plain
    echo
    echo first line
fi
echo > ../came
read -r line < ../gate
echo never said
SH

my $httpd = IvleJail::Httpd->new(name => 'crash', mpm => 'event',
    config => $ONE_CHILD);
my $single = IvleJail::Httpd->new(name => 'single', mpm => 'prefork',
    port => 2, config => $ONE_THREAD);

# --- who is there -----------------------------------------------------------

sub programs {
    return grep { / busybox$/ } @{ processes() };
}

sub wardens {
    my ($of) = @_;
    return map { /\@(\d+)$/ } $of->jails('warden');
}

# The child that has served the last request.
sub serving_child {
    my ($of) = @_;
    my ($pid) = slurp("$of->{dir}/logs/children") =~ /(\d+)\n\z/;
    return $pid;
}

sub quick {
    my ($of) = @_;
    return finish(begin($of, '/my/quick.sh', user => 'eve'));
}

sub begin_slow {
    my ($query) = @_;
    my $came = "$USERS/eve/home/eve/came";
    unlink $came;
    my $request = begin($httpd, "/my/slow.sh?$query", user => 'eve');
    ok(wait_until(60, sub { -e $came && programs() >= 3 }),
        'a program runs, and two others that it has started');
    return $request;
}

sub check_gone {
    my ($since) = @_;
    ok(wait_until(PATIENCE, sub { !programs() }), '... its programs go')
        or diag programs();
    diag sprintf '... within %.2f s', time - $since;
}

sub check_next {
    my ($what) = @_;
    is(outcome(quick($httpd)), '200 whole', "$what: the next request works");
    is(scalar wardens($httpd), 1, '... with one warden');
    is(scalar $httpd->jails('pin'), 1, '... in one jail');
}

# --- child, client, warden --------------------------------------------------

sub check_child {
    quick($httpd);
    my $child = serving_child($httpd);
    my $request = begin_slow('silent');
    kill KILL => $child or die "kill: $!";
    check_gone(time);
    is(outcome(finish($request)), '599 cut', '... its client hears nothing');
    check_next('child of httpd killed');
    isnt(serving_child($httpd), $child, '... served by another child');
}

sub check_client {
    my ($query) = @_;
    my $request = begin_slow($query);
    abandon($request);
    check_gone(time);
    check_next("client of a program that has $query gone");
}

sub check_warden {
    my ($query, $outcome) = @_;
    my $request = begin_slow($query);
    kill KILL => wardens($httpd) or die "kill: $!";
    check_gone(time);
    is(outcome(finish($request)), $outcome, '... its client hears so');
    check_next('warden killed');
}

# --- the trampoline ---------------------------------------------------------

# Begins a cold start and waits, without pausing, for the child process that
# is its trampoline.  Returns its pid (0: it was too quick), and the request.
sub catch_trampoline {
    my $end = time + 1;
    my ($child, $pids) = ($single->{child}, '');
    $single->ctl('jail', 'evict', 'eve');
    open(my $children, '<', "/proc/$child/task/$child/children")
        or die "children: $!";
    my $request = begin($single, '/my/quick.sh', user => 'eve');
    while ($pids eq '' && time < $end) {
        sysseek $children, 0, 0;
        sysread $children, $pids, 64;
    }
    return ($pids =~ /^(\d+) / ? $1 : 0, $request);
}

sub wait_exactly {
    my ($seconds) = @_;
    my $end = time + $seconds;
    1 while time < $end;
}

# How long a trampoline runs that nobody kills.
sub measure {
    my @times;
    while (@times < 9) {
        my ($pid, $request) = catch_trampoline();
        my $start = time;
        1 while $pid && kill 0, $pid;
        push @times, time - $start if $pid;
        finish($request);
    }
    return (sort { $a <=> $b } @times)[4];
}

# Kills the trampoline of a cold start.  Returns what the client hears.
sub kill_trampoline {
    my ($delay) = @_;
    my ($pid, $request) = catch_trampoline();
    wait_exactly($delay);
    kill KILL => $pid if $pid;
    return outcome(finish($request));
}

# All that could be left of a jail that nobody uses.
sub left {
    return ($single->jails('pin'), $single->jails('warden'),
        glob("/run/ivlejail/$single->{instance}/sock/*/*"),
        map { $_->[4] } IvleJail::Instance::keep_mounts(
            { run => "/run/ivlejail/$single->{instance}" }));
}

# One round of it.  Returns what the client hears, and what is wrong.
sub try_killing {
    my ($delay) = @_;
    my $heard = kill_trampoline($delay);
    my $next = outcome(quick($single));
    # whoever was to become the warden has the pin open until it is its turn
    # to notice that the trampoline has gone
    my @there;
    wait_until(PATIENCE, sub { @there = left(); @there <= 4 });
    return $heard if $heard =~ /^(?:200|503) whole$/ && $next eq '200 whole'
        && @there == 4;             # pin, warden, socket, mount
    return ($heard, sprintf '%.2f ms: %s, then %s: %s', 1000 * $delay,
        $heard, $next, join ', ', @there);
}

# A machine that is busy with other things lets many of them end unkilled:
# then it takes more.
sub check_trampoline {
    my $usual = measure();
    my (%heard, @wrong);
    my ($round, $killed) = (0, 0);
    while ($round < ROUNDS
           || ($killed < ROUNDS / 4 && $round < MOST * ROUNDS)) {
        # more of them early: it may be quicker than when it was measured
        my $part = $round++ % ROUNDS / ROUNDS;
        my ($heard, @fault) = try_killing(1.5 * $usual * $part ** 2);
        $heard{$heard}++;
        $killed++ if $heard eq '503 whole';
        push @wrong, @fault;
    }
    is_deeply(\@wrong, [], 'trampoline killed: the client hears 503 or the '
        . 'answer, the next request works, in one jail');
    cmp_ok($killed, '>=', ROUNDS / 4, '... 503 often enough');
    diag sprintf '%d killed within %.1f ms: %s', $round, 1500 * $usual,
        join ', ', map { "$heard{$_} times $_" } sort keys %heard;
}

# A start that is killed between bind(2) and chown(2) leaves a socket that is
# root's.  One that goes on shows it to other children of httpd for a moment.
sub check_not_given {
    $single->ctl('jail', 'evict', 'eve');
    quick($single);
    my ($socket) = glob "/run/ivlejail/$single->{instance}/sock/*/eve";
    kill KILL => wardens($single);
    chown 0, 0, $socket or die "$socket: $!";
    is(outcome(quick($single)), '200 whole',
        '... also where it had not given its socket away');
}

# Sweeps until nobody is in the way: a process that dies has no program any
# more by which processes() would know it, while it still holds the pin.
# Returns whether that came to be.
sub sweep_unhindered {
    return wait_until(PATIENCE, sub {
        $single->ctl('jail', 'sweep') =~ /^marked \d+, expired 0, busy 0$/m;
    });
}

# What a killed trampoline has left is a sweep's to clear.
sub check_sweep {
    my $usual = measure();
    my @left;
    $httpd->ctl('jail', 'evict', 'eve');
    for my $round (1 .. ROUNDS / 3) {
        kill_trampoline(1.5 * $usual * $round * 3 / ROUNDS);
        kill KILL => wardens($single);
        push @left, 'somebody who holds the pin' if !sweep_unhindered();
        $single->ctl('jail', 'sweep');
        push @left, left();
    }
    is_deeply(\@left, [], '... and two sweeps remove what it has left');
}

# --- the parent ---------------------------------------------------------------

# As an administrator does after that: the children would go on serving.
sub kill_httpd {
    my @all = ($httpd->pid || die('no httpd'), $httpd->children);
    kill KILL => @all;
    # httpd takes a pid that init has not collected for a living one
    wait_until(60, sub { !grep { kill 0, $_ } @all }) or die 'httpd lives';
}

sub check_parent {
    my $before = quick($httpd)->{content};
    kill_httpd();
    ok($httpd->start, 'parent of httpd killed: it can be started again')
        or diag $httpd->output;
    check_next('parent of httpd killed');
    is(quick($httpd)->{content}, $before, '... by the warden of before');
}

sub check_parent_and_keep {
    kill KILL => wardens($httpd);
    kill_httpd();
    run_quietly('umount', "/run/ivlejail/$httpd->{instance}/keep");
    ok($httpd->start, 'the same without the keep: it can be started again')
        or diag $httpd->output;
    check_next('the same without the keep');
}

must_be_root();
install();
base('busybox');
add_user(eve => UID);
put_program(eve => 'web/quick.sh', $QUICK);
put_program(eve => 'web/slow.sh', $SLOW);
put_gate('eve');
my $before = leftovers();
ok($_->start, "httpd $_->{instance} starts") or diag $_->output
    for $httpd, $single;
check_child();
check_client($_) for qw(silent begun);
check_warden(silent => '500 whole');
check_warden(begun => '200 cut');
quick($single);
$single->{child} = serving_child($single);
check_trampoline();
check_not_given();
check_sweep();
check_parent();
check_parent_and_keep();
ok($_->stop, "httpd $_->{instance} stops") for $httpd, $single;
is_deeply([left_since($before)], [], 'nothing is left');
remove_user('eve');
done_testing;
