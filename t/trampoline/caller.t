# SPDX-License-Identifier: Apache-2.0
#
# caller.t - whatever its caller prepares, the jail is as always, or the start
# is refused as it should be

use strict;
use warnings;

use Config;
use POSIX qw(:signal_h dup2 _exit);
use Test::More;
use Time::HiRes qw(setitimer ITIMER_REAL ITIMER_VIRTUAL ITIMER_PROF);

use IvleJail::Instance;

use constant {
    ALICE => 76001,
    LONG => 1000,               # one that fires is in lock.t
    NICE_MAX => 19, SCHED_BATCH => 3, SCHED_IDLE => 5,
    IOPRIO_PROCESS => 1, IOPRIO_IDLE => 3 << 13,
    KEYCTL_JOIN_SESSION_KEYRING => 1, KEY_SPEC_SESSION_KEYRING => -3,
    PR_SET_PDEATHSIG => 1, PR_SET_TSC => 26, PR_TSC_SIGSEGV => 2,
    PR_SET_TIMERSLACK => 29,
    PR_SET_CHILD_SUBREAPER => 36, PR_SET_THP_DISABLE => 41,
    PER_LINUX32 => 0x0008, UNAME26 => 0x0020000,
    ADDR_NO_RANDOMIZE => 0x0040000, READ_IMPLIES_EXEC => 0x0400000,
    SHORT_INODE => 0x1000000, STICKY_TIMEOUTS => 0x4000000,
};

my %RLIMITS = (CPU => 0, FSIZE => 1, DATA => 2, STACK => 3, CORE => 4,
    RSS => 5, NPROC => 6, NOFILE => 7, MEMLOCK => 8, AS => 9, LOCKS => 10,
    SIGPENDING => 11, MSGQUEUE => 12, NICE => 13, RTPRIO => 14, RTTIME => 15);

my $usual;                      # report of a jail without a hostile caller
my $i = IvleJail::Instance->new('tcaller');
$i->add_user(alice => ALICE);
my $PATH = "$i->{run}/sock/default\@0000abcd/alice";

# --- what a caller may prepare ------------------------------------------------

sub call {
    my ($name, @arguments) = @_;
    no strict 'refs';
    syscall("IvleJail::Instance::SYS_$name"->(), @arguments) >= 0
        or _exit(124);
}

sub signals_are {
    my ($handler) = @_;
    $SIG{$_} = $handler
        for grep { !/^(?:KILL|STOP|ZERO|NUM\d+|RT.*|CLD|IOT|POLL|UNUSED)$/ }
        split ' ', $Config{sig_name};
}

sub block_signals {
    my $all = POSIX::SigSet->new;
    $all->fillset;
    sigprocmask(SIG_BLOCK, $all);
}

sub limit {
    my ($name, $soft, $hard) = @_;
    my $number = $RLIMITS{$name};
    my $new = pack 'q2', $soft, $hard;
    call('prlimit64', 0, $number, $new, 0);
}

sub soft_limit {
    my ($name, $soft) = @_;
    my $old = pack 'q2', 0, 0;
    syscall(&IvleJail::Instance::SYS_prlimit64, 0, $RLIMITS{$name}, 0, $old);
    limit($name, $soft, (unpack 'q2', $old)[1]);
}

sub close_some {
    my ($bits) = @_;
    POSIX::close($_) for grep { $bits & 1 << $_ } 0 .. 2;
}

sub open_many {
    for (1 .. 200) {
        my $fd = POSIX::open('/dev/null', POSIX::O_RDWR());
        dup2($fd, $fd + 200) or _exit(124);     # without close-on-exec
    }
}

