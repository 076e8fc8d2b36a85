# SPDX-License-Identifier: Apache-2.0
# ivlejailctl doctor: a good installation has no fault; each thing that is
# broken is found, by the check that is meant to, with the remedy.
use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use POSIX ();
use Test::More;

use IvleJail::Httpd;
use IvleJail::Test;

use constant { WELL => 0, FAULTS => 1, USAGE => 2 };

must_be_root();
must_have_program(qw(getcap mount nsenter prlimit setpriv umount unshare));

my $dir = "$ROOT/doctor-test";
my $libexec = "$dir/libexec";
my $users = "$dir/users";
my $bases = "$dir/bases";
my $HTTPD = getpwnam 'www-data';
my $GROUP = getgrnam 'www-data';
my $before;
my $texts = 0;              # files of text_file()

# --- an installation of its own ---------------------------------------------

my $httpd;

sub copy { return run_quietly('cp', '-a', '--', @_) }

# A base image, users and helpers that can be spoiled.
sub set_up {
    install();
    base('busybox');
    $before = leftovers();
    remove_tree($dir);
    make_path($libexec, $bases, "$dir/small", { mode => 0755 });
    copy("$LIBEXEC/.", $libexec);
    copy("$BASES/busybox", "$bases/busybox");
    make_path($users, { mode => 0755 });
    copy("$USERS/alice", "$USERS/bob", $users);
    copy("$USERS/alice", "$dir/small");
    $httpd = IvleJail::Httpd->new(name => 'doctor', config => <<"CONF");
IvleJailTrampoline $libexec/trampoline
IvleJailBase $bases/busybox
IvleJailUsers $users
<IvleJailProfile small>
    IvleJailUsers $dir/small
    IvleJailLimit core 8192
</IvleJailProfile>
CONF
}

# Runs it: {status, lines, text}.
sub run_command {
    my @command = @_;
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        { exec @command }
        POSIX::_exit(126);
    }
    my $text = do { local $/; <$out> } // '';
    close $out;
    return { status => $? >> 8, lines => [split /\n/, $text], text => $text };
}

sub run_doctor { return run_command($CTL, 'doctor', @_) }

sub doctor { return run_doctor('--instance', $httpd->{instance}, @_) }

# Every line is one that a script can take apart.
sub well_formed {
    my ($r) = @_;
    return !grep { !/\A(?:ok|warning|fault) [a-z-]+: \S/ } @{ $r->{lines} };
}

sub faults { return grep { /\Afault / } @{ $_[0]{lines} } }

# It found this, and nothing else that is a fault of another check.
sub finds {
    my ($name, $check, $said, $r) = @_;
    my $good = $r->{status} == FAULTS && well_formed($r)
        && (grep { /\Afault \Q$check\E: .*$said/ } faults($r))
        && !grep { !/\Afault \Q$check\E: / } faults($r);
    ok($good, $name) or diag $r->{text};
}

sub is_well {
    my ($name, $r) = @_;
    ok($r->{status} == WELL && well_formed($r) && !faults($r), $name)
        or diag $r->{text};
}

# --- what is broken, one thing at a time ------------------------------------

my $base = sub { (glob "$bases/busybox/[0-9]*")[-1] };

sub mode_of {
    my ($path, $wrong, $right) = @_;
    return (sub { chmod $wrong, $path or die "$path: $!" },
        sub { chmod $right, $path or die "$path: $!" });
}

sub moved {
    my ($path) = @_;
    return (sub { rename $path, "$path.away" or die "$path: $!" },
        sub { rename "$path.away", $path or die "$path: $!" });
}

sub owned_by {
    my ($path, $wrong, $right) = @_;
    return (sub { chown $wrong, $wrong, $path or die "$path: $!" },
        sub { chown $right, $right, $path or die "$path: $!" });
}

# In httpd's mount namespace, where the helpers look, and not in ours.
sub mounted_nosuid {
    return (sub {
        in_namespace_of($httpd->pid, 'mount', '--bind', $libexec, $libexec);
        in_namespace_of($httpd->pid, 'mount', '-o', 'remount,bind,nosuid',
            $libexec);
    }, sub { in_namespace_of($httpd->pid, 'umount', $libexec) });
}

sub in_run {
    my ($file) = @_;
    return '/proc/' . $httpd->pid . "/root/run/ivlejail/$httpd->{instance}$file";
}

