# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Share;

# One share of the processors for all that is started from now on, whatever
# else runs on the machine.
#
#   my $share = IvleJail::Bench::Share->take('ivlejail-bench');
#   ...
#   $share->give_back;          # when what was started has ended
#
# Without it, the scheduler is fair to each process: beside other work, who
# serves requests with many processes gets more than who does it with few, and
# that would be what is measured.  Where cgroup v1 has no hierarchy of its own
# for processors, this does nothing; systemd does the same for its services.

use strict;
use warnings;

use IvleJail::Bench::Group;
use IvleJail::Httpd qw(slurp);

my $WEIGHT = 16 * 1024;     # of as many processes of others

sub take {
    my ($class, $name) = @_;
    my $top = IvleJail::Bench::Group::find_mount('cpu');
    return bless {}, $class if !$top
        || $top eq (IvleJail::Bench::Group::find_mount('cpuacct') // '');
    my ($before) = slurp('/proc/self/cgroup') =~ /^\d+:cpu:(.*)$/m;
    my $self = bless { dir => "$top/$name", before => $top . ($before // '/'),
        pid => $$ }, $class;
    mkdir $self->{dir} or $!{EEXIST} or die "$self->{dir}: $!";
    IvleJail::Bench::Group::put("$self->{dir}/cpu.shares", $WEIGHT);
    IvleJail::Bench::Group::put("$self->{dir}/cgroup.procs", $$);
    return $self;
}

sub give_back {
    my ($self) = @_;
    my $dir = delete $self->{dir} or return;
    IvleJail::Bench::Group::put("$self->{before}/cgroup.procs", $$);
    IvleJail::Bench::Group::remove_dirs($dir);
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->give_back if ($self->{pid} // 0) == $$;
}

1;
