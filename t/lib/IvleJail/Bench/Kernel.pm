# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Kernel;

# What the kernel's memory and tables hold.
#
#   my $before = kernel_memory();       # {total, slab, stacks, tables, percpu,
#   ...                                 #  mounts, namespaces}
#   my $each = memory_each($before, kernel_memory(), 1000);     # {total: KiB}
#   mount_entries($pid);                # lines of its mountinfo
#   wake_ups(@pids);                    # since they began, of all
#   pss(@pids);                         # KiB of each
#   descriptors($pid);
#
# /proc/meminfo counts all memory of the kernel's that is not page cache: what
# else happens on the machine is in it, too, so it takes thousands of jails to
# be seen; the mnt_cache slab (struct mount) is theirs alone.

use strict;
use warnings;

use Exporter qw(import);

use IvleJail::Httpd qw(slurp);

our @EXPORT_OK = qw(kernel_memory memory_each mount_entries wake_ups pss
    descriptors);

my %FIELDS = (slab => 'Slab', stacks => 'KernelStack', tables => 'PageTables',
    percpu => 'Percpu');

# KiB.  mounts: of the slab with a struct mount for each of them.
sub kernel_memory {
    my $text = slurp('/proc/meminfo');
    my %memory = map { my ($name, $field) = ($_, $FIELDS{$_});
        ($name => $text =~ /^\Q$field\E:\s+(\d+) kB/m ? $1 : 0) } keys %FIELDS;
    $memory{total} += $memory{$_} for keys %FIELDS;
    my ($count, $size) = slurp('/proc/slabinfo')
        =~ /^mnt_cache\s+(\d+)\s+\d+\s+(\d+)/m;
    $memory{mounts} = ($count // 0) * ($size // 0) / 1024;
    return \%memory;
}

sub memory_each {
    my ($before, $after, $count) = @_;
    return { map { $_ => ($after->{$_} - $before->{$_}) / $count }
        keys %$before };
}

sub mount_entries {
    my ($pid) = @_;
    my @lines = split /\n/, slurp("/proc/$pid/mountinfo");
    return scalar @lines;
}

# A process has waited, and been woken up.
sub wake_ups {
    my $sum = 0;
    for my $pid (@_) {
        $sum += $1 if slurp("/proc/$pid/status")
            =~ /^voluntary_ctxt_switches:\s*(\d+)/m;
    }
    return $sum;
}

sub pss {
    return map { slurp("/proc/$_/smaps_rollup") =~ /^Pss:\s*(\d+)/m ? $1 : () }
        @_;
}

sub descriptors {
    my ($pid) = @_;
    my @open = glob "/proc/$pid/fd/*";
    return scalar @open;
}

1;