# What it is, the check that sees it, what that says, how it comes to be so
# and how it ends.
sub rows {
    my $trampoline = "$libexec/trampoline";
    return (
        ['a trampoline that is not set-user-ID', 'trampoline',
            qr/mode 0750: chmod 4750 \Q$trampoline\E/,
            mode_of($trampoline, 0750, 04750)],
        ['a trampoline of somebody else', 'trampoline',
            qr/not a regular file of root: install it/, sub {
                chown $HTTPD, $GROUP, $trampoline },
            sub {
                chown 0, $GROUP, $trampoline;
                chmod 04750, $trampoline;
            }],
        ['a trampoline of another group', 'trampoline',
            qr/of group 0, and httpd of group $GROUP: chgrp it/,
            sub { chown 0, 0, $trampoline; chmod 04750, $trampoline },
            sub { chown 0, $GROUP, $trampoline; chmod 04750, $trampoline }],
        ['a trampoline with two names', 'trampoline',
            qr/has 2 names: install it again/,
            sub { link $trampoline, "$dir/second" or die "link: $!" },
            sub { unlink "$dir/second" }],
        ['no trampoline', 'trampoline', qr/No such file.*make install/,
            moved($trampoline)],
        ['a nosuid mount', 'trampoline',
            qr/mounted nosuid: install it on another/, mounted_nosuid()],
        ['a warden that can be read', 'helpers',
            qr/warden has mode 0755: chmod 0711/,
            mode_of("$libexec/warden", 0755, 0711)],
        ['a timount that others can write', 'helpers',
            qr/timount is writable by others than root: chmod go-w/,
            mode_of("$libexec/timount", 0757, 0755)],
        ['no provision', 'helpers', qr/provision: No such file.*all of one rel/,
            moved("$libexec/provision")],
        ['a runtime directory with another mode', 'runtime',
            qr/not a tmpfs of root's with mode 0755/,
            mode_of(in_run(''), 0711, 0755)],
        ['a set-user-id program in the base image', 'base',
            qr/bin\/busybox: set-user-id.*chmod ug-s/,
            mode_of($base->() . '/bin/busybox', 04755, 0755)],
        ['a base image that others can write', 'base',
            qr/\Q$bases\E\/busybox' of the base image.*only root can write/,
            mode_of("$bases/busybox", 0777, 0755)],
        ['no base image', 'base', qr/of the base image: No such file.*base build/,
            moved($base->())],
        ['a users directory that others can write', 'users',
            qr/of the users directory.*only root can write to: chown root/,
            mode_of($users, 0777, 0755)],
        ['a home of root', 'users',
            qr/user 'bob': home owned by root: chown it/,
            owned_by_both('bob', 0, 70002)],
        ['a home out of the range', 'users',
            qr/user 'bob': uid not in the profile's range: chown/,
            owned_by_both('bob', 500, 70002)],
        ["a home of httpd's group", 'users',
            qr/user 'bob': group of the home is root's or httpd's: chgrp/,
            sub { chown 70002, $GROUP, "$users/bob/home/bob" },
            sub { chown 70002, 70002, "$users/bob/home/bob" }],
        ['a tmp of another user', 'users',
            qr/user 'bob': the owner of tmp is not that of the home: chown it/,
            owned_by("$users/bob/tmp", 70001, 70002)],
        ["a directory of accounts that is the user's", 'users',
            qr/user 'bob': not root's alone: chown root, chmod go-w/,
            owned_by("$users/bob/home", 70002, 0)],
        ["accounts that are the user's", 'users',
            qr/user 'bob': not root's alone/,
            owned_by("$users/bob/home/.passwd", 70002, 0)],
        ['a user without a home', 'users', qr/user 'bob': no home in it/,
            moved("$users/bob/home/bob")],
        ['a file that has a user\'s name', 'users',
            qr/user 'eve': not a directory/,
            sub { open my $fh, '>', "$users/eve" or die "eve: $!" },
            sub { unlink "$users/eve" }],
        ['a uid that is registered for another user', 'users',
            qr/user 'bob': the uid of its home is registered for another/,
            sub { mkdir "$users/.uids"; symlink 'eve', "$users/.uids/70002" },
            sub { remove_tree("$users/.uids") }],
        ['a register of uids that others can write', 'users',
            qr/register of uids.*not a directory of root's alone/,
            sub { mkdir "$users/.uids"; chmod 0777, "$users/.uids" },
            sub { remove_tree("$users/.uids") }],
        ["a host's account with the uid of a user", 'users',
            qr/user 'bob': the uid of its home is an account's of this host/,
            with_passwd("root:x:0:0::/:/bin/sh\nsome:x:70002:1::/:/bin/sh\n")],
    );
}

