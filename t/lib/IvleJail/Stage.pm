# SPDX-License-Identifier: Apache-2.0
package IvleJail::Stage;

# What the tests run against: a real installation in a directory of its own.
#
#   /var/lib/ivlejail-<instance>/
#       root/       "make install DESTDIR=": helpers with their real modes
#       bases/      base images, made once and kept
#       users/      alice, bob and whom a test adds
#       t/          a copy of t/ in which Apache::Test works
#
# A setuid program walks these paths, so each component is root's alone; that
# is why it cannot be below /tmp or in somebody's checkout.
#
# IVLEJAIL_INSTANCE (check) keeps people on one machine apart.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use POSIX ();

our @EXPORT_OK = qw($TOP $INSTANCE $ROOT $LIBEXEC $TRAMPOLINE $TIMOUNT $WARDEN
    $CTL $MODULE $BASES $USERS $RUN base add_user remove_user install tear_down
    root_of run_quietly write_text);

our $TOP = $ENV{IVLEJAIL_TOP} // abs_path(dirname(__FILE__) . '/../../..');
our $INSTANCE = $ENV{IVLEJAIL_INSTANCE} // 'check';
our $ROOT = root_of($INSTANCE);
our $LIBEXEC = "$ROOT/root/usr/lib/ivlejail";
our $TRAMPOLINE = "$LIBEXEC/trampoline";
our $TIMOUNT = "$LIBEXEC/timount";
our $WARDEN = "$LIBEXEC/warden";
our $CTL = "$ROOT/root/usr/sbin/ivlejailctl";
our $MODULE = "$ROOT/root/modules/mod_ivlejail.so";
our $BASES = "$ROOT/bases";
our $USERS = "$ROOT/users";
our $RUN = "/run/ivlejail/$INSTANCE";
my $DEBIAN = 'python3,perl,libcgi-pm-perl,git,php-cgi,python3-bottle,dash,nodejs';

sub root_of {
    my ($instance) = @_;
    return "/var/lib/ivlejail-$instance";
}

# Runs a command; its output is only of interest when it fails.
sub run_quietly {
    my @command = @_;
    my $pid = open(my $out, '-|') // die "fork: $!";
    exec_merged(@command) if !$pid;
    my $text = do { local $/; <$out> };
    close $out or die "@command: failed:\n$text";
    return $text;
}

sub exec_merged {
    my @command = @_;
    open STDERR, '>&', \*STDOUT or die "dup: $!";
    exec @command or POSIX::_exit(127);         # no die: a test may catch that
}

# Once per run of the whole suite: whoever did it says so to the others.
sub install {
    return if ($ENV{IVLEJAIL_STAGED} // '') eq $ROOT;
    die "run as root\n" if $> != 0;
    umask 022;
    make_path($ROOT, { mode => 0755 });
    run_quietly('make', '-s', '-C', $TOP, "DESTDIR=$ROOT/root",
        "MODULE_DIR=/modules", 'MODS_AVAILABLE=/none', 'install');
    make_path($BASES, $USERS, { mode => 0755 });
    add_user(alice => 70001);
    add_user(bob => 70002);
    $ENV{IVLEJAIL_STAGED} = $ROOT;
}

# The path of a base image, made at its first use: busybox, or debian, which
# has all programs that any test wants of it.
sub base {
    my ($kind) = @_;
    if (!is_up_to_date($kind)) {
        run_quietly("$TOP/base/build", '--bases', $BASES, '--kind', $kind,
            $kind eq 'debian' ? ('--include', $DEBIAN) : (), $kind);
    }
    return "$BASES/$kind/current";
}

sub is_up_to_date {
    my ($kind) = @_;
    my $label = "$BASES/$kind/current/etc/ivlejail-base";
    open(my $in, '<', $label) or return 0;
    my $includes = $kind eq 'debian' ? $DEBIAN : '-';
    return -M "$TOP/base/build" >= -M $label
        && grep { $_ eq "include $includes\n" } <$in>;
}

# A user as "ivlejailctl user add" makes one, without needing it.  Files that
# an earlier test left go first.
sub add_user {
    my ($user, $uid, $gid) = @_;
    my $dir = "$USERS/$user";
    $gid //= $uid;
    remove_user($user);
    make_path("$dir/home/$user/web", "$dir/tmp", { mode => 0755 });
    write_text("$dir/home/.passwd",
        "$user:x:$uid:$gid:$user:/home/$user:/bin/sh\n");
    write_text("$dir/home/.group", "$user:x:$gid:\n");
    for my $own ("$dir/home/$user", "$dir/home/$user/web", "$dir/tmp") {
        chmod 0700, $own or die "chmod $own: $!";
        chown $uid, $gid, $own or die "chown $own: $!";
    }
    return "$dir/home/$user";
}

sub write_text {
    my ($file, $text) = @_;
    open(my $out, '>', $file) or die "$file: $!";
    print {$out} $text;
    close $out or die "$file: $!";
}

sub remove_user {
    my ($user) = @_;
    run_quietly('rm', '-rf', '--one-file-system', "$USERS/$user");
}

# All but the base images, which take longest to make.
sub tear_down {
    run_quietly('rm', '-rf', '--one-file-system',
        glob("$ROOT/httpd-*"), map { "$ROOT/$_" } qw(root users t));
}

1;
