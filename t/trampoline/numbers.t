# SPDX-License-Identifier: Apache-2.0

# Linux 6.18 numbers namespaces per CPU, in blocks, and lets a mount namespace
# be pinned only in one with a lower number.  So whether a keep or a jail can
# be pinned must not depend on the CPUs on which httpd's mount namespace (as
# under PrivateTmp), the keep and the jail were made.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use POSIX qw(_exit);
use Test::More;

use IvleJail::Instance;

use constant ROUNDS => 5;

my @cpus = 0 .. 1;
my @ways = map { my $httpd = $_;
                 map { my $keep = $_; map { [$httpd, $keep, $_] } @cpus }
                     @cpus } @cpus;

plan tests => @ways * ROUNDS + 1;

sub run_on {
    my ($cpu) = @_;

    IvleJail::Instance::run_ok('taskset', '-cp', $cpu, $$);
}

# A mount namespace as systemd makes one for httpd.
sub be_httpd_on {
    my ($cpu) = @_;

    run_on($cpu);
    IvleJail::Instance::enter_own_namespace();
}

# Runs code in a child; what it prints.
sub in_child {
    my ($code) = @_;

    return IvleJail::Instance::run(sub { $code->(); _exit(0) });
}

sub start_on {
    my ($i, $httpd, $keep, $jail) = @_;

    return in_child(sub {
        be_httpd_on($httpd);
        run_on($keep);
        $i->timount('start');
        $i->seal;
        run_on($jail);
        my $r = $i->start('alice');
        print $r->{out}, $r->{err}, map { "$_\n" } $i->pins;
        run_on($keep);
        $i->timount('stop');
    });
}

# What a program does that does not know of the numbers.
sub is_refused_naively {
    my ($lower, $upper) = @_;
    my $r = in_child(sub {
        be_httpd_on($lower);
        IvleJail::Instance::run_ok('mount', '-t', 'tmpfs', 'naive', '/mnt');
        IvleJail::Instance::spew('/mnt/pin', '');
        run_on($upper);
        exec 'unshare', '--mount=/mnt/pin', 'true';
    });

    return $r->{status} ne '0' && $r->{err} =~ /Invalid argument/;
}

my $i = IvleJail::Instance->new('numbers', found => 0);
$i->add_user(alice => 70001);

for my $round (1 .. ROUNDS) {
    for my $way (@ways) {
        my $r = start_on($i, @$way);

        is("$r->{status} $r->{out}$r->{err}",
           "0 /run/ivlejail/numbers/sock/default\@0000abcd/alice\n"
           . "pin default\@0000abcd alice\n",
           "httpd's, keep's and jail's CPU @$way, round $round");
    }
}
my @pairs = map { my $cpu = $_; map { [$cpu, $_] } @cpus } @cpus;
my $refused = grep { is_refused_naively(@$_) } (@pairs) x ROUNDS;
diag("without the numbers in mind, $refused of ", @pairs * ROUNDS,
     ' pins were refused');
$i->finish;
