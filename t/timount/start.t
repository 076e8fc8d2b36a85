# SPDX-License-Identifier: Apache-2.0
#
# start.t - founding an instance: again, after damage, and not at all

use strict;
use warnings;

use Test::More;

use IvleJail::Instance;

use constant { ALICE => 76001, WWW => 33 };

IvleJail::Instance::have_own_run();
my $i = IvleJail::Instance->new('tstart');
my $run = $i->{run};
$i->add_user(alice => ALICE);

# {status, out, err} of timount with any arguments.
sub timount {
    my ($arguments, %option) = @_;
    return IvleJail::Instance::run(sub {
        IvleJail::Instance::become_httpd() if $option{as_httpd};
        exec "$i->{dir}/libexec/timount", @$arguments or POSIX::_exit(125);
    });
}

sub look {
    my ($name) = @_;
    my ($mode, $uid, $gid) = (lstat "$run/$name")[2, 4, 5] or return 'missing';
    return sprintf '%s %04o %d %d', -d _ ? 'directory' : 'file',
        $mode & 07777, $uid, $gid;
}

sub inode_of_keep { return (stat "$run/keep")[1] }

sub run_ok { return IvleJail::Instance::run_ok(@_) }

# --- what it makes ------------------------------------------------------------

my %MADE = ('' => 'directory 0755 0 0', sock => 'directory 0711 0 0',
    lock => 'file 0600 0 0', sweep => 'file 0600 0 0');
is(look($_), $MADE{$_}, "made: /$_") for sort keys %MADE;
like((grep { (split)[4] eq $run }
    IvleJail::Instance::lines_of('/proc/self/mountinfo'))[0],
    qr/ rw,nosuid,nodev,noexec,relatime - tmpfs /, 'a private tmpfs');
is_deeply([ $i->keep_mounts ], [], 'and a keep with nothing in it');

# --- again ----------------------------------------------------------------------

my $keep = inode_of_keep();
$i->start('alice');
my @mounts = $i->mounts;
is($i->timount('start'), '', 'started again');
is(inode_of_keep(), $keep, 'the keep is the same');
is_deeply([ $i->mounts ], \@mounts, 'nothing was mounted');
is(scalar(() = $i->pins), 1, 'the jail is still there');
is_deeply([ $i->not_started($i->start('alice'), 'alice') ], [],
    'and answers');

# --- after damage -----------------------------------------------------------------

my @DAMAGES = (
    [ 'the keep was unmounted', sub { run_ok('umount', "$run/keep") } ],
    [ 'the keep was unmounted and removed',
      sub { run_ok('umount', "$run/keep"); unlink "$run/keep" } ],
    [ 'the keep is something else', sub {
          run_ok('umount', "$run/keep");
          run_ok('mount', '--bind', '/proc/self/ns/uts', "$run/keep");
      } ],
    [ 'the lock was removed', sub { unlink "$run/lock" } ],
    [ 'the directory of sockets was removed',
      sub { $i->timount('evict', 'alice'); $i->sweep; rmdir "$run/sock" } ],
    [ 'all was unmounted', sub { run_ok('umount', '-l', $run) } ],
    [ 'all was stopped', sub { $i->timount('stop') } ],
);
for my $damage (@DAMAGES) {
    my ($name, $do) = @$damage;
    $do->();
    isnt($i->start('alice')->{status}, '0', "$name: no start works");
    $i->timount('start');
    $i->seal;
    $i->kill_wardens;       # of the old keep, if that is gone
    is_deeply([ $i->not_started($i->start('alice'), 'alice') ], [],
        "$name: a new start of the instance repairs it");
    is(scalar(() = $i->pins), 1, '... a pin');
    is(scalar(() = $i->warden_pids), 1, '... a warden');
}

# --- not at all -------------------------------------------------------------------

my @REFUSALS = (
    [ [], 'CODE_USAGE' ], [ [ 'tstart' ], 'CODE_USAGE' ],
    [ [ 'tstart', 'mount' ], 'CODE_USAGE' ],
    [ [ 'tstart', 'start', 'x' ], 'CODE_USAGE' ],
    [ [ 'tstart', 'evict' ], 'CODE_USAGE' ],
    [ [ 'tstart', 'evict', '../x' ], 'CODE_NAME' ],
    [ [ '../x', 'start' ], 'CODE_NAME' ], [ [ '', 'start' ], 'CODE_NAME' ],
    (map { [ [ 'never', $_ ], 'CODE_KEEP' ] } qw(sweep list)),
    [ [ 'never', 'evict', 'alice' ], 'CODE_KEEP' ],
    (map { [ [ 'tstart', $_ ], 'CODE_CALLER', as_httpd => 1 ] }
        qw(start sweep list stop)),
);
for my $refusal (@REFUSALS) {
    my ($arguments, $code, @option) = @$refusal;
    my $r = timount($arguments, @option);
    is_deeply([ $i->not_refused($r, $code) ], [], "timount @$arguments"
        . (@option ? " as httpd's User" : ''));
}
is(timount([ 'never', 'stop' ])->{status}, 0,
    'who never was is as good as stopped');
is(scalar(() = $i->warden_pids), 1, 'the instance still lives');

my $sweeping = do {
    sysopen my $fh, "$run/sweep", Fcntl::O_RDWR() or die "sweep: $!";
    my $whole = pack 's s x4 q q i x4', Fcntl::F_WRLCK(), 0, 0, 0, 0;
    fcntl $fh, IvleJail::Instance::F_OFD_SETLK(), $whole or die "lock: $!";
    $fh;
};
my $r = timount([ 'tstart', 'sweep' ]);
is($r->{status} . $r->{out}, '0', 'only one sweep at a time');
like($r->{err}, qr/another sweep is running/, 'which the second one says');
undef $sweeping;

# --- not in a place that cannot be trusted ----------------------------------------

$i->timount('stop');
chmod 0777, '/run/ivlejail';
is_deeply([ $i->not_refused(timount([ 'tstart', 'start' ]), 'CODE_RUNDIR',
    qr{'/run/ivlejail'}) ], [], 'others can write to the runtime directories');
chmod 0755, '/run/ivlejail';
chown WWW, WWW, '/run/ivlejail';
is_deeply([ $i->not_refused(timount([ 'tstart', 'start' ]), 'CODE_RUNDIR',
    qr{'/run/ivlejail'}) ], [], "they are not root's");
chown 0, 0, '/run/ivlejail';
symlink '/tmp', $run;
is_deeply([ $i->not_refused(timount([ 'tstart', 'start' ]), 'CODE_RUNDIR',
    qr/'tstart'/) ], [], 'a symbolic link');
unlink $run;
run_ok('mount', '-o', 'remount,nr_inodes=1', '/run/ivlejail');
is_deeply([ $i->not_refused(timount([ 'tstart', 'start' ]), 'CODE_SPACE',
    qr/'tstart'/) ], [], 'no space for it');
run_ok('mount', '-o', 'remount,nr_inodes=0', '/run/ivlejail');
is_deeply([ $i->left ], [ "file $i->{dir}" ], 'nothing is left of all that');
$i->timount('start');
$i->finish;
done_testing();
