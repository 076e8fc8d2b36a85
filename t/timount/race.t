# SPDX-License-Identifier: Apache-2.0
#
# race.t - starts, sweeps, evictions and wardens that end, all at the same
# time: no start fails, and no user has two jails

use strict;
use warnings;

use POSIX qw(_exit);
use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Instance;

use constant { SECONDS => 6, TIMES => 10, USERS => 12, STARTERS => 4,
    FIRST_UID => 77001, LOOK_SECONDS => 5 };

my $i = IvleJail::Instance->new('trace');
$i->seal(idle => 1);
my @users = map { $i->add_user("user$_", FIRST_UID + $_) } 1 .. USERS;
my $end = time + SECONDS;

# Does something again and again in a process of its own, until the end, and
# some times at least; what it returns is kept: "" for each time that all was
# well.
sub do_all_the_time {
    my ($what, $pause) = @_;
    my $out = IvleJail::Instance::tempfile();
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        srand $$;
        for (my $times = 0; time < $end || $times <= TIMES; $times++) {
            my @said = $what->();
            syswrite $out, join('', map { "$_\n" } @said) || "\n";
            sleep rand 2 * $pause if $pause;
        }
        _exit(0);
    }
    return { pid => $pid, out => $out };
}

sub some_user { return $users[rand @users] }

# The socket may be evicted as soon as it is there.
sub start_one {
    my $user = some_user();
    my $r = $i->start($user);
    return $r->{status} eq '0' && $r->{err} eq '' && $r->{socket} ? ()
        : "start $user: $r->{status} $r->{err}$r->{out}";
}

sub sweep {
    my $r = IvleJail::Instance::run(sub {
        exec "$i->{dir}/libexec/timount", $i->{name}, 'sweep' or _exit(125);
    });
    return $r->{status} eq '0' && $r->{err} eq '' ? ()
        : "sweep: $r->{status} $r->{err}";
}

sub evict_one {
    my $user = some_user();
    my $r = IvleJail::Instance::run(sub {
        exec "$i->{dir}/libexec/timount", $i->{name}, 'evict', $user
            or _exit(125);
    });
    return $r->{status} eq '0' && $r->{err} eq '' ? ()
        : "evict $user: $r->{status} $r->{err}";
}

# The fate of idle wardens, sooner.
sub end_one {
    my @pids = $i->warden_pids;
    kill KILL => $pids[rand @pids] if @pids;
    return;
}

sub wardens_of_users {
    my %wardens;
    push @{ $wardens{ (split)[2] =~ /^([^@]+)/ && $1 } }, $_
        for $i->list('warden');
    return \%wardens;
}

# While all of the lock is held nothing starts; a second warden may still end.
# For that there are half the seconds that a start waits for the lock.
sub look_for_two {
    my $lock = $i->try_lock or return;
    my ($wardens, @two);

    IvleJail::Instance::wait_until(LOOK_SECONDS, sub {
        $wardens = wardens_of_users();
        @two = grep { @{ $wardens->{$_} } > 1 } keys %$wardens;
        return !@two;
    });
    return map { "two wardens: @{ $wardens->{$_} }" } @two;
}

my %workers = (
    start => [ map { do_all_the_time(\&start_one) } 1 .. STARTERS ],
    sweep => [ do_all_the_time(\&sweep, 0.002) ],
    evict => [ do_all_the_time(\&evict_one, 0.1) ],
    end => [ do_all_the_time(\&end_one, 0.004) ],
    look => [ do_all_the_time(\&look_for_two, 0.05) ],
);

for my $kind (sort keys %workers) {
    my @said;
    for my $worker (@{ $workers{$kind} }) {
        waitpid $worker->{pid}, 0;
        is($?, 0, "$kind: the worker ends");
        push @said, split /\n/, IvleJail::Instance::slurp($worker->{out}), -1;
    }
    my @wrong = grep { $_ ne '' } @said;
    diag sprintf '%s: %d times', $kind, scalar @said;
    cmp_ok(scalar @said, '>', TIMES, "$kind: many times");
    is_deeply([ splice @wrong, 0, 10 ], [], '... and nothing went wrong');
}

is_deeply([ map { $i->not_started($i->start($_), $_) } @users ], [],
    'every user can start');
is(scalar(() = $i->pins), USERS, 'a pin each');
$i->kill_wardens;
$i->sweep for 1, 2;
is_deeply([ $i->jails_left ], [], 'after two sweeps nothing is left');
$i->finish;
done_testing();
