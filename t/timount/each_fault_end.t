# SPDX-License-Identifier: Apache-2.0
#
# each_fault_end.t - every system call of evict and of stop, from its trace,
# is made to fail in each way it can: either it says so, or what it should end
# has ended and is not mounted any more; no jail is entered that nobody knows
# of; nothing else is touched; and doing it once more completes it

use strict;
use warnings;

use Test::More;

use IvleJail::Instance;
use IvleJail::Sweeper;

IvleJail::Instance::have_own_processes();
my $sweeper = IvleJail::Sweeper->new('ttend');
my $i = $sweeper->instance;

# After a fault no warden runs in a jail that has no pin, and whoever starts is
# in one as ever, or is refused.
sub wrong_after {
    my ($user) = @_;
    my @unknown = $sweeper->unknown_wardens;
    my $r = $i->start($user);

    return @unknown, map { "a start thereafter: $_" } $r->{status} eq '0'
        ? $i->not_started($r, $user)
        : ($r->{err} =~ /\Atrampoline: IJ2\d+: [^\n]+\n\z/ ? () : $r->{err},
           $r->{out} eq '' ? () : $r->{out});
}

sub evicted {
    return $sweeper->wrong_without('bob', 1);
}

# The policy must be gone for those, too, who have read it and wait for the
# lock.
sub stopped {
    my ($fault) = @_;
    my @left = ($i->mounts, grep { -e } $i->{run});

    IvleJail::Instance::wait_until(IvleJail::Instance::PATIENCE,
        sub { !$sweeper->running });
    push @left, 'warden' if $sweeper->running;
    push @left, 'the policy'
        if $fault && $fault->{name} eq 'unlinkat' && $fault->{nth} == 1;
    return map { "left: $_" } @left;
}

$sweeper->have('alice');
$sweeper->each_call_fails(
    name => 'evict', arguments => [ 'evict', 'bob' ],
    before => sub { $sweeper->have('bob') },
    done => \&evicted,
    after => sub { (wrong_after('bob'),
        do { $i->timount('evict', 'bob'); () },
        evicted(), $sweeper->wrong_with_alice) });
$sweeper->each_call_fails(
    name => 'stop', arguments => [ 'stop' ],
    before => sub { $i->timount('start'); $i->seal(idle => 3600);
        $sweeper->have('alice'); $sweeper->have_unused('bob') },
    done => \&stopped,
    after => sub { (wrong_after('alice'), do { $i->timount('stop'); () },
        stopped()) });
$sweeper->finish;
done_testing();
