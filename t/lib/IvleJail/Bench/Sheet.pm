# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Sheet;

# Figures one below the other, each with what it should be: printed as they
# come, and kept in build/bench/NAME.json and NAME.txt.
#
#   my $sheet = IvleJail::Bench::Sheet->new('micro');
#   $sheet->part('Warden');
#   $sheet->line('round trip', 'us', [101, 103, 99], at_most => 125);
#   $sheet->say('of which the program: 90');
#   $sheet->save;
#
# Of several values it is the median that counts; all of them are kept.

use strict;
use warnings;

use File::Path qw(make_path);
use JSON::PP;

use IvleJail::Bench::Figures qw(summary machine);
use IvleJail::Stage qw($TOP);

sub new {
    my ($class, $name) = @_;
    my $machine = machine();
    my $self = bless { name => $name, text => '', lines => [],
        machine => $machine }, $class;
    $self->say(sprintf '%s, %d processors, %d MiB; Linux %s, httpd %s; '
        . 'commit %s, %s; load average before: %s',
        @$machine{qw(processor processors memory_mib kernel httpd commit date)},
        $machine->{load}[0]);
    return $self;
}

sub say {
    my ($self, $text) = @_;
    $self->{text} .= "$text\n";
    print "$text\n";
}

sub part {
    my ($self, $title) = @_;
    $self->{part} = $title;
    $self->say("\n$title");
}

sub number {
    my ($value) = @_;
    my $size = abs $value;
    return sprintf $size >= 100 ? '%.0f' : $size >= 10 ? '%.1f' : '%.2f', $value;
}

# values: one, or a reference to several.
sub line {
    my ($self, $title, $unit, $values, %arg) = @_;
    my $figure = summary(ref $values ? @$values : $values);
    my $limit = $arg{at_most};
    my $is_met = defined $limit ? $figure->{median} <= $limit : undef;
    push @{ $self->{lines} }, { part => $self->{part}, title => $title,
        unit => $unit, figure => $figure, at_most => $limit, met => $is_met };
    $self->say(sprintf '%-6s %8s %-6s %s%s%s',
        defined $is_met ? $is_met ? 'met' : 'MISSED' : '',
        number($figure->{median}), $unit, $title,
        @{ $figure->{rounds} } > 1 ? sprintf(' (%s to %s, %d values)',
            number($figure->{min}), number($figure->{max}),
            scalar @{ $figure->{rounds} }) : '',
        defined $limit ? "; at most $limit" : '');
    return $figure->{median};
}

sub save {
    my ($self) = @_;
    my $file = "$TOP/build/bench/$self->{name}";
    make_path("$TOP/build/bench");
    my $json = JSON::PP->new->canonical->pretty->allow_blessed->encode(
        { machine => $self->{machine}, lines => $self->{lines} });
    for (["$file.txt", $self->{text}], ["$file.json", $json]) {
        open(my $out, '>', $_->[0]) or die "$_->[0]: $!";
        print {$out} $_->[1];
        close $out or die "$_->[0]: $!";
    }
    print "\n$file.txt, .json\n";
}

1;
