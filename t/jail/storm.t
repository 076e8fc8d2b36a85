# SPDX-License-Identifier: Apache-2.0
#
# storm.t - thousands of clients that go away in every phase of a request leave
# no process and no descriptor, in httpd or in the warden, which goes on
#
# As many requests as IVLEJAIL_ABORTS says (10,000), over HTTP/1.1, and a
# twentieth of that over HTTP/2.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

use constant {
    TOTAL => $ENV{IVLEJAIL_ABORTS} // 10_000,
    PATIENCE => 60,
    STREAMS => 4,           # of HTTP/2, on a connection
    AT_A_TIME => 24,        # as many as may be running and queued
    LONGEST => 0.05,        # seconds that a client stays
    GROWTH => 16384,        # KiB
    UID => 74501,
};

my $httpd = IvleJail::Httpd->new(name => 'storm', users => ['grace'],
    mpm => 'event', config => <<'CONF');
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
Protocols h2c http/1.1
StartServers 2
ServerLimit 2
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
IvleJailExpire 86400
IvleJailMaxRequests 30 100
IvleJailLimit nproc 1000
<IvleJailProfile one>
    IvleJailMaxRequests 1 100
    IvleJailLimit nproc 1000
</IvleJailProfile>
Use Place one
CONF
my $log = "$httpd->{dir}/logs/error_log";

my %PROGRAMS = (
    silent => "sleep 1000 &\nsetsid sleep 1000 &\nexec sleep 1000\n",
    reads => "cat >/dev/null\n",
    writes => "echo Content-Type: text/plain\necho\nexec yes\n",
    quick => "echo Content-Type: text/plain\necho\necho hello\n",
);

# --- clients --------------------------------------------------------------------

sub text {
    my ($path, %arg) = @_;
    return IvleJail::Client::text_of('127.0.0.1', $path, user => 'grace', %arg);
}

my $UPLOAD = text('/my/reads.sh', method => 'POST',
    headers => { 'Content-Length' => 1_000_000 }) . 'x' x 30_000;

# What is sent before the client goes: after a while, or when it has heard
# something.
my @PHASES = (
    { name => 'connected', text => '' },
    { name => 'in the midst of the request',
        text => substr text('/my/quick.sh'), 0, 40 },
    { name => 'at once', text => text('/my/silent.sh'), stay => 0 },
    { name => 'before the header', text => text('/my/silent.sh') },
    { name => 'in the queue', text => text('/one/silent.sh') },
    { name => 'in the midst of the body', text => $UPLOAD },
    { name => 'in the midst of the output', text => text('/my/writes.sh'),
        hears => 1 },
    { name => 'at the end', text => text('/my/quick.sh'), hears => 1 },
);

sub start_client {
    my ($phase) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $httpd->{port}) or die "connect: $!";
    $phase->{begun}++;
    # every other one goes with a reset
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)
        if $phase->{begun} % 2;
    $socket->syswrite($phase->{text}) if $phase->{text} ne '';
    return { socket => $socket, phase => $phase,
        end => time
            + ($phase->{hears} ? PATIENCE : $phase->{stay} // rand LONGEST) };
}

# Those that go now; the others stay.
sub leave_some {
    my ($clients) = @_;
    my $select = IO::Select->new(map { $_->{phase}{hears} ? $_->{socket} : () }
        values %$clients);
    my %hears = map { $_ => 1 } $select->count ? $select->can_read(0.002)
        : sleep 0.002;
    for my $client (values %$clients) {
        my $socket = $client->{socket};
        next if !$hears{$socket} && time < $client->{end};
        $client->{phase}{heard}++ if $hears{$socket};
        close $socket;
        delete $clients->{$socket};
    }
}

sub storm {
    my ($total) = @_;
    my ($begun, %clients) = (0);
    while ($begun < $total || %clients) {
        while ($begun < $total && keys %clients < AT_A_TIME) {
            my $client = start_client($PHASES[$begun++ % @PHASES]);
            $clients{ $client->{socket} } = $client;
        }
        leave_some(\%clients);
    }
}

# --- clients of HTTP/2 ------------------------------------------------------------

sub frame {
    my ($type, $flags, $stream, $payload) = @_;
    return substr(pack('N', length $payload), 1)
        . pack('CCN', $type, $flags, $stream) . $payload;
}

# A field that is not indexed, its name and value not compressed.
sub field {
    my ($name, $value) = @_;
    return "\0" . pack('C/a* C/a*', $name, $value);
}

# Headers of a request, with its end or without.
sub stream_text {
    my ($stream, $path, $is_whole) = @_;
    my ($login) = text('/') =~ /^Authorization: (\S+ \S+)\r$/m;
    return frame(1, $is_whole ? 5 : 4, $stream, join '', map { field(@$_) }
        [':method' => $is_whole ? 'GET' : 'POST'], [':scheme' => 'http'],
        [':path' => $path], [':authority' => '127.0.0.1'],
        [authorization => $login]);
}

# Some streams at a time; they are reset, or the connection goes.
sub storm_of_streams {
    my ($total) = @_;
    my @paths = map { "/$_.sh" } qw(my/silent my/writes my/reads one/silent);
    for (my $begun = 0; $begun < $total; $begun += STREAMS) {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => $httpd->{port}) or die "connect: $!";
        my @streams = map { 1 + 2 * $_ } 0 .. STREAMS - 1;
        $socket->syswrite("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            . frame(4, 0, 0, '') . join '', map {
                my $path = $paths[($_ >> 1) % @paths];
                stream_text($_, $path, $path !~ /reads/) } @streams);
        sleep rand LONGEST;
        if ($begun / STREAMS % 2) {
            $socket->syswrite(frame(3, 0, $_, pack 'N', 8)) for @streams;
            sleep rand LONGEST;
        }
        close $socket;
    }
}

