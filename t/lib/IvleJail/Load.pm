# SPDX-License-Identifier: Apache-2.0
package IvleJail::Load;

# Clients that ask all the time, each in a process of its own, and the proof
# that each request was answered and ran exactly once.
#
#   IvleJail::Load::put_counter($_) for qw(alice bob);
#   my $load = IvleJail::Load->start($httpd, clients => 4,
#       users => [qw(alice bob)], pause => sub { rand 0.1 });
#   ...
#   my $done = $load->stop;
#   is_deeply($done->{wrong}, [], 'no request failed, none ran twice');
#
# Every request is a POST with a word of its own as query.  The program notes
# it in the user's home and says it back, and when its warden was started: that
# tells one warden from the next.

use strict;
use warnings;

use Exporter qw(import);
use POSIX qw(_exit);
use Time::HiRes qw(sleep);

use IvleJail::Client;
use IvleJail::Test;

my $COUNTER = <<'SH';
#!/bin/sh
echo "$QUERY_STRING" >> ../ran
echo Content-Type: text/plain
echo
read -r stat < /proc/1/stat
set -- $stat
echo "$QUERY_STRING at ${22}"
SH

sub put_counter {
    my ($user) = @_;
    put_program($user, 'web/counter.sh', $COUNTER);
    put_file($user, 'ran', '');
}

# Each client goes around among the users, far from the others.
# pause: seconds between two requests of a client.
sub start {
    my ($class, $httpd, %arg) = @_;
    my $self = bless { httpd => $httpd, users => $arg{users},
        pause => $arg{pause} // sub { 0 }, pids => [],
        distance => int(@{ $arg{users} } / $arg{clients}) || 1,
        dir => "$httpd->{dir}/logs" }, $class;
    unlink "$self->{dir}/load-stop";
    push @{ $self->{pids} }, $self->start_client($_) for 1 .. $arg{clients};
    return $self;
}

sub start_client {
    my ($self, $number) = @_;
    my $pid = fork() // die "fork: $!";
    return $pid if $pid;
    eval { $self->be_client($number); 1 } or print STDERR $@;
    _exit(0);
}

sub be_client {
    my ($self, $number) = @_;
    my @users = @{ $self->{users} };
    open(my $out, '>', "$self->{dir}/load-$number") or die "load: $!";
    srand $number;
    for (my $turn = 0; !-e "$self->{dir}/load-stop"; $turn++) {
        my $user = $users[($turn + $number * $self->{distance}) % @users];
        my $word = "$number-$turn";
        my $answer = finish(begin($self->{httpd}, "/my/counter.sh?$word",
            user => $user, method => 'POST', content => 'x' x 100));
        $answer->{content} =~ s/\n.*//s;
        print {$out} join("\t", $user, $word, outcome($answer),
            $answer->{content}), "\n";
        sleep $self->{pause}->();
    }
    close $out or die "load: $!";
}

# {requests: how many, wrong: [what], wardens: how many served them}
sub stop {
    my ($self) = @_;
    my (%wrong, %wardens, %ran);
    my $requests = 0;
    $self->end_clients;
    $ran{$_} = words_of($_) for @{ $self->{users} };
    for my $line (map { lines("$self->{dir}/load-$_") }
                  1 .. @{ $self->{pids} }) {
        my ($user, $word, $outcome, $said) = split /\t/, $line;
        my $times = delete($ran{$user}{$word}) // 0;
        $requests++;
        $wrong{"$line, ran $times times"} = 1 if $times != 1
            || $outcome ne '200 whole'
            || $said !~ /^\Q$word\E at (\d+)$/;
        $wardens{"$user $1"} = 1 if ($said // '') =~ / at (\d+)$/;
    }
    $wrong{"nobody asked for $_"} = 1 for map { keys %$_ } values %ran;
    return { requests => $requests, wrong => [sort keys %wrong],
        wardens => scalar keys %wardens };
}

# How many have run so far.
sub ran {
    my ($self) = @_;
    my $count = 0;
    $count += lines("$USERS/$_/home/$_/ran") for @{ $self->{users} };
    return $count;
}

sub end_clients {
    my ($self) = @_;
    open(my $stop, '>', "$self->{dir}/load-stop") or die "load: $!";
    close $stop;
    waitpid $_, 0 for @{ $self->{pids} };
}

# The words that ran in a user's home, and how often each.
sub words_of {
    my ($user) = @_;
    my %times;
    $times{$_}++ for lines("$USERS/$user/home/$user/ran");
    return \%times;
}

sub lines {
    my ($file) = @_;
    open(my $in, '<', $file) or die "$file: $!";
    chomp(my @lines = <$in>);
    return @lines;
}

1;
