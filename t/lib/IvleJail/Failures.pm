# SPDX-License-Identifier: Apache-2.0
package IvleJail::Failures;

# Each system call of a program, taken from a trace, and the ways in which it
# can fail: for the tests that make one call of a run fail (t/tools/step.c).
#
#   my @calls = calls(sub { run(before => $_[0], wrap => $_[1]) });
#   for my $fault (faults(@calls)) {        # {who, number, name, error}
#       run(wrap => [ wrap($fault) ]);
#   }
#
# And of a program that runs already:
#
#   my @calls = calls_of($pid, sub { request() });
#   my $struck = with_fault($pid, $fault, sub { request() });

use strict;
use warnings;

use Errno;
use Exporter qw(import);
use POSIX qw(dup2);

use IvleJail::Instance;

our @EXPORT_OK = qw(calls calls_of errors faults wrap with_fault named);

use constant {
    ANSWERS_FD => 20,           # of t/tools/step.c
    TRACES => 5,
    FEW => 4,                   # calls of one name: each with each error
    LOTS => 40,                 # more are for each process in /proc
    EVERY => 8,                 # of those, and of @MANY: one in so many
    MOMENT => 0.5,              # seconds for a call that is about to come
};

# Calls that make one thing for each signal, limit or capability: a sample.
my @MANY = qw(rt_sigaction capget capset prctl prlimit64);

# Calls that are not made to fail: there is no such failure.
my %NEVER = (
    alarm           => 'has no error',
    umask           => 'has no error',
    getuid          => 'has no error',
    geteuid         => 'has no error',
    setfsuid        => 'has no error; what it says is in faults.t',
    setfsgid        => 'has no error; what it says is in faults.t',
    close           => 'frees the descriptor, whatever it says',
    exit_group      => 'does not return',
    set_tid_address => 'has no error',
    rseq            => 'the C library can do without',
    set_robust_list => 'for mutexes, of which there are none',
    restart_syscall => "the kernel's own",
    rt_sigreturn    => 'does not return',
    getpid          => 'has no error',
);

# What each call may answer, where that is more than the usual.
my @OPEN = qw(EMFILE ENFILE ENOMEM EACCES EIO);
my %ERRORS = (
    (map { $_ => \@OPEN } qw(openat openat2)),
    (map { $_ => [qw(EPERM ENOMEM ENOSPC EINVAL)] } qw(mount mount_setattr
        move_mount fsopen fsconfig fsmount pivot_root)),
    open_tree    => [qw(EPERM ENOMEM EMFILE ENFILE ENOSPC)],
    umount2      => [qw(EPERM EBUSY ENOMEM EINVAL)],
    unshare      => [qw(EPERM ENOMEM ENOSPC EUSERS)],
    setns        => [qw(EPERM ENOMEM EINVAL)],
    (map { $_ => [qw(EAGAIN ENOMEM ENOSPC)] } qw(clone vfork)),
    execve       => [qw(ENOMEM EACCES ENOENT EAGAIN E2BIG ETXTBSY)],
    accept4      => [qw(EMFILE ENFILE ENOMEM ECONNABORTED EINTR EAGAIN)],
    recvmsg      => [qw(ENOMEM EAGAIN EINTR ECONNRESET)],
    sendmsg      => [qw(ENOBUFS ENOMEM EPIPE ETOOMANYREFS EAGAIN EINTR)],
    getsockopt   => [qw(ENOMEM)],
    memfd_create => [qw(EMFILE ENFILE ENOMEM)],
    epoll_ctl    => [qw(ENOMEM ENOSPC)],
    epoll_wait   => [qw(EINTR EINVAL)],
    wait4        => [qw(ECHILD EINTR)],
    kill         => [qw(EPERM ESRCH)],
    execveat     => [qw(ENOMEM EACCES ENOENT EAGAIN EIO)],
    socket       => [qw(EMFILE ENFILE ENOBUFS ENOMEM EACCES)],
    socketpair   => [qw(EMFILE ENFILE ENOBUFS)],
    pipe2        => [qw(EMFILE ENFILE)],
    bind         => [qw(EADDRINUSE ENOMEM ENOSPC EROFS EACCES)],
    listen       => [qw(EADDRINUSE)],
    connect      => [qw(ENOMEM EPERM)],
    setsockopt   => [qw(ENOMEM EPERM)],
    sendto       => [qw(EPIPE ENOBUFS ENOMEM)],
    read         => [qw(EIO EAGAIN ENOMEM)],
    pread64      => [qw(EIO ENOMEM)],
    write        => [qw(EIO ENOSPC EPIPE)],
    poll         => [qw(ENOMEM EINTR)],
    fcntl        => [qw(EMFILE EINVAL ENOLCK)],
    dup2         => [qw(EBADF EMFILE)],
    pidfd_open   => [qw(EMFILE ENFILE ENOMEM)],
    getdents64   => [qw(EIO ENOMEM)],
    (map { $_ => [qw(EIO EACCES ENOMEM)] } qw(newfstatat statx fstatfs
        fchdir chdir)),
    (map { $_ => [qw(ENOSPC EROFS EACCES EIO)] } qw(mkdirat unlinkat)),
    (map { $_ => [qw(EPERM ENOMEM EAGAIN)] } qw(setresuid setuid)),
    (map { $_ => [qw(ENOMEM)] } qw(brk mmap mprotect munmap)),
    fchownat     => [qw(EPERM EIO EROFS)],
    keyctl       => [qw(EDQUOT ENOMEM)],
);
my @USUAL = qw(EPERM EINVAL ENOMEM);

