# SPDX-License-Identifier: Apache-2.0
#
# many.t - a thousand jails are made, go idle and expire; then all is as before

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Instance;

use constant { JAILS => 1000, AT_ONCE => 8, FIRST_UID => 77001,
    PATIENCE => 300 };

my $i = IvleJail::Instance->new('tmany');
$i->seal(idle => 1);

# Mounts, files, processes and open files of the whole machine; the last two
# are other people's, too.
sub count_all {
    my ($files) = IvleJail::Instance::lines_of('/proc/sys/fs/file-nr');
    my @processes = grep { !IvleJail::Instance::has_ended(m{(\d+)}) }
        glob '/proc/[0-9]*';

    return { mounts => [ $i->mounts ], files => [ glob "$i->{run}/*" ],
        sockets => [ $i->sockets ], pins => [ $i->pins ],
        keep => [ $i->keep_mounts ], ours => $i->processes,
        processes => scalar(@processes), open => $files =~ /^(\d+)/ };
}

sub fork_trampoline {
    my ($user) = @_;
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        $i->exec_trampoline($user);
    }
    return $pid;
}

# Starts all of them, some at a time; how many failed.
sub start_all {
    my @users = @_;
    my ($running, $failed) = (0, 0);

    while (@users || $running) {
        if (@users && $running < AT_ONCE) {
            fork_trampoline(shift @users);
            $running++;
            next;
        }
        wait;
        $running--;
        $failed++ if $? != 0;
    }
    return $failed;
}

my @users = map { $i->add_user("user$_", FIRST_UID + $_) } 1 .. JAILS;
my $before = count_all();
my $begin = time;

is(start_all(@users), 0, JAILS . ' jails are started');
diag sprintf '%d starts: %.1f s', JAILS, time - $begin;
is(scalar(() = $i->pins), JAILS, 'as many pins');
ok(IvleJail::Instance::wait_until(PATIENCE, sub { $i->all_have_ended }),
    'their wardens end');

my %swept = (marked => 0, expired => 0);
IvleJail::Instance::wait_until(PATIENCE, sub {
    my $start = time;
    my $now = $i->sweep;
    diag sprintf '%d marked, %d expired: %.0f ms', @$now{qw(marked expired)},
        1000 * (time - $start);
    $swept{$_} += $now->{$_} for keys %swept;
    return $swept{expired} >= JAILS;
});
is($swept{marked}, JAILS, 'sweeps mark them');
is($swept{expired}, JAILS, '... and the next ones expire them');

# Other people's come and go.
my $after;
IvleJail::Instance::wait_until(PATIENCE, sub {
    $after = count_all();
    !grep { $after->{$_} >= $before->{$_} + JAILS / 4 } qw(processes open)
});
is_deeply($after->{$_}, $before->{$_}, "$_ as before")
    for qw(mounts files sockets pins keep ours);
cmp_ok($after->{processes}, '<', $before->{processes} + JAILS / 4,
    'processes as before');
cmp_ok($after->{open}, '<', $before->{open} + JAILS / 4,
    'open files as before');
$i->finish;
done_testing();
