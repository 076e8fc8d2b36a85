# SPDX-License-Identifier: Apache-2.0
#
# inside.t - programs that try to get out of alice's jail, to be more than
# alice, and to reach bob, the host and its services: all HELD, and most of
# them BROKEN in a naive chroot beside it
#
# The programs are t/tools/attack_*.c; each attack says what came of it.  The
# naive chroot has the same base, home and uid; it is made as many are: /proc
# and /dev of the host bound into it, chroot(2), setgid, setuid, exec.  Both
# have the same caller, who has left descriptors open that are worth having.

use strict;
use warnings;

use Cwd qw(abs_path);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX qw(_exit);
use Test::More;
use Time::HiRes qw(sleep);

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

require 'sys/syscall.ph';

use constant {
    ALICE => 70001, BOB => 70002, CLONE_NEWNS => 0x20000,
    TIOCSPTLCK => 0x40045431, TIOCGPTN => 0x80045430,
    STARTS => 10, PATIENCE => 120,
};

my @GROUPS = qw(paths privileges neighbours);
my $BASE = "$BASES/attack";
my $SOCKET = "/run/ivlejail-attack-$INSTANCE";
my $SHARED = "/ivlejail-attack-$INSTANCE";
my $SECRET = "$ROOT/attack-secret";
my @open;                       # what the caller has left open

# What nothing but the filter of IvleJailSeccomp keeps from a user.
my @FILTERS_OWN = ('a user namespace by unshare', 'a user namespace by clone',
    'a user namespace by clone3', 'a mount in a user namespace', 'bpf',
    'perf_event_open', 'userfaultfd', 'io_uring', "the user's keyring",
    "the session's keyring", "the kernel's log", 'personality',
    'a vsock socket', 'system calls of 32 bits', 'system calls of x32',
    "the supervisor's limits", "the supervisor's scheduling",
    "the supervisor's priority");

# And what nothing but a network namespace does.
my @NETWORKS_OWN = ("a service on the host's loopback",
    "a service on the host's loopback, IPv6", 'a way to the network',
    "a service on a neighbour's loopback", "a neighbour's abstract socket",
    'an abstract socket of the host', "the list of the host's sockets",
    "the host's network interfaces", "the list of the host's connections");

must_be_root();
must_have_program(qw(setcap mount));
install();

# --- what there is to be reached ----------------------------------------------

sub write_secret {
    open my $out, '>', $SECRET or die "$SECRET: $!";
    print {$out} "the secret\n";
    close $out or die "$SECRET: $!";
    chmod 0644, $SECRET or die "chmod: $!";
}

# Inherited by every program that the test starts, httpd among them.
sub leave_open {
    local $^F = 255;
    opendir my $root, '/' or die "/: $!";
    sysopen my $directory, '/', POSIX::O_RDONLY() or die "/: $!";
    open my $memory, '+>', "/dev/shm$SHARED" or die "/dev/shm$SHARED: $!";
    truncate $memory, 4096;
    chmod 0666, $memory;
    open my $master, '+<', '/dev/ptmx' or die "/dev/ptmx: $!";
    my ($number, $unlocked) = (pack('i', 0), pack('i', 0));
    ioctl $master, TIOCSPTLCK, $unlocked or die "TIOCSPTLCK: $!";
    ioctl $master, TIOCGPTN, $number or die "TIOCGPTN: $!";
    my $slave = '/dev/pts/' . unpack 'i', $number;
    sysopen my $terminal, $slave, POSIX::O_RDWR() | POSIX::O_NOCTTY()
        or die "$slave: $!";
    push @open, $root, $directory, $memory, $master, $terminal;
}

# A process of alice's outside of her jail, as of a cron job.
sub start_twin {
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    chdir '/';
    POSIX::setgid(ALICE);
    POSIX::setuid(ALICE);
    exec 'sleep', '600' or _exit(127);
}

my $inet = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64)
    or BAIL_OUT("loopback: $!");
unlink $SOCKET;
my $path = IO::Socket::UNIX->new(Local => $SOCKET, Listen => 64)
    or BAIL_OUT("$SOCKET: $!");
chmod 0666, $SOCKET or die "chmod: $!";
my $abstract = IO::Socket::UNIX->new(Listen => 64,
    Local => "\0ivlejail-attack-$INSTANCE")
    or BAIL_OUT("abstract socket: $!");
my $twin = start_twin();
my %TARGETS = (
    ATTACK_SECRET => substr($SECRET, 1),
    ATTACK_TWIN => $twin,
    ATTACK_HOST_PORT => $inet->sockport,
    ATTACK_RUN => $SOCKET,
    ATTACK_ABSTRACT => "\@ivlejail-attack-$INSTANCE",
    ATTACK_SHARED => $SHARED,
);

# --- the jail, and what lies ready in it --------------------------------------

