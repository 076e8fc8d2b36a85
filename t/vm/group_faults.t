# SPDX-License-Identifier: Apache-2.0
#
# group_faults.t - where a jail's control group cannot be set up, the start
# dies with a code and one line, no program runs, and what is left is an empty
# group at most, which a sweep removes: each system call of the program cgroup
# fails in each way it can, and the kernel itself refuses what it may refuse
#
# For a kernel whose controllers are in version 2: tools/check-vm.

use strict;
use warnings;

use Test::More;

use IvleJail::Failures qw(calls faults wrap named);
use IvleJail::Instance;
use IvleJail::Stage qw(write_text);

use constant ALICE => 70001;

my $GROUPS = '/sys/fs/cgroup';
my $JAILS = "$GROUPS/jails-tgroups";

my $i = IvleJail::Instance->new('tgroups');
$i->add_user(alice => ALICE);
my $codes = IvleJail::Instance::codes();
my %by_status = map { $_->{status} => 1 } values %$codes;
my %GROUP = (cgroup => 'on', 'memory.max' => '67108864 on',
    'pids.max' => '32 on', 'cpu.max' => '50000/100000 on');

# Where the program may work all the same.
my %TOLERATED = (brk => 1, readlink => 1, getrandom => 1, capget => 1,
    prctl => 1, prlimit64 => 1, mprotect => 1, munmap => 1, faccessat => 1,
    faccessat2 => 1);

sub link_to {
    my ($target) = @_;
    unlink "$i->{run}/cgroups";
    symlink $target, "$i->{run}/cgroups" or die "symlink: $!" if $target;
}

# Where httpd has made everything.
sub arrange {
    mkdir $JAILS;
    write_text("$JAILS/cgroup.subtree_control", '+memory +pids +cpu');
    write_text("$JAILS/cgroup.max.descendants", 'max');
    link_to($JAILS);
    $i->seal(%GROUP);
}

sub groups { return map { s{.*/}{}r } glob "$JAILS/*@*" }

sub run_cgroup {
    my (%option) = @_;
    return IvleJail::Instance::run(sub {
        $option{before}->() if $option{before};
        exec @{ $option{wrap} // [] }, "$i->{dir}/libexec/cgroup",
            $i->{name}, 'default', 'alice' or POSIX::_exit(125);
    });
}

# What is wrong with how it died.
sub wrong_in_dead {
    my ($r) = @_;
    my $number = sprintf 'IJ2%03d', $r->{status} =~ /(\d+)/;
    return ($by_status{ $r->{status} } ? () : "exit status $r->{status}",
        $r->{err} =~ /\A\w+: \Q$number\E: [^\x00-\x1f\x7f]+\n\z/ ? ()
            : "not one line: $r->{err}",
        $r->{out} eq '' ? () : "output: $r->{out}");
}

sub wrong_after {
    $i->timount('sweep');
    return map { "left: group $_" } groups();
}

# --- every call of the program ----------------------------------------------

# Its caller, whom it puts into the group, is the one that traces it.
sub check_calls {
    my ($calls) = calls(sub {
        my ($before, $wrap) = @_;
        run_cgroup(before => $before, wrap => $wrap);
        $i->timount('sweep');
    });
    my ($main) = grep { $calls->[$_ - 1] eq 'fcntl' } 1 .. @$calls;
    my (@wrong, %seen);
    for my $fault (faults($calls)) {
        # each once: what comes before is the C library's, and stderr
        next if $fault->{number} <= $main + 2 || $seen{ $fault->{number} }++;
        my $r = run_cgroup(wrap => [ wrap($fault) ]);
        my @found = $r->{status} ne '0'
            ? wrong_in_dead($r)
            : $TOLERATED{ $fault->{name} } ? () : 'it works';
        push @wrong, map { named($fault) . ": $_" } @found,
            groups() ? wrong_after() : ();
    }
    diag keys(%seen) . ' faults in ' . @$calls . ' calls';
    is_deeply(\@wrong, [], 'each call of cgroup fails in each way')
        or diag join "\n", @wrong;
}

# --- what the kernel refuses ------------------------------------------------

my @REFUSALS = (
    ['no way to the groups', 'CGROUP', sub { link_to(undef) }],
    ['a way that leads nowhere', 'CGROUP', sub { link_to("$GROUPS/nowhere") }],
    ["a directory that is not root's", 'CGROUP', sub {
        link_to("$i->{dir}/users/alice/home/alice") }],
    ['no more groups', 'CGROUP', sub {
        write_text("$JAILS/cgroup.max.descendants", '0') }],
    ['no memory controller', 'CGROUP', sub {
        write_text("$JAILS/cgroup.subtree_control", '-memory') }],
    ['no pids controller', 'CGROUP', sub {
        write_text("$JAILS/cgroup.subtree_control", '-pids') }],
    ['a value that the kernel does not take', 'CGROUP', sub {
        $i->seal(%GROUP, 'cpu.max' => '1/1 on') }],
    ['a policy with a bad value for it', 'POLICY_VALUE', sub {
        $i->seal(%GROUP, 'cpu.max' => 'half on') }],
    ['too few processes for a warden', 'FORK', sub {
        $i->seal(%GROUP, 'pids.max' => '0 on') }],
    ['no such program', 'HELPER', sub {
        rename "$i->{dir}/libexec/cgroup", "$i->{dir}/libexec/cgroup.off" },
        sub {
            rename "$i->{dir}/libexec/cgroup.off", "$i->{dir}/libexec/cgroup" }],
);

sub check_refusal {
    my ($what, $code, $break, $undo) = @_;
    $break->();
    my $r = $i->start('alice');
    is($r->{status}, $codes->{"CODE_$code"}{status}, "$what: exit status")
        or diag $r->{err};
    is_deeply([wrong_in_dead($r)], [], '... and one line that says it');
    is_deeply([$i->jails_left], [], '... no jail and no program');
    $undo->() if $undo;
    is_deeply([wrong_after()], [], '... and no group after a sweep');
    arrange();
}

write_text("$GROUPS/cgroup.subtree_control", '+memory +pids +cpu');
arrange();
my $r = $i->start('alice');
is_deeply([$i->not_started($r, 'alice')], [], 'a start with a group works');
is_deeply([groups()], ['default@0000abcd@alice'], '... in a group');
$i->timount('evict', 'alice');
is_deeply([groups()], [], '... which is gone with it');
check_refusal(@$_) for @REFUSALS;
check_calls();
is_deeply([$i->not_started($i->start('alice'), 'alice')], [],
    'after all that a start works');
$i->timount('stop');
is_deeply([groups()], [], 'a stop removes the groups');
$i->timount('start');
rmdir $JAILS or diag "$JAILS: $!";
$i->finish;
done_testing();
