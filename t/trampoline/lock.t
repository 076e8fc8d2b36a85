# SPDX-License-Identifier: Apache-2.0
#
# lock.t - starts of one user wait for each other, not for ever, and nobody
# who is not root can keep one from ending, nor end it before its time

use strict;
use warnings;

use Fcntl qw(F_GETFL F_SETFL F_GETPIPE_SZ O_NONBLOCK);
use POSIX qw(:signal_h :sys_wait_h dup2 _exit);
use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Instance;

use constant { ALICE => 76001, LOCK_SECONDS => 10, TIMER => 3,
    FOR_EVER => 120, PATIENCE => IvleJail::Instance::PATIENCE };

# Signals that www-data sends to a start that waits: all that do something.
my @SIGNALS = qw(KILL STOP TERM INT HUP QUIT ALRM USR1 PIPE TSTP XCPU
    VTALRM);

my $i = IvleJail::Instance->new('tlock');
$i->add_user(alice => ALICE);
my $slow = IvleJail::Instance->new('tlockslow');
$slow->add_user(alice => ALICE);

# A start in the background: {pid, out, err, begin}; options as of start().
sub start_background {
    my ($instance, %option) = @_;
    my %start = (out => IvleJail::Instance::tempfile(),
        err => IvleJail::Instance::tempfile(), begin => time);

    $start{pid} = fork // die "fork: $!";
    if (!$start{pid}) {
        dup2(fileno $start{out}, 1);
        dup2(fileno $start{err}, 2);
        $instance->exec_trampoline('alice', %option);
    }
    return \%start;
}

# {status, out, err, seconds}
sub end_of {
    my ($start) = @_;
    my $out;

    waitpid $start->{pid}, 0;
    my %r = (status => $? & 127 ? 'signal ' . ($? & 127) : $? >> 8,
        seconds => time - $start->{begin},
        out => IvleJail::Instance::slurp($start->{out}),
        err => IvleJail::Instance::slurp($start->{err}));
    ($r{socket}) = $r{out} =~ m{\A(/run/ivlejail/\S+)\n\z};
    return \%r;
}

sub waits_for_lock {
    my ($start) = @_;
    return IvleJail::Instance::waits_for_lock($start->{pid});
}

# Until it writes into a pipe that is full, which it does for some seconds.
sub is_saying {
    my ($start) = @_;
    IvleJail::Instance::wait_until(PATIENCE, sub {
        IvleJail::Instance::call_of($start->{pid})
            == &IvleJail::Instance::SYS_write
            || IvleJail::Instance::has_ended($start->{pid});
    });
}

# What strace(1) has started, when it has stopped in setgid(2).
sub stopped_below {
    my ($start) = @_;
    my $stopped;

    IvleJail::Instance::wait_until(PATIENCE, sub {
        my ($pid) = IvleJail::Instance::lines_of(
            "/proc/$start->{pid}/task/$start->{pid}/children");
        ($stopped) = ($pid // '') =~ /^(\d+)/ or return 0;
        return IvleJail::Instance::call_of($stopped)
            == &IvleJail::Instance::SYS_setgid;
    }) or return;
    return $stopped;
}

# Sends them as httpd's User; the ones that arrived.
sub signals_from_httpd {
    my ($pid) = @_;
    my $r = IvleJail::Instance::run(sub {
        IvleJail::Instance::become_httpd();
        syswrite STDOUT, "$_\n" for grep { kill $_ => $pid } @SIGNALS;
        _exit(0);
    });
    return split /\n/, $r->{out};
}

# A pipe into which nobody can write a byte more.
sub full_pipe {
    pipe my $out, my $in or die "pipe: $!";
    fcntl $in, F_SETFL, fcntl($in, F_GETFL, 0) | O_NONBLOCK;
    1 while syswrite $in, 'x' x 4096;
    1 while syswrite $in, 'x';
    fcntl $in, F_SETFL, fcntl($in, F_GETFL, 0) & ~O_NONBLOCK;
    return ($out, $in);
}

# --- in the background: one that waits too long -----------------------------

my $slow_lock = $slow->try_lock;
my $too_long = start_background($slow);

# --- one that waits and then goes on ------------------------------------------

my $lock = $i->try_lock;
my $start = start_background($i);
ok(waits_for_lock($start), 'a start waits for the lock');
is_deeply([ signals_from_httpd($start->{pid}) ], [],
    'its caller cannot signal it any more');
sleep 0.3;
ok(!waitpid($start->{pid}, WNOHANG), 'it still waits');
undef $lock;
my $r = end_of($start);
is_deeply([ $i->not_started($r, 'alice') ], [], 'then it goes on');
$i->timount('evict', 'alice');

# --- one whose output nobody reads ----------------------------------------------

my %ends = (1 => 0, 2 => $i->codes->{CODE_USER_DIR}{status});
for my $fd (1, 2) {
    my ($out, $in) = full_pipe();
    $lock = $i->try_lock;
    $start = start_background($i, before => sub { dup2(fileno $in, $fd) });
    waits_for_lock($start);
    rename "$i->{dir}/users/alice/tmp", "$i->{dir}/users/alice/tmp.real"
        if $fd == 2;            # so that it has something to say
    undef $lock;
    is_saying($start);
    rename "$i->{dir}/users/alice/tmp.real", "$i->{dir}/users/alice/tmp";
    my $next = end_of(start_background($i));
    my $result = end_of($start);
    cmp_ok($result->{seconds}, '<', FOR_EVER,
        "descriptor $fd is a full pipe: it does not wait for ever");
    is($result->{status}, $ends{$fd}, '... but ends as it should');
    is_deeply([ $i->not_started($next, 'alice') ], [],
        '... and the next start works');
    $i->timount('evict', 'alice');
}

# --- one that was started with a timer ------------------------------------------

# It comes while the start is stopped, in a call of its own; before that it is
# ignored, or a late start would not come so far.
my @with_timer = ($^X, '-MTime::HiRes=setitimer,ITIMER_REAL', '-e',
    '$SIG{ALRM} = "IGNORE"; setitimer(ITIMER_REAL, shift); exec @ARGV', TIMER);
$start = start_background($i, as_root => 1,
    wrap => [ qw(strace -o /dev/null -e trace=setgid
        -e inject=setgid:signal=STOP:when=1), @with_timer ]);
my $stopped = stopped_below($start) or BAIL_OUT('no start that is stopped');
sleep TIMER;
ok(IvleJail::Instance::wait_until(PATIENCE, sub {
    kill CONT => $stopped;
    IvleJail::Instance::has_ended($stopped) }),
    'a start that was stopped goes on');
is_deeply([ $i->not_started(end_of($start), 'alice') ], [],
    "the caller's timer does not end it");
$i->timount('evict', 'alice');

# --- the one that waited too long -----------------------------------------------

$r = end_of($too_long);
is_deeply([ $slow->not_refused($r, 'CODE_LOCK') ], [],
    'a start that waits too long is refused');
cmp_ok($r->{seconds}, '>', LOCK_SECONDS - 1, 'not too early');
cmp_ok($r->{seconds}, '<', FOR_EVER, 'nor too late');
undef $slow_lock;
is_deeply([ $slow->jails_left ], [], 'and leaves nothing');
is_deeply([ $slow->not_started($slow->start('alice'), 'alice') ], [],
    'the next one works');

$_->finish for $i, $slow;
done_testing();
