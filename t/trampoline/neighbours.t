# SPDX-License-Identifier: Apache-2.0
#
# neighbours.t - nobody reaches another user's jail, nor the own warden

use strict;
use warnings;

use IO::Socket::UNIX;
use Test::More;

use IvleJail::Instance;

use constant { ALICE => 76001, BOB => 76002 };

my $i = IvleJail::Instance->new('tneighbours');
$i->add_user(alice => ALICE);
$i->add_user(bob => BOB);
my %socket = map { $_ => $i->start($_)->{socket} } qw(alice bob);

# alice has a secret, and a program that runs for as long as the test does.
my $secret = $i->add_program('alice', 'secret', "the secret\n");
my $sleep = $i->add_program('alice', 'sleep', "#!/bin/sh\nexec sleep 600\n");
my $running = $i->ask_in_background($socket{alice}, $sleep);
my ($target, $warden);
IvleJail::Instance::wait_until(IvleJail::Instance::PATIENCE, sub {
    my $processes = $i->processes;
    ($target) = grep { $processes->{$_} eq 'busybox' } keys %$processes;
    return $target;
}) or BAIL_OUT('alice cannot run a program');
($warden) = grep { -e "/proc/$_/root/home/alice" } $i->warden_pids;
my ($inner) = map { /NSpid:\t\d+\t(\d+)/ } do {
    open my $in, '<', "/proc/$target/status" or die; <$in>;
};

my $abstract = IO::Socket::UNIX->new(Local => "\0tneighbours", Listen => 1)
    or BAIL_OUT("abstract socket: $!");

# Each with what its output must be.
my @BOBS = (
    [ "alice's home", "cat $secret", qr/No such file/ ],
    [ 'the list of homes', 'ls /home', qr/\Abob\n\z/ ],
    [ 'the list of processes', 'ls /proc | grep "^[0-9]" | wc -l',
      qr/\A[3-5]\n\z/ ],
    [ "no process of alice's", 'ps | grep "[s]leep 600"', qr/\A\z/ ],
    [ "alice's process by the host's pid", "kill -9 $target",
      qr/No such process/ ],
    [ "alice's warden by the host's pid", "kill -9 $warden",
      qr/No such process/ ],
    [ 'everybody', 'trap "" TERM; kill -TERM -1; echo done', qr/^done$/m ],
    [ "alice's /tmp", 'ls -A /tmp', qr/\A\z/ ],
    [ 'the jail through /proc/1/root', 'ls /proc/1/root/',
      qr/Permission denied/ ],
    [ 'the runtime directory', "ls $i->{run}", qr/No such file/ ],
    [ "the host's network", 'cat /proc/net/unix', qr/\A(?!.*tneighbours)/s ],
);

# Files of the warden's, which has the same uid, and how they may be refused.
my @FILES = (
    (map { [ $_, "cat /proc/1/$_", qr/Permission denied$/ ] }
        qw(environ maps auxv)),
    [ 'mem', 'dd if=/proc/1/mem of=/dev/null count=1', qr/Permission denied/ ],
    [ 'mem, to write', ': > /proc/1/mem', qr/Permission denied/ ],
    [ 'its descriptors', 'ls /proc/1/fd/', qr/Permission denied/ ],
    [ 'its program', 'ls -L /proc/1/exe', qr/Permission denied/ ],
    [ 'its directory', 'ls /proc/1/cwd/', qr/Permission denied/ ],
    [ 'its limits', 'echo 1000 > /proc/1/oom_score_adj',
      qr/Permission denied/ ],
);

# t/tools/probe.c, on PID 1 in the jail.
my @CALLS = (
    [ attach => 'Operation not permitted' ],
    [ seize => 'Operation not permitted' ],
    [ read => 'Operation not permitted' ],
    [ descriptor => 'Operation not permitted' ],
    [ kill => 'done' ],         # which PID 1 never notices
);

plan tests => 4 + @BOBS + @FILES + @CALLS;

# For alice it is there: otherwise bob's failures would prove nothing.
like($i->output_of('alice', "cat $secret; ps; kill -0 $inner && echo mine; "
    . ': > /tmp/x'), qr/\Athe secret\n.*sleep 600.*^mine$/ms,
    'alice can reach all that');
like($i->output_of('bob', $_->[1]), $_->[2], "bob: $_->[0]") for @BOBS;
like($i->output_of('bob', $_->[1]), $_->[2], "the own warden: $_->[0]")
    for @FILES;

$i->report($socket{bob}, 'bob');        # installs the probe
for my $case (@CALLS) {
    my ($call, $outcome) = @$case;
    is($i->ask($socket{bob}, '/home/bob/probe', "PROBE_CALL=$call",
        'PROBE_PID=1')->{out}, "$outcome\n", "the own warden: $call");
}
ok($i->report($socket{bob}, 'bob'), 'the warden lives');
ok(kill(0 => $target), 'and so does what alice runs');
kill KILL => $running;
waitpid $running, 0;
$i->finish;