# Numbers of system calls as their names.
my %name_of = map { my $number = eval {
        no strict 'refs';
        &{"IvleJail::Instance::$_"}();
    }; defined $number ? ($number => s/^SYS_//r) : () }
    grep { /^SYS_/ } keys %IvleJail::Instance::;

# Of several traces, which code has written to a file, the shortest.
sub shortest {
    my ($trace) = @_;
    my @shortest;

    for (1 .. TRACES) {
        my $answers = IvleJail::Instance::tempfile();
        my @calls = ([], []);

        $trace->($answers);
        for (split /\n/, IvleJail::Instance::slurp($answers)) {
            my ($who, $call) = split;
            push @{ $calls[$who] }, $name_of{$call} // "call $call";
        }
        @shortest = @calls
            if !@shortest || @{ $calls[0] } < @{ $shortest[0] };
    }
    return @shortest;
}

# The names of the calls of the program and of its child: ([...], [...]).
# Some runs make more of them (see numbers.t).
sub calls {
    my ($run) = @_;

    return shortest(sub {
        my ($answers) = @_;
        $run->(sub { dup2(fileno $answers, ANSWERS_FD) },
            [ IvleJail::Instance::tool('step'), 0, 0 ]);
    });
}

# Lets step do what it says to a process while code runs; and a moment longer
# where that has not come yet.  Returns whether it has.
sub attached {
    my ($pid, $who, $what, $run, $answers) = @_;
    my $step = open(my $from, '-|') // die "fork: $!";

    if ($step == 0) {
        dup2(fileno $answers, ANSWERS_FD) if $answers;
        exec IvleJail::Instance::tool('step'), $who, $what, '-p', $pid
            or POSIX::_exit(125);
    }
    # not by <$from>: what follows is waited for
    sysread $from, my $line, length "attached\n";
    die "step does not attach to $pid" if $line ne "attached\n";
    $run->();
    my $bits = '';
    vec($bits, fileno $from, 1) = 1;
    $line = '';
    sysread $from, $line, 64 if select $bits, undef, undef, MOMENT;
    kill TERM => $step;
    close $from;
    return $line =~ /^struck/;
}

# As calls() does, of a process that runs.
sub calls_of {
    my ($pid, $run) = @_;

    return shortest(sub { attached($pid, 0, 0, $run, $_[0]) });
}

# The nth call of that name fails, however many others come before it.
sub with_fault {
    my ($pid, $fault, $run) = @_;
    no strict 'refs';
    my $error = &{"Errno::$fault->{error}"}();
    my $call = &{"IvleJail::Instance::SYS_$fault->{name}"}();

    return attached($pid, $fault->{who}, "$fault->{nth}:$error\@$call",
        $run);
}

# How such a call may fail: nothing, where it cannot.
sub errors {
    my ($name) = @_;
    return $NEVER{$name} ? () : @{ $ERRORS{$name} // \@USUAL };
}

# Few calls fail in each way; of many, each one in the next way.
sub faults_of {
    my ($who, @names) = @_;
    my %many = map { $_ => 1 } @MANY;
    my (%total, %seen, @faults);

    $total{$_}++ for @names;
    for my $number (1 .. @names) {
        my $name = $names[$number - 1];
        my @errors = errors($name) or next;
        my $few = $total{$name} <= FEW;
        my $nth = $seen{$name}++;

        next if !$few && ($many{$name} || $nth >= LOTS)
            && $nth % EVERY != 0;
        @errors = $errors[($many{$name} ? $nth / EVERY : $nth) % @errors]
            if !$few;
        push @faults, map { { who => $who, number => $number, name => $name,
            nth => $nth + 1, error => $_ } } @errors;
    }
    return @faults;
}

sub faults {
    my @calls = @_;
    return map { faults_of($_, @{ $calls[$_] }) } 0 .. $#calls;
}

# The command that makes a program meet a fault.
sub wrap {
    my ($fault) = @_;
    no strict 'refs';
    my $number = &{"Errno::$fault->{error}"}();

    return (IvleJail::Instance::tool('step'), $fault->{who},
        "$fault->{number}:$number");
}

sub named {
    my ($fault) = @_;
    return ("the program's ", "its child's ")[$fault->{who}]
        . "$fault->{name} $fault->{nth} (call $fault->{number}), "
        . $fault->{error};
}

1;