# --- what is left -----------------------------------------------------------------

sub wardens {
    return map { /\@(\d+)$/ } $httpd->jails('warden');
}

# Numbers of open files: what they are changes as connections come and go.
sub open_files {
    return { map { $_ => join ' ', sort keys %{ descriptors($_) } }
        $httpd->children, wardens() };
}

sub memory {
    my ($pid) = @_;
    return slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+) kB$/m ? $1 : 0;
}

sub programs {
    return grep { / busybox$/ } @{ processes() };
}

# The warden's children as the kernel knows them: also those that have ended.
sub children_of {
    my ($pid) = @_;
    return split ' ', slurp("/proc/$pid/task/$pid/children");
}

# Connections that httpd has still open: TCP sockets of its port that are
# somebody's, and do not listen.
sub connections {
    my $port = sprintf ':%04X', $httpd->{port};
    return grep { $_->[1] =~ /$port\z/ && $_->[3] ne '0A' && $_->[9] }
        map { [split] } split /\n/, slurp('/proc/net/tcp');
}

# Open files when nothing goes on, and they have been the same for a while.
sub files_at_rest {
    my ($files, $times) = ({}, 0);
    wait_until(PATIENCE, sub {
        my $now = open_files();
        $times = eq_hash($now, $files) ? $times + 1 : 0;
        $files = $now;
        return !programs() && !connections() && $times > 25;
    }) or diag explain processes();
    return $files;
}

sub is_settled {
    my ($before) = @_;
    my $now = open_files();
    return !programs() && !grep { $now->{$_} ne $before->{$_} } keys %$before;
}

sub check_left {
    my ($files, $memory) = @_;
    ok(wait_until(60, sub { is_settled($files) }),
        '... no process is left, and no descriptor');
    is_deeply(open_files(), $files, '... in the same processes');
    is_deeply([programs(), map { children_of($_) } wardens()], [],
        '... and none that nobody has waited for');
    for my $pid (sort { $a <=> $b } keys %$memory) {
        my $now = memory($pid);
        cmp_ok($now - $memory->{$pid}, '<', GROWTH, '... memory does not grow');
        diag sprintf '%s: %d descriptors, %d KiB before, %d after', (grep {
            $_ == $pid } wardens()) ? 'warden' : 'httpd',
            scalar(split ' ', $files->{$pid}), $memory->{$pid}, $now;
    }
}

sub quick {
    my ($place) = @_;
    return outcome(finish(begin($httpd, "/$place/quick.sh", user => 'grace')));
}

sub check_storm {
    my ($total, $what, $code) = @_;
    my $files = files_at_rest();
    my $memory = { map { $_ => memory($_) } keys %$files };
    my $mark = log_mark($log);
    my $start = time;
    $code->($total);
    my $seconds = time - $start;
    pass("$total clients that go away, of $what");
    check_left($files, $memory);
    is_deeply([quick('my'), quick('one')], ['200 whole', '200 whole'],
        '... and the next request works');
    my $said = log_since($mark);
    my $ended = () = $said =~ /IJ0065: /g;
    cmp_ok($ended, '>', $total / 5, '... programs were ended');
    unlike($said, qr/exit signal|AH0005[12]/, '... no child of httpd died');
    diag sprintf '%s: %d requests left in %.0f s; %d programs ended, %d '
        . 'bodies broke off, %d left the queue, %d were too many', $what,
        $total, $seconds, $ended, scalar(() = $said =~ /IJ0067: /g),
        scalar(() = $said =~ /IJ0130: /g), scalar(() = $said =~ /IJ0063: /g);
}

must_be_root();
install();
base('busybox');
add_user(grace => UID);
put_program(grace => "web/$_.sh", "#!/bin/sh\n$PROGRAMS{$_}")
    for sort keys %PROGRAMS;
my $before = leftovers();
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);
is_deeply([quick('my'), quick('one')], ['200 whole', '200 whole'],
    'two jails are made');
storm(400);                         # until it is warm
storm_of_streams(100);
check_storm(TOTAL, 'HTTP/1.1', \&storm);
diag "$_->{name}: $_->{begun}, " . ($_->{heard} // 0) . ' heard something'
    for @PHASES;
check_storm(TOTAL / 20, 'HTTP/2', \&storm_of_streams);
ok($httpd->stop, 'httpd stops');
is_deeply([left_since($before)], [], 'nothing is left');
remove_user('grace');
done_testing();
