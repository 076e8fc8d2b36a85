# SPDX-License-Identifier: Apache-2.0
package IvleJail::Results;

# What became of the programs that "make check" ran: a line for each as it
# ends, and a summary, whose end tells what failed and why, because of a long
# log only the end may have been kept.
#
#   my $results = IvleJail::Results->new;
#   $results->add(name => 't/x.t', tap => $its_output, err => $its_errors,
#       wait => $?, seconds => 1.2, cpu => 0.3);
#   $results->took('unit tests', 12.3);
#   my $failed = $results->sum_up;      # the last line: "N passed, N failed"

use strict;
use warnings;

use List::Util qw(sum0);
use POSIX qw(strftime);
use TAP::Parser;
use TAP::Parser::Iterator::Array;

use constant {
    LINES_MAX => 40,            # of what one of them said
    SLOWEST => 10,
};

sub new {
    my ($class) = @_;
    return bless { all => [], took => [] }, $class;
}

# A program that died, or skipped where nothing may be skipped, has failed
# even if none of its assertions did.
sub add {
    my ($self, %result) = @_;
    my @lines = split /\n/, delete $result{tap};
    my $parser = TAP::Parser->new({
        iterator => TAP::Parser::Iterator::Array->new([@lines]) });

    $parser->run;
    $parser->wait($result{wait});
    $parser->exit($result{wait} >> 8);
    my $failed = $parser->failed;
    my $skips = $parser->skip_all || $parser->skipped;
    $failed ||= 1 if $parser->has_problems
        || ($skips && $ENV{IVLEJAIL_MUST_WORK});
    $result{passed} = $parser->passed;
    $result{failed} = $failed;
    $result{reasons} = [reasons($parser, $skips)];
    $result{lines} = $failed ? \@lines : [];
    push @{ $self->{all} }, \%result;
    show(\%result);
    return !$failed;
}

# What is wrong with it as a whole.
sub reasons {
    my ($parser, $skips) = @_;
    my $wait = $parser->wait;

    return ($wait & 127 ? 'ended by signal ' . ($wait & 127)
            : $wait ? 'exit status ' . ($wait >> 8) : (),
        $skips ? 'skips' : (), $parser->parse_errors);
}

sub show {
    my ($result) = @_;
    my @err = grep { /\S/ } split /\n/, $result->{err};

    printf "[%s] %s .. %s  %.1f s (%.1f s CPU)\n",
        strftime('%H:%M:%S', localtime), $result->{name},
        $result->{failed} ? "FAILED $result->{failed}" : 'ok',
        @$result{qw(seconds cpu)};
    print "$_\n" for excerpt(@err);
}

# How long a part of the whole took.
sub took {
    my ($self, $what, $seconds) = @_;
    push @{ $self->{took} }, sprintf '%6.1f s  %s', $seconds, $what;
}

# --- the end ----------------------------------------------------------------

# The beginning tells where it began to go wrong, the end how it ended.
sub excerpt {
    my @lines = @_;
    return @lines if @lines <= LINES_MAX;
    my $half = LINES_MAX / 2;
    return (@lines[0 .. $half - 1],
        '    ... (' . (@lines - 2 * $half) . ' more lines)',
        @lines[-$half .. -1]);
}

# Each failed assertion with the diagnostics behind it; those of Perl's tests
# went to the standard error output.  Where there is none, how far it came.
sub failures_in {
    my @lines = @_;
    my $shown = 0;
    my @failures = grep {
        $shown = /^\s*not ok/ ? 1 : /^\s*ok\b/ ? 0 : $shown;
        $shown || /^Bail out/ } @lines;
    return @failures || !@lines ? @failures : "... $lines[-1]";
}

sub print_failures {
    my @failed = @_;
    for my $result (@failed) {
        print "\n--- $result->{name}: ",
            join(', ', "$result->{failed} failed", @{ $result->{reasons} }),
            "\n";
        print "$_\n" for excerpt(failures_in(@{ $result->{lines} }),
            split /\n/, $result->{err});
    }
}

sub print_times {
    my ($self) = @_;
    my @all = sort { $b->{seconds} <=> $a->{seconds} } @{ $self->{all} };
    my @slowest = splice @{ [@all] }, 0, SLOWEST;

    print "\nThe slowest:\n";
    printf "%6.1f s  %s (%.1f s CPU)\n", @$_{qw(seconds name cpu)}
        for @slowest;
    print "Together:\n";
    print "$_\n" for @{ $self->{took} };
    printf "%6.1f s  CPU, without servers\n",
        sum0 map { $_->{cpu} } @all;
}

# Returns how many failed.
sub sum_up {
    my ($self) = @_;
    my @failed = grep { $_->{failed} } @{ $self->{all} };
    my ($passed, $failed) = map { my $what = $_;
        sum0 map { $_->{$what} } @{ $self->{all} } } qw(passed failed);
    my $line = "$passed passed, $failed failed\n";

    $self->print_times;
    print_failures(@failed);
    print "\nFailed: ", join(', ', map { $_->{name} } @failed), "\n" if @failed;
    open(my $out, '>', 'build/check.summary') or die "build: $!";
    print {$out} $line;
    close $out or die "build: $!";
    print $line;
    return $failed;
}

1;
