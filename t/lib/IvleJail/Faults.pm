# SPDX-License-Identifier: Apache-2.0
package IvleJail::Faults;

# Faults that are done to a running server, one after the other, and the record
# of whom each may have disturbed, from when to when.
#
#   my $faults = IvleJail::Faults->new($httpd, users => \%uid_of, ...);
#   $faults->turn while time < $end;
#   $faults->end;
#   $faults->explains($request)     # may this request have come to this?
#
# What a disturbed request may come to is in %ALLOWED, and nothing else: never
# is it a wrong answer, or one that was cut and looks whole.

use strict;
use warnings;

use File::Basename qw(basename);
use Time::HiRes qw(sleep time);

use IvleJail::Httpd qw(runs slurp);
use IvleJail::Test;
use IvleJail::Traffic;

# By whom it was disturbed, and to what it may come then.  Where the warden
# goes, and its word on how the program ended is missing, an answer is cut if
# it was begun (cut), and replaced if it was not: without a header by 500, with
# one by 502.
my %ALLOWED = (
    child => qr/^(?:none|unread|cut \d+)$/,
    warden => qr/^(?:500|502|503 retry|cut \d+)$/,
    trampoline => qr/^503 retry$/,
    run => qr/^503 retry$/,
    home => qr/^507$/,
    removed => qr/^(?:403|404|500|502|503 retry|cut \d+)$/,
    restart => qr/^unread$/,    # and then it did not run
);

use constant {
    LATE => 2,          # seconds until httpd knows that a process has ended
    FULL => 2,          # seconds that something is full, or a user away
    PATIENCE => 60,
};

# What is done how often, in seconds.
my @PLAN = (
    [ \&kill_warden => 0.5 ],
    [ \&kill_trampoline => 0.3 ],
    [ \&kill_child => 4 ],
    [ \&restart => 10 ],
    [ \&fill_homes => 7 ],
    [ \&fill_run => 15 ],
    [ \&remove_one => 6 ],
    [ \&look_at_parent => 2 ],
);

# users: name => uid.  full: those whose home is a small disk of its own.
# base: a base image, and generations of it to switch between.
sub new {
    my ($class, $httpd, %arg) = @_;
    my $self = bless { httpd => $httpd, %arg, disturbed => [], ending => [],
        later => [], count => {}, samples => [], switched => 0 }, $class;
    $self->{run_dir} = "/run/ivlejail/$httpd->{instance}";
    $self->{user_of} = { reverse %{ $arg{users} } };
    $self->{plan} = [map { { code => $_->[0], every => $_->[1],
        due => time + rand $_->[1] } } @PLAN];
    return $self;
}

# Does what is due.
sub turn {
    my ($self) = @_;
    for my $fault (@{ $self->{plan} }) {
        next if time < $fault->{due};
        $fault->{due} = time + $fault->{every} * (0.5 + rand);
        $fault->{code}->($self);
    }
    $self->end_some(time);
    $self->look_at_ending;
    sleep 0.02;
}

sub end_some {
    my ($self, $until) = @_;
    my @due = grep { $_->{at} <= $until } @{ $self->{later} };
    $self->{later} = [grep { $_->{at} > $until } @{ $self->{later} }];
    $_->{code}->() for @due;
}

# Puts everything in order that is still out of it.
sub end {
    my ($self) = @_;
    $self->end_some(9 ** 20);
    wait_until(PATIENCE, sub { !$self->look_at_ending })
        or die "processes do not end\n";
}

sub later {
    my ($self, $seconds, $code) = @_;
    push @{ $self->{later} }, { at => time + $seconds, code => $code };
}

# --- the record -------------------------------------------------------------

# Begins a disturbance of a user, or of "*"; until it is told when it ended.
sub disturb {
    my ($self, $kind, $user) = @_;
    my $disturbance = { kind => $kind, user => $user, start => time };
    push @{ $self->{disturbed} }, $disturbance;
    $self->{count}{$kind}++;
    return $disturbance;
}

# It ends when these processes have; until then they disturb.
sub ends_with {
    my ($self, $disturbance, @pids) = @_;
    $disturbance->{pids} = \@pids;
    push @{ $self->{ending} }, $disturbance;
}

# How many of them have not ended.
sub look_at_ending {
    my ($self) = @_;
    my @ending = @{ $self->{ending} };
    for my $disturbance (@ending) {
        $disturbance->{end} = time if !grep { runs($_) }
            @{ $disturbance->{pids} };
    }
    $self->{ending} = [grep { !$_->{end} } @ending];
    return scalar @{ $self->{ending} };
}

sub kinds { return sort keys %ALLOWED }

