# SPDX-License-Identifier: Apache-2.0
#
# expiry.t - a jail that nobody used between two sweeps is gone after the
# second one, and no other
#
# The table: a history of one or two jails, step by step, with what each sweep
# must say.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use IvleJail::Instance;

use constant { ALICE => 76001, BOB => 76002, IDLE => 1,
    PATIENCE => IvleJail::Instance::PATIENCE };

my $i = IvleJail::Instance->new('texpiry');
$i->add_user(alice => ALICE);
$i->add_user(bob => BOB);
my $sleep = $i->add_program('alice', 'sleep', "#!/bin/sh\nexec sleep 600\n");
my @asking;

# --- steps ------------------------------------------------------------------

sub start { return [ start => @_ ] }

sub finished { return [ 'finished' ] }

sub marked { return [ sweep => "marked $_[0]" ] }

sub expired { return [ sweep => "expired $_[0]" ] }

sub busy { return [ sweep => "busy $_[0]" ] }

sub both { return [ sweep => @_ ] }

sub shell { return [ shell => @_ ] }

my %DO = (
    start => sub { $i->not_started($i->start($_[0]), $_[0]) },
    profile => sub { $i->seal(profile => "default $_[0]"); () },
    finished => sub { $i->kill_wardens ? () : 'the warden does not end' },
    runs => sub {
        my ($socket) = $i->start('alice')->{socket};
        push @asking, $i->ask_in_background($socket, $sleep);
        IvleJail::Instance::wait_until(PATIENCE,
            sub { grep { $_ eq 'busybox' } values %{ $i->processes } })
            ? () : 'it does not run';
    },
    sweep => sub {
        my %expected = (marked => 0, expired => 0, busy => 0,
            map { split } @_);
        my $said = $i->sweep;
        map { $said->{$_} == $expected{$_} ? ()
            : "$_ $said->{$_} instead of $expected{$_}" } sort keys %expected;
    },
    list => sub { "@{[ $i->list('pin') ]}" eq "@_" ? () : 'list' },
    shell => sub { IvleJail::Instance::run_ok('/bin/sh', '-c', @_); () },
);

# --- the table --------------------------------------------------------------

my @HISTORIES = (
    [ 'no jail', both() ],
    [ 'unused: gone after two sweeps', start('alice'), finished, marked(1),
      expired(1), both() ],
    [ 'used between the sweeps: stays', start('alice'), finished, marked(1),
      start('alice'), finished, marked(1), start('alice'), finished,
      marked(1), expired(1) ],
    [ 'a live warden: stays however many sweeps come', start('alice'),
      (busy(1)) x 6 ],
    [ 'a live warden that came between: stays', start('alice'), finished,
      marked(1), start('alice'), (busy(1)) x 3, finished, marked(1),
      expired(1) ],
    [ 'a running request: stays', [ 'runs' ], (busy(1)) x 6 ],
    [ 'asked for, but served by the live warden', start('alice'),
      start('alice'), busy(1), finished, marked(1), expired(1) ],
    [ 'each for itself', start('alice'), start('bob'), busy(2), finished,
      marked(2), start('bob'), both('expired 1', 'busy 1'), busy(1) ],
    [ 'an old generation goes, the new one stays', start('alice'), finished,
      [ profile => '0000abce' ], start('alice'), both('marked 1', 'busy 1'),
      both('expired 1', 'busy 1'), [ profile => '0000abcd' ] ],
    [ 'listing is not using', start('alice'), finished, marked(1),
      [ list => 'pin default@0000abcd alice' ], expired(1) ],
    [ 'nor is a copy of the namespace', start('alice'), finished, marked(1),
      shell('unshare -m true'), expired(1) ],
    [ 'nor is the mount table', start('alice'), finished, marked(1),
      shell('cat /proc/[0-9]*/mountinfo > /dev/null 2>&1 || true'),
      expired(1) ],
    [ 'expired and made again', start('alice'), finished, marked(1),
      expired(1), start('alice'), busy(1), finished, marked(1), expired(1) ],
);

plan tests => 2 * @HISTORIES + 9;

for my $history (@HISTORIES) {
    my ($name, @steps) = @$history;
    my @wrong;

    for my $number (1 .. @steps) {
        my ($step, @arguments) = @{ $steps[$number - 1] };
        push @wrong, map { "step $number, $step: $_" }
            $DO{$step}->(@arguments);
    }
    is_deeply(\@wrong, [], $name);
    $i->timount('evict', $_) for qw(alice bob);
    is_deeply([ $i->jails_left ], [], '... and nothing is left');
    waitpid $_, 0 for splice @asking;
}

# --- what belongs to a jail -------------------------------------------------

$i->start('alice');
$i->kill_wardens;
$i->sweep;
ok(-S "$i->{run}/sock/default\@0000abcd/alice", 'its socket is still there');
$i->sweep;
is_deeply([ glob "$i->{run}/sock/*" ], [],
    'it goes with the pin, and the empty directory, too');

$i->start('alice');
$i->kill_wardens;
$i->sweep;
my $lock = $i->try_lock;
is($i->sweep->{expired}, 1, 'while a start has the lock, the pin may go');
is_deeply([ $i->jails ], [ 'pin default@0000abcd alice',
    "socket $i->{run}/sock/default\@0000abcd/alice" ],
    'but no file is touched');
undef $lock;
$i->sweep;
is_deeply([ $i->jails_left ], [], 'they go with the next sweep');

# --- by itself ----------------------------------------------------------------

$i->seal(idle => IDLE);
my $begin = time;
$i->start('alice');
ok(IvleJail::Instance::wait_until(PATIENCE, sub { $i->all_have_ended }),
    'an idle warden ends by itself');
cmp_ok(time - $begin, '>=', IDLE, '... and not before its time');
$i->sweep for 1, 2;
is_deeply([ $i->jails_left ], [], 'then two sweeps suffice');
$i->finish;
