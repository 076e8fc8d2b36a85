# SPDX-License-Identifier: Apache-2.0
#
# caller.t - whoever has taken over httpd's User can have the trampoline start
# a jail of the policy, and do nothing else with it
#
# What a caller inherits to it, one thing at a time, is in
# t/trampoline/caller.t; what it refuses, in t/trampoline/refusals.t.  Here is
# what an attacker does besides: at it while it runs, with it as a file, and
# around it.

use strict;
use warnings;

use POSIX qw(:signal_h :sys_wait_h _exit dup2 setsid);
use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Instance;

use constant {
    ALICE => 76001, STORMS => 30, DESCRIPTORS => 1000,
    PATIENCE => IvleJail::Instance::PATIENCE,
    NOFILE => 7, PR_SET_DUMPABLE => 4, PR_SET_MDWE => 65, TIOCSCTTY => 0x540e,
    TIOCSPTLCK => 0x40045431, TIOCGPTN => 0x80045430,
    REAL_TIME => 34,
};

# This file as a program: a caller with a terminal.
if (@ARGV && shift eq 'terminal') {
    terminal();
    IvleJail::Instance::become_httpd();
    exec @ARGV or _exit(125);
}

my $i = IvleJail::Instance->new('tattacked');
$i->add_user(alice => ALICE);
my $PATH = "$i->{run}/sock/default\@0000abcd/alice";
my @ARGUMENTS = ('tattacked', 'default', 'alice');
my $usual;                      # a program's report in a jail as it should be

# --- what must be so ----------------------------------------------------------

# Why there is not exactly one jail, as it should be, that was started by this.
sub unusual {
    my ($r) = @_;
    my @wrong = $i->not_started($r, 'alice');
    return @wrong if @wrong;
    push @wrong, 'not one pin' if 1 != (() = $i->pins);
    push @wrong, 'not one warden' if 1 != (() = $i->warden_pids);
    my $report = IvleJail::Instance::steady($i->report($PATH, 'alice'));
    push @wrong, map { "$_ differs" } grep {
        explain_one($report->{$_}) ne explain_one($usual->{$_})
    } sort keys %$usual;
    return @wrong;
}

sub explain_one { return join '', explain $_[0] }

# Why a start that came to nothing has done more than that.
sub more_than_refused {
    my ($r) = @_;
    my @wrong;
    push @wrong, "it did start: $r->{out}" if $r->{status} eq '0';
    push @wrong, "no line of ours: $r->{err}" if $r->{status} !~ /^signal/
        && $r->{err} !~ /\A(?:trampoline:\ warning:\ .*\n)*
            trampoline:\ IJ2\d{3}:\ .*\n\z/x;
    return @wrong, $i->jails_left;
}

sub clear_away {
    $i->timount('evict', 'alice');
    return $i->jails_left;
}

# One attack: the jail is as always; or, where that may be, nothing is there.
sub holds {
    my ($name, $may_be_refused, %start) = @_;
    my $r = $i->start('alice', %start);
    my @wrong = $may_be_refused && $r->{status} ne '0' ? more_than_refused($r)
        : unusual($r);
    my $how = $r->{status} eq '0' ? 'started' : "refused, $r->{status}";
    push @wrong, clear_away();
    push @wrong, map { "the next start: $_" } unusual($i->start('alice'));
    push @wrong, clear_away();
    is_deeply(\@wrong, [], "$name ($how)");
}

# --- what it inherits -----------------------------------------------------------

sub open_descriptors {
    my ($hard) = (unpack 'q2', limit_of(NOFILE))[1];
    my $most = $hard < DESCRIPTORS + 100 ? $hard : DESCRIPTORS + 100;
    my $new = pack 'q2', $most, $hard;
    syscall(&IvleJail::Instance::SYS_prlimit64, 0, NOFILE, $new, 0);
    my $fd = POSIX::open('/', POSIX::O_RDONLY());
    for my $number (3 .. $most - 1) {
        dup2($fd, $number) if $number != $fd;
    }
}

