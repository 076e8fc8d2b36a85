# SPDX-License-Identifier: Apache-2.0
#
# cgroup.t - a control group for each jail: httpd's own arrangement, what the
# three limits do, what the verdict says of them, and that groups go with
# their jails: at a sweep, an eviction, a stop, and after a crash
#
# For a kernel whose controllers are in version 2: tools/check-vm.

use strict;
use warnings;

use POSIX qw(WNOHANG);
use Test::More;

use IvleJail::Client;
use IvleJail::Httpd qw(runs slurp);
use IvleJail::Stage qw(write_text);
use IvleJail::Test;

use constant { CAROL => 75001, DAVE => 75002, MIB => 1024 * 1024,
    PATIENCE => 300 };

my $GROUPS = '/sys/fs/cgroup';
my $OWN = "$GROUPS/web";                # where httpd is started
my $HEADER = "#!/bin/sh\necho Content-Type: text/plain\necho\n";

my $CONFIG = <<'CONF';
IvleJailIdle 600
IvleJailLimit nproc 400
IvleJailLimit data unlimited
IvleJailCgroup memory.max 64M
IvleJailCgroup pids.max 24
IvleJailCgroup cpu.max 50%
<IvleJailProfile free>
    IvleJailCgroup memory.max max
    IvleJailCgroup pids.max max
    IvleJailCgroup cpu.max max
    IvleJailIdle 1
</IvleJailProfile>
Use Place free
<Location /my/>
    IvleJailTimeout 1000
</Location>
<Location /my/hasty/>
    IvleJailTimeout 4
</Location>
LogFormat "%{ivlejail-user}n %{ivlejail-verdict}n" verdicts
CustomLog ${IJ_SERVER}/logs/verdicts verdicts
CustomLog "|/bin/cat" verdicts
CONF

my %PROGRAMS = (
    'id.sh' => 'id -u',
    'memory.sh' => q{exec awk 'BEGIN { s = "x"; while (1) s = s s }'},
    'child.sh' => q{awk 'BEGIN { s = "x"; while (1) s = s s }'; exit 3},
    'tasks.sh' => 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 '
        . '20 21 22 23 24 25; do sleep 100 & done; echo done',
    'bomb.sh' => "bomb() { while :; do bomb & done; }\n"
        . '( bomb ) 2>/dev/null & exec sleep 1000',
    'hasty/busy.sh' => 'while :; do :; done',
    'escape.sh' => '( setsid sleep 1000 & ) & setsid setsid sleep 1000 & '
        . 'exec sleep 1000',
    'look.sh' => 'cat /proc/self/cgroup; mkdir /tmp/g; ls -d /sys/fs/cgroup; '
        . 'mount -t cgroup2 none /tmp/g || echo none; '
        . "grep -c cgroup2 /proc/self/mountinfo",
);

my $httpd = IvleJail::Httpd->new(name => 'cgroup', config => $CONFIG);
my $name = $httpd->{instance};
my $log = "$httpd->{dir}/logs/error_log";

# --- what there is ----------------------------------------------------------

