# SPDX-License-Identifier: Apache-2.0
#
# simultaneous.t - many first starts at once make one jail per user

use strict;
use warnings;

use POSIX qw(_exit dup2);
use Test::More;
use Time::HiRes qw(time);

use IvleJail::Instance;

use constant { FIRST_UID => 77001, STARTS => 200, USERS => 50 };

my $i = IvleJail::Instance->new('tsimultaneous');

# Starts them all at the same moment; each is {user, status, out, err}.
sub start_at_once {
    my @users = @_;
    pipe my $gate, my $gate_keeper or die "pipe: $!";
    my @starts = map { { user => $_, map { $_ => IvleJail::Instance::tempfile()
        } qw(out err) } } @users;

    for my $start (@starts) {
        $start->{pid} = fork // die "fork: $!";
        next if $start->{pid};
        close $gate_keeper;
        dup2(fileno $start->{out}, 1);
        dup2(fileno $start->{err}, 2);
        sysread $gate, my $nothing, 1;      # until it is closed
        $i->exec_trampoline($start->{user});
    }
    close $gate_keeper;
    for my $start (@starts) {
        waitpid $start->{pid}, 0;
        $start->{status} = $?;
        $start->{$_} = IvleJail::Instance::slurp($start->{$_}) for qw(out err);
    }
    return @starts;
}

sub user { return "user$_[0]" }

$i->add_user(user($_) => FIRST_UID + $_) for 0 .. USERS - 1;

my @CASES = (
    [ STARTS . ' starts of one user', (user(0)) x STARTS ],
    [ USERS . ' users', map { user($_) } 0 .. USERS - 1 ],
    [ 'four starts of each', (map { user($_) } 0 .. USERS - 1) x 4 ],
);

plan tests => 7 * @CASES + 1;

for my $case (@CASES) {
    my ($name, @users) = @$case;
    my %users = map { $_ => 1 } @users;
    my $begin = time;
    my @starts = start_at_once(@users);

    diag sprintf '%s: %.2f s', $name, time - $begin;
    is_deeply([ grep { $_->{status} != 0 } @starts ], [], "$name: all succeed");
    is(join('', map { $_->{err} } @starts), '', '... without a word');
    is_deeply([ grep { $_->{out} ne
        "$i->{run}/sock/default\@0000abcd/$_->{user}\n" } @starts ], [],
        '... and say the same path');
    is(scalar(() = $i->pins), keys %users, '... a pin per user');
    is(scalar(() = $i->warden_pids), keys %users, '... a warden per user');
    is_deeply([ sort map { m{([^/]+)$} } $i->sockets ], [ sort keys %users ],
        '... a socket per user');
    ok(!(grep { !$i->report("$i->{run}/sock/default\@0000abcd/$_", $_) }
        keys %users), '... that answers');
    $i->timount('evict', $_) for keys %users;
}
$i->finish;
