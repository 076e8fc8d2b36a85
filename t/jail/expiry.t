# SPDX-License-Identifier: Apache-2.0
#
# expiry.t - a jail goes when nobody has used it from one sweep to the next:
# by ivlejailctl, and by httpd's own sweeps; and after a thousand of them
# everything is as before

use strict;
use warnings;

use File::Find qw(find);
use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Client;
use IvleJail::Httpd;
use IvleJail::Instance;
use IvleJail::Test;

use constant { MANY => 1000, AT_ONCE => 50, FIRST_UID => 72001, SWEEPS => 5,
    IDLE => 1, TRIES => 20 };

# Always the same two children, so that their descriptors can be compared.
my $CONFIG = <<"CONF";
IvleJailIdle ${\IDLE}
StartServers 2
ServerLimit 2
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
CONF

my $PROGRAM = <<'SH';
#!/bin/sh
test "$QUERY_STRING" != wait || read -r line < ../gate
echo Content-Type: text/plain
echo
exec id -u
SH

my @many = map { sprintf 'many%04d', $_ } 1 .. MANY;
my $httpd = IvleJail::Httpd->new(name => 'expiry', users => \@many,
    config => "$CONFIG\nIvleJailExpire 86400\n");
my $alone = IvleJail::Httpd->new(name => 'alone', port => 2,
    config => "$CONFIG\nIvleJailExpire 1\n");

# --- what there is ----------------------------------------------------------

# One sweep, in words: "marked 1, expired 0, busy 0".
sub sweep {
    my $said = $httpd->ctl('jail', 'sweep');
    chomp $said;
    return $said;
}

# The same when nobody is in the way any more: a process that has ended may
# hold the pin for some time, and who else does is told.
sub sweep_unhindered {
    my ($said, $begin) = ('', time);
    wait_until(60, sub { ($said = sweep()) =~ /busy 0$/ });
    diag sprintf 'after %.1f s: %s; open: %s', time - $begin, $said,
        join ', ', holders() if time - $begin > 1;
    return $said;
}