sub words { return join ' ', sort split ' ', eval { slurp($_[0]) } // 'none' }

# The groups of jails, without the generations, and the directory of one.
sub groups {
    my ($own) = @_;
    return [sort map { s{.*/}{}r =~ s/@[0-9a-f]{8}@/ /r }
        glob(($own // $OWN) . "/jails-$name/*@*")];
}

sub group_of {
    my ($user, $profile) = @_;
    $profile //= 'default';
    my ($group) = glob "$OWN/jails-$name/$profile@*@" . $user;
    return $group // '/none';
}

sub event {
    my ($group, $file, $key) = @_;
    my %of = split ' ', eval { slurp("$group/$file") } // '';
    return $of{$key} // -1;
}

sub pids_in { return split ' ', eval { slurp("$_[0]/cgroup.procs") } // '' }

# What a process says of itself.
sub group_of_process {
    my ($pid) = @_;
    my ($path) = (eval { slurp("/proc/$pid/cgroup") } // '') =~ /^0::(.*)$/m;
    return $path;
}

sub run {
    my ($path, $user) = @_;
    return finish(begin($httpd, $path, user => $user // 'carol'));
}

sub last_verdict {
    my $verdicts = eval { slurp("$httpd->{dir}/logs/verdicts") } // '';
    return (split /\n/, $verdicts)[-1];
}

# Starts httpd in a group of its own, as a service manager does; or with a
# shell that stays there.
sub start_in {
    my ($group, $then) = @_;
    mkdir $group;
    return $httpd->start('sh', '-c', "echo \$\$ >$group/cgroup.procs && "
        . ($then // 'exec "$@"'), 'sh');
}

# --- how httpd arranges itself ----------------------------------------------

sub check_arrangement {
    my ($when) = @_;
    my @processes = ($httpd->pid, $httpd->children);
    is_deeply([grep { $_ ne "/web/httpd-$name" }
        map { group_of_process($_) // () } @processes], [], "$when: httpd and its children are in a leaf");
    is(join(' ', pids_in($OWN)), '', '... nobody is above it');
    is(words("$_/cgroup.subtree_control"), 'cpu memory pids',
        "... the controllers are given to what is in $_")
        for $OWN, "$OWN/jails-$name";
    is(readlink("/run/ivlejail/$name/cgroups"), "$OWN/jails-$name",
        '... and the helpers are told where');
    unlike($httpd->error_log, qr/IJ0155/, '... nothing falls back');
}

sub check_values {
    my ($memory) = @_;
    my $group = group_of('carol');
    is(words("$group/memory.max"), $memory * MIB, 'memory.max is in force');
    is(words("$group/memory.swap.max"), 0, '... and there is no swap')
        if -e "$group/memory.swap.max";
    is(words("$group/pids.max"), 24, 'pids.max is in force');
    is(slurp("$group/cpu.max"), "50000 100000\n", 'cpu.max is in force');
}

# --- what keeps it from that ------------------------------------------------

# What systemd marks the group of a service with Delegate=yes with.
sub delegate {
    my ($group) = @_;
    my ($name, $value) = ('trusted.delegate', '1');
    syscall(SYS_setxattr(), $group, $name, $value, 1, 0) == 0
        or die "setxattr $group: $!";
}

sub refused {
    my ($what, $group, $then, $said) = @_;
    unlink $log;
    ok(!start_in($group, $then), "$what: httpd does not start");
    like($httpd->error_log, qr/IJ0022: .*$said/, '... and says the remedy');
    ok(wait_until(PATIENCE, sub { !-s "$group/cgroup.procs" && rmdir $group }),
        '... nothing is left in the group') or diag words("$group/cgroup.procs");
}

sub check_refusals {
    my $service = "$GROUPS/web.service";
    # one process, until httpd has said whether it starts
    my $stays = q{"$@" || exit; exec perl -e '
        for (1 .. 300) {
            open my $in, "<", $ARGV[0];
            exit if grep { /IJ0022|resuming normal/ } <$in>;
            sleep 1;
        }' } . $log;
    refused('others in the group', "$GROUPS/crowd", $stays,
        qr{'/sys/fs/cgroup/crowd': Device or resource busy: others than httpd});
    refused('a service that is not delegated', $service, undef,
        qr{not delegated '/sys/fs/cgroup/web\.service' .*Delegate=yes});
    mkdir $service;
    delegate($service);
    unlink $log;
    ok(start_in($service, $stays),
        'one that is: httpd starts, with a shell that waits for it');
    ok($httpd->stop, '... and stops');
    ok(wait_until(PATIENCE, sub { rmdir $service }), '... nothing is left');
}

sub check_read_only {
    unlink $log;
    ok($httpd->start('unshare', '-m', 'sh', '-c',
        "mount -o remount,bind,ro $GROUPS && exec \"\$@\"", 'sh'),
        'where groups are read-only, httpd starts');
    is(scalar(() = $httpd->error_log
        =~ /IJ0155: IvleJailCgroup \S+ falls .*ProtectControlGroups=no/g), 3,
        '... and says what falls back, with the remedy');
    is(run('/my/id.sh')->{content}, CAROL . "\n", '... and serves');
    ok($httpd->stop, '... and stops');
}

# --- memory -----------------------------------------------------------------

sub check_memory {
    my $mark = log_mark($log);
    my %before = map { $_ => event(group_of('carol'), 'memory.events', $_) }
        qw(oom oom_kill);
    my $answer = run('/my/memory.sh');
    ok($answer->{status} != 200 || !$answer->{whole},
        'a program beyond memory.max does not answer');
    is(event(group_of('carol'), 'memory.events', 'oom_kill'),
        $before{oom_kill} + 1, '... the kernel has killed it');
    cmp_ok(event(group_of('carol'), 'memory.events', 'oom'), '>', $before{oom},
        '... because the jail was at its limit');
    like(log_since($mark), qr/signal 9, at its limit of memory \(IvleJailCgr/,
        '... which the log says for certain');
    is(last_verdict(), 'carol memory', '... and the note');
    $mark = log_mark($log);
    run('/my/child.sh');
    like(log_since($mark), qr/exit status 3, it seems at its limit of memory/,
        'where it hits a child, that is a guess');
    is(run('/my/id.sh')->{content}, CAROL . "\n", 'the jail goes on');
}

# All jails together are short of memory, as a whole machine may be: that is no
# limit of the jail's.
sub check_shortage {
    write_text("$OWN/jails-$name/memory.max", 40 * MIB);
    my $mark = log_mark($log);
    run('/my/memory.sh');
    like(log_since($mark), qr/signal 9, it seems for want of memory; /,
        'who is killed because others lack memory is not said to be at a limit');
    write_text("$OWN/jails-$name/memory.max", 'max');
}

# --- processes --------------------------------------------------------------

sub check_tasks {
    my $mark = log_mark($log);
    run('/my/tasks.sh');
    like(log_since($mark), qr/at its limit of processes \(IvleJailCgroup pids/,
        'a program that may not fork is at pids.max for certain');
    unlike(log_since($mark), qr/it seems/, '... not as a guess');
    is(last_verdict(), 'carol processes', '... and the note says so');
}

sub check_bomb {
    my $group = group_of('carol');
    my $refused = event($group, 'pids.events', 'max');
    my $bomb = begin($httpd, '/my/bomb.sh', user => 'carol');
    ok(wait_until(PATIENCE, sub {
        event($group, 'pids.events', 'max') > $refused + 20 }),
        'a fork bomb is refused more processes');
    cmp_ok(slurp("$group/pids.current"), '<=', 24, '... than pids.max');
    is(run('/my/id.sh', 'dave')->{content}, DAVE . "\n",
        '... while another user works');
    $httpd->ctl('jail', 'evict', 'carol');
    finish($bomb);
    is_deeply([grep { /carol/ } @{ groups() }], [], '... until it is evicted');
}

# --- processor time ---------------------------------------------------------

sub check_cpu {
    run('/my/id.sh');
    my $mark = log_mark($log);
    my $throttled = event(group_of('carol'), 'cpu.stat', 'nr_throttled');
    run('/my/hasty/busy.sh');
    my ($wall, $cpu) = log_since($mark) =~ /; (\d+) ms, CPU (\d+) ms,/;
    cmp_ok(event(group_of('carol'), 'cpu.stat', 'nr_throttled'), '>',
        $throttled, 'a busy program is throttled');
    ok(defined $cpu && $cpu < 0.75 * $wall,
        '... to half of a processor, about') or diag log_since($mark);
    diag sprintf 'CPU %d of %d ms', $cpu // -1, $wall // -1;
}

# --- what a jail sees -------------------------------------------------------

sub check_view {
    my $text = run('/my/look.sh')->{content};
    like($text, qr{^0::/$}m, 'a jail sees its group as the root of all');
    unlike($text, qr{web|jails|carol}, '... and no name of it');
    like($text, qr/^none\n0$/m, '... can mount no control groups, has none');
}

# --- ends -------------------------------------------------------------------

# One that no namespace holds is put in, so that cgroup.kill alone reaches it.
sub check_evict {
    my ($end) = @_;
    my $request = begin($httpd, '/my/escape.sh', user => 'carol');
    ok(wait_until(PATIENCE, sub { 4 <= (() = pids_in(group_of('carol'))) }),
        'programs have escaped from their session');
    my $group = group_of('carol');
    my $stranger = fork() // die "fork: $!";
    exec 'sleep', 1000 if !$stranger;
    write_text("$group/cgroup.procs", $stranger);
    my @pids = pids_in($group);
    $end->();
    finish($request);
    my $ended = wait_until(PATIENCE, sub { waitpid($stranger, WNOHANG) > 0 });
    is($ended && $? & 127, 9, 'cgroup.kill has killed what is in the group');
    kill KILL => $stranger if !$ended;
    is_deeply([grep { runs($_) } @pids], [], '... all of it');
    ok(!-e $group, '... and the group is gone');
}

sub check_expiry {
    run('/free/id.sh');
    ok(-d group_of('carol', 'free'), 'an idle jail has a group');
    ok(wait_until(PATIENCE, sub {
        $httpd->ctl('jail', 'sweep');
        !-d group_of('carol', 'free') }), '... which a sweep removes');
    is(run('/free/id.sh')->{content}, CAROL . "\n",
        '... and the next request makes again');
}

sub check_graceful {
    $httpd->write_config($CONFIG =~ s/64M/80M/r);
    ok($httpd->restart, 'a graceful restart') or diag $httpd->output;
    check_arrangement('after it');
    is(run('/my/id.sh')->{content}, CAROL . "\n", 'requests are served');
    my @values = map { words("$_/memory.max") }
        glob "$OWN/jails-$name/default@*@" . 'carol';
    ok((grep { $_ eq 80 * MIB } @values), 'new jails have the new limits')
        or diag "@values";
}

sub check_stop {
    ok($httpd->stop, 'httpd stops');
    is_deeply([grep { -d } glob "$OWN/*"], [], '... no group is left')
        or diag $httpd->error_log;
    is(words("$OWN/cgroup.subtree_control"), '', '... nor a controller');
    is(join(' ', pids_in($OWN)), '', '... nor a process');
    ok(rmdir $OWN, '... and its own can be removed');
}

# In the root of all groups, which may hold processes; killed with -9.
sub check_crash {
    ok($httpd->start, 'httpd starts in the root of all groups');
    is(run('/my/id.sh')->{content}, CAROL . "\n", '... and serves');
    is_deeply(groups($GROUPS), ['default carol'], '... with a group');
    my @all = ($httpd->pid, $httpd->children);
    kill KILL => @all;
    wait_until(PATIENCE, sub { !grep { runs($_) } @all });
    unlink "$httpd->{dir}/logs/httpd.pid";
    ok($httpd->start, 'after a crash it starts again');
    is(run('/my/id.sh')->{content}, CAROL . "\n", '... and serves');
    is_deeply(groups($GROUPS), ['default carol'], '... from the same group');
    ok($httpd->stop, 'httpd stops');
    is_deeply([grep { -d } glob "$GROUPS/{httpd,jails}-*"], [],
        '... and no group is left');
}

must_be_root();
must_have(scalar(slurp("$GROUPS/cgroup.controllers") =~ /\bmemory\b/),
    'memory controller of version 2');
install();
base('busybox');
add_user(carol => CAROL);
add_user(dave => DAVE);
for my $user (qw(carol dave)) {
    put_program($user => "web/$_", "$HEADER$PROGRAMS{$_}\n")
        for keys %PROGRAMS;
}
write_text("$GROUPS/cgroup.subtree_control", '+memory +pids +cpu');
require 'sys/syscall.ph';
my $before = leftovers();
ok(start_in($OWN), 'httpd starts') or diag $httpd->output;
check_arrangement('at its start');
is(run('/my/id.sh')->{content}, CAROL . "\n", 'a request is served');
is_deeply(groups(), ['default carol'], '... in a group of its own');
check_values(64);
check_memory();
check_shortage();
check_tasks();
check_bomb();
check_cpu();
check_view();
check_evict(sub { $httpd->ctl('jail', 'evict', 'carol') });
check_expiry();
check_graceful();
check_evict(sub { $httpd->stop });
check_stop();
check_crash();
check_refusals();
check_read_only();
is_deeply([left_since($before)], [], 'nothing is left');
remove_user($_) for qw(carol dave);
done_testing;