sub limit_of {
    my ($resource) = @_;
    my $old = pack 'q2', 0, 0;
    syscall(&IvleJail::Instance::SYS_prlimit64, 0, $resource, 0, $old);
    return $old;
}

# Blocked, sent, and so still there after the exec.
sub pending {
    my @signals = @_;
    return sub {
        my $set = POSIX::SigSet->new(@signals);
        sigprocmask(SIG_BLOCK, $set);
        kill $_ => $$ for @signals;
    };
}

sub small_limits {
    for my $limit ([0, 1], [1, 4096], [2, 1 << 20], [3, 128 << 10], [4, 0],
            [6, 0], [7, 8], [8, 0], [11, 0]) {
        my ($resource, $soft) = @$limit;
        my $new = pack 'q2', $soft,
            (unpack 'q2', limit_of($resource))[1];
        syscall(&IvleJail::Instance::SYS_prlimit64, 0, $resource, $new, 0);
    }
}

# As large as the kernel lets a caller make it.
sub huge_environment {
    %ENV = map { ("LD_X$_" => '/' x 120_000) } 1 .. 12;
    %ENV = (%ENV, LD_PRELOAD => '/tmp/x.so', LD_AUDIT => '/tmp/x.so',
        GCONV_PATH => '/tmp', LD_ORIGIN_PATH => '/tmp', NLSPATH => '/tmp/%N',
        GLIBC_TUNABLES => 'glibc.malloc.mxfast=' . '9' x 100_000,
        LIBCAP_DEBUG => 1, HOSTALIASES => '/etc/shadow');
}

sub terminal {
    setsid();
    open my $master, '+<', '/dev/ptmx' or _exit(124);
    my ($number, $unlocked) = (pack('i', 0), pack('i', 0));
    ioctl $master, TIOCSPTLCK, $unlocked or _exit(124);
    ioctl $master, TIOCGPTN, $number or _exit(124);
    my $slave = '/dev/pts/' . unpack 'i', $number;
    # /dev/pts may be root's alone: the caller has had it from somebody.
    sysopen my $tty, $slave, POSIX::O_RDWR() or _exit(124);
    ioctl $tty, TIOCSCTTY, 0;
    dup2(fileno $tty, 0);
    my $caller = $$;
    return if fork;
    open $_, '>', '/dev/null' for *STDOUT, *STDERR;
    close $tty;
    # there is a hangup as soon as the master is closed
    sleep 0.05 while getppid == $caller;
    _exit(0);
}

sub no_write_and_execute {
    syscall(&IvleJail::Instance::SYS_prctl, PR_SET_MDWE, 1, 0, 0, 0);
}

my @INHERITED = (
    [ DESCRIPTORS . ' descriptors of the root', 0, before => \&open_descriptors ],
    (map { [ "pending: $_->[0]", 1, before => pending(@{ $_->[1] }) ] }
        [ SIGTERM => [ SIGTERM ] ], [ SIGALRM => [ SIGALRM ] ],
        [ SIGHUP => [ SIGHUP ] ], [ SIGTSTP => [ SIGTSTP, SIGCONT ] ],
        [ SIGCHLD => [ SIGCHLD ] ], [ 'a real-time one' => [ REAL_TIME ] ]),
    [ 'all soft limits small at once', 0, before => \&small_limits ],
    [ 'a huge hostile environment', 0, before => \&huge_environment ],
    [ 'memory that is either written or executed', 1,
      before => \&no_write_and_execute ],
    [ 'a controlling terminal', 0, before => sub { }, as_root => 1,
      wrap => [ 'perl', "-I$IvleJail::Instance::ROOT/t/lib", $0, 'terminal' ] ],
);

# --- arguments ------------------------------------------------------------------