# Who has a mount namespace open, as those who use a pin have.
sub holders {
    return map { m{^/proc/(\d+)/fd/} && (readlink($_) // '') =~ /^mnt:/
        ? "$_ " . (readlink("/proc/$1/exe") // '') : () }
        glob '/proc/[0-9]*/fd/*';
}

sub is_idle {
    return wait_until(60, sub { !$httpd->jails('warden') });
}

sub use_jail {
    my ($user) = @_;
    return outcome(finish(begin($httpd, '/my/id.sh', user => $user)));
}

# A use of alice's jail, and a sweep while its warden is there: where the two
# were too far from each other, that is not known, and they are done again.
sub used_and_swept {
    my ($outcome, $said);
    for (1 .. TRIES) {
        my $begin = time;
        $outcome = use_jail('alice');
        $said = sweep();
        last if time - $begin < IDLE;
    }
    return "$outcome, $said";
}

# All mounts in the keep, whose namespace no process is in.
sub keep_mounts {
    return [sort map { $_->[4] } IvleJail::Instance::keep_mounts(
        { run => "/run/ivlejail/$httpd->{instance}" })];
}

sub files_in_run {
    my @files;
    find(sub { push @files, $File::Find::name },
        "/run/ivlejail/$httpd->{instance}");
    return [sort @files];
}

# Of each process of httpd, what it has open; numbers of objects may change.
sub open_files {
    return { map { my $open = descriptors($_);
        ($_ => [sort map { s/\d+\]$//r } values %$open]) }
        $httpd->pid, $httpd->children };
}

sub everything {
    return { mounts => mounts($httpd->pid), keep => keep_mounts(),
        processes => processes(), files => files_in_run(),
        open => open_files() };
}

# What httpd has to do for the other jail may be seen for a moment.
sub everything_again {
    my ($before) = @_;
    my $now;
    wait_until(60, sub { eq_hash($now = everything(), $before) });
    return $now;
}

# --- the tests --------------------------------------------------------------

sub check_unused {
    is(used_and_swept(), '200 whole, marked 0, expired 0, busy 1',
        'alice has a jail: with a warden it is in use');
    ok(is_idle(), 'the warden ends by itself');
    is(sweep_unhindered(), 'marked 1, expired 0, busy 0',
        'a first sweep marks it');
    is(scalar $httpd->jails('pin'), 1, '... and it is still there');
    is(sweep(), 'marked 0, expired 1, busy 0', 'the second takes it');
    is_deeply(keep_mounts(), [], '... no pin is left');
    is_deeply([grep { m{/sock/} } @{ files_in_run() }], [],
        '... no socket either');
}

sub check_used_in_between {
    use_jail('alice');
    is_idle();
    is(sweep_unhindered(), 'marked 1, expired 0, busy 0',
        'unused, it is marked');
    is(use_jail('alice'), '200 whole', 'used in between');
    is_idle();
    is(sweep_unhindered(), 'marked 1, expired 0, busy 0', '... it stays');
    is(used_and_swept(), '200 whole, marked 0, expired 0, busy 1',
        'used again, it stays again');
}

sub check_running {
    my $gate = put_gate('alice');
    my $request = begin($httpd, '/my/id.sh?wait', user => 'alice');
    my $runs = sub { grep { / busybox$/ } @{ processes() } };
    ok(wait_until(60, $runs), 'a request runs');
    sleep IDLE + 0.2;
    is(sweep(), 'marked 0, expired 0, busy 1', "... during sweep $_")
        for 1 .. SWEEPS;
    open_gate($gate);
    my $answer = finish($request);
    is($answer->{content}, "70001\n", '... and comes to its end');
}

sub remove_all {
    is_idle();
    sweep_unhindered() for 1 .. 2;
    is_deeply([$httpd->jails('pin')], [], 'all jails expire');
}

# In batches, with a sweep after each.  Returns how many expired meanwhile.
sub make_many {
    my $expired = 0;
    my @wrong;
    for (my $i = 0; $i < MANY; $i += AT_ONCE) {
        my @batch = @many[$i .. $i + AT_ONCE - 1];
        my @answers = at_once($httpd,
            map { ['/my/id.sh', user => $_] } @batch);
        push @wrong, grep { $_ ne '200 whole' } map { outcome($_) } @answers;
        $expired += expired_in(sweep());
    }
    is_deeply(\@wrong, [], MANY . ' users have their jails');
    return $expired;
}

sub expired_in {
    my ($said) = @_;
    return $said =~ /expired (\d+)/ ? $1 : 0;
}

sub check_many {
    my $before = everything();
    my $start = time;
    my $expired = make_many();
    my $all = wait_until(120, sub {
        sleep 0.2;
        $expired += expired_in(sweep());
        return $expired >= MANY;
    });
    ok($all, '... and all of them expire') or diag "$expired did";
    diag sprintf '%d jails made and expired in %.1f s', MANY, time - $start;
    is_deeply(everything_again($before), $before,
        '... and everything is as before');
}

# No tool has touched this instance.
sub check_alone {
    my ($since) = @_;
    my $sockets = "/run/ivlejail/$alone->{instance}/sock/*/*";
    ok(wait_until(120, sub { !(() = glob $sockets) }),
        "httpd's own sweeps take a jail");
    diag sprintf '... at most %.1f s after its last use', time - $since;
    is_deeply([$alone->jails('pin'), $alone->jails('warden')], [],
        '... all of it');
    is($alone->get('/my/id.sh', user => 'alice')->{content}, "70001\n",
        '... and the next request makes it again');
}

sub make_users {
    for my $i (0 .. $#many) {
        add_user($many[$i] => FIRST_UID + $i);
        put_program($many[$i], 'web/id.sh', $PROGRAM);
    }
}

must_be_root();
install();
base('busybox');
put_program(alice => 'web/id.sh', $PROGRAM);
make_users();
ok($_->start, "httpd $_->{instance} starts") or diag $_->output
    for $httpd, $alone;
is($alone->get('/my/id.sh', user => 'alice')->{content}, "70001\n",
    'alice has a jail that httpd alone will take');
my $since = time;
check_unused();
check_used_in_between();
check_running();
remove_all();
check_many();
check_alone($since);
ok($_->stop, "httpd $_->{instance} stops") for $httpd, $alone;
remove_user($_) for @many;
done_testing;
