# SPDX-License-Identifier: Apache-2.0
#
# streams.t - HTTP/2: all of a page at once, on one connection, that is more
# than a user may hold, is served, also by a slow warden; a flood is not, and
# does not keep the threads that others wait for
#
# There are three children of 25 threads.  For floods only one of them runs, so
# whoever is answered is served by the same child as the flood.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep);

use IvleJail::Client;
use IvleJail::Crowd;
use IvleJail::Httpd;
use IvleJail::Test;

use constant { AT_ONCE => 100, ASKED => 200, ROUNDS => 3, PATIENCE => 120,
    THREADS => 22,      # that a user may hold of 25
    STREAMS => 33 };    # ... and of the 37 that mod_http2 has then

# As many as run and wait by default, few, and more than httpd lets one have.
my %PROFILES = (few => '4 8', many => '100 100');

my $CONFIG = join '', <<'CONF', map { <<"CONF" } sort keys %PROFILES;
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
Protocols h2c http/1.1
ServerLimit 3
StartServers 3
ThreadsPerChild 25
MaxRequestWorkers 75
MinSpareThreads 75
MaxSpareThreads 75
IvleJailLimit nproc unlimited
IvleJailTimeout 1000
CONF
<IvleJailProfile $_>
    IvleJailMaxRequests $PROFILES{$_}
</IvleJailProfile>
Use Place $_
CONF

my %PROGRAMS = ('wait.sh' => $WAITS, 'hello.sh' => $HELLO);

my $httpd;

# --- a client of HTTP/2 ---------------------------------------------------------

# So many requests in all, at a time on a connection, and connections.
sub begin_load {
    my ($user, $path, $asked, $at_once, $connections, $seconds) = @_;
    my $login = encode_base64("$user:" . password_of($user), '');
    open(my $out, '-|', 'timeout', $seconds // PATIENCE, 'h2load', '-n', $asked,
        '-m', $at_once, '-c', $connections, '-H',
        "Authorization: Basic $login", "http://127.0.0.1:$httpd->{port}$path")
        or die "h2load: $!";
    return $out;
}

# How many were served, and how many got 503 or the like.
sub end_load {
    my ($out) = @_;
    my $said = join '', readline $out;
    my ($good, $bad) = $said =~ /^status codes: (\d+) 2xx, .*, (\d+) 5xx$/m
        or return $said;
    return "$good served, $bad refused";
}

sub load { return end_load(begin_load(@_)) }

# --- pages ----------------------------------------------------------------------

# All of it on one connection.
sub check_page {
    my ($what, @paths) = @_;
    for my $path (@paths) {
        is_deeply([map { load('alice', $path, ASKED, AT_ONCE, 1) }
            1 .. ROUNDS], [(ASKED . ' served, 0 refused') x ROUNDS],
            "$what: $path");
    }
}

# Two thirds of the time it does not run.
sub slow_down {
    my ($warden) = @_;
    my $pid = fork // die "fork: $!";
    while (!$pid) {
        kill STOP => $warden;
        sleep 0.1;
        kill CONT => $warden or exit;
        sleep 0.05;
    }
    return $pid;
}

sub check_slow_warden {
    my ($warden) = map { /^warden default\@\S+ alice\@(\d+)$/ }
        $httpd->jails('warden');
    my $pid = slow_down($warden);
    check_page('a slow warden', '/my/file', '/my/hello.sh');
    kill TERM => $pid;
    waitpid $pid, 0;
    kill CONT => $warden;
}

# --- floods ---------------------------------------------------------------------

# When all of its threads have just been busy, mod_http2 (2.0) may leave a stream
# for later although some are free, until it hears of a next connection: so bob
# does not insist.
sub bob_is_served {
    return load('bob', '/my/hello.sh', 1, 1, 1, 10) eq '1 served, 0 refused';
}

sub check_flood {
    my ($what, $held, $said, @load) = @_;
    sleep 1;        # in each second there are a few lines about it
    my $mark = log_mark("$httpd->{dir}/logs/error_log");
    my $gate = closed_gate();
    my $alice = begin_load('alice', '/many/wait.sh', @load, 3 * PATIENCE);
    ok(wait_until(PATIENCE, sub {
        came() >= $held && log_since($mark) =~ $said
    }), "$what: the log says that those of alice are too many");
    ok(wait_until(PATIENCE, \&bob_is_served),
        '... bob is served over HTTP/2');
    is(outcome(finish(begin($httpd, '/my/hello.sh', user => 'bob'))),
        '200 whole', '... and over HTTP/1.1');
    is(came(), $held, "... while $held of alice's wait");
    open_gate($gate);
    my ($good, $bad) = end_load($alice) =~ /^(\d+) served, (\d+) refused$/;
    is(($good // 0) + ($bad // 0), $load[0], '... then all are answered');
    cmp_ok($bad // 0, '>', 0, '... of which some are refused');
    is(came(), $good, '... and these have not run');
}

# Of each connection mod_http2 starts six streams, and the next when one ends.
sub check_floods {
    my (undef, @others) = grep { (() = glob "/proc/$_/task/*") > 1 }
        $httpd->children;
    stop_process($_) for @others;
    check_flood('many streams', STREAMS, qr/IJ0091: .*: 33 .* the 37 threads/,
        60, 6, 10);
    check_flood('many connections', THREADS,
        qr/IJ0091: .*: 22 .* the 25 threads/, 40, 1, 40);
    kill CONT => @others;
}

must_be_root();
must_have_program(qw(h2load timeout));
install();
base('busybox');
for my $user (qw(alice bob)) {
    put_program($user => "web/$_", $PROGRAMS{$_}) for sort keys %PROGRAMS;
    put_file($user => 'web/file', "a file\n" x 100);
}
$httpd = IvleJail::Httpd->new(name => 'streams', mpm => 'event',
    config => $CONFIG);
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);
check_page('the defaults', '/my/file', '/my/hello.sh');
check_page('few', '/few/file', '/few/hello.sh');
check_page('many', '/many/file', '/many/hello.sh');
check_slow_warden();
check_floods();
ok($httpd->stop, 'httpd stops');
done_testing;
