# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Steps;

# How long the steps of a cold start take: the trampoline's system calls, as
# "perf record" has seen them, tell where one step ends and the next begins.
# perf adds two microseconds to each of its 600 calls; strace would add ten.
#
#   my @steps = titles();
#   my $times = steps_of(@command);     # [microseconds of each], or undef

use strict;
use warnings;

use Exporter qw(import);
use File::Temp qw(tempfile);

our @EXPORT_OK = qw(titles steps_of);

# Where a step ends: in which process, at the beginning or the end of which
# call, and of which one of that name.  Numbers of x86-64.
my %CALL = (execve => 59, fork => 56, open_tree => 428, unshare => 272,
    pivot_root => 155, umount => 166, execveat => 322, exit => 231);
my @STEPS = (
    ['reset, checks, policy, lock, the user\'s directories',
        qw(parent enter open_tree 1)],
    ['three trees cloned, made read-only and nosuid',
        qw(parent enter unshare 1)],
    ['mount namespace, the trees moved into it', qw(parent enter pivot_root 1)],
    ['pivot_root, the old root detached', qw(parent exit umount 1)],
    ['the namespace made a mount', qw(parent enter unshare 2)],
    ['pid, ipc, uts and network namespaces', qw(parent exit unshare 2)],
    ['fork', qw(child exit fork 1)],
    ['proc mounted, identity, pin and socket made',
        qw(child enter execveat 1)],
    ['the warden executed, its socket named', qw(parent enter exit 1)],
);

sub titles { return map { $_->[0] } @STEPS }

sub events_of {
    my @command = @_;
    my ($fh, $file) = tempfile(UNLINK => 1);
    system('sh', '-c', 'exec "$@" >/dev/null 2>&1', 'sh', 'perf', 'record',
        '-q', '-o', $file, '-e', 'raw_syscalls:sys_enter', '-e',
        'raw_syscalls:sys_exit', '--', @command) == 0 or return;
    open(my $in, '-|', 'sh', '-c',
        'perf script -i "$1" -F pid,time,event,trace 2>/dev/null', 'sh', $file)
        or return;
    return map { /^\s*(\d+)\s+(\d+\.\d+):\s+raw_syscalls:sys_(enter|exit):
        \s+NR\ (\d+)/x ? [$1, $2, $3, $4] : () } <$in>;
}

# The moment at which a step ends, or undef.
sub moment {
    my ($events, $parent, $step) = @_;
    my (undef, $who, $side, $call, $count) = @$step;
    for my $event (@$events) {
        next if ($event->[0] == $parent) != ($who eq 'parent')
            || $event->[2] ne $side || $event->[3] != $CALL{$call};
        return $event->[1] if !--$count;
    }
    return;
}

sub steps_of {
    my @events = sort { $a->[1] <=> $b->[1] } events_of(@_) or return;
    my $parent = $events[0][0];
    my @moments = ($events[0][1], map { moment(\@events, $parent, $_) } @STEPS);
    return if @moments != @STEPS + 1 || grep { !defined } @moments;
    return [map { ($moments[$_ + 1] - $moments[$_]) * 1e6 } 0 .. $#STEPS];
}

1;
