# SPDX-License-Identifier: Apache-2.0
# ivlejailctl: users, base images, and the jails of a running httpd that has a
# mount namespace of its own, as under systemd's PrivateTmp=.
use strict;
use warnings;

use Fcntl qw(:DEFAULT :flock :mode :seek);
use File::Path qw(make_path remove_tree);
use POSIX qw(dup2 mkfifo setgid setuid _exit);
use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Httpd;
use IvleJail::Stage qw(write_text);
use IvleJail::Test;

require 'sys/syscall.ph';

use constant {
    CLONE_NEWNS => 0x20000,
    F_OFD_SETLK => 37,
    DONE => 0, FAILED => 1, USAGE => 2,
    DEEP => 2000,               # deeper than PATH_MAX and descriptors allow
};

must_be_root();
must_have_program(qw(busybox getcap mount umount unshare));

# --- a place of its own -----------------------------------------------------

my $ctl = "$TOP/ctl/ivlejailctl";
my $dir = "$ROOT/ctl-test";
my $users = "$dir/users";
my $bases = "$dir/bases";
my $instance = "$INSTANCE-ctl";
my $helpers = '/usr/lib/ivlejail';
my $made_helpers;
my $test = $$;

# Mounts that this test makes are seen by itself only.  So are the helpers,
# where ivlejailctl expects them.
sub set_up {
    install();
    remove_tree($dir);
    make_path($users, $bases, { mode => 0755 });
    syscall(&SYS_unshare, CLONE_NEWNS) == 0 or die "unshare: $!";
    run_quietly('mount', '--make-rprivate', '/');
    $made_helpers = mkdir $helpers, 0755;
    run_quietly('mount', '--bind', $LIBEXEC, $helpers);
}

END {
    my $status = $?;
    if ($$ == $test && defined $made_helpers) {
        run_quietly('umount', '--lazy', $_)
            for $helpers, grep { m{^\Q$dir\E/} } @{ mounts() };
        rmdir $helpers if $made_helpers;
        remove_tree($dir);
    }
    $? = $status;
}

# Runs it: {status, out, err}.
sub ctl {
    my @arguments = @_;
    return run_as(sub { exec $ctl, @arguments });
}

sub run_as {
    my ($code) = @_;
    my ($out, $err) = map { open my $fh, '+>', undef or die $!; $fh } 1, 2;
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        dup2(fileno $out, 1);
        dup2(fileno $err, 2);
        $code->();
        _exit(126);
    }
    waitpid $pid, 0;
    my $status = $? & 127 ? "signal " . ($? & 127) : $? >> 8;
    return { status => $status, out => slurp($out), err => slurp($err) };
}

sub slurp {
    my ($fh) = @_;
    seek $fh, 0, 0;
    local $/;
    return <$fh> // '';
}

# A user command on our own users directory; no httpd runs this instance.
sub user {
    return ctl('user', @_, '--users', $users, '--instance', 'nobody-runs-it');
}

sub image { return ctl('base', @_, '--bases', $bases) }

# It did that, and had nothing to complain of.
sub done {
    my ($r, $out, $name) = @_;
    my $good = $r->{status} eq DONE && $r->{err} eq '' && $r->{out} =~ $out;
    ok($good, $name) or diag explain $r;
}

# It refused in one line on stderr that says this.
sub refused {
    my ($r, $status, $err, $name) = @_;
    my $lines = $status == USAGE ? 2 : 1;
    my $good = $r->{status} eq $status && $r->{out} eq ''
        && $r->{err} =~ /\Aivlejailctl: [^\n]*$err/
        && $r->{err} =~ tr/\n// == $lines;
    ok($good, $name) or diag explain $r;
}

sub owner { return join ':', (lstat $_[0])[4, 5] }

sub mode { return sprintf '%o', (lstat $_[0])[2] & 07777 }

# --- the command line -------------------------------------------------------

