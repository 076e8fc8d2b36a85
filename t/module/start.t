# SPDX-License-Identifier: Apache-2.0
# What keeps httpd from starting: the one who starts it sees that by its exit
# status, and why, with the remedy, in the error log; nothing is left of it.
# A server that runs is not ended by any of this when it is reloaded.
use strict;
use warnings;

use File::Path qw(make_path);
use Test::More;

use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

must_be_root();
must_have_program(qw(setpriv mount umount));
install();
base('busybox');

my ($HTTPD, $GROUP) = (getpwnam 'www-data')[2, 3];
my $httpd = IvleJail::Httpd->new(name => 'start');
my $dir = $httpd->{dir};
my $run = "/run/ivlejail/$httpd->{instance}";
my $libexec = "$dir/libexec";
my $trampoline = "$libexec/trampoline";
my $CONFIG = "IvleJailTrampoline $trampoline\n";

# Of the same instance.
my $second = IvleJail::Httpd->new(name => 'second', port => 2,
    instance => $httpd->{instance}, config => $CONFIG);

# --- making it wrong, and well again ----------------------------------------

sub repair {
    run_quietly('rm', '-rf', $libexec, "$dir/other");
    make_path($libexec);
    run_quietly('cp', '-a', "$LIBEXEC/.", $libexec);
    run_quietly('chown', '-R', '0:0', "$dir/logs", "$dir/conf");
    $httpd->write_config($CONFIG);
}

sub removed {
    my ($name) = @_;
    return sub { unlink "$libexec/$name" or die "$name: $!" };
}

sub mode {
    my ($mode) = @_;
    return sub { chmod $mode, $trampoline or die "$trampoline: $!" };
}

sub owned_by {
    my ($uid, $gid) = @_;
    return sub {
        chown $uid, $gid, $trampoline or die "$trampoline: $!";
        chmod 04750, $trampoline or die "$trampoline: $!";
    };
}

sub directory_instead {
    unlink $trampoline or die "$trampoline: $!";
    mkdir $trampoline, 04755 or die "$trampoline: $!";
}

sub mounted_nosuid {
    run_quietly('mount', '--bind', $libexec, $libexec);
    run_quietly('mount', '-o', 'remount,bind,nosuid', $libexec);
}

# For an httpd that is www-data from its start.
sub all_its_own {
    chown $HTTPD, $GROUP, "$dir/logs" or die "logs: $!";
    unlink glob "$dir/logs/*";
}

# --- the table --------------------------------------------------------------

