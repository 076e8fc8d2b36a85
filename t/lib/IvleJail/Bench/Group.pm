# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Group;

# The CPU time and the memory of a web server and of all that it starts, also
# of what has ended and of what others have reaped: a control group counts it.
#
#   my $group = IvleJail::Bench::Group->new('ivlejail-bench-warm');
#   $httpd->start($group->wrapper);
#   my $mark = $group->mark;
#   ...
#   my $used = $group->since($mark);        # {cpu: seconds, peak: KiB}
#   $group->remove;
#
# The kernel counts CPU time to the nanosecond, in cpuacct where cgroup v1 has
# it, else in the cgroup2's cpu.stat.  Peak memory is the most that the group
# was charged with, without the files in the page cache, of which most would
# be there without it.  Only cgroup v1's can be set back; without it, peak is
# undef.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use IvleJail::Httpd qw(slurp);

my $PATIENCE = 60;

sub new {
    my ($class, $name) = @_;
    my $self = bless { cpu => find_mount('cpuacct'),
        memory => find_mount('memory'), unified => find_mount() }, $class;
    $self->{unified} = undef if $self->{cpu};
    for my $kind (qw(cpu memory unified)) {
        my $dir = ($self->{$kind} // next) . "/$name";
        mkdir $dir or $!{EEXIST} or die "$dir: $!";
        $self->{$kind} = $dir;
    }
    die "no cgroup counts CPU time here\n" if !$self->{cpu} && !$self->{unified};
    return $self;
}

# Where a controller of cgroup v1 is mounted, or cgroup2.
sub find_mount {
    my ($controller) = @_;
    for my $line (split /\n/, slurp('/proc/mounts')) {
        my (undef, $dir, $type, $options) = split ' ', $line;
        return $dir if defined $controller ? $type eq 'cgroup'
            && grep { $_ eq $controller } split /,/, $options
            : $type eq 'cgroup2';
    }
    return;
}

sub dirs {
    my ($self) = @_;
    return grep { defined } @$self{qw(cpu memory unified)};
}

# What a command is to be started through to be in the group.
sub wrapper {
    my ($self) = @_;
    my $join = join ' && ', map { "echo \$\$ > $_/cgroup.procs" } $self->dirs;
    return ('sh', '-c', "$join && exec \"\$@\"", 'sh');
}

sub put {
    my ($file, $text) = @_;
    open(my $out, '>', $file) or die "$file: $!";
    syswrite($out, $text) // die "$file: $!";
}

sub field {
    my ($file, $name) = @_;
    return slurp($file) =~ /^\Q$name\E (\d+)/m ? $1 : die "$file: no $name\n";
}

sub seconds {
    my ($self) = @_;
    return slurp("$self->{cpu}/cpuacct.usage") / 1e9 if $self->{cpu};
    return field("$self->{unified}/cpu.stat", 'usage_usec') / 1e6;
}

sub mark {
    my ($self) = @_;
    put("$self->{memory}/memory.max_usage_in_bytes", 0) if $self->{memory};
    return $self->seconds;
}

sub since {
    my ($self, $mark) = @_;
    my $used = { cpu => $self->seconds - $mark, peak => undef };
    $used->{peak} = (slurp("$self->{memory}/memory.max_usage_in_bytes")
        - field("$self->{memory}/memory.stat", 'total_cache')) / 1024
        if $self->{memory};
    return $used;
}

# What was in it has ended, but may not have been reaped yet.
sub remove_dirs {
    my $end = time + $PATIENCE;
    for my $dir (@_) {
        sleep 0.05 while !rmdir($dir) && -d $dir && time < $end;
    }
}

sub remove {
    my ($self) = @_;
    remove_dirs($self->dirs);
}

1;
