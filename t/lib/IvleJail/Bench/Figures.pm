# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Figures;

# What several rounds come to.
#
#   my $summary = summary(3, 1, 2);         # {median, min, max, rounds: [3, 1, 2]}
#   my $ratio = ratio([200, 300], [100, 100]);  # the same, of 2 and 3
#   my $machine = machine();                # what the figures hold for
#
# A ratio is one of each round, between what was measured one after the other:
# what else happens on the machine changes both.

use strict;
use warnings;

use Exporter qw(import);
use POSIX qw(strftime uname);

use IvleJail::Httpd qw(slurp);
use IvleJail::Stage qw($TOP);

our @EXPORT_OK = qw(median summary ratio machine);

sub median {
    my @sorted = sort { $a <=> $b } @_;
    my $middle = @sorted / 2;
    return @sorted % 2 ? $sorted[$middle]
        : ($sorted[$middle - 1] + $sorted[$middle]) / 2;
}

# Of no values: undef.
sub summary {
    my @values = grep { defined } @_;
    return if !@values;
    my ($min, $max) = (sort { $a <=> $b } @values)[0, -1];
    return { median => median(@values), min => $min, max => $max,
        rounds => \@values };
}

sub ratio {
    my ($ours, $theirs) = @_;
    die "rounds are missing\n" if @$ours != @$theirs;
    return summary(map { $ours->[$_] / $theirs->[$_] } 0 .. $#$ours);
}

sub first_match {
    my ($text, $pattern) = @_;
    return $text =~ $pattern ? $1 : '?';
}

sub output_of {
    my @command = @_;
    open(my $out, '-|', @command) or return '';
    local $/;
    return scalar(<$out>) // '';
}

# The loads are over 1, 5 and 15 minutes: what else ran before it began.
sub machine {
    my $cpus = slurp('/proc/cpuinfo');
    my @processors = $cpus =~ /^processor\s*:/mg;
    return {
        processor => first_match($cpus, qr/^model name\s*:\s*(.*)$/m),
        processors => scalar @processors,
        memory_mib => int(first_match(slurp('/proc/meminfo'),
            qr/^MemTotal:\s*(\d+)/m) / 1024),
        kernel => (uname())[2],
        httpd => first_match(output_of('/usr/sbin/apache2', '-v'),
            qr{Apache/(\S+)}),
        commit => first_match(output_of('git', '-C', $TOP, 'rev-parse',
            '--short', 'HEAD'), qr/^(\w+)/),
        date => strftime('%Y-%m-%d %H:%M UTC', gmtime),
        load => [map { $_ + 0 } (split ' ', slurp('/proc/loadavg'))[0 .. 2]],
    };
}

1;
