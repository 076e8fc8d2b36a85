# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Plan;

# What is measured, and what it should come to.
#
#   my $plan = plan('full');        # {rounds, seconds, users, base, rows: [...]}
#   my @bars = bars($rows);         # judged, where the rows have both sides
#
# A row is {id, title, program or file, output, body, clients, peers: [...]}.
# Not each program with each size and each number of clients: what depends on
# the program is in rows of 10 bytes, what depends on the size in rows of the
# program that takes least itself, and all numbers of clients are there for
# what most depends on them.

use strict;
use warnings;

use Exporter qw(import);

use IvleJail::Bench::Figures qw(ratio);

our @EXPORT_OK = qw(plan bars figures unit_of);

use constant { KIB => 1024, MIB => 1024 * 1024 };

my %LANGUAGES = (static => 'static C', dynamic => 'dynamic C',
    python => 'Python', perl => 'Perl');
my %SIZES = (10 => '10 B', 100 * KIB, '100 KiB', 10 * MIB, '10 MiB');
my %FILES = ('1k' => ['1 KiB', KIB], '100k' => ['100 KiB', 100 * KIB],
    '10m' => ['10 MiB', 10 * MIB]);
my @ALL = qw(cgid suexec bwrap fcgiwrap fcgid warm);
my @LEAN = qw(cgid fcgiwrap warm);
my @TWO = qw(cgid warm);

# Name => unit, in the order of the table.
my @FIGURES = (rps => 'requests/s', mbps => 'MB/s', p50 => 'p50 ms',
    p99 => 'p99 ms', cpu => 'CPU s/1000', peak => 'peak MiB');

sub figures { return @FIGURES[grep { !($_ % 2) } 0 .. $#FIGURES] }
sub unit_of { return { @FIGURES }->{ $_[-1] } }

# --- rows ---------------------------------------------------------------------

sub cgi {
    my ($program, $output, $body, $clients, @peers) = @_;
    my $clients_text = $clients == 1 ? '1 client' : "$clients clients";
    return { id => join('-', $program, $output, $body, $clients),
        title => "$LANGUAGES{$program}, $SIZES{$output}"
            . ($body ? ', 1 MiB body' : '') . ", $clients_text",
        program => $program, output => $output, body => $body,
        clients => $clients, peers => \@peers };
}

sub file {
    my ($name, $clients) = @_;
    my ($text, $size) = @{ $FILES{$name} };
    return { id => "file-$name-$clients", title => "file of $text, "
        . "$clients clients", file => $name, output => $size, body => 0,
        clients => $clients, peers => [@TWO] };
}

my %PLANS = (
    full => { rounds => 5, seconds => 1, users => 1500, base => 'debian',
        rows => [
            cgi('static', 10, 0, 1, @ALL, 'cold'),
            cgi('static', 10, 0, 8, @ALL, 'cold'),
            cgi('static', 10, 0, 64, @ALL),
            cgi('dynamic', 10, 0, 8, @LEAN),
            cgi('python', 10, 0, 1, @TWO),
            cgi('python', 10, 0, 8, @LEAN),
            cgi('python', 10, 0, 64, @TWO),
            cgi('perl', 10, 0, 8, @LEAN),
            cgi('static', 100 * KIB, 0, 8, @LEAN),
            cgi('static', 10 * MIB, 0, 1, @TWO),
            cgi('static', 10 * MIB, 0, 8, @LEAN),
            cgi('static', 10, MIB, 8, @LEAN),
            file('1k', 8), file('1k', 64), file('100k', 8), file('10m', 8),
        ] },
    quick => { rounds => 5, seconds => 0.2, users => 400, base => 'debian',
        rows => [
            cgi('static', 10, 0, 1, @TWO),
            cgi('static', 10, 0, 8, qw(cgid suexec bwrap fcgiwrap warm cold)),
            cgi('static', 10, 0, 64, @TWO),
            cgi('python', 10, 0, 8, @TWO),
            cgi('static', 10 * MIB, 0, 8, @TWO),
            map { file($_, 8) } qw(1k 100k 10m),
        ] },
    # Whether it still works (t/bench/bench.t).
    tiny => { rounds => 2, seconds => 0.2, users => 400, base => 'busybox',
        rows => [
            cgi('static', 10, 0, 8, @ALL, 'cold'),
            cgi('static', 100 * KIB, MIB, 1, @TWO),
            file('1k', 8),
        ] },
);

sub plan {
    my ($name) = @_;
    my $plan = $PLANS{$name} // die "no plan '$name': "
        . join(', ', sort keys %PLANS) . "\n";
    return { name => $name, %$plan };
}

# --- bars ---------------------------------------------------------------------

my @BARS = (
    # figure, row, against, at least or most, how much
    (map { ['rps', "static-10-0-$_", 'cgid', 'least', 1.25] } 8, 64),
    ['rps', 'static-10-0-1', 'cgid', 'least', 1.1],
    ['rps', 'python-10-0-8', 'cgid', 'least', 1],
    ['rps', 'static-10-0-8', 'fcgiwrap', 'least', 1],
    ['rps', 'static-10-0-8', 'suexec', 'least', 2],
    ['rps', 'static-10-0-8', 'bwrap', 'least', 4],
    ['cpu', 'static-10-0-8', 'cgid', 'most', 0.8],
    ['p99', 'static-10-0-64', 'cgid', 'most', 1],
    ['mbps', 'static-10485760-0-8', 'cgid', 'least', 1],
    ['rps', 'file-1k-8', 'cgid', 'least', 0.5],
    ['rps', 'file-100k-8', 'cgid', 'least', 0.7],
    ['mbps', 'file-10m-8', 'cgid', 'least', 0.95],
);

# rows: with {figures}{peer}{figure} as IvleJail::Bench::Figures::summary.
sub bars {
    my ($rows) = @_;
    my %row_of = map { $_->{id} => $_ } @$rows;
    my @judged;
    for my $bar (@BARS) {
        my ($figure, $id, $against, $at, $limit) = @$bar;
        my $row = $row_of{$id} // next;
        my ($ours, $theirs) = map { $row->{figures}{$_} // {} } 'warm', $against;
        next if !$ours->{$figure} || !$theirs->{$figure};
        my $ratio = ratio(map { $_->{$figure}{rounds} } $ours, $theirs);
        push @judged, { figure => $figure, row => $id, title => $row->{title},
            against => $against, at => $at, limit => $limit, %$ratio,
            met => ($at eq 'least' ? $ratio->{median} >= $limit
                : $ratio->{median} <= $limit) ? 1 : 0 };
    }
    return @judged;
}

1;
