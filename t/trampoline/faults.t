# SPDX-License-Identifier: Apache-2.0
#
# faults.t - each step at which the kernel can say no is made to fail: the
# start dies with its code and one line, nothing is left of it, no program
# ran, and the next start works
#
# The step is found in the trace of a start that works: the process's nth call
# of that name.  Where there are more calls than usual, because the number of
# a new mount namespace was too low (see numbers.t), the row is tried again.

use strict;
use warnings;

use Test::More;

use IvleJail::Instance;

use constant { ALICE => 76001, TRIES => 10,
    PATIENCE => IvleJail::Instance::PATIENCE };

my $i = IvleJail::Instance->new('tfaults');
$i->add_user(alice => ALICE);
my $TRACE = "$i->{dir}/trace";

# name of the step, system call, its arguments, what it answers, code.
# ":last", ":2" which such call, ":warm" with a jail that is pinned already.
my @STEPS = (
    # the nine that make and enter a jail
    [ 'unshare', 'unshare', 'CLONE_NEWNS', 'error=ENOSPC', 'UNSHARE' ],
    [ 'open_tree, base', 'open_tree', '\d', 'error=EPERM', 'OPEN_TREE' ],
    [ 'mount_setattr, base', 'mount_setattr', '.*RDONLY', 'error=EPERM',
      'MOUNT_SETATTR' ],
    [ 'move_mount, base', 'move_mount', '.*"/"', 'error=ENOSPC',
      'MOVE_MOUNT' ],
    [ 'pivot_root', 'pivot_root', '', 'error=EINVAL', 'PIVOT_ROOT' ],
    [ 'the pin', 'move_mount', '.*"alice"', 'error=EINVAL', 'PIN' ],
    [ 'setresuid', 'setresuid', ALICE, 'error=EAGAIN', 'IDS' ],
    [ 'capability drop:last', 'prctl', 'PR_CAPBSET_DROP', 'error=EPERM',
      'CAPS' ],
    [ 'execveat', 'execveat', '', 'error=ENOENT', 'EXEC' ],

    # before anything is trusted
    [ 'close_range', 'close_range', '3', 'error=EINVAL', 'INTERNAL' ],
    [ 'chdir', 'chdir', '"/"', 'error=EACCES', 'INTERNAL' ],
    [ 'setitimer', 'setitimer', '', 'error=EFAULT', 'INTERNAL' ],
    [ 'sigprocmask', 'rt_sigprocmask', 'SIG_SETMASK', 'error=EINVAL',
      'INTERNAL' ],
    [ 'setgid', 'setgid', '0', 'error=EPERM', 'IDS' ],
    [ 'setgroups', 'setgroups', '0', 'error=EPERM', 'IDS' ],
    [ 'setuid', 'setuid', '0', 'error=EPERM', 'IDS' ],
    [ 'capset', 'capset', '', 'error=EPERM', 'CAPS' ],
    [ 'getrlimit', 'prlimit64', '0, RLIMIT_CPU, NULL', 'error=EPERM',
      'LIMITS' ],
    (map { [ $_, $_, '', 'error=EPERM', 'LIMITS' ] } qw(sched_setscheduler
        setpriority sched_setaffinity ioprio_set personality keyctl)),
    [ 'timer slack', 'prctl', 'PR_SET_TIMERSLACK', 'error=EPERM', 'LIMITS' ],

    # what the instance has
    [ '/proc', 'openat', '.*"/proc", ', 'error=EACCES', 'INTERNAL' ],
    [ 'statfs /proc', 'fstatfs', '.*PROC_SUPER', 'error=EIO', 'INTERNAL' ],
    [ 'own namespace', 'openat', '.*"self/ns/mnt"', 'error=EMFILE',
      'INTERNAL' ],
    [ 'runtime directories', 'openat2', '.*"ivlejail"', 'error=EACCES',
      'RUNDIR' ],
    [ 'runtime directory', 'openat2', '.*"tfaults"', 'error=EACCES', 'KEEP' ],
    [ 'lock file', 'openat2', '.*"lock"', 'error=EACCES', 'KEEP' ],
    [ 'keep', 'openat2', '.*"keep"', 'error=EACCES', 'KEEP' ],
    [ 'setns, keep', 'setns', '\d+', 'error=EPERM', 'UNSHARE' ],
    [ 'pins', 'openat2', '.*"pins"', 'error=ENOENT', 'KEEP' ],
    [ 'policy', 'openat', '.*"policy"', 'error=EACCES', 'POLICY_MISSING' ],
    [ 'read the policy', 'read', '.*"ivlejail-policy', 'error=EIO',
      'POLICY_VALUE' ],
    [ 'lock', 'fcntl', '.*SETLKW', 'error=ENOLCK', 'LOCK' ],
    [ 'policy, again', 'newfstatat', '.*"policy"', 'error=ENOENT', 'KEEP' ],
    [ 'sockets, full', 'mkdirat', '.*0711', 'error=ENOSPC', 'SPACE' ],
    [ 'sockets', 'mkdirat', '.*0711', 'error=EACCES', 'RUNDIR' ],
    [ 'pins, full', 'mkdirat', '.*0700', 'error=ENOSPC', 'SPACE' ],
    [ 'socket to try', 'socket', 'AF_UNIX', 'error=EMFILE', 'SOCKET' ],
    [ 'setfsuid', 'setfsuid', '\d\d', 'error=EPERM', 'IDS' ],
    [ 'connect', 'connect', '', 'error=ENOMEM', 'SOCKET' ],
    [ 'socket to listen:last', 'socket', 'AF_UNIX', 'error=EMFILE',
      'SOCKET' ],

    # who it is and what is mounted
    [ 'users directory', 'openat2', '.*"users"', 'error=EIO', 'USER_DIR' ],
    [ "the user's directory:last", 'openat2', '.*"alice", .*O_DIRECTORY',
      'error=EIO', 'USER_DIR' ],
    [ 'statx', 'statx', '', 'error=EIO', 'USER_DIR' ],
    [ 'warden', 'openat2', '.*"warden"', 'error=EIO', 'HELPER' ],
    [ '/dev/null', 'openat', '.*"/dev/null"', 'error=ENFILE', 'INTERNAL' ],
    [ 'base image', 'openat2', '.*"bases"', 'error=EIO', 'BASE_UNTRUSTED' ],
    [ 'open_tree, last:last', 'open_tree', '', 'error=EPERM', 'PIN' ],
    [ 'mount_setattr, tmp:last', 'mount_setattr', '', 'error=EINVAL',
      'MOUNT_SETATTR' ],
    [ 'read the flags back:last', 'fstatfs', '', 'error=EIO',
      'MOUNT_SETATTR' ],
    [ 'flags that did not take', 'mount_setattr', '.*RDONLY', 'retval=0',
      'MOUNT_SETATTR' ],
    [ 'number of the namespace', 'ioctl', '.*(?:0x5, 0x8|MNTNS_ID)',
      'error=EPERM', 'UNSHARE' ],
    [ 'fchdir to the new root:2', 'fchdir', '', 'error=EACCES',
      'PIVOT_ROOT' ],
    [ 'umount the old root', 'umount2', '"\."', 'error=EBUSY',
      'PIVOT_ROOT' ],
    [ 'socketpair', 'socketpair', '', 'error=EMFILE', 'FORK' ],
    [ 'setsockopt', 'setsockopt', '', 'error=ENOMEM', 'FORK' ],
    [ 'other namespaces:warm', 'unshare', 'CLONE_NEWUTS|CLONE_NEWIPC',
      'error=ENOSPC', 'NAMESPACES' ],
    [ 'socket for the loopback interface', 'socket', 'AF_INET',
      'error=EMFILE', 'NAMESPACES' ],
    [ 'loopback interface', 'ioctl', '.*SIOCSIFFLAGS', 'error=EPERM',
      'NAMESPACES' ],
    [ 'fork', 'clone', '', 'error=EAGAIN', 'FORK' ],

    # in the process that becomes the warden
    [ 'setsid', 'setsid', '', 'error=EPERM', 'FORK' ],
    [ 'fsopen', 'fsopen', '', 'error=ENODEV', 'MOUNT' ],
    [ 'fsconfig', 'fsconfig', '', 'error=EINVAL', 'MOUNT' ],
    [ 'fsconfig, create:last', 'fsconfig', '', 'error=EPERM', 'MOUNT' ],
    [ 'fsmount', 'fsmount', '', 'error=EPERM', 'MOUNT' ],
    [ 'ambient set', 'prctl', 'PR_CAP_AMBIENT', 'error=EINVAL', 'CAPS' ],
    [ 'securebits', 'prctl', 'PR_SET_SECUREBITS', 'error=EPERM', 'CAPS' ],
    [ 'setresgid', 'setresgid', ALICE, 'error=EPERM', 'IDS' ],
    [ 'no_new_privs', 'prctl', 'PR_SET_NO_NEW_PRIVS', 'error=EINVAL',
      'CAPS' ],
    [ 'uid 0 comes back', 'setresuid', '.*-1, 0', 'retval=0', 'REGAIN' ],
    [ 'gid 0 comes back', 'setresgid', '.*-1, 0', 'retval=0', 'REGAIN' ],
    [ 'groups come back:last', 'setgroups', '0', 'retval=0', 'REGAIN' ],
    [ 'ids are unknown', 'getresuid', '', 'error=EFAULT', 'REGAIN' ],
    [ 'groups are left', 'getgroups', '', 'retval=1', 'REGAIN' ],
    [ 'no_new_privs is off', 'prctl', 'PR_GET_NO_NEW_PRIVS', 'retval=0',
      'REGAIN' ],
    [ 'securebits are off', 'prctl', 'PR_GET_SECUREBITS', 'retval=0',
      'REGAIN' ],
    [ 'bounding set is not empty:last', 'prctl', 'PR_CAPBSET_READ',
      'retval=1', 'REGAIN' ],
    [ 'pipe', 'pipe2', '', 'error=EMFILE', 'INTERNAL' ],
    [ 'descriptors:last', 'fcntl', '.*F_DUPFD', 'error=EMFILE', 'INTERNAL' ],
    [ 'dup2', 'dup2', '', 'error=EBADF', 'INTERNAL' ],
    (map { [ "execveat, $_", 'execveat', '', "error=$_", 'EXEC' ] }
        qw(EACCES ETXTBSY ENOEXEC ENOMEM EAGAIN)),
    [ 'execveat:warm', 'execveat', '', 'error=EACCES', 'EXEC' ],

    # what others see
    [ "the pin's file, full", 'openat', '.*O_CREAT', 'error=ENOSPC',
      'SPACE' ],
    [ "the pin's file", 'openat', '.*O_CREAT', 'error=EIO', 'PIN' ],
    [ 'the pin, full', 'move_mount', '.*"alice"', 'error=ENOSPC', 'SPACE' ],
    [ 'the old socket', 'unlinkat', '.*"alice"', 'error=EBUSY', 'SOCKET' ],
    [ 'bind, full', 'bind', '', 'error=ENOSPC', 'SPACE' ],
    [ 'bind', 'bind', '', 'error=EADDRINUSE', 'SOCKET' ],
    [ 'bind:warm', 'bind', '', 'error=EADDRINUSE', 'SOCKET' ],
    [ 'listen', 'listen', '', 'error=EADDRINUSE', 'SOCKET' ],
    [ 'fchownat', 'fchownat', '', 'error=EPERM', 'SOCKET' ],
    [ 'fchownat:warm', 'fchownat', '', 'error=EPERM', 'SOCKET' ],
    [ 'the go-ahead', 'sendto', '', 'error=EPIPE', 'FORK' ],
);