sub test_command_line {
    my $r = ctl();
    is($r->{status}, USAGE, 'without a command: exit status 2');
    like($r->{err}, qr/^Usage:\n.*user add.*base use/s, '... and the usage');
    $r = ctl('--help');
    done($r, qr/^Usage:\n.*user add.*base use/s, '--help');

    my @wrong = (
        [ 'user' ], [ 'user', 'frob' ], [ 'frob', 'list' ], [ 'list' ],
        [ 'user', 'add' ], [ 'user', 'add', 'a', 'b' ],
        [ 'user', 'list', 'a' ], [ 'jail', 'evict' ], [ 'base', 'use', 'a' ],
        [ 'user', 'list', '--frob' ], [ 'user', 'list', '--users' ],
        [ 'user', 'list', '--purge' ], [ 'jail', 'list', '--users', '/' ],
        [ 'base', 'list', '--instance', 'x' ], [ 'user', 'list', '--uid=1' ],
        [ 'user', 'add', 'Alice' ], [ 'user', 'add', '../x' ],
        [ 'user', 'add', '.uids' ], [ 'user', 'add', 'a' x 33 ],
        [ 'user', 'add', '' ], [ 'user', 'remove', 'a/b' ],
        [ 'user', 'show', '..' ], [ 'jail', 'evict', 'a b' ],
        [ 'user', 'list', '--instance', 'A' ],
        [ 'user', 'list', '--instance', '../x' ],
        [ 'user', 'list', '--profile', 'a@b' ],
        (map { [ 'user', 'add', 'a', "--uid=$_" ] } '', 'x', '-1', '0', '999',
            '70000x', '4294967295', '4294967296', '18446744073709621616',
            ' 70000', '+70000'),
        [ 'base', 'check', '..' ], [ 'base', 'build', 'a/b' ],
        [ 'base', 'use', 'a', '../b' ], [ 'base', 'check', '' ],
    );
    for my $arguments (@wrong) {
        refused(ctl(@$arguments), USAGE, qr/./, "wrong: @$arguments");
    }
    unlike(ctl('user', 'add', "a\e[2J\nb")->{err}, qr/\e|\nb/,
        'control characters do not get through');
    refused(run_as(sub {
        setgid(65534);
        setuid(65534);
        exec $ctl, 'user', 'list';
    }), FAILED, qr/only root/, 'not for others than root');
}

# --- users ------------------------------------------------------------------

