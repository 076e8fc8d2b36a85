# SPDX-License-Identifier: Apache-2.0
package IvleJail::Instance;

# An instance without httpd: a runtime directory and a keep made by timount,
# a sealed policy written by hand, a busybox base, users, and the trampoline
# installed setuid, called as httpd's User would.  For the tests of what the
# privileged programs do with good and bad input.
#
#   my $i = IvleJail::Instance->new('name');
#   $i->add_user(alice => 70001);
#   my $r = $i->start('alice');         # {status, out, err, socket}
#   my $a = $i->ask($r->{socket}, '/home/alice/x.cgi');
#   my $p = $i->report('alice');        # what t/tools/probe.c finds in there
#   is_deeply([$i->jails], [], ...);    # pins, wardens, sockets, processes
#   $i->finish;                         # stops, removes, checks

use strict;
use warnings;

use Cwd qw(abs_path);
use Fcntl qw(:DEFAULT :mode :seek);
use File::Basename qw(basename dirname);
use IO::Socket::UNIX;
use POSIX qw(:sys_wait_h dup2 _exit);
use Test::More;

use IvleJail::Wait;

require 'sys/syscall.ph';

use constant {
    CLONE_NEWNS => 0x20000,
    F_OFD_SETLK => 37,
    ANSWERS_FD => 20,           # of t/tools/ask.c
    PATIENCE => 60,             # seconds for what takes a moment
    CLAIM_PATIENCE => 300,      # and for another run of the same test
};

our $ROOT = abs_path(dirname(__FILE__) . '/../../..');
our ($HTTPD_UID, $HTTPD_GID) = (getpwnam 'www-data')[2, 3];

# --- making it --------------------------------------------------------------

# Options: found => 0 leaves it to the test to start the instance.
sub new {
    my ($class, $name, %option) = @_;
    my $self = bless {
        name => $name,
        dir  => "/var/lib/ivlejail-$name",
        run  => "/run/ivlejail/$name",
        pid  => $$,
    }, $class;

    BAIL_OUT('these tests need root') if $> != 0;
    $self->claim;
    $self->remove;
    mkdir "$self->{dir}", 0755 or BAIL_OUT("mkdir $self->{dir}: $!");
    mkdir "$self->{dir}/$_", 0755 for qw(users bases libexec);
    $self->install;
    $self->build_base;
    if ($option{found} // 1) {
        $self->timount('start');
        $self->seal;
    }
    return $self;
}

# Two runs of a test on one machine take turns.  An abstract socket leaves
# nothing behind.
sub claim {
    my ($self) = @_;

    wait_until(CLAIM_PATIENCE, sub {
        $self->{claim} = IO::Socket::UNIX->new(Type => SOCK_DGRAM,
            Local => "\0ivlejail-test-$self->{name}");
    }) or BAIL_OUT("another run of the test with instance $self->{name}");
}

sub install {
    my ($self) = @_;
    my $to = "$self->{dir}/libexec";

    run_ok('install', '-m', '0711', "$ROOT/trampoline/warden", $to);
    run_ok('install', '-m', '0755', "$ROOT/trampoline/timount",
           "$ROOT/trampoline/provision", "$ROOT/trampoline/cgroup", $to);
    run_ok('install', '-g', $HTTPD_GID, '-m', '4750',
           "$ROOT/trampoline/trampoline", $to);
    $self->{trampoline} = "$to/trampoline";
}

# In a guest that is slow, it is the one that was made outside.
sub build_base {
    my ($self) = @_;
    my $made = $ENV{IVLEJAIL_BASE_MADE};

    $made ? run_ok('cp', '-a', $made, "$self->{dir}/bases/tiny")
        : run_ok("$ROOT/base/build", '--kind', 'busybox', '--bases',
              "$self->{dir}/bases", 'tiny');
    $self->{base} = abs_path("$self->{dir}/bases/tiny/current");
}

# A copy of the base image that may be changed; for seal(base => ...).
sub copy_base {
    my ($self, $name) = @_;
    my $copy = "$self->{dir}/bases/$name";

    run_ok('cp', '-a', $self->{base}, $copy);
    return $copy;
}

