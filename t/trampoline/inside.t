# SPDX-License-Identifier: Apache-2.0
#
# inside.t - what a program, and the warden that starts it, have around them

use strict;
use warnings;

use Test::More;

use IvleJail::Instance;

use constant ALICE => 76001;

my $NO_CAPS = '0' x 16;
my $UNLIMITED = '-1 -1';

# Returns an error to setpriority(2), allows the rest: { code, jt, jf, k }.
sub filter {
    my @program = ([ 0x20, 0, 0, 0 ],
        [ 0x15, 0, 1, &IvleJail::Instance::SYS_setpriority ],
        [ 0x06, 0, 0, 0x00050001 ], [ 0x06, 0, 0, 0x7fff0000 ]);
    return unpack 'H*', join '', map { pack 'SCCL', @$_ } @program;
}

# Mount point => its root, flags and type, and that it is private.
sub mounts {
    return { map {
        my ($root, $point, $flags, @rest) = (split)[3 .. 8];
        ($point => [ $root, $flags, $rest[0], $rest[1] ])
    } @_ };
}

sub expected_mounts {
    my ($i, $user) = @_;
    my $users = "$i->{dir}/users/$user";
    return {
        '/'     => [ $i->{base}, 'ro,nosuid,relatime', '-', 'ext4' ],
        '/home' => [ "$users/home", 'rw,nosuid,nodev,relatime', '-', 'ext4' ],
        '/tmp'  => [ "$users/tmp", 'rw,nosuid,nodev,relatime', '-', 'ext4' ],
        '/proc' => [ '/', 'rw,nosuid,nodev,noexec,relatime', '-', 'proc' ],
    };
}

# File systems differ between machines, and may add flags of their own.
sub without_types {
    my ($mounts) = @_;
    for my $mount (grep { $_->[3] ne 'proc' } values %$mounts) {
        $mount->[3] = 'any';
        $mount->[0] =~ s{^.*(?=/ivlejail-)}{};
        $mount->[1] =~ s/,(?:rel|no)atime//;
    }
    return $mounts;
}

sub limits {
    return { map { /^(\d+) (.*)/ } @_ };
}

# Of a process, as root sees it from outside.
sub file_of {
    my ($pid, $name) = @_;
    open my $in, '<', "/proc/$pid/$name" or return "(cannot be read: $!)";
    return join '', <$in>;
}

sub status_of {
    return { map { /^(\w+):\s*(.*?)\s*$/ } split /\n/, file_of(@_, 'status') };
}

my $i = IvleJail::Instance->new('tinside');
my $filter = filter();
$i->seal(seccomp => $filter, 'limit as' => '2000000000 unlimited');
$i->add_user(alice => ALICE, ALICE + 5);
my $socket = $i->start('alice')->{socket};
my ($warden) = $i->warden_pids;
my $in = $i->report($socket, 'alice', 'A=b', 'HTTP_PROXY=http://evil/', 'C=');
my $status = $in->{status};
my $first = status_of($warden);
my %outside = map { $_ => readlink "/proc/self/ns/$_" }
    qw(mnt pid net ipc uts);
my %inside = map { /^(\w+) -> (.*)/ } @{ $in->{namespace} };

