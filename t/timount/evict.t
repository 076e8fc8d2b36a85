# SPDX-License-Identifier: Apache-2.0
#
# evict.t - evict and stop end whatever runs

use strict;
use warnings;

use Test::More;

use IvleJail::Instance;

use constant { ALICE => 76001, BOB => 76002, PROCESSES => 8 };

# Programs that do not want to end, or leave others behind.  In all, they are
# so many processes.
my %PROGRAMS = (
    sleeps => 'exec sleep 600',
    'ignores signals' => 'trap "" TERM INT HUP; sleep 600; sleep 600',
    'has a daemon' => 'setsid sh -c "sleep 600 & sleep 600" & sleep 600',
    'is stopped' => 'kill -STOP $$',
);

my $i = IvleJail::Instance->new('tevict');
$i->add_user(alice => ALICE);
$i->add_user(bob => BOB);
my @asking;

sub run_all {
    my ($user) = @_;
    my $socket = $i->start($user)->{socket};
    my $before = keys %{ $i->processes };

    for my $name (sort keys %PROGRAMS) {
        my $program = $i->add_program($user, $name =~ tr/ /-/r,
            "#!/bin/sh\n$PROGRAMS{$name}\n");
        push @asking, $i->ask_in_background($socket, $program);
    }
    return IvleJail::Instance::wait_until(IvleJail::Instance::PATIENCE,
        sub { keys %{ $i->processes } == $before + PROCESSES });
}

plan tests => 13;

ok(run_all('alice'), "alice's programs run");
ok(run_all('bob'), "so do bob's");
my $bobs = keys(%{ $i->processes }) / 2;
is($i->timount('evict', 'alice'), '', 'evict alice');
is(scalar(() = $i->warden_pids), 1, 'one warden is left');
is(keys %{ $i->processes }, $bobs, "and bob's programs, no other");
is_deeply([ $i->list('pin') ], [ 'pin default@0000abcd bob' ],
    "alice's pin is gone");
is_deeply([ map { m{([^/]+)$} } $i->sockets ], [ 'bob' ],
    'and her socket');
is($i->timount('evict', 'alice') . $i->timount('evict', 'nobody'), '',
    'who has none is as good as evicted');
is_deeply([ $i->not_started($i->start('alice'), 'alice') ], [],
    'alice can start again');

# A jail of an older generation, and one that was pinned but is not used.
$i->seal(profile => 'default 0000abce');
$i->start('alice');
is(scalar(() = $i->warden_pids), 3, 'a warden of each generation');
$i->timount('evict', 'alice');
is_deeply([ $i->list('pin') ], [ 'pin default@0000abcd bob' ],
    'evict takes all generations');

$i->timount('stop');
is_deeply([ $i->left ], [ "file $i->{dir}" ], 'stop leaves nothing');
waitpid $_, 0 for @asking;
$i->finish;
