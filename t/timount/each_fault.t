# SPDX-License-Identifier: Apache-2.0
#
# each_fault.t - every system call of timount, from its trace, is made to fail
# in each way it can: it says so or has done its work, nothing that is in use
# is touched, and doing it once more completes it
#
# alice's jail is in use, bob's is not.

use strict;
use warnings;

use Test::More;

use IvleJail::Failures qw(calls faults wrap named);
use IvleJail::Instance;

use constant { ALICE => 70001, BOB => 70002 };

my $i = IvleJail::Instance->new('tteach');
$i->add_user(alice => ALICE);
$i->add_user(bob => BOB);
my %by_status = map { $_->{status} => 1 } values %{
    IvleJail::Instance::codes() };

# {status, out, err} of timount.
sub timount {
    my ($arguments, %option) = @_;
    return IvleJail::Instance::run(sub {
        $option{before}->() if $option{before};
        exec @{ $option{wrap} // [] }, "$i->{dir}/libexec/timount",
            $i->{name}, @$arguments or POSIX::_exit(125);
    });
}

# --- what there is ----------------------------------------------------------

my ($alice, $bob);              # their wardens

sub warden_of {
    my ($user) = @_;
    return "@{[ grep { / \Q$user\E@/ } $i->wardens ]}";
}

sub have_alice {
    $i->start('alice');
    $alice = warden_of('alice');
}

sub have_bob {
    $i->start('bob');
    $bob = warden_of('bob');
}

sub have_bob_unused {
    have_bob();
    my ($pid) = $bob =~ /\@(\d+)$/ or return;
    kill KILL => $pid;
    IvleJail::Instance::wait_until(5,
        sub { IvleJail::Instance::has_ended($pid) });
}

# alice's is as it was.
sub wrong_with_alice {
    my $pins = grep { $_->[4] =~ m{/alice$} } $i->keep_mounts;

    return ($pins == 1 ? () : "alice has $pins pins",
        warden_of('alice') eq $alice ? () : 'alice lost her warden',
        map { "alice: $_" } $i->not_started($i->start('alice'), 'alice'));
}

sub wrong_with_bob {
    return map { "bob's is not gone: $_" }
        (grep { /bob/ } split /\n/, $i->timount('list')),
        (grep { m{/bob$} } $i->sockets, map { $_->[4] } $i->keep_mounts),
        1 < (() = $i->warden_pids) ? 'warden' : ();
}

# --- the commands -----------------------------------------------------------

# before a fault; after it, and what completes it
my @COMMANDS = (
    { name => 'a sweep that marks', arguments => [ 'sweep' ],
      before => \&have_bob_unused,
      after => sub { (wrong_with_alice(), do { $i->sweep; $i->sweep; () },
          wrong_with_alice(), wrong_with_bob()) } },
    { name => 'a sweep that unmounts', arguments => [ 'sweep' ],
      before => sub { have_bob_unused(); $i->sweep },
      after => sub { (wrong_with_alice(), do { $i->sweep; $i->sweep; () },
          wrong_with_alice(), wrong_with_bob()) } },
    { name => 'evict', arguments => [ 'evict', 'bob' ],
      before => \&have_bob,
      after => sub { (wrong_with_alice(),
          do { $i->timount('evict', 'bob'); () },
          wrong_with_alice(), wrong_with_bob()) } },
    { name => 'start again', arguments => [ 'start' ], before => sub { },
      after => sub { (wrong_with_alice(), do { $i->timount('start'); () },
          wrong_with_alice()) } },
    { name => 'start', arguments => [ 'start' ],
      before => sub { $i->timount('stop') },
      after => \&begun },
);

sub begun {
    $i->timount('start');
    $i->seal(idle => 3600);
    have_alice();
    my @mounts = $i->mounts;
    return wrong_with_alice(),
        2 == @mounts ? () : "mounted: @mounts";
}

# --- one fault --------------------------------------------------------------

sub wrong {
    my ($command, $fault, $loading) = @_;

    $command->{before}->();
    my $r = timount($command->{arguments}, wrap => [ wrap($fault) ]);
    my @wrong;
    if ($r->{status} ne '0' && !$loading) {
        push @wrong, "exit status $r->{status}: $r->{err}"
            if !$by_status{ $r->{status} }
            || $r->{err} !~ /\Atimount: IJ2\d+: [^\n]+\n\z/;
    }
    push @wrong, eval { $command->{after}->() };
    push @wrong, $@ if $@;
    return map { named($fault) . ": $_" } @wrong;
}

$i->seal(idle => 3600);
have_alice();
for my $command (@COMMANDS) {
    my @calls = calls(sub {
        my ($before, $wrap) = @_;
        $command->{before}->();
        timount($command->{arguments}, before => $before, wrap => $wrap);
        $command->{after}->();
    });
    my ($main) = grep { $calls[0][$_ - 1] eq 'fcntl' } 1 .. @{ $calls[0] };
    my @faults = faults(@calls);
    my @wrong;

    # Who may not look at a process, of all in /proc, passes it by: it is none
    # of ours, since root may.  How many there are differs from run to run.
    my ($walk) = grep { $calls[0][$_ - 1] eq 'pidfd_open' }
        1 .. @{ $calls[0] };
    @faults = grep { !$walk || $_->{number} < $walk
        || $_->{error} !~ /^(?:EACCES|EPERM|ENOENT|ESRCH)$/ } @faults;

    for my $fault (@faults) {
        # without a stderr there is nowhere to say it
        next if $fault->{name} eq 'fcntl' && $fault->{nth} <= 3;
        push @wrong, wrong($command, $fault, $fault->{number} < $main);
    }
    diag "$command->{name}: " . @faults . ' faults in ' . @{ $calls[0] }
        . ' calls';
    is_deeply(\@wrong, [], "$command->{name}: each call fails in each way")
        or diag join "\n", @wrong;
}
$i->timount('start');
$i->finish;
done_testing();
