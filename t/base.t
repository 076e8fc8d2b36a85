# SPDX-License-Identifier: Apache-2.0
# The base image builder: what it makes, what it refuses, and that "current"
# is never left on something unfinished.
use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use Test::More;

use IvleJail::Test;

must_be_root();
must_have_program(qw(busybox getcap setcap setsid unshare));

my $bases = "$ROOT/base-test";
my $build = "$TOP/base/build";
my $name = 'tiny';
remove_tree($bases);
make_path($bases, { mode => 0755 });

# Runs the builder: (exit status, what it says).
sub build {
    my @arguments = @_;
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec $build, @arguments or die "$build: $!";
    }
    my $text = do { local $/; <$out> } // '';
    close $out;
    return ($? >> 8, $text);
}

sub current { return readlink("$bases/$name/current") // '' }

sub entries { return join ' ', sort map { s{.*/}{}r } glob "$bases/$name/{.b,}*" }

# A copy of the good image with something done to it.
sub spoiled_copy {
    my ($harm) = @_;
    my $copy = "$bases/copy";
    run_quietly('rm', '-rf', $copy);
    run_quietly('cp', '-a', "$bases/$name/" . current(), $copy);
    $harm->($copy);
    return $copy;
}

sub mode { return sprintf '%o', (stat $_[0])[2] & 07777 }

sub run { run_quietly(@_) }

# --- what it makes ----------------------------------------------------------

my ($status, $text) = build('--kind', 'busybox', '--bases', $bases, $name);
is($status, 0, 'a busybox image is built') or diag $text;
my $first = current();
like($first, qr/^\d{8}T\d{6}$/, 'current is a link to the new generation');
is(entries(), "$first current", 'nothing else is left');
is((build('--check', "$bases/$name/current"))[0], 0, 'it passes the checks');

my $image = "$bases/$name/$first";
is(mode("$image/$_"), '755', "$_ is root's alone")
    for qw(. home tmp proc dev/shm dev/pts);
is(readlink("$image/etc/$_"), "/home/.$_", "/etc/$_ is the user's own")
    for qw(passwd group);
is(run('chroot', '--userspec=70001:70001', $image, '/usr/bin/env', 'sh', '-c',
    'echo $((6*7)) | cat; id -u'), "42\n70001\n", 'programs run in it');

($status, $text) = build('--kind', 'busybox', '--bases', $bases, $name);
is($status, 0, 'a second build in the same second or later');
isnt(current(), $first, '... is another generation');
ok(-d $image, '... and the first one stays for those who use it');
$first = current();

# --- what it refuses --------------------------------------------------------

my @harms = (
    ['a set-user-id program', sub { chmod 04755, "$_[0]/bin/busybox" },
        qr{bin/busybox: set-user-id.*chmod ug-s}],
    ['a set-group-id directory', sub { chmod 02755, "$_[0]/var" },
        qr{/var: set-user-id or set-group-id}],
    ['a file with capabilities',
        sub { run('setcap', 'cap_net_raw=ep', "$_[0]/bin/busybox") },
        qr{bin/busybox: has file capabilities: setcap -r}],
    ['a directory for everybody', sub { chmod 0777, "$_[0]/var" },
        qr{/var: writable by everybody: chmod o-w}],
    ['a sticky one', sub { chmod 01777, "$_[0]/run" },
        qr{/run: writable by everybody}],
    ['a file for everybody', sub { chmod 0666, "$_[0]/etc/hosts" },
        qr{etc/hosts: writable by everybody}],
    ["somebody's file", sub { chown 70001, 70001, "$_[0]/etc/hosts" },
        qr{etc/hosts: not root's: chown}],
    ['a disk', sub { run('mknod', "$_[0]/dev/sda", 'b', 8, 0) },
        qr{dev/sda: a special file}],
    ['kernel memory', sub { run('mknod', "$_[0]/dev/mem", 'c', 1, 1) },
        qr{dev/mem: not a usual device node}],
    ['a device elsewhere', sub { run('mknod', "$_[0]/etc/null", 'c', 1, 3) },
        qr{etc/null: not a usual device node}],
    ['a device that lies', sub { unlink "$_[0]/dev/null";
        run('mknod', '-m', '666', "$_[0]/dev/null", 'c', 1, 1) },
        qr{dev/null: not the device}],
    ['a device for root only', sub { chmod 0600, "$_[0]/dev/tty" },
        qr{dev/tty: not the device}],
    ['no device', sub { unlink "$_[0]/dev/full" },
        qr{dev/full: not the device:.*mknod}],
    ['a fifo', sub { run('mkfifo', "$_[0]/var/fifo") },
        qr{var/fifo: a special file}],
    (map { my $point = $_; ["no mount point $point",
        sub { rmdir "$_[0]/$point" }, qr{\Q$point\E: not a directory}] }
        qw(home tmp proc dev/shm dev/pts)),
    ['a link for a mount point', sub { rmdir "$_[0]/tmp";
        symlink 'var', "$_[0]/tmp" }, qr{/tmp: not a directory}],
    ['a mount point for everybody', sub { chmod 01777, "$_[0]/tmp" },
        qr{/tmp: not a directory of mode 0755}],
    ['a full mount point', sub { mkdir "$_[0]/home/eve" },
        qr{/home: not empty}],
    ['accounts of its own', sub { unlink "$_[0]/etc/passwd";
        run('touch', "$_[0]/etc/passwd") },
        qr{etc/passwd: not a link}],
    ['groups elsewhere', sub { unlink "$_[0]/etc/group";
        symlink '/home/group', "$_[0]/etc/group" }, qr{etc/group: not a link}],
    ['no shell', sub { unlink "$_[0]/bin/sh" }, qr{bin/sh: does not run}],
    ['a root directory for everybody', sub { chmod 0777, $_[0] },
        qr{copy: not root's alone}],
);
for my $case (@harms) {
    my ($what, $harm, $message) = @$case;
    my ($status, $text) = build('--check', spoiled_copy($harm));
    is($status, 1, "refused: $what");
    like($text, $message, '... with the remedy');
}

my $copy = spoiled_copy(sub { });
run('mount', '--bind', '/usr', "$copy/var");
($status, $text) = build('--check', $copy);
run('umount', "$copy/var");
is($status, 1, 'refused: something mounted inside');
like($text, qr{copy/var: something is mounted here: umount}, '... is named');

is((build('--check', spoiled_copy(sub { })))[0], 0, 'an untouched copy is fit');

# --- builds that fail -------------------------------------------------------

# A build whose tools are of our making: PATH has them first.
sub build_with {
    my ($tool, $script, @arguments) = @_;
    make_path("$bases/tools");
    open(my $out, '>', "$bases/tools/$tool") or die "$tool: $!";
    print {$out} "#!/bin/sh\n$script\n";
    close $out;
    chmod 0755, "$bases/tools/$tool";
    local $ENV{PATH} = "$bases/tools:$ENV{PATH}";
    my @result = build(@arguments);
    unlink "$bases/tools/$tool";
    return @result;
}

my $before = entries();
my @busybox = ('--kind', 'busybox', '--bases', $bases, $name);
my @debian = ('--bases', $bases, $name);

($status, $text) = build_with('mmdebstrap', 'exit 25', @debian);
is($status, 1, 'mmdebstrap fails: the build fails');
like($text, qr/mmdebstrap failed/, '... and says so');
is(entries(), $before, '... and all is as before');

($status, $text) = build_with('busybox', 'echo not busybox', @busybox);
is($status, 1, 'a busybox that is no static program: refused');
like($text, qr/apt-get install busybox-static/, '... with the remedy');
is(entries(), $before, '... and all is as before');

# The image comes out of the maker with something that no step puts right.
($status, $text) = build_with('chown',
    'for last; do :; done; mkfifo "$last/fifo"', @busybox);
is($status, 1, 'an image that does not pass the checks: refused');
like($text, qr/fifo: a special file.*not fit/s, '... with the finding');
is(entries(), $before, '... and all is as before');

is((build('--bases', $bases, '../x'))[0], 1, 'a bad name is refused');
is((build('--kind', 'x', '--bases', $bases, 'x'))[0], 2, 'a bad kind too');
chmod 0777, $bases;
($status, $text) = build(@busybox);
chmod 0755, $bases;
is($status, 1, 'a directory that everybody may write: refused');
like($text, qr/base-test: not root's alone: .*chmod/, '... with the remedy');

# --- builds that are interrupted --------------------------------------------

# Starts a build that would take for ever and ends it; its exit status.
sub interrupt {
    my ($signal) = @_;
    make_path("$bases/tools");
    open(my $out, '>', "$bases/tools/mmdebstrap") or die $!;
    print {$out} "#!/bin/sh\nmount -t tmpfs none $bases/tools && "
        . "sleep 301 & echo \$! >$bases/started.new\n"
        . "mv $bases/started.new $bases/started\nwait\n";
    close $out;
    chmod 0755, "$bases/tools/mmdebstrap";
    unlink "$bases/started";
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        $ENV{PATH} = "$bases/tools:$ENV{PATH}";
        $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
        open STDOUT, '>', '/dev/null';
        exec $build, @debian or die;
    }
    ok(wait_until(60, sub { -e "$bases/started" }), "a build runs ($signal)");
    is_deeply(mounts(), [], '... and what it mounts is its own');
    kill $signal => $pid;
    waitpid $pid, 0;
    return $?;
}

# What the stand-in for mmdebstrap started.
sub sleeper {
    open(my $in, '<', "$bases/started") or return 0;
    my ($pid) = <$in> =~ /(\d+)/;
    return kill(0, $pid) ? $pid : 0;
}

for my $case ([TERM => 143], [INT => 130], [HUP => 129]) {
    my ($signal, $wanted) = @$case;
    is(interrupt($signal) >> 8, $wanted, "SIG$signal ends it");
    is(entries(), $before, '... and all is as before');
    ok(wait_until(60, sub { !sleeper() }), '... and nothing runs on');
}

interrupt('KILL');
like(entries(), qr/\.building-/, 'a build that is killed leaves a rest');
is(current(), $first, '... but current is as before');
kill KILL => sleeper();
ok(wait_until(60, sub { !sleeper() }), 'when nothing of it lives any more');
is((build(@busybox))[0], 0, '... the next build works');
unlike(entries(), qr/\.building-/, '... and removes the rest');

remove_tree($bases);
done_testing();