sub test_add {
    done(user('add', 'alice'), qr/^added alice, uid (\d+), home \S+\n\z/,
        'a user is added');
    my ($uid) = owner("$users/alice/home/alice") =~ /(\d+)/;
    cmp_ok($uid, '>=', 70000, 'the uid is in the range');
    cmp_ok($uid, '<=', 99999, '... also at its other end');
    is(owner("$users/alice/tmp"), "$uid:$uid", 'tmp is hers');
    is(mode("$users/alice/home/alice"), '700', 'nobody else looks at home');
    is(owner("$users/alice/home"), '0:0', 'the directory above is not hers');
    is(readlink "$users/.uids/$uid", 'alice', 'the uid is registered');
    refused(user('add', 'alice'), FAILED, qr/already.*user show alice/,
        'not twice');

    done(user('add', '--uid', '70055', 'bob'), qr/^added bob, uid 70055,/,
        'with a uid chosen by hand');
    refused(user('add', '--uid', '70055', 'carol'), FAILED,
        qr/another user's.*choose another/, 'not with a uid that is taken');
    refused(user('add', '--uid', '100000', 'carol'), FAILED,
        qr/not in the range 70000 to 99999.*IvleJailUidRange/,
        'not with one out of range');
    ok(!-e "$users/carol", 'nothing is left of a user who was refused');
    return $uid;
}

# A jail with the uid of an account could do to it outside what it likes.
sub test_accounts_of_the_host {
    write_text("$dir/passwd", "root:x:0:0::/root:/bin/sh\n"
        . "someone:x:70077:70077::/:/bin/sh\ndave:x:70078:70078::/:/bin/sh\n");
    run_quietly('mount', '--bind', "$dir/passwd", '/etc/passwd');
    refused(user('add', '--uid', '70077', 'carol'), FAILED,
        qr/that of the account 'someone'/, "not with an account's uid");
    done(user('add', '--uid', '70078', 'dave'), qr/^added dave/,
        "... unless it is the user's own");
    run_quietly('umount', '/etc/passwd');
    done(user('remove', '--purge', 'dave'), qr/^removed dave/, 'and gone');
}

sub test_list {
    my ($uid) = @_;
    mkdir "$users/incomplete";
    done(user('list'),
        qr/\Aalice $uid $uid\nbob 70055 70055\nincomplete - -\n\z/,
        'users are listed by name, and what is no user as such');
    rmdir "$users/incomplete";
}

sub test_users_directory {
    refused(ctl('user', 'list', '--users', "$dir/none"), FAILED,
        qr/'\Q$dir\E\/none': No such file/, 'a users directory must be there');
    chmod 0777, $users;
    refused(user('list'), FAILED, qr/'\Q$users\E'.*only root can write/,
        "... and root's alone");
    chmod 0755, $users;
    symlink $users, "$dir/link";
    like(ctl('user', 'list', '--users', "$dir/link")->{out}, qr/^alice/,
        'a link to it is resolved');
}

sub test_show {
    my ($uid) = @_;
    my $r = user('show', 'alice');
    my $home = "$users/alice/home/alice";
    done($r, qr/\Aname alice\nhome \Q$home\E\nuid $uid\ngid $uid\n\z/,
        'a user is shown');
    refused(user('show', 'nobody'), FAILED, qr/no user 'nobody'.*user add/,
        'one who is not there is not');

    my $top = "$users/alice";
    my @faults = (
        [ 'home of others', sub { chmod 0777, "$top/home" },
          sub { chmod 0755, "$top/home" }, qr/^fault home: not root's alone/m ],
        [ "another's tmp", sub { chown 70055, 70055, "$top/tmp" },
          sub { chown $uid, $uid, "$top/tmp" }, qr/^fault tmp: its owner/m ],
        [ 'no tmp', sub { rename "$top/tmp", "$top/t" },
          sub { rename "$top/t", "$top/tmp" }, qr/^fault tmp: No such file/m ],
        [ 'home a link', sub { rename "$top/home/alice", "$top/home/a";
            symlink 'a', "$top/home/alice" },
          sub { unlink "$top/home/alice";
            rename "$top/home/a", "$top/home/alice" },
          qr{^fault home/alice: a symbolic link}m ],
    );
    for my $fault (@faults) {
        my ($name, $harm, $mend, $line) = @$fault;
        $harm->();
        $r = user('show', 'alice');
        is($r->{status}, FAILED, "$name: exit status 1");
        like($r->{out}, $line, '... and the fault is named');
        $mend->();
    }
    is(user('show', 'alice')->{status}, DONE, 'all is well again');
}

sub kept { return grep { -e } glob "$users/.removed-$_[0]-*" }

sub test_remove {
    my ($uid) = @_;
    my $home = "$users/alice/home/alice";
    write_text("$home/file", 'precious');
    chown $uid, $uid, "$home/file";
    my $r = user('remove', 'alice');
    done($r, qr/^removed alice; the files are kept in \Q$users\E\/\.removed/,
        'a user is removed');
    ok(!-e "$users/alice", '... and gone');
    my ($kept) = kept('alice');
    like($kept, qr/\.removed-alice-$uid-\d+\z/, 'the tree has the uid and time');
    is(-s "$kept/home/alice/file", 8, 'the files are kept');
    is(readlink "$users/.uids/$uid", 'alice', 'the uid stays registered');
    unlike(user('list')->{out}, qr/alice/, 'who was removed is not listed');
    refused(user('remove', 'alice'), FAILED, qr/no user 'alice'/,
        'not for the second time');

    done(user('add', 'alice'), qr/^added alice, uid $uid,/,
        'who comes back has the same uid');
    done(user('remove', '--purge', 'alice'), qr/^removed alice and all files/,
        'with --purge, the files go');
    ok(!-e "$users/alice", '... the tree is gone');
    is_deeply([ kept('alice') ], [ $kept ], '... but not what was kept before');
    is(readlink "$users/.uids/$uid", 'alice', '... and so the uid is not free');
    done(user('remove', '--purge', 'alice'), qr/^removed alice and all files/,
        'what was kept goes when the user is gone');
    is_deeply([ kept('alice') ], [], '... all of it');
    ok(!-l "$users/.uids/$uid", '... and then the uid is free');
}

# Names that begin alike are other users.
sub test_purge_of_similar_names {
    user('add', 'a', '--uid', '70001');
    user('add', 'a-70001', '--uid', '70002');
    user('remove', 'a-70001');
    done(user('remove', '--purge', 'a'), qr/^removed a and all files/,
        'one of two similar names is purged');
    is(scalar(kept('a-70001')), 1, '... the other one is kept');
    is(readlink "$users/.uids/70002", 'a-70001', '... and registered');
    user('remove', '--purge', 'a-70001');
}

# A chain of directories that no path could name, made from within.
sub make_deep {
    my ($from) = @_;
    my $r = run_as(sub {
        chdir $from or die "$from: $!";
        for (1 .. DEEP) {
            mkdir 'deep-directory' or die "mkdir: $!";
            chdir 'deep-directory' or die "chdir: $!";
        }
        write_text('bottom', 'x');
        _exit(0);
    });
    die "deep: $r->{err}" if $r->{status};
}

sub test_purge_of_everything {
    user('add', 'eve', '--uid', '70066');
    my $home = "$users/eve/home/eve";
    my $outside = "$dir/outside";
    make_path("$outside/in");
    write_text("$outside/file", 'precious');
    write_text("$outside/in/file", 'precious');
    symlink "$outside/in", "$home/link-to-directory";
    symlink "$outside/file", "$home/link-to-file";
    symlink '/', "$home/link-to-root";
    symlink 'link-to-itself', "$home/link-to-itself";
    link "$outside/file", "$home/hard-link";
    mkfifo("$home/fifo", 0600);
    make_path("$home/a/b/c", "$home/a/.up-0", "$home/.up-1/x", "$home/ ",
        "$home/-rf", "$home/closed/in");
    mkdir "$home/\n";
    chmod 0, "$home/closed";
    write_text("$home/many-$_", '') for 1 .. 500;
    mkdir "$home/wide-$_" for 1 .. 500;
    make_deep($home);
    done(user('remove', '--purge', 'eve'), qr/^removed eve and all files/,
        'links, strange names, a deep and a wide tree are deleted');
    ok(!-e "$users/eve" && !kept('eve'), '... all of it');
    is(-s "$outside/file", 8, '... and not what a link to a file leads to');
    is(-s "$outside/in/file", 8, '... nor one to a directory');
    is((stat "$outside/file")[3], 1, '... only the other name of the file');
}

sub test_purge_with_a_mount {
    user('add', 'eve', '--uid', '70066');
    my $home = "$users/eve/home/eve";
    my $point = "$home/a strange\tname";
    make_path($point);
    write_text("$home/file", 'precious');
    run_quietly('mount', '-t', 'tmpfs', 'tmpfs', $point);
    write_text("$point/file", 'precious');
    refused(user('remove', '--purge', 'eve'), FAILED,
        qr/'\Q$home\E\/a strange\?name' is a mount: nothing was deleted/,
        'what is mounted is not deleted');
    ok(-d "$users/eve", '... the user is still there');
    is(-s "$home/file", 8, '... with the files');
    is(-s "$point/file", 8, '... and those in the mount');
    done(user('remove', 'eve'), qr/^removed eve/, 'without --purge it may be');
    refused(user('remove', '--purge', 'eve'), FAILED,
        qr/is a mount: nothing was deleted/, '... and then it is not purged');
    my ($kept) = kept('eve');
    is(-s "$kept/home/eve/a strange\tname/file", 8, '... nor is the mount');
    run_quietly('umount', "$kept/home/eve/a strange\tname");

    write_text("$kept/home/eve/point", '');
    run_quietly('mount', '--bind', "$kept/home/eve/file",
        "$kept/home/eve/point");
    refused(user('remove', '--purge', 'eve'), FAILED, qr/is a mount/,
        'a file may be a mount as well');
    run_quietly('umount', "$kept/home/eve/point");
    done(user('remove', '--purge', 'eve'), qr/^removed eve and all/,
        'without the mount it goes');
}

# The list of mounts is for the message; what keeps them safe is how things
# are deleted: at the top of the tree, and deeper.
sub test_purge_that_does_not_see_the_mount {
    for my $point ('tmp', 'home/eve', 'home/eve/point') {
        user('add', 'eve', '--uid', '70066');
        mkdir "$users/eve/$point";
        run_quietly('mount', '-t', 'tmpfs', 'tmpfs', "$users/eve/$point");
        write_text("$users/eve/$point/file", 'precious');
        my $r = run_as(sub {
            syscall(&SYS_unshare, CLONE_NEWNS) == 0 or _exit(99);
            run_quietly('mount', '-t', 'tmpfs', 'tmpfs', '/proc');
            make_path('/proc/self');
            write_text('/proc/self/mountinfo', '');
            exec $ctl, 'user', 'remove', '--purge', 'eve', '--users', $users,
                '--instance', 'nobody-runs-it';
        });
        refused($r, FAILED, qr/is a mount: the rest is not deleted/,
            "a mount that was overlooked at $point stops it");
        my ($mount) = grep { m{^\Q$users\E/} } @{ mounts() };
        is(-s "$mount/file", 8, '... and is safe');
        run_quietly('umount', $mount);
        user('remove', '--purge', 'eve');
    }
}

# --- base images ------------------------------------------------------------

sub current { return readlink("$bases/tiny/current") // '' }

sub test_bases {
    done(image('list'), qr/\A\z/, 'no base images yet');
    refused(image('check', 'tiny'), FAILED, qr/no base 'tiny'.*base build tiny/,
        'none to check');
    is(image('build', '--kind', 'frob', 'tiny')->{status}, USAGE,
        "the builder's own refusals are handed on");
    done(image('build', '--kind', 'busybox', 'tiny'), qr/'tiny' is now/,
        'one is built');
    my $first = current();
    done(image('list'), qr/\Atiny \Q$first\E current\n\z/, '... and listed');
    done(image('check', 'tiny'), qr/\Q$first\E is fit/, '... and passes');

    is(image('build', '--kind', 'busybox', 'tiny')->{status}, DONE, 'another');
    my $second = current();
    done(image('list'), qr/\Atiny \Q$first\E\ntiny \Q$second\E current\n\z/,
        'both are listed, the later one last');
    done(image('use', 'tiny', $first), qr/\Q$first\E; .*apachectl graceful/,
        'the first one is used again');
    is(current(), $first, '... in fact');
    is_deeply([ map { s{.*/}{}r } glob "$bases/tiny/.c*" ], [],
        'nothing is left of the change');

    chmod 04755, "$bases/tiny/$second/bin/busybox";
    my $r = image('use', 'tiny', $second);
    is($r->{status}, FAILED, 'one that does not pass is not used');
    like($r->{err}, qr{bin/busybox: set-user-id.*\nivlejailctl: 'tiny' stays}s,
        '... and it is said why');
    is(current(), $first, '... all stays as it was');
    for my $none ('none', 'current') {
        refused(image('use', 'tiny', $none), FAILED,
            qr/no generation '$none'.*base list/, "'$none' is none");
    }
    chmod 04755, "$bases/tiny/$first/bin/busybox";
    $r = image('check', 'tiny');
    is($r->{status}, FAILED, 'a check can fail');
    unlink "$bases/tiny/current";
    refused(image('check', 'tiny'), FAILED, qr/no current generation/,
        'without a current generation there is nothing to check');
    chmod 0777, "$bases";
    refused(image('list'), FAILED, qr/'\Q$bases\E'.*root/,
        "the bases directory is root's alone");
    chmod 0755, "$bases";
}

# --- without httpd ----------------------------------------------------------

my $pid_file = "/run/ivlejail/$instance.pid";

sub without_httpd {
    my ($name) = @_;
    refused(ctl('jail', 'list', '--instance', $instance), FAILED,
        qr/no httpd runs the instance '\Q$instance\E'.*--instance/, $name);
}

sub lock_all {
    my ($fh, $command, $type) = @_;
    my $flock = pack 's s x4 q q l x4', $type, SEEK_SET, 0, 0, 0;
    return fcntl($fh, $command, $flock);
}

# A process that has the pid file locked, as somebody else, or in another way.
sub with_lock {
    my ($type, $uid, $code) = @_;
    pipe(my $ready, my $says) or die "pipe: $!";
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        setuid($uid);
        my $mode = $type == F_WRLCK ? O_RDWR : O_RDONLY;
        sysopen(my $fh, $pid_file, $mode) or _exit(1);
        lock_all($fh, F_SETLK, $type) or _exit(2);
        syswrite $says, 'x';
        sleep 600;
        _exit(0);
    }
    close $says;
    sysread($ready, my $locked, 1) or die 'no lock';
    $code->();
    kill KILL => $pid;
    waitpid $pid, 0;
}

sub test_without_httpd {
    without_httpd('jails of an instance that does not run');
    mkdir '/run/ivlejail', 0755;
    write_text($pid_file, "$$\n");
    chmod 0644, $pid_file;
    without_httpd('a number in a file is not a running httpd');
    with_lock(F_RDLCK, 65534, sub {
        without_httpd('nor is somebody who can only read it') });
    with_lock(F_WRLCK, 0, sub {
        refused(ctl('jail', 'list', '--instance', $instance), FAILED,
            qr/cannot open '\/run\/ivlejail\/\Q$instance\E'/,
            'who has it locked is entered') });
    chmod 0666, $pid_file;
    refused(ctl('jail', 'list', '--instance', $instance), FAILED,
        qr/\Q$instance.pid\E' is not a file that only root can write to/,
        'a pid file that others can write to is refused');
    unlink $pid_file;
    symlink '/etc/passwd', $pid_file;
    refused(ctl('jail', 'list', '--instance', $instance), FAILED,
        qr/not a file that only root/, '... and a link');
    unlink $pid_file;
}

# --- with httpd -------------------------------------------------------------

my $httpd;

sub on_instance { return ctl(@_, '--instance', $instance) }

sub hello { return $httpd->get('/my/hello.sh', user => $_[0])->{content} }

sub start_httpd {
    base('busybox');
    put_program($_ => 'web/hello.sh',
        "#!/bin/sh\necho Content-Type: text/plain\necho\nid -u\n")
        for qw(alice bob);
    make_path("$dir/other", { mode => 0755 });
    $httpd = IvleJail::Httpd->new(name => 'ctl', config => <<"CONF");
<IvleJailProfile other>
    IvleJailUsers $dir/other
    IvleJailUidRange 81000 81009
</IvleJailProfile>
CONF
    ok($httpd->start('unshare', '--mount'), 'httpd runs in its own namespace')
        or BAIL_OUT($httpd->output);
    ok(!-e "/run/ivlejail/$instance/policy", '... so we do not see its policy');
}

sub test_jails {
    done(on_instance('jail', 'list'), qr/\A\z/, 'no jails yet');
    is(hello('alice'), "70001\n", 'alice gets one');
    is(hello('bob'), "70002\n", 'and bob');
    my $r = on_instance('jail', 'list');
    done($r, qr/^pin default\@\w{8} alice\n/m, 'they are listed');
    like($r->{out}, qr/^warden default\@\w{8} bob\@\d+\n/m, '... with wardens');
    my ($warden) = $r->{out} =~ /^warden \S+ alice\@(\d+)$/m;
    my $home = "$USERS/alice/home/alice";
    done(on_instance('user', 'show', 'alice'),
        qr/^home\ \Q$home\E\nuid\ 70001\ngid\ 70001\n
           jail\ default\@(\w{8})\nwarden\ default\@\g1\ $warden\n\z/mx,
        'alice is shown with hers, and nobody else\'s');
    done(on_instance('jail', 'sweep'), qr/busy 2\b/, 'a sweep finds both busy');
    done(on_instance('jail', 'evict', 'alice'), qr/\A\z/, 'alice is evicted');
    $r = on_instance('jail', 'list');
    unlike($r->{out}, qr/alice/, '... her jail is gone');
    like($r->{out}, qr/^pin \S+ bob$/m, '... his is not');
    like(IvleJail::Httpd::stat_of($warden)->{state}, qr/^Z?$/,
        '... and her warden is no more');
    is(hello('alice'), "70001\n", '... until she comes back');
}

sub test_sealed_settings {
    done(on_instance('user', 'list'), qr/^alice 70001 70001\nbob 70002/m,
        'the users directory is that of the profile');
    done(on_instance('user', 'add', 'carol', '--profile', 'other'),
        qr{uid 8100\d, home \Q$dir\E/other/carol/home/carol$},
        'so is the range of uids');
    refused(on_instance('user', 'add', 'dave', '--profile', 'other', '--uid',
        '81010'), FAILED, qr/not in the range 81000 to 81009/,
        '... at its end, too');
    refused(on_instance('user', 'list', '--profile', 'none'), FAILED,
        qr/'none': profile not in the policy/, 'a profile must be sealed');
    chown 82000, 82000, "$dir/other/carol/home/carol",
        "$dir/other/carol/tmp";
    my $r = on_instance('user', 'show', 'carol', '--profile', 'other');
    is($r->{status}, FAILED, 'a uid out of range is a fault');
    like($r->{out}, qr/^fault identity: uid not in the profile's range/m,
        '... that is named');
}

# Locked as a trampoline locks it while it makes a jail of alice's.
sub test_lock {
    my $lock = "/proc/" . $httpd->pid . "/root/run/ivlejail/$instance/lock";
    sysopen(my $fh, $lock, O_RDWR) or die "$lock: $!";
    lock_all($fh, F_OFD_SETLK, F_WRLCK) or die "lock: $!";
    pipe(my $done, my $says) or die "pipe: $!";
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        close $fh;
        my $r = on_instance('user', 'remove', 'bob');
        syswrite $says, $r->{out};
        _exit($r->{status});
    }
    sleep 1;
    ok(-d "$USERS/bob", 'while a jail is made, its user is not removed');
    close $fh;
    waitpid $pid, 0;
    is($?, 0, '... but then');
    ok(!-d "$USERS/bob", '... and gone');
    unlike(on_instance('jail', 'list')->{out}, qr/bob/, 'so is the jail');
    is($httpd->get('/my/hello.sh', user => 'bob')->{status}, 403,
        '... and there will be no other');
}

sub test_policy_that_is_bad {
    my $policy = "/proc/" . $httpd->pid . "/root/run/ivlejail/$instance/policy";
    chmod 0666, $policy;
    refused(on_instance('user', 'list'), FAILED,
        qr/the sealed policy.*mode 0666: policy writable by others: restart/,
        'a policy that others can write to is refused');
    refused(on_instance('jail', 'list'), FAILED, qr/writable by others/,
        '... for jails, too');
    chmod 0644, $policy;
}

sub test_with_httpd {
    start_httpd();
    test_jails();
    test_sealed_settings();
    test_policy_that_is_bad();
    test_lock();
    ok($httpd->stop, 'httpd stops');
    without_httpd('and then it does not run');
    ctl('user', 'remove', '--purge', 'bob', '--users', $USERS, '--instance',
        $instance);
    add_user(bob => 70002);
    remove_tree($httpd->{dir}) if Test::More->builder->is_passing;
}

# --- all of it --------------------------------------------------------------

set_up();
test_command_line();
my $uid = test_add();
test_accounts_of_the_host();
test_list($uid);
test_users_directory();
test_show($uid);
test_remove($uid);
test_purge_of_similar_names();
test_purge_of_everything();
test_purge_with_a_mount();
test_purge_that_does_not_see_the_mount();
test_bases();
test_without_httpd();
test_with_httpd();
done_testing();
