# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Table;

# The results as text for a terminal: ratios first.
#
#   print text($result);            # what t/bench/bench writes as JSON

use strict;
use utf8;
use warnings;

use Exporter qw(import);

use IvleJail::Bench::Peers;
use IvleJail::Bench::Plan qw(figures unit_of);

our @EXPORT_OK = qw(text title_of);

# Who serves a file without a jail is no CGI.
sub title_of {
    my ($row, $peer) = @_;
    return 'default handler' if $row->{file} && $peer eq 'cgid';
    return IvleJail::Bench::Peers::title($peer);
}

sub number {
    my ($value) = @_;
    return '-' if !defined $value;
    return sprintf $value >= 100 ? '%.0f' : $value >= 10 ? '%.1f'
        : $value >= 1 ? '%.2f' : '%.3f', $value;
}

sub machine_text {
    my ($result) = @_;
    my $machine = $result->{machine};
    return sprintf "%s, %d processors, %d MiB; Linux %s, httpd %s (event); "
        . "commit %s, %s\n%d rounds of %s s each; load average before: %s\n",
        @$machine{qw(processor processors memory_mib kernel httpd commit date)},
        @$result{qw(rounds seconds)}, $machine->{load}[0];
}

sub bar_text {
    my ($bar, $row) = @_;
    return sprintf "%-6s %6s  (%s to %s)  at %s %s: %s, %s, against %s\n",
        $bar->{met} ? 'met' : 'MISSED', number($bar->{median}),
        number($bar->{min}), number($bar->{max}), $bar->{at},
        $bar->{limit}, unit_of($bar->{figure}), $bar->{title},
        title_of($row, $bar->{against});
}

# Half of what lies between least and most.
sub with_spread {
    my ($summary) = @_;
    return '-' if !$summary;
    my $half = ($summary->{max} - $summary->{min}) / 2;
    return sprintf '%s ±%2.0f%%', number($summary->{median}),
        $summary->{median} ? 100 * $half / $summary->{median} : 0;
}

sub row_text {
    my ($row) = @_;
    my $text = "\n" . sprintf('%-41s', $row->{title})
        . join('', map { sprintf '%12s', unit_of($_) } figures()) . "\n";
    for my $peer (@{ $row->{peers} }) {
        my $of = $row->{figures}{$peer};
        $text .= sprintf('  %-39s', title_of($row, $peer)) . join('',
            map { sprintf '%12s', with_spread($of->{$_}) } figures()) . "\n";
    }
    return $text;
}

sub text {
    my ($result) = @_;
    my %row_of = map { $_->{id} => $_ } @{ $result->{rows} };
    return join '', machine_text($result),
        "\nmod_ivlejail, warm, against the others: the median of the rounds' "
        . "ratios (least to most)\n",
        (map { bar_text($_, $row_of{ $_->{row} }) } @{ $result->{bars} }),
        "\nmedians, and half of what lies between least and most\n", map { row_text($_) } @{ $result->{rows} };
}

1;