sub owned_by_both {
    my ($user, $wrong, $right) = @_;
    my @paths = ("$users/$user/home/$user", "$users/$user/tmp");
    return (sub { chown $wrong, $wrong, @paths },
        sub { chown $right, $right, @paths });
}

sub with_passwd {
    my ($text) = @_;
    my $file = text_file($text);
    return (sub { in_namespace_of($httpd->pid, 'mount', '--bind', $file,
            '/etc/passwd') },
        sub { in_namespace_of($httpd->pid, 'umount', '/etc/passwd') });
}

sub check_row {
    my ($name, $check, $said, $break, $mend) = @_;
    $break->();
    finds("$name is found", $check, $said, doctor());
    $mend->();
}

# --- the tests --------------------------------------------------------------

sub test_command_line {
    for my $wrong (['x'], ['--users', '/'], ['--try', '../x'], ['--profile'],
        ['--instance', 'A']) {
        is(run_doctor(@$wrong)->{status}, USAGE, "wrong: @$wrong");
    }
}

sub test_without_httpd {
    finds('without httpd that is a fault', 'httpd',
        qr/no httpd runs the instance '\Q$httpd->{instance}\E': start it/,
        without_installed_helpers(doctor()));
}

# Without a policy they are looked for where nothing may be installed.
sub without_installed_helpers {
    my ($r) = @_;
    @{ $r->{lines} } = grep { !/\Afault (?:trampoline|helpers): / }
        @{ $r->{lines} };
    return $r;
}

sub test_good {
    my $r = doctor();
    is_well('a good installation has no fault', $r);
    like($r->{text}, qr/^ok mount-namespace: .*ivlejailctl enters it/m,
        'a mount namespace of its own is fine');
    like($r->{text}, qr/^ok users: profile '$_': the \d users in/m,
        "the users of profile $_ are looked at") for qw(default small);
    like($r->{text}, qr/^warning limits: profile 'small'.*IvleJailLimit core,/m,
        'a limit that cannot be had is a warning');
    like($r->{text}, qr/^ok limits: profile 'default'/m, '... where it is');
    $r = doctor('--profile', 'small');
    is_well('one profile alone', $r);
    unlike($r->{text}, qr/profile 'default'/, '... and no other');
    finds('a profile that is not sealed', 'policy',
        qr/'none': profile not in the policy/, doctor('--profile', 'none'));
}

sub test_policy {
    chmod 0666, in_run('/policy') or die "policy: $!";
    finds('a policy that others can write is found', 'policy',
        qr/policy writable by others: restart httpd/,
        without_installed_helpers(doctor()));
    chmod 0644, in_run('/policy') or die "policy: $!";
}

sub test_try {
    my $r = doctor('--try', 'alice');
    is_well('a jail is tried', $r);
    like($r->{text}, qr/^ok try: a jail of 'alice' answers at /m,
        '... and answers');
    is_deeply([map { /^pin \S+ (\w+)$/ } $httpd->jails('pin')], ['alice'],
        '... and is there');
    finds('a user who is none', 'try', qr/no jail of 'nobody': .*IJ2040/,
        doctor('--try', 'nobody'));
    chmod 0750, "$libexec/trampoline";
    $r = doctor('--try', 'bob');
    like($r->{text}, qr/^fault try: no jail of 'bob': .*IJ2023/m,
        'a jail that is not made says why');
    chmod 04750, "$libexec/trampoline";
}

# As many users as fit; the sysctl is the machine's, so it is not touched.
sub test_room {
    my ($most) = sort { $a <=> $b } map { slurp_number($_) }
        glob('/proc/sys/user/max_{mnt,pid,ipc,uts,net}_namespaces');
    my $low = text_file("1\n");
    my $sysctl = '/proc/sys/user/max_net_namespaces';
    cmp_ok($most, '>', 2, 'this machine has room');
    in_namespace_of($httpd->pid, 'mount', '--bind', $low, $sysctl);
    my $r = doctor();
    in_namespace_of($httpd->pid, 'umount', $sysctl);
    is_well('too few namespaces for all users is no fault', $r);
    like($r->{text}, qr/^warning room: profile 'default' has 2 users.*max_net_/m,
        '... but a warning, for the profile with more users than those');
    unlike($r->{text}, qr/^warning room: profile 'small'/m, '... alone');
}