my @ARGUMENTS_TRIED = (
    [ '10,000 arguments', arguments => [ @ARGUMENTS, ('x') x 10_000 ] ],
    [ 'arguments of 100 kB', arguments => [ map { $_ x 10_000 } @ARGUMENTS ] ],
    (map { [ "an option: $_", arguments => [ $_, @ARGUMENTS ] ] }
        qw(-- -h --help --debug --policy=/tmp/x --no-seccomp -v)),
    (map { [ "for the instance: $_", arguments => [ $_, 'default', 'alice' ] ] }
        '/tmp/x', '../../tmp', 'tattacked/.', 'tattacked ', '%s%s%s%n'),
    (map { [ "for the user: $_", arguments => [ 'tattacked', 'default', $_ ] ] }
        'root', '0', '70001', 'alice/../bob', './alice', 'alice/home',
        '.uids', 'alic', 'alice2'),
);

# --- while it runs ----------------------------------------------------------------

# Runs code as httpd's User; its output.
sub as_httpd {
    my ($code) = @_;
    my $r = IvleJail::Instance::run(sub {
        IvleJail::Instance::become_httpd();
        $code->();
        _exit(0);
    });
    return $r->{out} . $r->{err};
}

# A start that waits for the lock: (pid, what was its memory before).
sub waiting_start {
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        $i->exec_trampoline('alice');
    }
    IvleJail::Instance::waits_for_lock($pid)
        or BAIL_OUT('no trampoline that waits');
    return $pid;
}

my @FILES = (map({ [ $_, '<' ] } qw(mem environ auxv maps exe)),
    map({ [ $_, '>' ] } qw(mem oom_score_adj coredump_filter clear_refs
        timerslack_ns)));
my @CALLS = qw(attach seize read descriptor limit);

# What httpd's User can do to a process: nothing, but for what is public.
sub reached {
    my ($pid) = @_;
    my $tool = IvleJail::Instance::tool('probe');
    my @reached = map { my $call = $_;
        as_httpd(sub { exec $tool, $call, $pid }) eq "done\n" ? $call : ()
    } @CALLS;
    push @reached, split /\n/, as_httpd(sub {
        for my $file (@FILES) {
            my ($name, $mode) = @$file;
            open my $opened, $mode, "/proc/$pid/$name" or next;
            syswrite STDOUT, "$mode$name\n"
                if $mode eq '<' || syswrite $opened, "1\n";
        }
        for my $name (qw(fd root cwd)) {
            syswrite STDOUT, "$name\n" if opendir my $opened, "/proc/$pid/$name/";
        }
        for my $signal (qw(STOP TERM KILL)) {
            syswrite STDOUT, "$signal\n" if kill $signal => $pid;
        }
        syswrite STDOUT, "priority\n" if POSIX::getpid() && setpriority(0, $pid, 19);
    });
    return @reached;
}