sub hostile_environment {
    my $evil = $i->home('alice') . '/evil.so';
    %ENV = (LD_PRELOAD => $evil, LD_LIBRARY_PATH => $i->home('alice'),
        LD_AUDIT => $evil, LD_DEBUG => 'all', LD_BIND_NOW => 1,
        LD_SHOW_AUXV => 1, GLIBC_TUNABLES => 'glibc.malloc.check=3:' .
        'glibc.malloc.perturb=85:glibc.rtld.optional_static_tls=0',
        MALLOC_CHECK_ => 3, MALLOC_PERTURB_ => 85, MALLOC_TRACE => '/tmp/x',
        GCONV_PATH => '/tmp', LOCPATH => '/tmp', LANG => 'xx_XX.UTF-8',
        LC_ALL => '../../tmp/x', TZ => ':/tmp/x', TMPDIR => '/tmp',
        PATH => '/tmp:.', IFS => '/', ENV => '/tmp/x', BASH_ENV => '/tmp/x',
        HOME => '/tmp', 'BASH_FUNC_id%%' => '() { :; }', '' => 'x', A => '',
        RESOLV_HOST_CONF => '/tmp/x', HTTP_PROXY => 'http://evil/',
        map { ("X$_" => 'x' x 1000) } 1 .. 500);
}

sub deleted_directory {
    my $directory = "/tmp/tcaller-$$";
    mkdir $directory or _exit(124);
    chdir $directory or _exit(124);
    rmdir $directory or _exit(124);
}

sub keyring_with_key {
    my ($type, $name, $secret) = qw(user tcaller-secret secret);
    call('keyctl', KEYCTL_JOIN_SESSION_KEYRING, 0);
    call('add_key', $type, $name, $secret, length $secret,
        KEY_SPEC_SESSION_KEYRING);
}

# Not on every architecture, and an error there.
sub no_time_stamps {
    syscall(&IvleJail::Instance::SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV);
}

sub affinity {
    my $first = pack 'Q', 1;
    call('sched_setaffinity', 0, length $first, $first);
}

sub scheduler {
    my ($policy) = @_;
    my $priority = pack 'i', 0;
    call('sched_setscheduler', 0, $policy, $priority);
}

# --- the table: each must make no difference ------------------------------------

my @CASES = (
    [ 'a real timer', sub { setitimer(ITIMER_REAL, LONG, LONG) } ],
    [ 'a virtual timer', sub { setitimer(ITIMER_VIRTUAL, 1, 1) } ],
    [ 'a profiling timer', sub { setitimer(ITIMER_PROF, 1, 1) } ],
    [ 'all signals ignored', sub { signals_are('IGNORE') } ],
    [ 'all signals blocked', \&block_signals ],
    [ 'all signals ignored and blocked',
      sub { signals_are('IGNORE'); block_signals() } ],
    [ 'nice 19', sub { POSIX::nice(NICE_MAX) } ],
    [ 'SCHED_IDLE', sub { scheduler(SCHED_IDLE) } ],
    [ 'SCHED_BATCH', sub { scheduler(SCHED_BATCH) } ],
    [ 'one CPU', \&affinity ],
    [ 'idle I/O priority',
      sub { call('ioprio_set', IOPRIO_PROCESS, 0, IOPRIO_IDLE) } ],
    [ 'umask 0', sub { umask 0 } ],
    [ 'umask 0777', sub { umask 0777 } ],
    [ 'a deleted directory', \&deleted_directory ],
    [ 'oom_score_adj 1000', sub { }, wrap => [ '/bin/sh', '-c',
      'echo 1000 > /proc/self/oom_score_adj && exec "$@"', 'sh' ] ],
    [ 'a session keyring with a key', \&keyring_with_key ],
    [ '200 open descriptors', \&open_many ],
    [ 'a hostile environment', \&hostile_environment ],
    [ 'no environment', sub { %ENV = () } ],
    [ 'timer slack', sub { call('prctl', PR_SET_TIMERSLACK, 10 ** 9) } ],
    [ 'no huge pages', sub { call('prctl', PR_SET_THP_DISABLE, 1, 0, 0, 0) } ],
    [ 'no time stamp counter', \&no_time_stamps ],
    [ 'a subreaper', sub { call('prctl', PR_SET_CHILD_SUBREAPER, 1) } ],
    [ 'a signal at the death of the parent',
      sub { call('prctl', PR_SET_PDEATHSIG, 9) } ],
    (map {
        my ($name, $bits) = @$_;
        [ "personality $name", sub { call('personality', $bits) } ]
    }   [ ADDR_NO_RANDOMIZE => ADDR_NO_RANDOMIZE ],
        [ READ_IMPLIES_EXEC => READ_IMPLIES_EXEC ], [ UNAME26 => UNAME26 ],
        [ PER_LINUX32 => PER_LINUX32 ], [ SHORT_INODE => SHORT_INODE ],
        [ STICKY_TIMEOUTS => STICKY_TIMEOUTS ]),
    (map {
        my $bits = $_;
        my @closed = grep { $bits & 1 << $_ } 0 .. 2;
        [ "closed: @closed", sub { close_some($bits) } ]
    } 1 .. 7),
    (map {
        my ($name, $soft) = @$_;
        [ "soft limit $name $soft", sub { soft_limit($name, $soft) } ]
    }   [ CPU => 1 ], [ FSIZE => 0 ], [ DATA => 1 << 20 ],
        [ STACK => 256 << 10 ], [ CORE => 0 ], [ NPROC => 0 ],
        [ NOFILE => 3 ], [ MEMLOCK => 0 ], [ AS => 8 << 20 ],
        [ SIGPENDING => 0 ], [ MSGQUEUE => 0 ], [ RTTIME => 1 ]),
);