plan tests => @STEPS + 1;

# --- traces -----------------------------------------------------------------

# Starts under strace; {status, out, err, calls, executed}.  Calls have a
# number among those of their name and process, and whether they were hit.
sub trace {
    my ($injection) = @_;
    my $r = $i->start('alice', as_root => 1, wrap => [ 'strace', '-f',
        '-b', 'execve', '-o', $TRACE, $injection ? ('-e', $injection) : () ]);
    my %count;

    for my $line (IvleJail::Instance::lines_of($TRACE)) {
        my ($pid, $name, $arguments) = $line =~ /^(\d+) +(\w+)\((.*)/ or next;
        push @{ $r->{calls} }, { name => $name, arguments => $arguments,
            number => ++$count{$pid}{$name}, hit => scalar $line =~ /INJECTED/ };
    }
    $r->{executed} = grep { /execveat.*= 0/ }
        IvleJail::Instance::lines_of($TRACE);
    return $r;
}

# The number of the step's call among those of its name and process.
sub number_of {
    my ($step, $calls) = @_;
    my ($name, $call, $arguments) = @$step;
    my @found = grep { $_->{name} eq $call
        && $_->{arguments} =~ /^$arguments/ } @$calls;

    return undef if !@found;
    return $found[$name =~ /:last$/ ? -1 : $name =~ /:(\d)$/ ? $1 - 1 : 0]
        {number};
}

sub is_unusual {
    my ($calls) = @_;
    return grep { $_->{name} eq 'unshare'
        && $_->{arguments} =~ /^CLONE_NEWUTS\)/ } @$calls;
}

