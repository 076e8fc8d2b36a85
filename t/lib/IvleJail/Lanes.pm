# SPDX-License-Identifier: Apache-2.0
package IvleJail::Lanes;

# Runs the programs of "make check" in lanes: those of one lane run one after
# another, and lanes beside each other.
#
#   my $lanes = IvleJail::Lanes->new($results);         # IvleJail::Results
#   my $lint = $lanes->begin(name => 'lint', jobs => [[{ name => 'lint',
#       nice => 19, command => ['tools/lint'] }]]);
#   $lanes->finish(map { $lanes->begin(name => $_, jobs => [\@own, \@shared],
#       env => { X => $_ }) } 1 .. 4);
#   $lanes->finish($lint);
#
# A job is a hash of
#   name        of its result
#   command     a list
#   nice, dir   how and where it runs
#   env         what it finds in its environment, beside the lane's and ours
#   plain       speaks no TAP: its exit status is the result
#   vital       where it fails, the lane ends
# Lanes that share a list of jobs each take the next one from it.

use strict;
use warnings;

use POSIX qw(_exit);
use Time::HiRes qw(time);

use constant SECONDS_MAX => 900;        # of one job: then it hangs

sub new {
    my ($class, $results) = @_;
    return bless { results => $results, running => {} }, $class;
}

sub begin {
    my ($self, %lane) = @_;
    my $lane = { %lane, began => time };
    $self->next_job($lane);
    return $lane;
}

# Waits until these lanes are at their ends.
sub finish {
    my ($self, @lanes) = @_;
    $self->reap while grep { !$_->{ended} } @lanes;
}

sub next_job {
    my ($self, $lane) = @_;
    my ($jobs) = grep { @$_ } @{ $lane->{jobs} };
    my $job = shift @{ $jobs // [] };
    if (!$job) {
        $lane->{ended} = 1;
        $self->{results}->took($lane->{name}, time - $lane->{began})
            if $lane->{count};
        return;
    }
    $lane->{count}++;
    my $run = { lane => $lane, job => $job, began => time,
        map { $_ => file_without_name() } qw(out err) };
    my $pid = fork // die "fork: $!";
    become($lane, $job, @$run{qw(out err)}) if $pid == 0;
    $self->{running}{$pid} = $run;
}

# Errors are not lost in pipes that a server of the test's keeps open.
sub file_without_name {
    open(my $file, '+>', undef) or die "temporary file: $!";
    return $file;
}

# An alarm survives exec, and ends what waits for ever.
sub become {
    my ($lane, $job, $out, $err) = @_;
    open(STDIN, '<', '/dev/null') or _exit(126);
    open(STDOUT, '>&', $out) or _exit(126);
    open(STDERR, '>&', $err) or _exit(126);
    chdir $job->{dir} or _exit(126) if $job->{dir};
    POSIX::nice($job->{nice}) if $job->{nice};
    %ENV = (%ENV, %{ $lane->{env} // {} }, %{ $job->{env} // {} });
    alarm($job->{nice} ? 2 * SECONDS_MAX : SECONDS_MAX);
    exec @{ $job->{command} } or print STDERR "$job->{command}[0]: $!\n";
    _exit(127);
}

sub reap {
    my ($self) = @_;
    my $before = children_cpu();
    my $pid = waitpid -1, 0;
    my $wait = $?;
    die "waitpid: $!" if $pid <= 0;
    my $run = delete $self->{running}{$pid} or return;
    my ($lane, $job) = @$run{qw(lane job)};
    my $ok = $self->{results}->add(name => $job->{name}, wait => $wait,
        texts_of($job, $wait, map { slurp($_) } @$run{qw(out err)}),
        seconds => time - $run->{began}, cpu => children_cpu() - $before);
    $lane->{jobs} = [] if $job->{vital} && !$ok;
    $self->next_job($lane);
}

# A child's part is added when it is waited for.
sub children_cpu {
    my (undef, undef, $user, $system) = times;
    return $user + $system;
}

sub slurp {
    my ($file) = @_;
    seek $file, 0, 0;
    local $/;
    return scalar(<$file>) // '';
}

# What a plain job says is of interest when it fails.
sub texts_of {
    my ($job, $wait, $out, $err) = @_;
    return (tap => $out, err => $err) if !$job->{plain};
    return (tap => "1..1\nok 1\n", err => '') if $wait == 0;
    return (tap => "1..1\nnot ok 1\n", err => $out . $err);
}

1;
