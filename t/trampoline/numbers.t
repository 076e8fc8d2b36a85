# SPDX-License-Identifier: Apache-2.0
#
# numbers.t - httpd's mount namespace, the keep and the jail are made on any
# combination of CPUs
#
# Linux 6.18 numbers namespaces per CPU, in blocks, and refuses to pin a mount
# namespace where the number of the one that holds the pin is not lower.  The
# naive way is shown, too: on such a kernel it fails.

use strict;
use warnings;

use POSIX qw(_exit);
use Test::More;

use IvleJail::Instance;

# Where the machine is emulated, which is slow, once must do.
use constant { ALICE => 76001, ROUNDS => $ENV{IVLEJAIL_EMULATED} ? 1 : 3,
    CPUS_MAX => 4 };

my $i = IvleJail::Instance->new('tnumbers', found => 0);
$i->add_user(alice => ALICE);

# As many as may be used, of those that there are.
sub cpus {
    my ($list) = IvleJail::Instance::run_ok('taskset', '-pc', $$) =~ /: (.*)/;
    my @cpus = map { /(\d+)-(\d+)/ ? ($1 .. $2) : $_ } split /,/, $list;
    return @cpus > CPUS_MAX ? @cpus[0 .. CPUS_MAX - 1] : @cpus;
}

sub move_to {
    my ($cpu) = @_;
    IvleJail::Instance::run_ok('taskset', '-pc', $cpu, $$);
}

# In a mount namespace made on the first CPU, as httpd's would be under
# PrivateTmp: founds the instance on the second one, starts a jail on the
# third.  What went wrong.
sub try {
    my ($httpd, $keep, $jail) = @_;
    my $r = IvleJail::Instance::run(sub {
        move_to($httpd);
        IvleJail::Instance::enter_own_namespace();
        move_to($keep);
        $i->timount('start');
        $i->seal;
        move_to($jail);
        my $start = $i->start('alice');
        my @wrong = $i->not_started($start, 'alice');
        push @wrong, 'no pin' if 1 != (() = $i->pins);
        push @wrong, 'no answer' if !@wrong
            && !$i->report($start->{socket}, 'alice');
        $i->timount('stop');
        push @wrong, map { "left: $_" } values %{ $i->processes };
        syswrite STDOUT, join "\n", @wrong;
        _exit(0);
    });
    return "$r->{status}$r->{out}$r->{err}";
}

# Pins a mount namespace made on the second CPU in one made on the first, in
# the way of unshare(1).
sub naive {
    my ($holder, $held) = @_;
    my $r = IvleJail::Instance::run(sub {
        move_to($holder);
        IvleJail::Instance::enter_own_namespace();
        my $pin = "$i->{dir}/pin";
        IvleJail::Instance::spew($pin, '');
        move_to($held);
        exec 'unshare', "--mount=$pin", 'true' or _exit(125);
    });
    return $r->{status} eq '0';
}

my @cpus = cpus();
my @combinations = map { my $httpd = $_;
    map { my $keep = $_; map { [ $httpd, $keep, $_ ] } @cpus } @cpus } @cpus;

plan tests => @combinations + 1;

for my $combination (@combinations) {
    my @outcomes = map { try(@$combination) } 1 .. ROUNDS;
    is_deeply([ grep { $_ ne '0' } @outcomes ], [],
        "httpd, keep and jail on CPUs @$combination");
}

my @naive = map { my $holder = $_; map { naive($holder, $_) } @cpus } @cpus;
diag sprintf 'the naive way: %d of %d pins refused',
    scalar(grep { !$_ } @naive), scalar @naive;
$i->finish;