# From here on the test may mount what it likes, where it likes.
sub enter_own_namespace {
    syscall(&SYS_unshare, CLONE_NEWNS) == 0 or BAIL_OUT("unshare: $!");
    run_ok('mount', '--make-rprivate', '/');
}

# The same, with runtime directories that no other instance uses.  Not mounted
# on the host's directory: whoever removes that takes with it whatever is mounted
# on it in other namespaces.
sub have_own_run {
    enter_own_namespace();
    for my $directory ('/run', '/run/ivlejail') {
        run_ok('mkdir', '-p', $directory);
        run_ok('mount', '-t', 'tmpfs', '-o', 'mode=755', 'none', $directory);
    }
}

# From here on the machine has no processes but the test's, so that a walk
# through /proc is short and always the same.  To be called first.
sub have_own_processes {
    return if delete $ENV{IVLEJAIL_OWN_PROCESSES};
    $ENV{IVLEJAIL_OWN_PROCESSES} = 1;
    # a shell as init: it reaps whatever ends
    exec 'unshare', '--pid', '--fork', '--mount-proc', '--kill-child',
        'sh', '-c', '"$@"; exit $?', 'sh', $^X, "-I$ROOT/t/lib", $0
        or BAIL_OUT("unshare: $!");
}

# --- programs ---------------------------------------------------------------

# Runs a command that must succeed; its output only when it does not.
sub run_ok {
    my @command = @_;
    my $r = run(sub { exec @command or _exit(127) });

    BAIL_OUT("@command: $r->{err}$r->{out}") if $r->{status} ne '0';
    return $r->{out};
}

# Runs code in a child, with stdout and stderr collected.
sub run {
    my ($code) = @_;
    my ($out, $err) = map { tempfile() } 1, 2;
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null' or _exit(126);
        dup2(fileno $out, 1);
        dup2(fileno $err, 2);
        $code->();
        _exit(126);
    }
    waitpid $pid, 0;
    my $status = $?;
    return { wait => $status, status => $status & 127 ? "signal "
             . ($status & 127) : $status >> 8, out => slurp($out),
             err => slurp($err) };
}

sub tempfile {
    open my $fh, '+>', undef or die "temporary file: $!";
    return $fh;
}

sub slurp {
    my ($fh) = @_;

    seek $fh, 0, 0;
    local $/;
    return <$fh> // '';
}

sub timount {
    my ($self, @arguments) = @_;

    return run_ok("$self->{dir}/libexec/timount", $self->{name}, @arguments);
}

# One sweep: {marked, expired, busy}.
sub sweep {
    my ($self) = @_;

    return { $self->timount('sweep') =~ /(\w+) (\d+)/g };
}

# --- the policy -------------------------------------------------------------

# The lines of a policy; a hash of changes by key: undef leaves a key out, and
# a reference to a list repeats it.
sub policy {
    my ($self, %change) = @_;
    my @lines = (
        [ 'ivlejail-policy' => '1' ],
        [ instance => $self->{name} ],
        [ httpd => "$HTTPD_UID $HTTPD_GID" ],
        [ warden => "$self->{dir}/libexec/warden" ],
        [ profile => 'default 0000abcd' ],
        [ base => $self->{base} ],
        [ users => "$self->{dir}/users" ],
        [ uids => '70000 79999' ],
        [ provision => 'off' ],
        [ network => 'none' ],
        [ cgroup => 'off' ],
        [ mount => 'proc /proc - -' ],
        [ 'limit cpu' => '25 30' ],
        [ 'limit as' => 'unlimited unlimited' ],
        [ 'limit data' => '469762048 536870912' ],
        [ 'limit core' => '0 0' ],
        [ 'limit fsize' => '67108864 75497472' ],
        [ 'limit nproc' => '1000 1000' ],      # of a uid, on the whole machine
        [ 'limit nofile' => '256 256' ],
        [ 'max-requests' => '8 16' ],
        [ idle => '3600' ],
        [ linger => 'off' ],
        (map { [ $_ => '- off' ] } qw(memory.max pids.max cpu.max)),
        [ seccomp => 'off' ],
    );
    my $text = '';

    for my $line (@lines) {
        my ($key, $value) = @$line;
        $value = $change{$key} if exists $change{$key};
        $text .= "$key $_\n" for ref $value ? @$value : $value // ();
    }
    return $text . "end\n";
}

