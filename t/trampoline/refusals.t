# SPDX-License-Identifier: Apache-2.0
#
# refusals.t - each fault has its code and remedy, leaves nothing behind, and
# once it is repaired the same start works
#
# The table: what is wrong, the code, how to do it, and what the line must
# name; then the options of the start, and what repair() cannot do.

use strict;
use warnings;

use POSIX qw(mkfifo);
use Test::More;

use IvleJail::Instance;
use IvleJail::Spoil;

use constant { ALICE => 76001, NOT_BUILT_IN => 12345, OTHER => 34 };

my ($HTTPD, $GROUP) = ($IvleJail::Instance::HTTPD_UID,
    $IvleJail::Instance::HTTPD_GID);

# Some of the faults are in places that other instances use.
IvleJail::Instance::have_own_run();

my $i = IvleJail::Instance->new('trefusals');
my ($dir, $run, $users) = ($i->{dir}, $i->{run}, "$i->{dir}/users");
my $top = "$users/alice";
my $warden = "$dir/libexec/warden";
my @left_open;

sub run_ok { return IvleJail::Instance::run_ok(@_) }

sub spew { return IvleJail::Instance::spew(@_) }

# --- faults -----------------------------------------------------------------

sub sealed {
    my @change = @_;
    return sub { $i->seal(@change) };
}

# A policy that is changed as text.
sub edited {
    my ($edit) = @_;
    return sub {
        local $_ = $i->policy;
        $edit->();
        $i->write_policy($_);
    };
}

# A base image that lacks something; the policy names it.
sub base_with {
    my ($change) = @_;
    return sub {
        my $copy = $i->copy_base('broken');
        $change->($copy);
        $i->seal(base => $copy);
    };
}

sub nothing { return sub { } }

# --- the table --------------------------------------------------------------

my @CALLERS = (
    [ 'a caller who is not built in, though of the right group',
      'CODE_CALLER', nothing(), qr/uid ${\NOT_BUILT_IN}\b/,
      { uid => NOT_BUILT_IN } ],
    [ 'a caller who is built in, but not the sealed one', 'CODE_CALLER',
      sealed(httpd => OTHER . ' ' . OTHER), qr/uid $HTTPD\b.*\b${\OTHER}\b/ ],
    [ 'not setuid', 'CODE_NOT_SETUID', mode(0750, $i->{trampoline}),
      qr/uid $HTTPD\b/ ],
    [ 'on a file system with nosuid', 'CODE_NOT_SETUID', sub {
          run_ok('mount', '--bind', "$dir/libexec", "$dir/libexec");
          run_ok('mount', '-o', 'remount,bind,nosuid', "$dir/libexec");
      }, undef, {}, sub { run_ok('umount', "$dir/libexec") } ],
    [ 'NoNewPrivileges', 'CODE_NO_NEW_PRIVS', nothing(), qr/uid $HTTPD\b/,
      { wrap => [ 'setpriv', '--no-new-privs' ] } ],
);

my @ARGUMENTS = map { [ scalar(@$_) . ' arguments', 'CODE_USAGE', nothing(),
        qr/usage/, { arguments => $_ } ] }
    [], [ 'trefusals' ], [ 'trefusals', 'default' ],
    [ 'trefusals', 'default', 'alice', 'bob' ];