# A pinned jail without a warden, for those rows that need it.
sub prepare {
    my ($step) = @_;
    return if $step->[0] !~ /:warm$/;
    $i->start('alice');
    $i->kill_wardens;
}

# --- one row ----------------------------------------------------------------

# The calls of a start that works, which is all that changes.
sub usual_calls {
    my ($kind) = @_;
    my $calls;

    for (1 .. TRIES) {
        prepare([ "usual:$kind" ]);
        $calls = trace()->{calls};
        $i->timount('evict', 'alice');
        return $calls if !is_unusual($calls);
    }
    BAIL_OUT('no start without more calls than usual');
}

my %usual = map { $_ => usual_calls($_) } qw(cold warm);

# A start in which just this call got that answer; undef: it could not be hit.
sub start_with_fault {
    my ($step) = @_;
    my ($name, $call, undef, $answer) = @$step;
    my $number = number_of($step, $usual{ $name =~ /:warm$/ ? 'warm'
        : 'cold' }) or return undef;

    for (1 .. TRIES) {
        prepare($step);
        my $r = trace("inject=$call:$answer:when=$number");
        return $r if !is_unusual($r->{calls})
            && grep { $_->{hit} } @{ $r->{calls} };
        $i->timount('evict', 'alice');
    }
    return undef;
}

# What a pinned jail without a warden looks like.
sub is_left {
    my ($step) = @_;
    return $i->jails_left if $step->[0] !~ /:warm$/;
    IvleJail::Instance::wait_until(PATIENCE, sub { !%{ $i->processes } });
    my @jails = grep { !/^socket/ } $i->jails;
    return "@jails" eq 'pin default@0000abcd alice mount '
        . '/pins/default@0000abcd/alice' ? () : @jails;
}

my @mounts = $i->mounts;
for my $step (@STEPS) {
    my ($name, $call, undef, undef, $code) = @$step;
    my $r = start_with_fault($step);
    my @wrong = 'cannot be made to fail';

    if ($r) {
        @wrong = $i->not_refused($r, "CODE_$code");
        push @wrong, 'the warden was executed' if $r->{executed};
        push @wrong, map { "left: $_" } is_left($step);
        push @wrong, 'other mounts than before' if "@{[ $i->mounts ]}"
            ne "@mounts";
        push @wrong, map { "the next start: $_" }
            $i->not_started($i->start('alice'), 'alice');
    }
    is_deeply(\@wrong, [], "$name -> $code");
    $i->timount('evict', 'alice');
}
$i->finish;