# RSS and LOCKS are not here: Linux ignores them.

# Without CAP_SYS_RESOURCE a hard limit cannot be raised again: then the jail
# is as always but for that, or the start fails and says so.
my @HARD = map { my ($name, $hard) = @$_; [ "hard limit $name $hard",
        sub { limit($name, $hard, $hard) }, $name ] }
    [ CPU => 1 ], [ FSIZE => 0 ], [ DATA => 1 << 20 ], [ STACK => 256 << 10 ],
    [ CORE => 0 ], [ NPROC => 0 ], [ NOFILE => 3 ], [ NOFILE => 10 ],
    [ NOFILE => 20 ], [ NOFILE => 34 ], [ NOFILE => 64 ], [ MEMLOCK => 0 ],
    [ AS => 8 << 20 ], [ SIGPENDING => 0 ], [ MSGQUEUE => 0 ],
    [ RTTIME => 1 ];

my $MAY_RAISE = hex(substr(IvleJail::Instance::status_of($$)->{CapBnd}, 8)) >> 24 & 1;

plan tests => 2 * @CASES + 2 * @HARD + 8;

# --- comparing ------------------------------------------------------------------

# All that is to be known about the jail; undef: there is none.  The warden
# when it is ready, but before it has a connection that it has yet to close.
sub whole_report {
    my ($warden) = $i->warden_pids or return undef;
    IvleJail::Instance::wait_until(IvleJail::Instance::PATIENCE, sub {
        grep { (readlink // '') =~ /eventpoll/ } glob "/proc/$warden/fd/*"
    });
    my $outside = IvleJail::Instance::report_of($warden);
    my $inside = $i->report($PATH, 'alice') or return undef;
    return { warden => IvleJail::Instance::steady($outside),
        program => IvleJail::Instance::steady($inside) };
}

sub flat {
    my ($prefix, $data) = @_;
    return map { flat("$prefix.$_", $data->{$_}) } keys %$data
        if ref $data eq 'HASH';
    return ($prefix => ref $data ? join("\n", sort @$data) : $data);
}

# Where two reports differ: "name: value" of the first one.
sub differences {
    my %is = flat('', $_[0]);
    my %should = flat('', $_[1]);
    return map { my $name = $_; my %usual = map { $_ => 1 }
        split /\n/, $should{$name} // '';
        map { "$name: $_" } grep { !$usual{$_} } split /\n/, $is{$name} // ''
    } sort keys %is;
}

# How the jail differs from the usual one, both ways.
sub unusual {
    my $report = whole_report() or return 'no jail';
    return (differences($report, $usual), differences($usual, $report));
}

$i->start('alice');
$usual = whole_report() or BAIL_OUT('no jail without a hostile caller');
$i->timount('evict', 'alice');
$i->start('alice');
is_deeply([ unusual() ], [],
    'two usual jails are the same');
$i->timount('evict', 'alice');

for my $case (@CASES) {
    my ($name, $prepare, @option) = @$case;
    my $r = $i->start('alice', before => $prepare, @option);
    is($r->{status} . $r->{err}, '0', "$name: it starts");
    is_deeply([ unusual() ], [], '... a jail as always');
    $i->timount('evict', 'alice');
}

for my $case (@HARD) {
    my ($name, $prepare) = @$case;
    my $r = $i->start('alice', before => $prepare);
    my @wrong;

    if ($r->{status} eq '0') {
        push @wrong, grep { $MAY_RAISE || !/limit/ } unusual();
        @wrong = () if !$MAY_RAISE && "@wrong" eq 'no jail';
        $i->timount('evict', 'alice');
    }
    elsif ($r->{status} !~ /^(?:signal|125)/) {
        push @wrong, "not one line: $r->{err}"
            if $r->{err} !~ /\A(?:trampoline:\ warning:\ .*\n)*
                trampoline:\ IJ2\d{3}:\ .*\n\z/x;
        push @wrong, $i->jails_left;
    }
    is_deeply(\@wrong, [], "$name: as always, or refused ($r->{status})");
    is_deeply([ $i->not_started($i->start('alice'), 'alice') ], [],
        '... and the next start works');
    $i->timount('evict', 'alice');
}

# --- arguments that are none ------------------------------------------------------

my $r = IvleJail::Instance::run(sub {
    IvleJail::Instance::become_httpd();
    exec { $i->{trampoline} } '', 'tcaller', 'default', 'alice' or _exit(125);
});
is($r->{status} . $r->{err}, '0', 'an empty name of the program: it starts');
is_deeply([ unusual() ], [], '... a jail as always');
$i->timount('evict', 'alice');

$r = IvleJail::Instance::run(sub {
    IvleJail::Instance::become_httpd();
    my $path = $i->{trampoline};
    syscall(&IvleJail::Instance::SYS_execve, $path, 0, 0);
    _exit(125);
});
is_deeply([ $i->not_refused($r, 'CODE_USAGE') ], [], 'no argument at all');
is_deeply([ $i->jails_left ], [], '... no jail');

# --- signals at any moment ----------------------------------------------------------

use constant { ROUNDS => 160, LONGEST => 0.003 };

# Starts, and sends a signal after some time, both as httpd's User; SIGSTOP is
# undone when the next start has been tried.
sub start_and_signal {
    my ($signal, $delay) = @_;
    pipe my $go_on, my $to_child or die "pipe: $!";
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        close $to_child;        # or a child that is stopped has it, too
        my $child = fork // _exit(124);
        $i->exec_trampoline('alice') if $child == 0;
        IvleJail::Instance::become_httpd();
        Time::HiRes::sleep($delay);
        my $arrived = kill $signal => $child;
        sysread $go_on, my $nothing, 1;
        kill CONT => $child;
        waitpid $child, 0;
        _exit($arrived && $? & 127 ? 1 : 0);
    }
    return ($pid, $to_child);
}

my ($killed, @wrong) = (0);
my @signals = qw(STOP KILL TERM INT HUP QUIT ALRM XCPU);
for my $round (0 .. ROUNDS - 1) {
    my $signal = $signals[$round % @signals];
    my $delay = LONGEST * $round / ROUNDS;
    my ($pid, $go_on) = start_and_signal($signal, $delay);
    my $what = sprintf '%s after %.2f ms', $signal, 1000 * $delay;

    push @wrong, map { "$what: $_" } $i->not_started($i->start('alice'),
        'alice');
    close $go_on;
    waitpid $pid, 0;
    $killed += $? != 0;
    push @wrong, "$what: several"
        if 1 != (() = $i->pins) || 1 != (() = $i->warden_pids);
    push @wrong, map { "$what: $_" } unusual() if $round % 10 == 0;
    $i->timount('evict', 'alice');
}
push @wrong, map { "left: $_" } $i->jails_left;
is_deeply(\@wrong, [], ROUNDS . ' starts that get a signal at some moment');
cmp_ok($killed, '>', ROUNDS / 50, "some of which it does end: $killed");
$i->finish;
