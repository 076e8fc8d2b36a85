# SPDX-License-Identifier: Apache-2.0
package IvleJail::Test;

# What a test asks of the machine and how it looks at what is left.
#
#   use IvleJail::Test;                 # under Test::More or Apache::Test
#   must_have_program('strace');        # or skip; or fail, if nothing may skip
#   put_program(alice => 'web/x.sh', "#!/bin/sh\n...");
#   my $before = leftovers();
#   ...
#   is_deeply([left_since($before)], [], 'nothing is left');

use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(basename dirname);
use File::Path qw(make_path);
use POSIX qw(mkfifo);
use Test::More ();

use IvleJail::Httpd qw(password_of mpm slurp);
use IvleJail::Stage qw($TOP $INSTANCE $ROOT $LIBEXEC $TRAMPOLINE $TIMOUNT
    $WARDEN $CTL $MODULE $BASES $USERS $RUN base add_user remove_user install
    run_quietly);
use IvleJail::Wait qw(wait_until);

use constant LOGGED => 20;      # lines of a log that are shown

our @EXPORT = qw($TOP $INSTANCE $ROOT $LIBEXEC $TRAMPOLINE $TIMOUNT $WARDEN
    $CTL $MODULE $BASES $USERS $RUN base add_user remove_user install
    run_quietly password_of mpm
    must_be_root must_have_program must_have give_up put_program put_file
    put_gate open_gate
    wait_until stop_process log_mark log_since in_namespace_of
    mounts run_files processes descriptors leftovers left_since);

# --- what must be there ---------------------------------------------------

# Skips the whole file; where everything must work, that is a failure.
sub give_up {
    my ($why) = @_;
    if ($ENV{IVLEJAIL_MUST_WORK}) {
        print "1..1\nnot ok 1 - cannot be skipped: $why\n";
        exit 1;
    }
    print "1..0 # SKIP $why\n";
    exit 0;
}

sub must_have {
    my ($there, $what) = @_;
    give_up("no $what") if !$there;
}

sub must_be_root {
    must_have($> == 0, 'root');
}

sub must_have_program {
    for my $name (@_) {
        my @dirs = (split(/:/, $ENV{PATH}), '/sbin', '/usr/sbin');
        must_have(scalar(grep { -x "$_/$name" } @dirs), $name);
    }
}

# --- users' files -----------------------------------------------------------

# Written from outside the jail, owned by the user: a path below the home.
sub put_file {
    my ($user, $path, $text, $mode) = @_;
    my $home = "$USERS/$user/home/$user";
    my ($uid, $gid) = (stat $home)[4, 5];
    my $file = "$home/$path";
    for my $dir (dirname($file)) {
        die "$dir: a link, which root must not follow\n" if -l $dir;
        next if -d $dir;
        make_path($dir, { mode => 0755, owner => $uid, group => $gid });
    }
    open(my $out, '>', "$file.new") or die "$file.new: $!";
    print {$out} $text;
    close $out or die "$file.new: $!";
    chmod $mode // 0644, "$file.new" or die "chmod $file.new: $!";
    chown $uid, $gid, "$file.new" or die "chown $file.new: $!";
    rename "$file.new", $file or die "rename $file: $!";
    return $file;
}

sub put_program {
    my ($user, $path, $text) = @_;
    return put_file($user, $path, $text, 0755);
}

# A FIFO in the user's home at which programs wait ("read -r line < gate", or
# anything that opens it) until the test opens it for all of them: also for
# those that have not come to it yet, so it stays open, and there is a line for
# each.
sub put_gate {
    my ($user) = @_;
    my $home = "$USERS/$user/home/$user";
    my ($uid, $gid) = (stat $home)[4, 5];
    my $gate = "$home/gate";
    unlink $gate;
    mkfifo($gate, 0600) or die "mkfifo $gate: $!";
    chown $uid, $gid, $gate or die "chown $gate: $!";
    return $gate;
}

my $MANY = 4096;        # more than there are readers; a FIFO holds them
my @open_gates;
sub open_gate {
    my ($gate) = @_;
    open(my $both_ends, '+<', $gate) or die "$gate: $!";
    syswrite($both_ends, "\n" x $MANY) == $MANY or die "$gate: $!";
    push @open_gates, $both_ends;
}