sub slurp_number { return 0 + IvleJail::Httpd::slurp($_[0]) }

# --- processes that stand in for httpd --------------------------------------

# httpd itself does not start so.  Whoever has the pid file locked runs the
# instance; the rest of one is not there, which are other faults.
my $LOCKED = <<'PERL';
    $| = 1;
    sysopen my $fh, $ARGV[0], O_RDWR | O_CREAT, 0600 or die;
    my $lock = pack 's s x4 q q l x4', F_WRLCK, 0, 0, 0, 0;
    fcntl $fh, F_SETLK, $lock or die;
    eval $ARGV[1];
    print "x";
    sleep 300;
PERL

# In a mount namespace of its own, in which files and directories of ours
# cover others.  Where the command leaves it, "how" is not "exec": covers go
# with the last process in it.
sub with_covers {
    my ($covers, $how, @command) = @_;
    my $script = join '', (map { qq{mount --bind '$covers->{$_}' "$_" || exit\n}
        } sort keys %$covers), qq{$how "\$\@"\nexit};
    return %$covers ? ('unshare', '--mount', 'sh', '-c', $script, 'sh',
        @command) : @command;
}

# how      Perl that the process does when it has the lock
# through  what it is started through
# covers   files of its directory in /proc => text that doctor sees there
# mounts   for the process: place => directory
sub doctor_of {
    my (%arg) = @_;
    my $instance = "$INSTANCE-fake";
    my $file = "/run/ivlejail/$instance.pid";
    mkdir '/run/ivlejail', 0755;
    pipe(my $ready, my $says) or die "pipe: $!";
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>&', $says or die "dup: $!";
        { exec with_covers($arg{mounts} // {}, 'exec', @{ $arg{through} // [] }, $^X,
            '-MFcntl', '-e', $LOCKED, $file, $arg{how} // '') }
        POSIX::_exit(127);
    }
    close $says;
    sysread($ready, my $locked, 1) or die 'no lock';
    my %covers = map { ("/proc/$pid/$_" => text_file($arg{covers}{$_})) }
        keys %{ $arg{covers} // {} };
    my $r = run_command(with_covers(\%covers, '', $CTL, 'doctor',
        '--instance', $instance));
    kill KILL => $pid;
    waitpid $pid, 0;
    unlink $file;
    return $r;
}

sub text_file {
    my ($text) = @_;
    my $file = "$dir/text-" . ++$texts;
    open my $fh, '>', $file or die "$file: $!";
    print $fh $text;
    close $fh or die "$file: $!";
    return $file;
}

sub check_process {
    my ($name, $line, %arg) = @_;
    my $r = doctor_of(%arg);
    my $good = $r->{status} == FAULTS && well_formed($r)
        && $r->{text} =~ /^$line/m;
    ok($good, "$name is found") or diag $r->{text};
    return $r;
}

sub test_processes {
    my $r = check_process('an instance without a policy',
        qr/fault policy: cannot open '.*' of the running httpd.*restart/);
    like($r->{text}, qr/^ok $_: /m, "... while $_ is well")
        for qw(httpd no-new-privs capabilities process-filter lsm);
    like($r->{text}, qr/^ok mount-namespace: httpd shares that of this/m,
        '... without a namespace of its own');
    check_process('NoNewPrivileges=',
        qr/fault no-new-privs: .*remove NoNewPrivileges=/,
        through => ['setpriv', '--no-new-privs']);
    check_process('a bounding set that is too small',
        qr/fault capabilities: .*cannot have CAP_SYS_ADMIN CAP_SYS_CHROOT,/,
        through => ['setpriv', '--bounding-set=-sys_admin,-sys_chroot']);
    check_process('an httpd that is not root', qr/fault httpd: .*not root's/,
        how => '$> = 65534');
    check_process('a system call filter', qr/warning process-filter: .*--try/,
        how => <<'PERL');
            require 'sys/syscall.ph';
            my $all = pack 'S C C L', 6, 0, 0, 0x7fff0000;  # return ALLOW
            my $program = pack 'S x6 P', 1, $all;
            syscall(&SYS_prctl, 22, 2, $program) == 0 or die; # SET_SECCOMP
PERL
    check_process('a profile of AppArmor',
        qr/warning lsm: .*confined as 'httpd \(enforce\)': if --try/,
        covers => { 'attr/current' => "httpd (enforce)\n" });
}

# httpd in a service with TasksMax=, as far as that can be seen.
sub test_tasks {
    my ($place) = map { (split)[2] eq 'cgroup2' ? (split)[1] : () }
        split /\n/, IvleJail::Httpd::slurp('/proc/self/mounts');
    make_path("$dir/cgroup/httpd.service", { mode => 0755 });
    copy(text_file("4915\n"), "$dir/cgroup/httpd.service/pids.max");
    $place //= '/sys/fs/cgroup';
    check_process('TasksMax=',
        qr/warning tasks: .* 4915 tasks.*set TasksMax=infinity/,
        covers => { cgroup => "0::/httpd.service\n" },
        mounts => { $place => "$dir/cgroup" });
}

# --- a shell, and so a machine, that may not make namespaces ----------------

sub test_kernel {
    my @ctl = ($CTL, 'doctor', '--instance', "$INSTANCE-none");
    my $r = run_command('setpriv', '--bounding-set=-sys_admin', @ctl);
    like($r->{text}, qr/^fault mounts: no mount namespace.*CAP_SYS_ADMIN/m,
        'no privilege to mount is found');
    like($r->{text}, qr/^fault namespaces: no $_ namespace.*CAP_SYS_ADMIN/m,
        "... nor for a $_ namespace") for qw(pid ipc uts net);
    $r = run_command('unshare', '--user', '--map-root-user', 'sh', '-c',
        'echo 0 >/proc/sys/user/max_net_namespaces && exec "$@"', 'sh', @ctl);
    like($r->{text}, qr/^fault namespaces: no net .*raise.*user\.max_\*/m,
        'no room for namespaces is found');
    is(scalar(() = $r->{text} =~ /^fault namespaces/mg), 1, '... of one kind');
}

# --- a check that hangs -----------------------------------------------------

# The builder's check of a base image on a file server that does not answer.
# The rest goes on meanwhile; the one who waits is told about at the end.
sub begin_hanging {
    my $build = "$libexec/base-build";
    my $started = "$dir/started";
    rename $build, "$build.away" or die "$build: $!";
    open my $fh, '>', $build or die "$build: $!";
    print $fh "#!/bin/sh\n: >$started\nsleep 600 & wait\n";
    close $fh or die "$build: $!";
    chmod 0755, $build;
    my $out = "$dir/hanging";
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', $out or die "$out: $!";
        { exec $CTL, 'doctor', '--profile', 'small', '--instance',
            $httpd->{instance} }
        POSIX::_exit(126);
    }
    wait_until(60, sub { -e $started }) or die 'no check of a base image';
    rename "$build.away", $build or die "$build: $!";
    return { pid => $pid, out => $out };
}

sub end_hanging {
    my ($hanging) = @_;
    waitpid $hanging->{pid}, 0;
    is($? >> 8, FAULTS, 'a check that hangs is a fault');
    my $text = IvleJail::Httpd::slurp($hanging->{out});
    like($text, qr/^fault base: no answer in time: look for a file system/m,
        '... that says so');
    like($text, qr/^ok users: profile 'small'/m, '... and the others are made');
}

# --- all of it --------------------------------------------------------------

set_up();
test_command_line();
test_without_httpd();
# As in a container: what it is started with cannot be raised.
ok($httpd->start('prlimit', '--core=4096', 'setpriv',
    '--bounding-set=-sys_resource', 'unshare', '--mount'), 'httpd runs in its own namespace')
    or BAIL_OUT($httpd->output);
test_good();
my $hanging = begin_hanging();
check_row(@$_) for rows();
test_policy();
test_try();
test_room();
test_processes();
test_tasks();
test_kernel();
end_hanging($hanging);
is_well('and in the end all is well', doctor());
ok($httpd->stop, 'httpd stops');
remove_tree($dir) if Test::More->builder->is_passing;
is_deeply([left_since($before)], [], 'nothing is left');
done_testing();