sub seal {
    my ($self, %change) = @_;

    $self->write_policy($self->policy(%change));
}

sub write_policy {
    my ($self, $text) = @_;
    my $new = "$self->{run}/policy.new";

    spew($new, $text);
    chmod 0644, $new;
    rename $new, "$self->{run}/policy" or die "rename: $!";
}

# --- users ------------------------------------------------------------------

sub add_user {
    my ($self, $user, $uid, $gid) = @_;
    my $top = "$self->{dir}/users/$user";

    $gid //= $uid;
    mkdir $_, 0755 for $top, "$top/home";
    for my $leaf ("$top/home/$user", "$top/tmp") {
        mkdir $leaf, 0700;
        chown $uid, $gid, $leaf;
    }
    spew("$top/home/.passwd", "$user:x:${uid}:${gid}::/home/$user:/bin/sh\n");
    spew("$top/home/.group", "$user:x:${gid}:\n");
    return $user;
}

sub remove_user {
    my ($self, $user) = @_;

    run_ok('rm', '-rf', '--one-file-system', "$self->{dir}/users/$user");
}

sub home {
    my ($self, $user) = @_;

    return "$self->{dir}/users/$user/home/$user";
}

sub lines_of {
    my ($path) = @_;

    open my $in, '<', $path or return "(cannot be read: $!)";
    return map { chomp; $_ } <$in>;
}

sub spew {
    my ($path, $text) = @_;

    open my $fh, '>', $path or die "$path: $!";
    print $fh $text;
    close $fh or die "$path: $!";
}

# An executable of the user's in the user's home.
sub add_program {
    my ($self, $user, $name, $text) = @_;
    my $path = $self->home($user) . "/$name";
    my ($uid, $gid) = (stat $self->home($user))[4, 5];

    spew($path, $text);
    chown $uid, $gid, $path;
    chmod 0755, $path;
    return "/home/$user/$name";
}

# One of t/tools.
sub tool {
    my ($name) = @_;

    return "$ROOT/build/t/$name";
}

# --- starts and requests ----------------------------------------------------