# --- waiting and logs -------------------------------------------------------

# A process has stopped when all of its threads have, which may take a while.
sub stop_process {
    my ($pid) = @_;
    kill STOP => $pid or die "kill: $!";
    wait_until(60, sub {
        !grep { eval { slurp($_) =~ /\) [^T]/ } } glob "/proc/$pid/task/*/stat"
    }) or die "$pid does not stop\n";
}

# log_since(log_mark($file)) is what was written to a log in between.
sub log_mark {
    my ($file) = @_;
    return { file => $file, offset => -s $file // 0 };
}

sub log_since {
    my ($mark) = @_;
    open(my $in, '<', $mark->{file}) or return '';
    seek $in, $mark->{offset}, 0;
    local $/;
    return scalar(<$in>) // '';
}

# A test under t/TEST's server that fails shows what that has logged meanwhile:
# the log is gone when others look for the reason.
my $server_log = log_mark("$ROOT/t/logs/error_log");
END {
    if ($INC{'Apache/Test.pm'} && !Test::More->builder->is_passing) {
        my @lines = grep { /\[\w+:(?:warn|error|crit)\]/ }
            split /\n/, log_since($server_log);
        splice @lines, 0, -(LOGGED) if @lines > LOGGED;
        Test::More->builder->diag(join "\n", 'httpd has logged:', @lines);
    }
}

# --- what is there ----------------------------------------------------------

# Mounts that are ours, in the namespace of a process: [mount point, ...].
# mountinfo is read, never a mount touched: that would keep a jail alive.
sub mounts {
    my ($pid) = @_;
    return [sort grep { m{^\Q$RUN\E(-|/|$)} || m{^\Q$ROOT\E/} }
        map { $_->[4] } mountinfo($pid // 'self')];
}

sub mountinfo {
    my ($pid) = @_;
    open(my $in, '<', "/proc/$pid/mountinfo") or return;
    return map { [split ' '] } <$in>;
}

# Every mount namespace that is in use, looked at once.
sub all_mounts {
    my (%seen, @all);
    for my $dir (glob '/proc/[0-9]*') {
        my $namespace = readlink "$dir/ns/mnt" or next;
        next if $seen{$namespace}++;
        push @all, @{ mounts(basename $dir) };
    }
    return [sort @all];
}

# Files in the runtime directory of our instances, as the host sees them.
sub run_files {
    return [sort grep { -e } glob "$RUN $RUN.pid $RUN/* $RUN-*"];
}

# Processes that are ours: "<pid> <program>".  A helper is known by its file,
# whatever runs in a jail by the mounts around it.
sub processes {
    my @found;
    for my $dir (glob '/proc/[0-9]*') {
        my $pid = basename $dir;
        my $exe = readlink("$dir/exe") // next;
        next if $exe !~ m{^\Q$LIBEXEC\E/} && !is_jailed($pid);
        push @found, "$pid " . basename($exe);
    }
    return [sort @found];
}

# Mounted from one of our users' directories: field 4 of mountinfo.
sub is_jailed {
    my ($pid) = @_;
    my $users = basename($ROOT) . '/users';
    return scalar grep { $_->[3] =~ m{(^|/)\Q$users\E/} } mountinfo($pid);
}

# The open files of a process: number => what it is.
sub descriptors {
    my ($pid) = @_;
    return { map { basename($_) => readlink($_) // '' }
        glob "/proc/$pid/fd/*" };
}

# Everything that must be as before when a server has ended.
sub leftovers {
    return {
        mounts => all_mounts(),
        processes => processes(),
        run => run_files(),
    };
}

# What is there now and was not in what leftovers() said: "<kind>: <which>".
# What has gone meanwhile was another test's, a jail that expired for example.
sub left_since {
    my ($before) = @_;
    my $now = leftovers();
    my @new;
    for my $kind (sort keys %$now) {
        my %there;
        $there{$_}++ for @{ $before->{$kind} };
        push @new, map { "$kind: $_" } grep { --$there{$_} < 0 }
            @{ $now->{$kind} };
    }
    return @new;
}

# Runs a command in the mount namespace of a process; its output.
sub in_namespace_of {
    my ($pid, @command) = @_;
    return run_quietly('nsenter', '-m', '-t', $pid, '--', @command);
}

1;