sub explains {
    my ($self, $request) = @_;
    return scalar grep {
        ($_->{user} eq '*' || $_->{user} eq $request->{user})
        && $request->{end} >= $_->{start}
        && $request->{begin} <= ($_->{end} // time) + LATE
        && $request->{outcome} =~ $ALLOWED{ $_->{kind} }
    } @{ $self->{disturbed} };
}

# --- kills ------------------------------------------------------------------

# Pids of our helpers that run a certain program.  Its user does not matter to
# /proc/<pid>/exe, and a warden's number cannot be another's while it is looked
# at: it would be another program.
sub running {
    my ($program) = @_;
    return grep { (readlink("/proc/$_/exe") // '') eq $program }
        map { basename $_ } glob '/proc/[0-9]*';
}

sub kill_warden {
    my ($self) = @_;
    my @wardens = running($WARDEN) or return;
    my $pid = $wardens[rand @wardens];
    my $status = eval { slurp("/proc/$pid/status") } // '';
    my ($uid) = $status =~ /^Uid:\s+(\d+)/m or return;
    my $user = $self->{user_of}{$uid} or return;
    $self->ends_with($self->disturb(warden => $user), $pid);
    kill KILL => $pid;
}

# They are there for a few milliseconds: the first one that is seen soon.
sub kill_trampoline {
    my ($self) = @_;
    my $end = time + 0.05;
    while (time < $end) {
        for my $pid (running($TRAMPOLINE)) {
            my ($instance, $user) = (split /\0/,
                eval { slurp("/proc/$pid/cmdline") } // '')[1, 3];
            next if ($instance // '') ne $self->{httpd}{instance};
            $self->ends_with($self->disturb(trampoline => $user), $pid);
            kill KILL => $pid;
            return;
        }
    }
}

# One that serves: mod_cgid's daemon has no threads.
sub kill_child {
    my ($self) = @_;
    my @children = grep { my @threads = glob "/proc/$_/task/*"; @threads > 1 }
        $self->{httpd}->children or return;
    my $pid = $children[rand @children];
    $self->ends_with($self->disturb(child => '*'), $pid);
    kill KILL => $pid;
}

# --- restarts ---------------------------------------------------------------

# Each with the other base image, as "ivlejailctl base use" makes it current.
# No request is lost.  But a connection that is kept open is closed when it is
# idle, and a client may be about to use it, until the old children have ended.
sub restart {
    my ($self) = @_;
    my $all = $self->{generations};
    my $generation = $all->[++$self->{switched} % @$all];
    symlink $generation, "$self->{base}/new" or die "symlink: $!";
    rename "$self->{base}/new", "$self->{base}/current" or die "rename: $!";
    $self->ends_with($self->disturb(restart => '*'),
        $self->{httpd}->children);
    $self->{httpd}->graceful or die $self->{httpd}->output;
}

# --- disks that are full ----------------------------------------------------

# All of them at once: it is only some users' uploads that notice.
sub fill_homes {
    my ($self) = @_;
    $self->fill_home($_) for @{ $self->{full} };
}

sub fill_home {
    my ($self, $user) = @_;
    my $ballast = "$USERS/$user/home/$user/ballast";
    return if -e $ballast;
    my $disturbance = $self->disturb(home => $user);
    open(my $out, '>', $ballast) or die "$ballast: $!";
    1 while syswrite $out, 'x' x 4096;
    close $out;
    $self->later(rand FULL, sub {
        unlink $ballast;
        $disturbance->{end} = time;
    });
}

# No file, socket or directory can be made any more.
sub fill_run {
    my ($self) = @_;
    my $disturbance = $self->disturb(run => '*');
    my $tries = 0;
    until ($self->limit_run($self->used_in_run)) {
        die "$self->{run_dir}: cannot be made small" if $tries++ > 100;
    }
    $self->later(rand FULL, sub {
        $self->limit_run(100_000) or die "$self->{run_dir}: remount";
        $disturbance->{end} = time;
    });
}

sub used_in_run {
    my ($self) = @_;
    my ($used) = run_quietly('df', '--output=iused', $self->{run_dir})
        =~ /(\d+)\s*\z/;
    return $used;
}

sub limit_run {
    my ($self, $files) = @_;
    return eval { run_quietly('mount', '-o', "remount,nr_inodes=$files",
        $self->{run_dir}); 1 };
}

# --- users who come and go --------------------------------------------------

# Not one whose home is a disk of its own.
sub remove_one {
    my ($self) = @_;
    my %stays = map { $_ => 1 } @{ $self->{full} };
    my @users = grep { !$stays{$_} && -d "$USERS/$_" }
        sort keys %{ $self->{users} };
    my $user = $users[rand @users];
    my $disturbance = $self->disturb(removed => $user);
    $self->{httpd}->ctl('user', 'remove', $user);
    $self->later(rand FULL, sub {
        $self->{httpd}->ctl('user', 'add', '--uid', $self->{users}{$user},
            $user);
        IvleJail::Traffic::put_programs($user, $self->{users}{$user});
        $disturbance->{end} = time;
    });
}

# --- httpd's parent ---------------------------------------------------------

sub look_at_parent {
    my ($self) = @_;
    my $pid = $self->{httpd}->pid or die 'httpd has gone';
    my ($memory) = slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+) kB$/m;
    push @{ $self->{samples} }, { at => time, memory => $memory,
        descriptors => scalar keys %{ descriptors($pid) } };
}

1;
