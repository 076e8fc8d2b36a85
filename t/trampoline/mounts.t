# SPDX-License-Identifier: Apache-2.0
#
# mounts.t - what a profile adds to a jail: homes that are mounts, binds,
# tmpfs, devpts, the host's network

use strict;
use warnings;

use Test::More;

use IvleJail::Instance;

use constant ALICE => 76001;

IvleJail::Instance::enter_own_namespace();
my $i = IvleJail::Instance->new('tmounts');
my $base = $i->copy_base('points');
mkdir "$base/$_", 0755 for qw(shared upload own sized);
my $generation = 0;

# What is bound: a directory of the administrator's with one that all may
# write to in it.
my $source = "$i->{dir}/source";
mkdir $_, 0755 for $source, "$source/rw", "$source/rw/open";
chmod 0777, "$source/rw/open";
IvleJail::Instance::spew("$source/file", "of the administrator\n");
run_ok('cp', '-p', '/bin/busybox', "$source/id");
chmod 04755, "$source/id";

sub run_ok { return IvleJail::Instance::run_ok(@_) }

# A new jail with these mounts.
sub seal {
    my ($mounts, @change) = @_;
    $i->timount('evict', 'alice');
    $i->seal(base => $base, mount => [ 'proc /proc - -', @$mounts ],
        profile => sprintf('default %08x', ++$generation), @change);
}

# Mount points in the jail, as "flags type".
sub table {
    my $report = $i->report($i->start('alice')->{socket}, 'alice');
    return { map {
        my @field = split;
        my ($dash) = grep { $field[$_] eq '-' } 6 .. $#field;
        $field[5] =~ s/,(?:rel|no)atime//;
        $field[4] => "$field[5] $field[$dash + 1]" . ($dash > 6 ? ' shared' : '')
    } @{ $report->{mount} } };
}

sub namespace {
    my ($type) = @_;
    my $report = $i->report($i->start('alice')->{socket}, 'alice');
    return map { /^$type -> (.*)/ } @{ $report->{namespace} };
}

# --- a home that is a mount of its own ----------------------------------------

$i->add_user(alice => ALICE);
run_ok('mount', '-t', 'tmpfs', '-o', "uid=${\ALICE},gid=${\ALICE},mode=0700",
    'own', $i->home('alice'));
IvleJail::Instance::spew($i->home('alice') . '/marker', "on the tmpfs\n");
chown ALICE, ALICE, $i->home('alice') . '/marker';
seal([]);
is($i->output_of('alice', 'cat marker; pwd'), "on the tmpfs\n/home/alice\n",
    'a home that is a mount of its own');
is(table()->{'/home/alice'}, 'rw,nosuid,nodev tmpfs', 'with our flags');
is($i->output_of('alice', 'touch new && echo done'), "done\n",
    'the user can write there');
is(keys %{ table() }, 5, 'it is the only mount more');
$i->timount('evict', 'alice');
run_ok('umount', $i->home('alice'));
chown ALICE, ALICE, $i->home('alice');
seal([]);
is(table()->{'/home/alice'}, undef, 'without it there is none');

# --- binds --------------------------------------------------------------------

seal([ "bind /shared $source -", "bind /upload $source/rw rw" ]);
my $table = table();
is($table->{'/shared'}, 'ro,nosuid,nodev ' . ($table->{'/'} =~ /(\S+)$/)[0],
    'a bind mount is read-only');
like($table->{'/upload'}, qr/^rw,nosuid,nodev /, 'but for one with rw');
is($i->output_of('alice', 'cat /shared/file'), "of the administrator\n",
    'it shows what is bound');
like($i->output_of('alice', ': > /shared/rw/open/x'), qr/Read-only/,
    'read-only below, too');
is($i->output_of('alice', ': > /upload/open/x && ls /shared/rw/open'), "x\n",
    'rw: what is written is there');
is($i->output_of('alice', '/shared/id -u'), ALICE . "\n",
    'a setuid program in it is none');
is_deeply([ grep { / shared$/ } values %$table ], [], 'all of it is private');

# --- kernel file systems --------------------------------------------------------

seal([ 'tmpfs /own - -', 'tmpfs /sized - exec,size=1048576',
    'devpts /dev/pts - -' ]);
$table = table();
is($table->{'/own'}, 'rw,nosuid,nodev,noexec tmpfs', 'tmpfs');
is($table->{'/sized'}, 'rw,nosuid,nodev tmpfs', 'tmpfs with exec');
is($table->{'/dev/pts'}, 'rw,nosuid,noexec devpts', 'devpts');
is($i->output_of('alice', 'stat -c %a /own; df /sized | tail -n 1 |
    awk "{ print \$2 }"'), "1777\n1024\n", 'mode and size');
is($i->output_of('alice', 'cd /sized; printf "#!/bin/sh\necho runs\n" > x;
    chmod 755 x; ./x; dd if=/dev/zero of=zero bs=1M count=2 2>&1 |
    grep -c "No space"'), "runs\n1\n", 'exec, and the size is a limit');
like($i->output_of('alice', 'cd /own; printf "#!/bin/sh\necho runs\n" > x;
    chmod 755 x; ./x'), qr/Permission denied/, 'without exec');
is($i->output_of('alice', 'ls /dev/pts'), "ptmx\n", 'a devpts of its own');
$i->kill_wardens;
is($i->output_of('alice', 'ls /own'), '', "it is the warden's: gone with it");
is(keys %{ table() }, 7, 'and does not add up in the pinned jail');

# --- network ----------------------------------------------------------------------

my $host = readlink '/proc/self/ns/net';
seal([]);
isnt((namespace('net'))[0], $host, 'network none: a namespace of its own');
seal([], network => 'host');
is((namespace('net'))[0], $host, "network host: the host's");
isnt((namespace('ipc'))[0], readlink('/proc/self/ns/ipc'),
    'but still an ipc namespace of its own');

$i->finish;
done_testing();
