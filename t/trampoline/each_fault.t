# SPDX-License-Identifier: Apache-2.0
#
# each_fault.t - every system call of a start, from its trace, is made to fail
# in each way it can: either the start dies with a code and one line, no
# warden ran and nothing is left, or it works, where that is listed, and its
# warden has and sees what every warden has and sees; and the next one works

use strict;
use warnings;

use Data::Dumper;
use Test::More;

use IvleJail::Failures qw(calls faults wrap named);
use IvleJail::Instance;

use constant { ALICE => 76001, TRIES => 5, MANY => 10,
    PATIENCE => IvleJail::Instance::PATIENCE };

$Data::Dumper::Sortkeys = $Data::Dumper::Indent = 1;
IvleJail::Instance::have_own_processes();
my $i = IvleJail::Instance->new('teach');
$i->add_user(alice => ALICE);

# Where a start may work all the same, and why.
my %TOLERATED = (
    brk         => 'malloc(3) maps memory instead',
    readlink    => 'the C library loads: it asks where the program is',
    getrandom   => 'the C library loads: it has another source',
    capget      => 'libcap asks which version the kernel speaks',
    prlimit64   => 'without CAP_SYS_RESOURCE what comes nearest, see '
                   . 'sanitise.c; and the C library asks for the stack',
    prctl       => 'libcap asks how many there are; no PR_SET_TSC elsewhere',
    openat      => 'oom_score_adj: a warning',
    openat2     => 'is the user there? then it is opened once more',
    write       => 'oom_score_adj: a warning; and nobody reads the path',
    setresuid   => 'tries to get root back, which must fail',
    setresgid   => 'tries to get root back, which must fail',
    setgroups   => 'tries to get root back, which must fail',
);

my %by_status = map { $_->{status} => 1 } values %{
    IvleJail::Instance::codes() };

# What a warden has and sees, as text.
sub warden {
    my @pids = $i->warden_pids;
    return scalar(@pids) . ' wardens' if @pids != 1;
    return Dumper(IvleJail::Instance::steady(
        IvleJail::Instance::report_of($pids[0])));
}

sub start {
    my (%option) = @_;
    return $i->start('alice', as_root => 1, %option);
}

# A pinned jail without a warden, for warm starts.
sub prepare {
    my ($warm) = @_;
    return if !$warm;
    start();
    $i->kill_wardens;
}

my $good;
{
    my $r = start();
    $i->report($r->{socket}, 'alice') or BAIL_OUT('no start works');
    $good = warden();
    $i->timount('evict', 'alice');
}

# --- one fault --------------------------------------------------------------

sub wrong_in_started {
    my ($fault, $r) = @_;
    my $warden;

    # it takes a moment to set itself up
    IvleJail::Instance::wait_until(PATIENCE, sub { ($warden = warden()) eq $good });
    return ($TOLERATED{ $fault->{name} } ? () : 'it works',
        $r->{err} =~ /\A(?:trampoline: warning: [^\n]+\n)?\z/ ? ()
            : "complaint: $r->{err}",
        $warden eq $good ? () : "another warden: $warden");
}

# loading: before main there is nobody to say it in our form.
sub wrong_in_dead {
    my ($r, $loading, $warm) = @_;
    my @wrong;

    if (!$loading) {
        push @wrong, "exit status $r->{status}"
            if !$by_status{ $r->{status} };
        my $number = sprintf 'IJ2%03d', $r->{status} =~ /(\d+)/;
        push @wrong, "not one line: $r->{err}"
            if $r->{err} !~ /\A\w+: \Q$number\E: [^\x00-\x1f\x7f]+\n\z/;
    }
    push @wrong, "output: $r->{out}" if $r->{out} ne '';
    if ($warm) {
        IvleJail::Instance::wait_until(PATIENCE, sub { !%{ $i->processes } });
        push @wrong, 'the pin is lost' if 1 != (() = $i->pins);
        push @wrong, map { "left: process $_" } values %{ $i->processes };
    }
    else {
        push @wrong, map { "left: $_" } $i->jails_left;
    }
    return @wrong;
}

my @mounts = $i->mounts;
sub wrong {
    my ($fault, $loading, $warm) = @_;

    my $r;
    for (1 .. TRIES) {
        prepare($warm);
        $r = start(wrap => [ wrap($fault) ]);
        # SIGCHLD, which interrupts only who is traced
        last if $r->{err} !~ /Interrupted system call/;
        $i->timount('evict', 'alice');
    }
    my @wrong = $r->{status} eq '0' ? wrong_in_started($fault, $r)
                                    : wrong_in_dead($r, $loading, $warm);

    push @wrong, 'other mounts than before' if "@{[ $i->mounts ]}"
        ne "@mounts";
    $r = start();
    push @wrong, map { "the next start: $_" } $i->not_started($r, 'alice');
    push @wrong, 'the next start: no jail'
        if 1 != (() = $i->keep_mounts) || 1 != (() = $i->wardens);
    $i->timount('evict', 'alice');
    return map { named($fault) . ": $_" } @wrong;
}

# --- all of them ------------------------------------------------------------

# Of a warm start only its own calls: it does not come to those that make.
for my $warm (0, 1) {
    my @calls = calls(sub {
        my ($before, $wrap) = @_;
        prepare($warm);
        start(before => $before, wrap => $wrap);
        $i->timount('evict', 'alice');
    });
    my ($main) = grep { $calls[0][$_ - 1] eq 'fcntl' } 1 .. @{ $calls[0] };
    my @faults = faults(@calls);
    my @wrong;

    @faults = grep { $_->{name} =~ /^(?:openat2?|fstatfs|ioctl)$/ } @faults
        if $warm;
    for my $fault (@faults) {
        # without a stderr there is nowhere to say it
        next if $fault->{who} == 0 && $fault->{name} eq 'fcntl'
            && $fault->{nth} <= 3;
        push @wrong, wrong($fault,
            $fault->{who} == 0 && $fault->{number} < $main, $warm);
        last if @wrong > MANY;
    }
    diag @faults . ' faults in ' . (@{ $calls[0] } + @{ $calls[1] })
        . ' calls';
    is_deeply(\@wrong, [], ($warm ? 'warm' : 'cold')
        . ': each call fails in each way') or diag join "\n", @wrong;
}
$i->finish;
done_testing();