# A base with what an administrator may have overlooked.
sub make_base {
    run_quietly('rm', '-rf', '--one-file-system', $BASE);
    run_quietly('cp', '-a', abs_path(base('busybox')), $BASE);
    mkdir "$BASE/open" or die "mkdir: $!";
    run_quietly('touch', "$BASE/open/file", "$BASE/open/own");
    chown ALICE, ALICE, "$BASE/open/own" or die "chown: $!";
    chmod 0777, "$BASE/open", "$BASE/open/file" or die "chmod: $!";
    run_quietly('install', '-m', '4755', "$TOP/build/t/attack_privileges",
        "$BASE/open/setuid");
}

# Somebody has unpacked an archive as root.
sub put_privileged_files {
    my $home = "$USERS/alice/home/alice";
    my $program = "$TOP/build/t/attack_privileges";
    run_quietly('install', '-m', '4755', $program, "$home/setuid");
    run_quietly('install', '-m', '2755', $program, "$home/setgid");
    run_quietly('install', '-m', '0755', $program, "$home/capable");
    run_quietly('setcap', 'cap_dac_override,cap_sys_admin+ep', "$home/capable");
    my $disk = (stat '/')[0];
    run_quietly('mknod', '-m', '666', "$home/zero", 'c', 1, 5);
    run_quietly('mknod', '-m', '666', "$home/disk", 'b', $disk >> 8 & 0xfff,
        $disk & 0xff | $disk >> 12 & 0xfff00);
}

sub put_programs {
    put_program(alice => "web/attack_$_", slurp("$TOP/build/t/attack_$_"))
        for @GROUPS;
    put_program(bob => 'web/victim', slurp("$TOP/build/t/attack_neighbours"));
}

my $set_env = join '', map { "SetEnv $_ $TARGETS{$_}\n" } sort keys %TARGETS;
my $httpd = IvleJail::Httpd->new(name => 'attack', config => <<"CONF");
IvleJailBase $BASE
IvleJailLimit nproc 500
$set_env
<IvleJailProfile bare>
    IvleJailSeccomp off
</IvleJailProfile>
<IvleJailProfile net>
    IvleJailNetwork host
</IvleJailProfile>
Use Place bare
Use Place net
CONF

# --- running attacks ----------------------------------------------------------

# "HELD name" lines as name => HELD.
sub outcomes {
    return { map { /^(HELD|BROKEN|HUNG) (.+)$/ ? ($2 => $1) : () }
        split /\n/, $_[0] };
}

sub in_jail {
    my ($group, $url) = @_;
    my $answer = $httpd->get("$url/attack_$group", user => 'alice');
    diag "$answer->{status}: $answer->{content}" if $answer->{status} != 200;
    return outcomes($answer->{content});
}

sub mount_naively {
    my ($user) = @_;
    my $root = "$httpd->{dir}/naive";
    syscall(&SYS_unshare, CLONE_NEWNS) == 0 or die "unshare: $!";
    for my $mount ([qw(--make-rprivate /)], ['--bind', $BASE, $root],
            ['--bind', "$USERS/$user/home", "$root/home"],
            ['--bind', "$USERS/$user/tmp", "$root/tmp"],
            ['--rbind', '/proc', "$root/proc"],
            ['--rbind', '/dev', "$root/dev"]) {
        run_quietly('mount', @$mount);
    }
    return $root;
}

# The output of a program in a chroot as it should not be made.
sub begin_naively {
    my ($user, $uid, @command) = @_;
    my $pid = open my $out, '-|';
    die "fork: $!" if !defined $pid;
    return $out if $pid;
    eval {
        chroot mount_naively($user) or die "chroot: $!";
        $) = "$uid 33 4";       # the groups that the caller had
        POSIX::setgid($uid);
        POSIX::setuid($uid);
        %ENV = %TARGETS;
        exec @command or die "$command[0]: $!";
    };
    print "HUNG $@";
    _exit(127);
}

sub in_naive_chroot {
    my ($group) = @_;
    my $out = begin_naively('alice', ALICE, "/home/alice/web/attack_$group",
        'supervised');
    local $/;
    my $text = <$out>;
    close $out;
    return outcomes($text);
}

sub those {
    my ($word, $outcomes) = @_;
    return [sort grep { $outcomes->{$_} eq $word } keys %$outcomes];
}

sub without {
    my ($list, @names) = @_;
    my %is_one = map { $_ => 1 } @names;
    return [grep { !$is_one{$_} } @$list];
}

sub but_known {
    return [grep { !/^KNOWN: / } @{ $_[0] }];
}

# --- a user who has an account on the host, too, and swaps directories ---------

