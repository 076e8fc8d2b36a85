# SPDX-License-Identifier: Apache-2.0
#
# kill.t - the trampoline, or the process that is to become the warden, is
# killed as it enters each of its system calls: the next start works, or two
# sweeps leave nothing
#
# Of those that it makes many times (rt_sigaction, one for each signal), one in
# sixteen; with IVLEJAIL_KILL=every, all of them, in a minute.

use strict;
use warnings;

use POSIX qw(dup2);
use Test::More;

use IvleJail::Instance;

use constant {
    ALICE => 76001,
    FEW => 4,                   # of one system call: each of them
    EVERY => ($ENV{IVLEJAIL_KILL} // '') eq 'every' ? 1 : 16,   # of many
    ANSWERS_FD => 20,           # of t/tools/step.c
    KILLED => 128 + 9,          # its exit status
};

my $i = IvleJail::Instance->new('tkill');
$i->add_user(alice => ALICE);

# {status, out, err, socket}
sub step {
    my ($who, $number, $answers) = @_;
    return $i->start('alice', as_root => 1,
        before => sub { dup2(fileno $answers, ANSWERS_FD) if $answers },
        wrap => [ IvleJail::Instance::tool('step'), $who, $number ]);
}

# The system calls of a start that works, of process 0 and of its child.  Some
# starts make more of them (see numbers.t): of several, the shortest.
sub calls {
    my @shortest;

    for (1 .. 5) {
        my $answers = IvleJail::Instance::tempfile();
        my @calls = ([], []);
        step(0, 0, $answers);
        $i->timount('evict', 'alice');
        for (split /\n/, IvleJail::Instance::slurp($answers)) {
            my ($who, $call) = split;
            push @{ $calls[$who] }, $call;
        }
        @shortest = @calls
            if !@shortest || @{ $calls[0] } < @{ $shortest[0] };
    }
    return @shortest;
}

# Which of them to try, as numbers from 1: each one of those that are few.
sub sample {
    my (@calls) = @_;
    my (%total, %seen);

    $total{$_}++ for @calls;
    return grep {
        my $call = $calls[$_ - 1];
        $total{$call} <= FEW || $seen{$call}++ % EVERY == 0
    } 1 .. @calls;
}

my $killed;

# What is wrong after a process was killed at that call.
sub try {
    my ($who, $number, $sweep) = @_;
    my $r = step($who, $number);
    my @wrong;

    if ($who == 0 && $r->{status} ne KILLED) {
        push @wrong, $i->not_started($r, 'alice');
    }
    if ($who == 1 && $r->{status} ne '0') {     # its parent says so
        push @wrong, $i->not_refused($r, 'CODE_FORK');
    }
    $killed += $r->{status} ne '0';
    if ($sweep) {
        $i->kill_wardens;       # one that lived, and a child that is about to
        $i->sweep for 1, 2;
        push @wrong, map { "after two sweeps: $_" } $i->jails_left;
    }
    $r = $i->start('alice');
    push @wrong, map { "the next start: $_" } $i->not_started($r, 'alice');
    push @wrong, 'several of them'
        if 1 != (() = $i->pins) || 1 != (() = $i->warden_pids);
    push @wrong, 'it does not answer' if !$i->report($r->{socket}, 'alice');
    $i->timount('evict', 'alice');
    push @wrong, map { "after the eviction: $_" } $i->jails_left;
    return map { "call $number: $_" } @wrong;
}

$i->start('alice');
$i->timount('evict', 'alice');
my @calls = calls();
my @names = ('the trampoline', 'the process that is to become the warden');
for my $who (0, 1) {
    my @sample = sample(@{ $calls[$who] });
    my ($tried, @wrong) = (0);

    $killed = 0;
    for my $number (@sample) {
        push @wrong, try($who, $number, $tried++ % 3 == 0);
    }
    diag "$names[$who]: killed $killed times in " . @{ $calls[$who] }
        . ' calls';
    is_deeply(\@wrong, [], "$names[$who] is killed at many calls");
    cmp_ok($killed, '>', 0.9 * @sample, '... and nearly always killed');
}
$i->finish;
done_testing();