# The memory of a child from before its exec is no door to what it executes.
sub memory_from_before {
    return as_httpd(sub {
        syscall(&IvleJail::Instance::SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
        my $string = 'before the exec';
        my $address = unpack 'J', pack 'p', $string;
        pipe my $ready, my $go or _exit(1);
        my $pid = fork // _exit(2);
        if ($pid == 0) {
            close $go;
            sysread $ready, my $byte, 1;
            open STDOUT, '>', '/dev/null';
            exec $i->{trampoline}, @ARGUMENTS or _exit(125);
        }
        open my $memory, '+<', "/proc/$pid/mem" or _exit(3);
        sysseek $memory, $address, 0;
        sysread $memory, my $before, length $string;
        close $go;
        my $end = time + PATIENCE;
        sleep 0.01 while time < $end && -r "/proc/$pid/environ"
            && open my $environ, '<', "/proc/$pid/environ";
        sysseek $memory, $address, 0;
        my $n = sysread $memory, my $after, length $string;
        print "$before, then ", $n ? $after : 'nothing';
        close STDOUT;
        waitpid $pid, 0;
    });
}

# STOP and CONT as fast as one can, while one starts.
sub storm {
    my ($delay) = @_;
    return $i->start('alice', before => sub {
        my $pid = $$;
        return if fork;
        open $_, '>', '/dev/null' for *STDOUT, *STDERR;
        Time::HiRes::sleep($delay);
        1 while kill(STOP => $pid) && kill(CONT => $pid);
        _exit(0);
    });
}

# --- with it as a file ----------------------------------------------------------------

my $links = '/var/lib/ivlejail-tattacked/links';

sub link_helper {
    mkdir $links, 0777 or die "mkdir: $!";
    chmod 0777, $links;
    link $i->{trampoline}, "$links/trampoline" or die "link: $!";
    IvleJail::Instance::spew("$links/warden", "#!/bin/sh\ntouch $links/ran\n");
    chmod 0755, "$links/warden";
    symlink $i->{trampoline}, "$links/symbolic" or die "symlink: $!";
}

# What a www-data shell does with a setuid program that it may execute.
my $helper = $i->{trampoline};
my @FILE_ATTACKS = (
    [ 'a hard link of its own', qq(ln $helper /tmp/tattacked-link) ],
    [ 'a hard link in its directory', qq(ln $helper $links/own) ],
    [ 'writing it', qq(: >>$helper) ],
    [ 'another mode', qq(chmod 4777 $helper) ],
);

# Where it runs with no more than its caller has, it must come to nothing.
my @AROUND = (
    [ 'traced', 'strace', '-f', '-o', '/dev/null' ],
    [ 'as root of a user namespace', 'unshare', '-r' ],
    [ 'as root of user and mount namespaces', 'unshare', '-rm', 'sh', '-c',
      'mount -t tmpfs none /run && mkdir -p /run/ivlejail/tattacked && exec "$@"',
      'sh' ],
    [ 'as root of all namespaces', 'unshare', '-rmpfnuiC' ],
    [ 'without new privileges', 'setpriv', '--no-new-privs' ],
);

# --- all of it --------------------------------------------------------------------------

$i->start('alice');
$usual = IvleJail::Instance::steady($i->report($PATH, 'alice'));
clear_away();

holds(@$_) for @INHERITED;

for my $case (@ARGUMENTS_TRIED) {
    my ($name, @start) = @$case;
    my @wrong = more_than_refused($i->start('alice', @start));
    is_deeply(\@wrong, [], "refused: $name");
}

link_helper();
holds('a hard link of root\'s beside another warden', 0,
    program => "$links/trampoline");
holds('a symbolic link beside another warden', 0,
    program => "$links/symbolic");
ok(!-e "$links/ran", '... which never runs');
for my $case (@FILE_ATTACKS) {
    my ($name, $command) = @$case;
    like(as_httpd(sub { exec 'sh', '-c', "$command && echo done" }),
        qr/(?:not permitted|denied|text file busy)\n\z/i, "refused: $name");
}

like(as_httpd(sub { exec 'sh', '-c', "cp $helper $links/copy && echo done" }),
    qr/\Adone\n\z/, 'a copy can be made');
is_deeply([ $i->not_refused($i->start('alice', program => "$links/copy"),
    'CODE_NOT_SETUID'), $i->jails_left ], [], '... and does nothing');

for my $case (@AROUND) {
    my ($name, @wrap) = @$case;
    my $r = $i->start('alice', wrap => \@wrap);
    my @wrong = $r->{status} eq '0' ? 'it did start' : ();
    is_deeply([@wrong, $i->jails_left], [], "$name: refused ($r->{status})");
}
is_deeply([ unusual($i->start('alice')), clear_away() ], [],
    '... and the next start works');

my $lock = $i->try_lock or BAIL_OUT('the lock is taken');
my $waiting = waiting_start();
is_deeply([ reached($waiting) ], [], 'a start that runs cannot be reached');
ok(kill(0 => $waiting), '... and goes on');
undef $lock;
waitpid $waiting, 0;
is($?, 0, '... to its end');
is_deeply([ unusual($i->start('alice')), clear_away() ], [], '... as always');

is(memory_from_before(), 'before the exec, then nothing',
    'memory that was opened before the exec');
is_deeply([ unusual($i->start('alice')), clear_away() ], [], '... as always');

my @wrong;
for my $round (1 .. STORMS) {
    my $r = storm(0.004 * $round / STORMS);
    push @wrong, map { "round $round: $_" } unusual($r), clear_away();
}
is_deeply(\@wrong, [], STORMS . ' starts under storms of SIGSTOP and SIGCONT');

$i->finish;
done_testing;
