# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Chart;

# The results as a picture, drawn by gnuplot.
#
#   draw($result, 'build/bench/full');      # full.svg and full.png
#
# Each panel is a row of horizontal bars, from best to worst or in the plan's
# order: ours in colour, the others grey, the rounds' least and most as a thin
# line, the median in figures.

use strict;
use warnings;

use Exporter qw(import);
use File::Temp ();

use IvleJail::Bench::Figures qw(ratio);
use IvleJail::Bench::Table qw(title_of);
use IvleJail::Stage qw(run_quietly);

our @EXPORT_OK = qw(draw);

use constant { OURS => 0x1F6FB2, OTHERS => 0xA8A8A8 };

my $SIZE = '1500,1000';

# --- what is in it ------------------------------------------------------------

sub ratio_bars {
    my ($result) = @_;
    my @bars;
    for my $row (@{ $result->{rows} }) {
        my ($ours, $theirs) = @{ $row->{figures} }{qw(warm cgid)};
        next if !$ours || !$theirs;
        my $ratio = ratio(map { $_->{rps}{rounds} } $ours, $theirs);
        push @bars, { %$ratio, label => $row->{title}, colour => OURS };
    }
    return @bars;
}

# Of each peer in a row, the best first.
sub peer_bars {
    my ($result, $id, $figure, $is_more_better) = @_;
    my ($row) = grep { $_->{id} eq $id } @{ $result->{rows} };
    return if !$row;
    my @bars = map { { %{ $row->{figures}{$_}{$figure} },
        label => title_of($row, $_),
        colour => /^(?:warm|cold)$/ ? OURS : OTHERS } }
        grep { $row->{figures}{$_}{$figure} } @{ $row->{peers} };
    @bars = sort { $a->{median} <=> $b->{median} } @bars;
    return $is_more_better ? reverse @bars : @bars;
}

sub panels {
    my ($result) = @_;
    return grep { @{ $_->{bars} } } (
        { title => 'Requests per second: mod_ivlejail against httpd without '
            . 'a jail (1: the same)', line => 1,
          bars => [ratio_bars($result)] },
        { title => 'Requests per second, static C, 8 clients (more is better)',
          bars => [peer_bars($result, 'static-10-0-8', 'rps', 1)] },
        { title => 'CPU seconds for 1,000 requests, static C, 8 clients (less '
            . 'is better)',
          bars => [peer_bars($result, 'static-10-0-8', 'cpu', 0)] },
        { title => '99 of 100 answers within ... ms, static C, 64 clients '
            . '(less is better)',
          bars => [peer_bars($result, 'static-10-0-64', 'p99', 0)] },
    );
}

# --- gnuplot ------------------------------------------------------------------

sub number {
    my ($value) = @_;
    return sprintf $value >= 100 ? '%.0f' : $value >= 10 ? '%.1f' : '%.2f',
        $value;
}

# Columns: median, position, least, most, colour, the figure as text.
sub data_of {
    my ($name, @bars) = @_;
    return join "\n", "\$$name << END", (map { join ' ',
        $bars[$_]{median}, $_ + 1, $bars[$_]{min}, $bars[$_]{max},
        $bars[$_]{colour}, number($bars[$_]{median}) } 0 .. $#bars), 'END', '';
}

# The text stands behind the line, which may be much longer than the bar.
sub panel_text {
    my ($name, $panel) = @_;
    my @bars = @{ $panel->{bars} };
    my ($most) = sort { $b <=> $a } map { $_->{max} } @bars;
    my $labels = join ', ', map { qq("$bars[$_]{label}" ) . ($_ + 1) }
        0 .. $#bars;
    my $line = $panel->{line} ? "set arrow 1 from $panel->{line}, graph 0 "
        . "to $panel->{line}, graph 1 nohead lw 1.5 lc rgb '#333333'"
        : 'unset arrow';
    return <<"END";
set title "$panel->{title}"
set ytics ($labels)
set yrange [@{[scalar @bars]} + 0.7 : 0.3]
set xrange [0 : $most * 1.15]
$line
plot \$$name using (0):2:(0):1:(\$2-0.36):(\$2+0.36):5 \\
        with boxxyerror fill solid noborder lc rgb variable, \\
    \$$name using 1:2:3:4 with xerrorbars pt 0 lw 1 lc rgb '#333333', \\
    \$$name using 4:2:6 with labels left offset 0.7,0 font ',10'
END
}

sub script_of {
    my ($result, $terminal, $file) = @_;
    my @panels = panels($result);
    my $machine = $result->{machine};
    my $below = "$machine->{processor}, $machine->{processors} processors; "
        . "Linux $machine->{kernel}; httpd $machine->{httpd} (event); "
        . "commit $machine->{commit}, $machine->{date}; median of "
        . "$result->{rounds} rounds, lines from least to most";
    return join '',
        "set terminal $terminal noenhanced size $SIZE "
        . "font 'DejaVu Sans,10' background rgb 'white'\n", "set output '$file'\n",
        "set multiplot layout 2,2 margins 0.19,0.98,0.07,0.94 "
        . "spacing 0.19,0.1\n",
        "unset key\nset border 1\nset tics nomirror out\n"
        . "set ytics scale 0\nset grid x lc rgb '#e4e4e4'\n",
        (map { data_of("panel$_", @{ $panels[$_]{bars} }) } 0 .. $#panels),
        "set label 1 \"$below\" at screen 0.5,0.015 center font ',9'\n",
        (map { panel_text("panel$_", $panels[$_]) . "unset label 1\n" }
            0 .. $#panels), "unset multiplot\n";
}

sub draw {
    my ($result, $path) = @_;
    for my $kind (['svg', 'svg'], ['pngcairo', 'png']) {
        my ($terminal, $suffix) = @$kind;
        my $script = File::Temp->new(SUFFIX => '.gp');
        print {$script} script_of($result, $terminal, "$path.$suffix");
        close $script or die "$script: $!";
        run_quietly('gnuplot', "$script");
    }
}

1;