# Drops to httpd's User in a child.
sub become_httpd {
    my ($uid, $gid) = @_;

    $gid //= $HTTPD_GID;
    $( = $gid;
    $) = "$gid $gid";
    POSIX::setgid($gid);
    POSIX::setuid($uid // $HTTPD_UID);
}

# Starts the trampoline as httpd's User; options: before (code, in the child,
# after the change of user), as_root, uid, program, arguments, wrap (argv
# before it).
sub start {
    my ($self, $user, %option) = @_;
    my $r = run(sub { $self->exec_trampoline($user, %option) });

    ($r->{socket}) = $r->{out} =~ m{\A(/run/ivlejail/\S+)\n\z};
    return $r;
}

sub exec_trampoline {
    my ($self, $user, %option) = @_;
    my @argv = @{ $option{arguments}
                  // [ $self->{name}, $option{profile} // 'default', $user ] };

    become_httpd($option{uid}) unless $option{as_root};
    $option{before}->() if $option{before};
    exec @{ $option{wrap} // [] }, $option{program} // $self->{trampoline},
        @argv or _exit(125);
}

# The number of the system call that a process sleeps in, or -1.
sub call_of {
    my ($pid) = @_;

    return ((lines_of("/proc/$pid/syscall"))[0] // '') =~ /^(\d+) / ? $1 : -1;
}

# Until a start that somebody keeps waiting is in the lock.
sub waits_for_lock {
    my ($pid) = @_;

    return wait_until(PATIENCE, sub { call_of($pid) == &SYS_fcntl });
}

# Has a warden run a program; {status, out, err, answers}.
sub ask {
    my ($self, $socket, $filename, @env) = @_;
    my $answers = tempfile();
    my $r = run(sub {
        dup2(fileno $answers, ANSWERS_FD);
        become_httpd();
        exec tool('ask'), $socket, $filename, @env or _exit(125);
    });

    $r->{answers} = slurp($answers);
    return $r;
}

# Asks without waiting; returns the process that does.
sub ask_in_background {
    my ($self, $socket, $filename, @env) = @_;
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null' or _exit(126);
        become_httpd();
        exec tool('ask'), $socket, $filename, @env or _exit(125);
    }
    return $pid;
}

# Starts a user's jail, if need be, and asks for a shell script's output.
sub output_of {
    my ($self, $user, $script, @env) = @_;
    my $program = $self->add_program($user, 'script', "#!/bin/sh\n$script\n");
    my $r = $self->start($user);

    return $r->{err} if !$r->{socket};
    $r = $self->ask($r->{socket}, $program, @env);
    return $r->{out} . $r->{err};
}

# What a program finds around itself: name => [values]; undef: it did not run.
sub report {
    my ($self, $socket, $user, @env) = @_;
    my %report;

    if (!-e $self->home($user) . '/probe') {
        open my $probe, '<', tool('probe') or die "probe: $!";
        $self->add_program($user, 'probe', slurp($probe));
    }
    my $r = $self->ask($socket, "/home/$user/probe", @env);
    if ($r->{status} ne '0') {
        diag "no report of $user: ", explain $r;
        return undef;
    }
    push @{ $report{$1} }, $2 while $r->{out} =~ /^(\S+) (.*)$/mg;
    $report{status} = { map { /^(\w+):\s*(.*?)\s*$/ } @{ $report{status} } };
    return \%report;
}

sub status_of {
    my ($pid) = @_;

    return { map { /^(\w+):\s*(.*?)\s*$/ } lines_of("/proc/$pid/status") };
}

# A process as root sees it from outside, in the form of a report.
sub report_of {
    my ($pid) = @_;
    my %report = map { $_ => [ lines_of("/proc/$pid/$_") ] }
        qw(cmdline environ limits mountinfo oom_score_adj personality);

    $report{mount} = delete $report{mountinfo};
    $report{status} = status_of($pid);
    $report{descriptor} = [ map { basename($_) . ' -> ' . readlink }
        glob "/proc/$pid/fd/*" ];
    my @stat = split ' ', (lines_of("/proc/$pid/stat"))[0] =~ s/.*\) //r;
    $report{nice} = [ $stat[19 - 3] ];
    $report{policy} = [ $stat[41 - 3] ];
    return \%report;
}

# What is the same in two reports where there is no difference that matters:
# without numbers of processes, namespaces and mounts, and memory and time.
sub steady {
    my ($report) = @_;
    my %steady = %$report;
    my %status = %{ $report->{status} };

    delete @steady{qw(pid parent process)};
    delete @status{ grep { /^(?:Vm|Rss|Huge|NS|SigQ|Pid|PPid|Tgid|FDSize)/x
        || /ctxt_switches|^Mems|^State/ } keys %status };
    $steady{status} = \%status;
    $steady{mount} = [ map { join ' ', (split)[3 .. 9] }
        @{ $report->{mount} } ];
    $steady{descriptor} = [ map { s/:\[\d+\]|\/PerlIO_\w+//gr }
        @{ $report->{descriptor} } ];
    $steady{namespace} = [ map { s/\d+\]//r } @{ $report->{namespace} // [] } ];
    return \%steady;
}

# --- refusals ---------------------------------------------------------------

# The table of trampoline/code.h: symbol => {status, http, text}.
sub codes {
    our %codes;

    if (!%codes) {
        open my $in, '<', "$ROOT/trampoline/code.h" or die "code.h: $!";
        my $text = slurp($in);
        while ($text =~ /X\((CODE_\w+), \s* (\d+), \s* (\d+), [\s\\]*
                         "([^"]*)"\)/gx) {
            $codes{$1} = { status => $2, http => $3, text => $4 };
        }
    }
    return \%codes;
}

# Why a start was not the refusal that was expected: nothing, if it was.
sub not_refused {
    my ($self, $r, $symbol, $about) = @_;
    my $code = codes()->{$symbol} or die "no $symbol";
    my $number = sprintf 'IJ2%03d', $code->{status};
    my @wrong;

    push @wrong, "exit status $r->{status}, not $code->{status}"
        if $r->{status} ne $code->{status};
    push @wrong, "output: $r->{out}" if $r->{out} ne '';
    push @wrong, "not one printable line: $r->{err}"
        if $r->{err} !~ /\A[^\x00-\x1f\x7f]{1,511}\n\z/;
    push @wrong, "not the code: $r->{err}"
        if $r->{err} !~ m{\A(?:trampoline|timount|provision): $number: };
    push @wrong, "not the remedy ($code->{text}): $r->{err}"
        if $r->{err} !~ /: \Q$code->{text}\E\n\z/;
    push @wrong, "not about $about: $r->{err}"
        if defined $about && $r->{err} !~ $about;
    return @wrong;
}

# Why a start did not do what it should: nothing, if it did.
sub not_started {
    my ($self, $r, $user) = @_;
    my @wrong;

    push @wrong, "exit status $r->{status}" if $r->{status} ne '0';
    push @wrong, "complaint: $r->{err}" if $r->{err} ne '';
    push @wrong, "output: $r->{out}"
        if ($r->{socket} // '') !~ m{^\Q$self->{run}\E/sock/.*/\Q$user\E$};
    push @wrong, "no socket" if !@wrong && !-S $r->{socket};
    return @wrong;
}

# --- what there is ----------------------------------------------------------

sub list {
    my ($self, $kind) = @_;

    return grep { /^$kind / } split /\n/, $self->timount('list');
}

sub pins {
    my ($self) = @_;

    return $self->list('pin');
}

sub wardens {
    my ($self) = @_;

    return $self->list('warden');
}

sub sockets {
    my ($self) = @_;

    return glob "$self->{run}/sock/*/*";
}

# The mount table of the keep but for its root: [mountinfo fields].
sub keep_mounts {
    my ($self) = @_;
    my $r = run(sub {
        opendir my $proc, '/proc' or _exit(1);
        sysopen my $keep, "$self->{run}/keep", O_RDONLY or _exit(2);
        syscall(&SYS_setns, fileno $keep, CLONE_NEWNS) == 0 or _exit(3);
        chdir $proc or _exit(4);
        open my $in, '<', 'self/mountinfo' or _exit(5);
        syswrite STDOUT, join '', <$in>;
        _exit(0);
    });

    die "keep: $r->{status}" if $r->{status} ne '0';
    return grep { $_->[4] ne '/' } map { [split] } split /\n/, $r->{out};
}

# All mount namespaces that processes are in: [[pid, mountinfo], ...].
sub namespaces {
    my (%seen, @all);

    for my $process (glob '/proc/[0-9]*') {
        my $namespace = readlink "$process/ns/mnt" // next;
        next if $seen{$namespace}++;
        open my $in, '<', "$process/mountinfo" or next;
        push @all, { ns => $namespace, mounts => join '', <$in> };
    }
    return @all;
}

# Processes of ours, as pid => program: one of the helpers, or jailed.  One
# that is ending has no program any more, but still its descriptors.
sub processes {
    my ($self) = @_;
    my $jail = qr{^\S+ \S+ \S+ \S*/\Qivlejail-$self->{name}\E/users/}m;
    my %jails = map { $_->{ns} => 1 } grep { $_->{mounts} =~ $jail }
        namespaces();
    my %found;

    for my $process (glob '/proc/[0-9]*') {
        my $namespace = readlink "$process/ns/mnt" // next;
        my $program = readlink "$process/exe"
            // (lines_of("$process/comm"))[0] // next;
        next if !$jails{$namespace}
            && $program !~ m{^\Q$self->{dir}\E/libexec/};
        $found{ basename($process) } = basename($program);
    }
    return \%found;
}

sub warden_pids {
    my ($self) = @_;
    my $processes = $self->processes;

    return sort { $a <=> $b } grep { $processes->{$_} eq 'warden' }
        keys %$processes;
}

# Whether there is no process of ours any more.  A warden that ends has no files
# in /proc long before it has let go of them, its pin among them: its mount
# namespace comes first, and that waits for all processors (RCU).  Then nobody
# can tell whose warden it is.
sub all_have_ended {
    my ($self) = @_;
    return !%{ $self->processes } && !grep { !defined readlink "$_/ns/mnt"
        && (lines_of("$_/comm"))[0] eq 'warden' && !has_ended(m{(\d+)}) }
        glob '/proc/[0-9]*';
}

# Whatever belongs to a jail, living or dead.
sub jails {
    my ($self) = @_;

    return (split(/\n/, $self->timount('list')),
            (map { "socket $_" } $self->sockets),
            (map { "mount $_->[4]" } $self->keep_mounts),
            (map { "process $_" } values %{ $self->processes }));
}

# The same after those who are about to go have gone.
sub jails_left {
    my ($self) = @_;
    my @jails;

    wait_until(PATIENCE, sub { @jails = $self->jails; !@jails });
    return @jails;
}

sub wait_until {
    my ($seconds, $condition) = @_;

    return IvleJail::Wait::wait_until($seconds, $condition, 0.005);
}

# Whether a process has ended: it holds its descriptors a moment longer than
# its program, and may be a zombie for as long as nobody looks.
sub has_ended {
    my ($pid) = @_;

    return ((lines_of("/proc/$pid/stat"))[0] // '') !~ /\) [^ZX] /;
}

# Kills the wardens, as an accident would, and waits until they are gone.
sub kill_wardens {
    my ($self) = @_;
    my @pids = $self->warden_pids;

    kill KILL => @pids;
    return wait_until(PATIENCE, sub { !grep { !has_ended($_) } @pids })
        && wait_until(PATIENCE, sub { $self->all_have_ended });
}

# The lock that every start takes, for as long as the result lives; undef:
# somebody has it.
sub try_lock {
    my ($self) = @_;
    my $whole = pack 's s x4 q q i x4', F_WRLCK, SEEK_SET, 0, 0, 0;

    sysopen my $fh, "$self->{run}/lock", O_RDWR or die "lock: $!";
    return fcntl($fh, F_OFD_SETLK, $whole) ? $fh : undef;
}

# --- the end ----------------------------------------------------------------

# Mount points that are ours, or show what is, where we are.  (In other
# namespaces there may be copies, of other people's making.)
sub mounts {
    my ($self) = @_;
    my $ours = qr{ivlejail-\Q$self->{name}\E/|/run/ivlejail/\Q$self->{name}\E\b};

    return sort map { (split)[4] } grep { /$ours/ }
        lines_of('/proc/self/mountinfo');
}

# All that a test could leave behind.
sub left {
    my ($self) = @_;

    return ((map { "process $_" } values %{ $self->processes }),
            (map { "mount $_" } $self->mounts),
            (map { "file $_" } grep { -e } $self->{run}, $self->{dir}));
}

sub remove {
    my ($self) = @_;

    if (-e $self->{run}) {
        system "$ROOT/trampoline/timount", $self->{name}, 'stop';
    }
    system 'rm', '-rf', '--one-file-system', $self->{dir};
}

sub finish {
    my ($self) = @_;
    my @left;

    $self->timount('stop');
    $self->remove;
    $self->{finished} = 1;
    wait_until(PATIENCE, sub { @left = $self->left; !@left });
    is_deeply(\@left, [], 'nothing is left behind');
}

sub DESTROY {
    my ($self) = @_;

    return if $self->{finished} || $self->{pid} != $$;
    local ($?, $@);
    $self->remove;
}

1;