my @NAMES = map {
    my ($place, @names) = @$_;
    map {
        my @arguments = ('trefusals', 'default', 'alice');
        $arguments[$place] = $_;
        (my $shown = substr $_, 0, 20) =~ s/[\x00-\x1f]/?/g;
        (my $name = $shown) =~ s/[^ -~]/?/g;
        [ "argument $place is '$name'", 'CODE_NAME', nothing(),
          qr/'\Q$shown\E/, { arguments => \@arguments } ]
    } @names
}   [ 0, '', '1x', 'x_y', 'X', '..', '../trefusals', 'x/y', 'x' x 17 ],
    [ 1, '', 'Default', 'default ', 'default@0', '.', 'x' x 17 ],
    [ 2, '', '.', '..', '.alice', '-alice', 'alice/', '../alice', 'a..b',
      'Alice', 'al ice', "alice\n", "\e[2Jalice", 'al@ice', "al\xefce", '%n%s',
      'x' x 33, 'x' x 100_000 ];

my @POLICIES = (
    [ 'no policy', 'CODE_POLICY_MISSING', removed("$run/policy") ],
    [ "a policy of httpd's User", 'CODE_POLICY_OWNER',
      owned_by($HTTPD, $GROUP, "$run/policy") ],
    [ 'a policy that is a symbolic link', 'CODE_POLICY_OWNER',
      link_instead("$run/policy") ],
    [ 'a policy with a second name', 'CODE_POLICY_OWNER',
      sub { link "$run/policy", "$run/policy.real" } ],
    [ 'a policy that is a directory', 'CODE_POLICY_OWNER',
      sub { unlink "$run/policy"; mkdir "$run/policy" }, undef, {},
      sub { rmdir "$run/policy" } ],
    [ 'a policy that is a fifo', 'CODE_POLICY_OWNER',
      sub { unlink "$run/policy"; mkfifo "$run/policy", 0600 } ],
    [ 'a policy that its group can write', 'CODE_POLICY_WRITABLE',
      mode(0664, "$run/policy"), qr/0664/ ],
    [ 'a policy that others can write', 'CODE_POLICY_WRITABLE',
      mode(0646, "$run/policy"), qr/0646/ ],
    [ 'an unknown key', 'CODE_POLICY_KEY',
      edited(sub { s/^idle/colour blue\nidle/m }), qr/line \d+.*colour/ ],
    [ 'a repeated key', 'CODE_POLICY_KEY',
      edited(sub { s/^(idle.*\n)/$1$1/m }), qr/line \d+.*idle/ ],
    [ 'a missing key', 'CODE_POLICY_KEY', sealed(idle => undef),
      qr/line \d+.*idle/ ],
    [ 'a bad value', 'CODE_POLICY_VALUE', sealed(idle => 'long'),
      qr/line \d+.*long/ ],
    [ 'a range of uids with root', 'CODE_POLICY_VALUE',
      sealed(uids => '0 99999'), qr/line \d+.*'0'/ ],
    [ 'a path that is not resolved', 'CODE_POLICY_VALUE',
      sealed(users => "$dir/./users"), qr{line \d+.*/\./} ],
    [ "another instance's policy", 'CODE_POLICY_VALUE',
      sealed(instance => 'other'), qr/'other'.*'trefusals'/ ],
    [ 'a policy without its end', 'CODE_POLICY_TRUNCATED',
      edited(sub { s/^end\n//m }) ],
    [ 'a policy with something behind its end', 'CODE_POLICY_TRUNCATED',
      edited(sub { $_ .= "idle 1\n" }) ],
    [ 'half a policy', 'CODE_POLICY_TRUNCATED',
      edited(sub { $_ = substr $_, 0, length() / 2 }) ],
    [ 'an empty policy', 'CODE_POLICY_TRUNCATED', edited(sub { $_ = '' }) ],
    [ 'a newer policy', 'CODE_POLICY_NEWER', sealed('ivlejail-policy' => 2),
      qr/'2'/ ],
    [ 'a profile that is not in the policy', 'CODE_POLICY_PROFILE',
      nothing(), qr/'other'/, { profile => 'other' } ],
);

my @USERS = (
    [ 'an unknown user', 'CODE_USER_UNKNOWN', removed($top), qr/'alice'/ ],
    [ 'a home of root\'s', 'CODE_USER_ROOT', owned_by(0, 0, "$top/home/alice"),
      qr/'alice'/ ],
    [ 'a uid below the range', 'CODE_USER_RANGE',
      owned_by(69999, ALICE, "$top/home/alice"), qr/69999.*70000.*79999/ ],
    [ 'a uid above the range', 'CODE_USER_RANGE',
      owned_by(80000, ALICE, "$top/home/alice"), qr/80000.*70000.*79999/ ],
    [ "a uid that is nobody's", 'CODE_USER_RANGE', sub {
          chown 65534, ALICE, "$top/home/alice", "$top/tmp";
          $i->seal(uids => '1000 99999');
      }, qr/65534/ ],
    [ 'gid 0', 'CODE_USER_GROUP', owned_by(ALICE, 0, "$top/home/alice"),
      qr/gid 0\b/ ],
    [ "httpd's gid", 'CODE_USER_GROUP',
      owned_by(ALICE, $GROUP, "$top/home/alice"), qr/gid $GROUP\b/ ],
    (map {
        my ($name, $path) = @$_;
        [ "$name is a symbolic link", 'CODE_USER_LINK', link_instead($path),
          qr/'alice'/ ],
        [ "$name is a dangling link", 'CODE_USER_LINK',
          sub { removed($path)->(); symlink '/nowhere', $path }, qr/'alice'/ ],
        [ "$name is a file", 'CODE_USER_DIR', file_instead($path),
          qr/'alice'/ ],
    }   [ "the user's directory", $top ], [ 'home', "$top/home" ],
        [ 'home/alice', "$top/home/alice" ], [ 'tmp', "$top/tmp" ]),
    (map {
        my ($name, $path) = @$_;
        [ "$name is missing", 'CODE_USER_DIR', removed($path), qr/'alice'/ ],
    }   [ 'home', "$top/home" ], [ 'home/alice', "$top/home/alice" ],
        [ 'tmp', "$top/tmp" ]),
    (map {
        my ($name, $path) = @$_;
        [ "$name: its group can write", 'CODE_USER_DIR', mode(0775, $path) ],
        [ "$name: others can write", 'CODE_USER_DIR', mode(01777, $path) ],
        [ "$name: not root's", 'CODE_USER_DIR',
          owned_by(ALICE, ALICE, $path) ],
    }   [ 'users directory', $users ], [ 'above the users directory', $dir ],
        [ "the user's directory", $top ], [ 'home', "$top/home" ]),
    [ 'the users directory is a link', 'CODE_USER_DIR',
      link_instead($users), qr/\Q$users'\E/, {}, sub {
          unlink $users;
          rename "$users.real", $users;
      } ],
    [ 'the users directory is missing', 'CODE_USER_DIR',
      sealed(users => "$dir/none"), qr{\Q$dir/none'\E} ],
    [ "a tmp of somebody else's", 'CODE_USER_DIR',
      owned_by(ALICE + 1, ALICE, "$top/tmp"), qr/uid ${\ALICE}\b/ ],
    [ "a tmp of root's", 'CODE_USER_DIR', owned_by(0, 0, "$top/tmp") ],
);

my @BASES = (
    [ 'no base', 'CODE_BASE_MISSING', sealed(base => "$dir/bases/none"),
      qr{bases/none'} ],
    (map {
        my $point = $_;
        [ "a base without /$point", 'CODE_BASE_POINT',
          base_with(sub { rmdir "$_[0]/$point" or die $! }), qr/$point'/ ],
        [ "a base whose /$point is a link", 'CODE_BASE_POINT',
          base_with(sub { rmdir "$_[0]/$point"; symlink '/var',
              "$_[0]/$point" }), qr/$point'/ ],
    } qw(home tmp proc)),
    [ 'a base that its group can write', 'CODE_BASE_UNTRUSTED',
      base_with(sub { chmod 0775, $_[0] }), qr{bases/broken'} ],
    [ "a base that is not root's", 'CODE_BASE_UNTRUSTED',
      base_with(sub { chown ALICE, ALICE, $_[0] }), qr{bases/broken'} ],
    [ 'a base that is a link', 'CODE_BASE_UNTRUSTED',
      sub { symlink $i->{base}, "$dir/bases/broken";
            $i->seal(base => "$dir/bases/broken") }, qr{bases/broken'} ],
    [ 'a base below a directory that others can write',
      'CODE_BASE_UNTRUSTED', mode(0777, "$dir/bases"), qr{/bases'} ],
    [ 'no source of a bind mount', 'CODE_BASE_MISSING',
      sealed(mount => [ 'proc /proc - -', "bind /var $dir/none -" ]),
      qr{\Q$dir/none'\E} ],
    [ 'a source of a bind mount that users can write', 'CODE_BASE_UNTRUSTED',
      sealed(mount => [ 'proc /proc - -', "bind /var $top/home/alice -" ]),
      qr{\Q$top/home/alice'\E} ],
    [ 'no target of a bind mount', 'CODE_BASE_POINT',
      sealed(mount => [ "bind /none $dir/libexec -", 'proc /proc - -' ]),
      qr/none'/ ],
    [ 'no target of a tmpfs', 'CODE_BASE_POINT',
      sealed(mount => [ 'proc /proc - -', 'tmpfs /none - -' ]), qr/none'/ ],
);

my @WARDENS = (
    [ 'no warden', 'CODE_HELPER', removed($warden), qr/'\Q$warden\E'/ ],
    [ 'a warden that its group can write', 'CODE_HELPER',
      mode(0731, $warden), qr/'\Q$warden\E'/ ],
    [ "a warden that is not root's", 'CODE_HELPER',
      owned_by(ALICE, ALICE, $warden), qr/'\Q$warden\E'/ ],
    [ 'a warden that users cannot execute', 'CODE_EXEC',
      mode(0710, $warden) ],
    [ 'a warden that is a link', 'CODE_HELPER', link_instead($warden),
      qr/'\Q$warden\E'/ ],
    [ 'a warden that is a directory', 'CODE_HELPER',
      sub { unlink $warden; mkdir $warden, 0711 }, qr/'\Q$warden\E'/, {},
      sub { rmdir $warden } ],
    [ 'a warden that is no program', 'CODE_EXEC',
      sub { spew($warden, "no program\n"); chmod 0711, $warden } ],
    [ 'a warden that is being written', 'CODE_EXEC',
      sub { open my $out, '>>', $warden or die; push @left_open, $out },
      undef, {}, sub { @left_open = () } ],
);

my @INSTANCES = (
    [ 'an instance that never was', 'CODE_KEEP', nothing(), qr/'never'/,
      { arguments => [ 'never', 'default', 'alice' ] } ],
    [ 'an instance that was stopped', 'CODE_KEEP',
      sub { $i->timount('stop') }, qr/'trefusals'/ ],
    [ 'no keep', 'CODE_KEEP', sub { run_ok('umount', "$run/keep") },
      qr/'trefusals'/ ],
    [ 'another kind of namespace for a keep', 'CODE_KEEP', sub {
          run_ok('umount', "$run/keep");
          run_ok('mount', '--bind', '/proc/self/ns/uts', "$run/keep");
      }, qr/'trefusals'/, {}, sub { run_ok('umount', "$run/keep") } ],
    [ 'no lock', 'CODE_KEEP', removed("$run/lock"), qr/'trefusals'/ ],
    [ 'no directory for sockets', 'CODE_RUNDIR',
      sub { $i->sweep; rmdir "$run/sock" or die "sock: $!" } ],
    [ "a runtime directory of httpd's User", 'CODE_RUNDIR',
      owned_by($HTTPD, $GROUP, $run), qr/owner/ ],
    [ 'runtime directories that others can write', 'CODE_RUNDIR',
      mode(0777, '/run/ivlejail'), qr{'/run/ivlejail'} ],
    [ "runtime directories of httpd's User", 'CODE_RUNDIR',
      owned_by($HTTPD, $GROUP, '/run/ivlejail'), qr{'/run/ivlejail'} ],
);

# --- one row ----------------------------------------------------------------

# All is as it must be, whatever was wrong.
sub repair {
    chmod 0755, '/run/ivlejail', $dir, $users, "$dir/bases";
    chown 0, 0, '/run/ivlejail', $run, $dir, $users, "$dir/bases";
    run_ok('rm', '-rf', "$dir/bases/broken", $top, "$top.real", $warden,
        "$warden.real", glob "$run/policy*");
    $i->install;
    $i->add_user(alice => ALICE);
    $i->timount('start');
    $i->seal;
}

sub mount_table {
    return { map { $_ => 1 }
        IvleJail::Instance::lines_of('/proc/self/mountinfo') };
}

# What is left of a start that was refused.  Mounts that are gone are other
# people's: they go when somebody removes their directories outside.
sub traces {
    my ($mounts, $code) = @_;
    my @traces = map { "mount $_" } grep { !$mounts->{$_} }
        keys %{ mount_table() };
    return @traces, values %{ $i->processes } if !-e "$run/keep"
        || $code =~ /CODE_(?:KEEP|RUNDIR)/;
    return @traces, $i->jails_left;
}

sub check {
    my ($name, $code, $break, $about, $start, $repair) = @_;
    my @wrong;

    $break->();
    my $mounts = mount_table();
    my $r = $i->start('alice', %{ $start // {} });
    push @wrong, $i->not_refused($r, $code, $about);
    push @wrong, map { "left: $_" } traces($mounts, $code);
    $repair->() if $repair;
    repair();
    $r = $i->start('alice');
    push @wrong, map { "after the repair: $_" } $i->not_started($r, 'alice');
    $i->timount('evict', 'alice');
    push @wrong, map { "after the end: $_" } $i->jails_left;
    is_deeply(\@wrong, [], $name);
}

# --- no space ---------------------------------------------------------------

# How many starts fail until there are inodes enough for one.
sub starts_without_space {
    my ($failures, @wrong) = (0);
    my ($used) = run_ok('df', '--output=iused', $run) =~ /(\d+)/;

    for my $free (0 .. 9) {
        run_ok('mount', '-o', 'remount,nr_inodes=' . ($used + $free), $run);
        my $r = $i->start('alice');
        last if !$i->not_started($r, 'alice');
        $failures++;
        push @wrong, map { "$free free: $_" }
            $i->not_refused($r, 'CODE_SPACE', qr/alice|default/),
            $i->jails_left;
    }
    run_ok('mount', '-o', 'remount,nr_inodes=0', $run);
    $i->timount('evict', 'alice');
    return ($failures, \@wrong);
}

# --- all of them ------------------------------------------------------------

my @ROWS = (@CALLERS, @ARGUMENTS, @NAMES, @POLICIES, @USERS, @BASES, @WARDENS,
    @INSTANCES);
plan tests => @ROWS + 7;

repair();
is_deeply([ $i->not_started($i->start('alice'), 'alice') ], [],
    'with nothing wrong it starts');
$i->timount('evict', 'alice');

check(@$_) for @ROWS;

my $r = IvleJail::Instance::run(sub {
    IvleJail::Instance::become_httpd(NOT_BUILT_IN, NOT_BUILT_IN);
    exec $i->{trampoline}, 'trefusals', 'default', 'alice'
        or POSIX::_exit($!{EACCES} ? 99 : 98);
});
is($r->{status}, 99, 'who is not of the group cannot even execute it');

$i->sweep;      # the empty directories of the last jail
my ($failures, $wrong) = starts_without_space();
cmp_ok($failures, '>', 1, 'without space, starts fail at several steps');
is_deeply($wrong, [], 'each of them as it should');
is_deeply([ $i->jails_left ], [], 'and nothing is left of them');

my @statuses = map { $_->{status} } values %{ $i->codes };
is_deeply([ grep { $_ == 7 || $_ == 15 || $_ < 1 || $_ > 119 } @statuses ],
    [], "no exit status that httpd would take for its own children's");
$i->finish;
