# SPDX-License-Identifier: Apache-2.0
#
# each_fault.t - every system call of a start and of a sweep, from its trace,
# is made to fail in each way it can: it says so or has done its work, nothing
# that is in use is touched, and doing it once more completes it

use strict;
use warnings;

use Test::More;

use IvleJail::Instance;
use IvleJail::Sweeper;

IvleJail::Instance::have_own_processes();
my $sweeper = IvleJail::Sweeper->new('tteach');
my $i = $sweeper->instance;

sub swept {
    $i->sweep for 1, 2;
    return ($sweeper->wrong_with_alice, $sweeper->wrong_without('bob', 1));
}

sub begun {
    $i->timount('start');
    $i->seal(idle => 3600);
    $sweeper->have('alice');
    my @mounts = $i->mounts;
    return $sweeper->wrong_with_alice,
        2 == @mounts ? () : "mounted: @mounts";
}

$sweeper->have('alice');
$sweeper->each_call_fails(
    name => 'a sweep that marks', arguments => [ 'sweep' ],
    before => sub { $sweeper->have_unused('bob') }, after => \&swept);
$sweeper->each_call_fails(
    name => 'a sweep that unmounts', arguments => [ 'sweep' ],
    before => sub { $sweeper->have_unused('bob'); $i->sweep },
    after => \&swept);
$sweeper->each_call_fails(
    name => 'start again', arguments => [ 'start' ], before => sub { },
    after => sub { $i->timount('start'); $sweeper->wrong_with_alice });
$sweeper->each_call_fails(
    name => 'start', arguments => [ 'start' ],
    before => sub { $i->timount('stop') }, after => \&begun);
$sweeper->finish;
done_testing();
