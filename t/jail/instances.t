# SPDX-License-Identifier: Apache-2.0
#
# instances.t - two servers on one host: never with one IvleJailInstance,
# side by side with two; and one in a mount namespace of its own, as systemd's
# PrivateTmp makes it, which ivlejailctl reaches from outside

use strict;
use warnings;

use Test::More;

use IvleJail::Httpd;
use IvleJail::Test;

# When its warden was started, which tells one from the other.
my $PROGRAM = <<'SH';
#!/bin/sh
echo Content-Type: text/plain
echo
read -r stat < /proc/1/stat
set -- $stat
echo "warden of ${22}"
SH

# As systemd does for PrivateTmp=yes: mounts come in, none goes out.
my @PRIVATE_TMP = ('unshare', '--mount', '--propagation', 'slave', 'sh', '-c',
    'mount -t tmpfs -o mode=1777 private /tmp && exec "$@"', 'sh');

my $first = IvleJail::Httpd->new(name => 'one');
my $rival = IvleJail::Httpd->new(name => 'rival', port => 2,
    instance => $first->{instance});
my $second = IvleJail::Httpd->new(name => 'two', port => 2);
my $private = IvleJail::Httpd->new(name => 'private', port => 3,
    config => "IvleJailIdle 1\n");

sub jail_of {
    my ($httpd, $user) = @_;
    my $answer = $httpd->get('/my/jail.sh', user => $user);
    return $answer->{content} =~ /^(warden of \d+)$/ ? $1
        : "$answer->{status} $answer->{content}";
}

sub users_of {
    my ($httpd) = @_;
    return [sort map { (split)[2] } $httpd->jails('pin')];
}

sub check_rival {
    my $jail = jail_of($first, 'alice');
    like($jail, qr/^warden/, 'alice has a jail');
    my $pid = $first->pid;
    ok(!$rival->start, 'a second httpd with the same instance does not start');
    like($rival->output,
        qr/another httpd \(pid $pid\) runs .* '\Q$first->{instance}\E': stop/,
        '... and says why, and what to do');
    is($rival->pid, 0, '... it does not run');
    is(jail_of($first, 'alice'), $jail, '... and the first one is as before');
}

sub check_side_by_side {
    ok($second->start, 'with another instance it starts')
        or diag $second->output;
    isnt(jail_of($first, 'alice'), jail_of($second, 'alice'),
        '... and alice has a jail in each');
    jail_of($second, 'bob');
    is_deeply(users_of($first), ['alice'], '... ivlejailctl sees the one');
    is_deeply(users_of($second), [qw(alice bob)], '... and the other');
    $second->ctl('jail', 'evict', 'alice');
    is_deeply(users_of($second), ['bob'], '... evicts in the other');
    is_deeply(users_of($first), ['alice'], '... not in the one');
    my $jail = jail_of($first, 'alice');
    ok($second->stop, '... the other one stops');
    is(jail_of($first, 'alice'), $jail, '... and the one goes on');
}

sub check_private {
    ok($private->start(@PRIVATE_TMP), 'httpd starts with a private /tmp')
        or diag $private->output;
    my $pid = $private->pid;
    isnt(readlink "/proc/$pid/ns/mnt", readlink '/proc/self/ns/mnt',
        '... in a mount namespace of its own');
    like(jail_of($private, $_), qr/^warden/, "... $_ has a jail")
        for qw(alice bob);
    is_deeply([grep { /\Q$private->{instance}\E/ } @{ mounts() }], [],
        '... of which the host sees no mount');
    check_from_outside();
}

sub check_from_outside {
    is_deeply(users_of($private), [qw(alice bob)],
        '... but ivlejailctl does: list');
    $private->ctl('jail', 'evict', 'alice');
    is_deeply(users_of($private), ['bob'], '... evict');
    ok(wait_until(60, sub { !$private->jails('warden') }), '... idle');
    my $said;       # when the warden that has ended does not hold it any more
    wait_until(60, sub {
        ($said = $private->ctl('jail', 'sweep')) !~ /busy 1/ });
    is($said, "marked 1, expired 0, busy 0\n", '... sweep');
    is($private->ctl('jail', 'sweep'), "marked 0, expired 1, busy 0\n",
        '... sweep again');
    is_deeply(users_of($private), [], '... nobody is left');
    like(jail_of($private, 'bob'), qr/^warden/, '... and bob comes back');
}

must_be_root();
install();
base('busybox');
put_program($_ => 'web/jail.sh', $PROGRAM) for qw(alice bob);
my $before = leftovers();
ok($first->start, 'httpd starts') or diag $first->output;
check_rival();
check_side_by_side();
check_private();
ok($_->stop, "httpd $_->{instance} stops") for $first, $private;
is_deeply([left_since($before)], [], 'nothing is left');
done_testing;