# What root's directories let nobody do, again and again; each success is a
# line.  In between, the web directory is a link to the root.
sub race {
    my ($out) = @_;
    my ($top, $home) = ("$USERS/alice", "$USERS/alice/home/alice");
    POSIX::setgid(ALICE);
    POSIX::setuid(ALICE);
    while (1) {
        for my $move ([$home, "$top/home/x"], ["$top/tmp", "$home/tmp"],
                ["$top/home/.passwd", "$home/passwd"], [$top, "$home/top"]) {
            syswrite $out, "moved $move->[0]\n" if rename $move->[0], $move->[1];
        }
        syswrite $out, "linked\n" if symlink '/', "$top/home/link";
        rename "$home/web", "$home/away";
        symlink '/', "$home/web";
        sleep 0.001;
        unlink "$home/web";
        rename "$home/away", "$home/web";
        sleep 0.001;
    }
}

sub start_race {
    pipe my $in, my $out or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    return ($pid, $in) if $pid;
    race($out);
}

# --- the tests ----------------------------------------------------------------

write_secret();
leave_open();
make_base();
put_privileged_files();
put_programs();
mkdir "$httpd->{dir}/naive" or die "mkdir: $!";
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);

# Bob's secrets, in his jail and in a chroot of his.
my $gate = put_gate('bob');
my $bob = begin($httpd, '/my/victim', user => 'bob');
my $naive_bob = begin_naively('bob', BOB, '/home/bob/web/victim');
is(scalar <$naive_bob>, "ready\n", 'a victim in a naive chroot');
ok(IO::Select->new($bob->{socket})->can_read(PATIENCE), '... and one in a jail');

my (%jail, %naive);
for my $group (@GROUPS) {
    my ($jail, $naive) = (in_jail($group, '/my'), in_naive_chroot($group));
    my @names = sort keys %$naive;
    is_deeply([sort keys %$jail], \@names, "$group: the same attacks on both");
    cmp_ok(@names, '>', 20, "... of which there are " . @names);
    is_deeply(but_known(those(BROKEN => $jail)), [],
        "$group: the jail is not broken");
    is_deeply(those(HUNG => $jail), [], '... and nothing hangs there');
    is_deeply(those(HUNG => $naive), [], '... nor in the naive chroot');
    diag sprintf '%-44s %-8s %s', $group, 'jail', 'naive chroot';
    diag sprintf '%-44s %-8s %s', $_, $jail->{$_} // '-', $naive->{$_}
        for @names;
    %jail = (%jail, %$jail);
    %naive = (%naive, %$naive);
}
my ($broken, $all) = (scalar @{ those(BROKEN => \%naive) }, scalar keys %naive);
cmp_ok($broken, '>', $all / 2, "the naive chroot is broken: $broken of $all");
is($jail{'KNOWN: a lock on a file of the base'}, 'BROKEN',
    'known: locks on files of the base are seen in all jails');

# Each wall by itself.
my %bare = map { %{ in_jail($_, '/bare') } } @GROUPS;
my @filtered = @{ but_known(those(BROKEN => \%bare)) };
is_deeply(without(\@filtered, @FILTERS_OWN), [],
    'IvleJailSeccomp off: all holds but what is the filter\'s to hold');
cmp_ok(@filtered, '>=', 5, '... the test can tell: ' . join ', ', @filtered);

my $net = in_jail('neighbours', '/net');
is_deeply([map { $net->{"a service on the host's loopback$_"} } '', ', IPv6'],
    [('BROKEN') x 2], 'IvleJailNetwork host: loopback can be reached');
is_deeply(without(but_known(those(BROKEN => $net)), @NETWORKS_OWN), [],
    '... and nothing but the network');

open_gate($gate);
is(finish($bob)->{content}, "ready\n", 'the victim in the jail was there');
close $naive_bob;

# Starts while a user swaps what a user can.
my ($racer, $moved) = start_race();
my ($answered, @wrong) = (0);
for (1 .. STARTS) {
    $httpd->ctl('jail', 'evict', 'alice');
    my $answer = $httpd->get("/my$SECRET", user => 'alice');
    push @wrong, "$answer->{status} $answer->{content}"
        if $answer->{status} !~ /^40[34]$/;
    my ($pin, @more) = $httpd->jails('pin');
    push @wrong, 'two jails' if grep { / alice$/ } @more;
    $answered++;
}
kill KILL => $racer;
waitpid $racer, 0;
is_deeply(\@wrong, [], "$answered cold starts while directories are swapped");
is(join('', <$moved>), '', '... and none of root\'s could be');

ok($httpd->stop, 'httpd stops');

END {
    kill KILL => $twin if $twin;
    waitpid $twin, 0 if $twin;
    unlink $SOCKET, "/dev/shm$SHARED", $SECRET;
    return if $> != 0;
    run_quietly('rm', '-rf', '--one-file-system', $BASE);
    # what the attacks have left: links to the root, setuid files, devices
    add_user(alice => ALICE);
}
done_testing;