# What is wrong, how it comes to be so, what is said; what httpd is started
# through, and what is to be undone.
my @FAULTS = (
    ['NoNewPrivileges', sub { }, qr/no_new_privs.*remove NoNewPrivileges=/,
        [qw(setpriv --no-new-privs)]],
    ['not root', \&all_its_own, qr/not started as root: start it as root/,
        [qw(setpriv --reuid=www-data --regid=www-data --clear-groups)]],
    ['no trampoline', removed('trampoline'),
        qr/'\Q$trampoline\E': No such file or directory: install it, or corr/],
    ['a directory for a trampoline', \&directory_instead,
        qr/trampoline '\Q$trampoline\E': not a regular file.*make install/],
    ['a trampoline of somebody else', owned_by($HTTPD, $GROUP),
        qr/trampoline '\Q$trampoline\E': not a regular file of root/],
    ['not set-user-ID', mode(0750), qr/not set-user-ID: chmod 4750 it/],
    ['a trampoline its group can write', mode(04770),
        qr/writable by others than root: chmod 4750 it/],
    ['a trampoline for nobody', mode(04700),
        qr/not executable by httpd's Group \(gid $GROUP\): chgrp it/],
    ["a trampoline of another group", owned_by(0, 0),
        qr/not executable by httpd's Group \(gid $GROUP\): chgrp it/],
    ['a nosuid mount', \&mounted_nosuid,
        qr/mounted nosuid: install it on another one/, [],
        sub { run_quietly('umount', $libexec) }],
    (map { ["no $_", removed($_),
        qr/'\Q$libexec\E\/$_': No such file or directory: install it beside/] }
        qw(warden timount provision cgroup)),
);

# --- one row ----------------------------------------------------------------

sub left {
    my $left = leftovers();
    return [grep { /\Q$httpd->{instance}\E/ } map { @$_ } values %$left];
}

# "httpd -t" warns of it, but does not fail: before a graceful restart it would
# keep a server that runs from what else is new.  To others than root it says
# nothing, who see other things than httpd will.
sub foretells {
    my ($name, $said, $wrapper) = @_;
    my @wrapper = @{ $wrapper // [] };
    my $warns = !grep { /--reuid/ } @wrapper;
    ok($httpd->run_command(@wrapper, $httpd->command('-t')),
        "$name: the configuration is not wrong") or diag $httpd->output;
    my $is_said = $httpd->{output} =~ /IJ0140: httpd would not start: .*$said/;
    is(!!$is_said, $warns, '... ' . ($warns ? 'but there is a warning'
        : 'without a warning')) or diag $httpd->output;
}

sub check_fault {
    my ($name, $break, $said, $wrapper, $undo) = @_;
    repair();
    unlink glob "$dir/logs/*";
    $break->();
    foretells($name, $said, $wrapper);
    my $started = $httpd->run_command(@{ $wrapper // [] },
        $httpd->command('-k', 'start'));
    ok(!$started, "$name: httpd does not start");
    my $log = $httpd->error_log;
    like($log, qr/IJ0022: .*$said/, '... which the error log explains');
    is(scalar(() = $log =~ /IJ0022/g), 1, '... once');
    ok($httpd->wait_until(60, sub { !$httpd->pid }), '... there is no httpd');
    is_deeply(left(), [], '... and nothing is left');
    $httpd->stop;
    $undo->() if $undo;
}

# --- the tests --------------------------------------------------------------

check_fault(@$_) for @FAULTS;
repair();

# What shows only when it is done fails in the process that stays behind.
make_path('/run/ivlejail', { mode => 0755 });
open(my $blocked, '>', $run) or die "$run: $!";
close $blocked or die "$run: $!";
my $mark = log_mark("$dir/logs/error_log");
$httpd->run_command($httpd->command('-k', 'start'));
ok(wait_until(60, sub { log_since($mark) =~ /IJ0022/ }),
    'a file for a runtime directory: httpd does not start');
like(log_since($mark), qr/IJ0040: timount: IJ2063: .*root's alone/,
    '... timount says why');
like(log_since($mark), qr/IJ0022: .*"\S+timount \S+ start" failed/,
    '... and httpd');
ok(-f $run && unlink($run), '... the file stays');
ok(wait_until(60, sub { $httpd->get('/')->{content} =~ /refused/ }),
    '... there is no httpd');
is_deeply(left(), [], '... and nothing else is left');

# One that runs goes on.
ok($httpd->start, 'httpd starts') or diag $httpd->output;
my $pid = $httpd->pid;
put_program(alice => 'web/start.sh', "#!/bin/sh\necho; echo served\n");
sub served { return $httpd->get('/my/start.sh', user => 'alice')->{content} }
is(served(), "served\n", '... and serves');

# Another one of the same name.
ok(!$second->run_command($second->command('-k', 'start')),
    'a second httpd of the same instance does not start');
my $taken = "another httpd (pid $pid) runs the instance '$httpd->{instance}'";
like($second->error_log, qr/IJ0022: \Q$taken\E: .*IvleJailInstance/,
    '... and says why');
is(served(), "served\n", '... the first one goes on');

# A reload finds what a start would not be made with.
chmod 0750, $trampoline or die "$trampoline: $!";
$mark = log_mark("$dir/logs/error_log");
ok($httpd->restart, 'httpd reloads without a set-user-ID trampoline');
like(log_since($mark), qr/IJ0022: .*chmod 4750/, '... and says what is wrong');
is(served(), "served\n", '... a warden that runs goes on');
run_quietly("$libexec/timount", $httpd->{instance}, 'evict', 'alice');
is($httpd->get('/my/start.sh', user => 'alice')->{status}, 500,
    '... a new one is refused');
chmod 04750, $trampoline or die "$trampoline: $!";
is(served(), "served\n", '... until it is set-user-ID again');

# What cannot be changed in a running server.
$mark = log_mark("$dir/logs/error_log");
$httpd->write_config("${CONFIG}IvleJailInstance other\n");
ok($httpd->restart, 'httpd reloads with another instance');
like(log_since($mark), qr/IJ0043: IvleJailInstance: .*'other' takes a stop/,
    '... and says no');
is(served(), "served\n", '... keeps its own');
is($httpd->pid, $pid, 'httpd was the same all the time');
$httpd->write_config($CONFIG);
ok($httpd->stop, 'httpd stops');
is_deeply(left(), [], '... and leaves nothing');

# Another User than the trampoline was built for: nobody can tell before.
$httpd->write_config("${CONFIG}User backup\n");
ok($httpd->start, 'httpd starts as another user') or diag $httpd->output;
$mark = log_mark("$dir/logs/error_log");
is($httpd->get('/my/start.sh', user => 'alice')->{status}, 500,
    '... that may not have jails');
like(log_since($mark), qr/IJ2021: .*caller not allowed: see TRAMPOLINE_UIDS/,
    '... and is told so');
ok($httpd->stop, '... and stops');

done_testing();