my @CASES = (
    # what, what there is, what there must be
    [ 'uid: the owner of the home', $status->{Uid}, join "\t", (ALICE) x 4 ],
    [ 'gid: the group of the home', $status->{Gid},
      join "\t", (ALICE + 5) x 4 ],
    [ 'no supplementary group', $status->{Groups}, '' ],
    [ 'NoNewPrivs', $status->{NoNewPrivs}, 1 ],
    [ 'the filter of the policy', $status->{Seccomp}, 2 ],
    [ 'umask', $status->{Umask}, '0077' ],
    (map { [ "capability set $_", $status->{$_}, $NO_CAPS ] }
        qw(CapInh CapPrm CapEff CapBnd CapAmb)),
    (map { [ "signals: $_", $status->{$_}, $NO_CAPS ] }
        qw(SigBlk SigIgn SigCgt SigPnd ShdPnd)),
    [ 'all CPUs', $status->{Cpus_allowed_list},
      status_of('1')->{Cpus_allowed_list} ],
    [ 'mounts', without_types(mounts(@{ $in->{mount} })),
      without_types(expected_mounts($i, 'alice')) ],
    [ 'descriptors', [ map { /^(\d+)/ } sort @{ $in->{descriptor} } ],
      [ 0, 1, 2 ] ],
    [ 'environment', [ sort @{ $in->{environment} } ],
      [ 'A=b', 'C=', 'DOCUMENT_ROOT=/', 'PATH=/usr/local/bin:/usr/bin:/bin',
        'SCRIPT_FILENAME=/home/alice/probe', 'SCRIPT_NAME=/ask' ] ],
    [ 'processes: the warden and itself', $in->{process},
      [ 1, $in->{pid}[0] ] ],
    [ 'a young pid namespace', $in->{pid}[0] < 10, 1 ],
    [ 'its parent is the warden', $in->{parent}[0], 1 ],
    (map { [ "$_ namespace of its own", $inside{$_} ne $outside{$_}, 1 ] }
        sort keys %outside),
    [ 'network: the loopback interface alone, up', $in->{interface},
      [ 'lo up' ] ],
    [ 'a session of its own', $in->{session}, [ 'own' ] ],
    [ 'a process group of its own', $in->{group}, [ 'own' ] ],
    [ 'working directory', $in->{directory}, [ '/home/alice' ] ],
    [ 'interval timers', $in->{timer}, [ map { "$_ stopped" } 0 .. 2 ] ],
    [ 'nice', $in->{nice}, [ 0 ] ],
    [ 'SCHED_OTHER', $in->{policy}, [ 0 ] ],
    [ 'I/O priority', $in->{ioprio}, [ 0 ] ],
    [ 'personality', $in->{personality}, [ '00000000' ] ],
    [ 'oom_score_adj', $in->{oom_score_adj}, [ 0 ] ],
    [ 'no key in the session keyring', $in->{keys}, [ 0 ] ],
    [ "limits: the profile's, and sane ones", limits(@{ $in->{limit} }), {
        limits(@{ $in->{limit} })->%{11},       # depends on the memory
        0 => '25 30', 1 => '67108864 75497472', 2 => '469762048 536870912',
        3 => '8388608 -1', 4 => '0 0', 5 => $UNLIMITED, 6 => '1000 1000',
        7 => '256 256', 8 => '65536 65536', 9 => '2000000000 -1',
        10 => $UNLIMITED, 12 => '819200 819200', 13 => '0 0', 14 => '0 0',
        15 => $UNLIMITED } ],

    [ "warden's uid", $first->{Uid}, join "\t", (ALICE) x 4 ],
    [ "warden's gid", $first->{Gid}, join "\t", (ALICE + 5) x 4 ],
    [ "warden's groups", $first->{Groups}, '' ],
    [ "warden's NoNewPrivs", $first->{NoNewPrivs}, 1 ],
    [ "warden's filter", $first->{Seccomp}, 2 ],
    [ 'warden is PID 1', $first->{NSpid}, "$warden\t1" ],
    [ 'warden has a session of its own', $first->{NSsid}, "$warden\t1" ],
    (map { [ "warden's $_", $first->{$_}, $NO_CAPS ] }
        qw(CapInh CapPrm CapEff CapBnd CapAmb SigIgn SigPnd ShdPnd)),
    [ "warden's environment", file_of($warden, 'environ'), '' ],
    [ "warden's arguments", file_of($warden, 'cmdline'), "warden\0" ],
    [ "warden's root directory", readlink "/proc/$warden/root", '/' ],
    [ 'warden is in the jail', scalar(-e "/proc/$warden/root/home/alice"),
      1 ],
    (map { [ "warden's descriptor $_", readlink "/proc/$warden/fd/$_",
             '/dev/null' ] } 0 .. 2),
);

plan tests => 3 + @CASES;

is_deeply($_->[1], $_->[2], $_->[0]) for @CASES;

like($i->output_of('alice', 'renice 5 $$'), qr/not permitted/,
    'the filter holds for programs');
$i->seal('profile' => 'default 0000abce');
$socket = $i->start('alice')->{socket};
is($i->report($socket, 'alice')->{status}{Seccomp}, 0,
    'no filter where the policy has none');
$i->finish;
