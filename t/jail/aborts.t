# SPDX-License-Identifier: Apache-2.0
#
# aborts.t - when the client goes or the time is over, the program goes, with
# all that it has started and however it resists, the client that is there can
# tell, and the log says which it was

use strict;
use warnings;

use IO::Select;
use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Client;
use IvleJail::Httpd;
use IvleJail::Test;

use constant { TIMEOUT => 2, PATIENCE => 60, PROCESSES => 6, TRIES => 10 };

# Ignores all that can be ignored; its children have left its group and its
# parent, hold its pipes, are stopped.
my $STUBBORN = <<'SH';
#!/bin/sh
trap '' TERM INT HUP QUIT PIPE XCPU
sleep 1000 &
setsid sleep 1000 &
setsid sh -c 'setsid sleep 1000 & exec sleep 1000' &
sh -c 'kill -STOP $$' &
case $QUERY_STRING in
begun*) printf 'Content-Type: text/plain\n\nfirst line\n' ;;
length*) printf 'Content-Type: text/plain\nContent-Length: 50\n\nfirst line\n' ;;
esac
echo >../came
while :; do sleep 1000; done
SH

my $GATED = <<'SH';
#!/bin/sh
echo 1 >>../ran
read -r line < ../gate
printf 'Content-Type: text/plain\n\nran\n'
SH

my $httpd = IvleJail::Httpd->new(name => 'aborts', users => ['frank'],
    config => <<'CONF');
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
Protocols h2c http/1.1
IvleJailLimit nproc 500
<IvleJailProfile one>
    IvleJailMaxRequests 1 8
    IvleJailLimit nproc 500
</IvleJailProfile>
Use Place one
IvleJailAlias /short/ /home/%u/web/
<Location /short/>
    Use Login
    IvleJailTimeout 2
    SetEnv ap_trust_cgilike_cl 1
</Location>
CONF
my $log = "$httpd->{dir}/logs/error_log";
my $GONE = qr/IJ0065: .*\ was\ not\ heard\ to\ its\ end\ by\ the\ client
    |IJ0067:\ cannot\ read\ the\ body\ of\ the\ request/x;
my $QUEUED = qr/IJ0130: the client of 'frank' went before .* had its turn/;
my $home = "$USERS/frank/home/frank";
my $came = "$home/came";

# --- what runs ----------------------------------------------------------------

sub programs {
    return map { /^(\d+) busybox$/ } @{ processes() };
}

sub is_gone {
    my ($pid) = @_;
    return !IvleJail::Httpd::runs($pid);
}

# All of them, when the program has started them; none, if it does not in time.
sub all_programs {
    my ($seconds) = @_;
    my @all;
    return wait_until($seconds, sub { -e $came
        && (@all = programs()) >= PROCESSES }) ? @all : ();
}

sub wait_for_programs {
    my @all = all_programs(PATIENCE);
    cmp_ok(scalar @all, '>=', PROCESSES, '... a program with '
        . (PROCESSES - 1) . ' others begins') or diag explain processes();
    return @all;
}

sub check_gone {
    my ($since, @all) = @_;
    ok(wait_until(PATIENCE, sub { !grep { !is_gone($_) } @all }),
        '... all of them go') or diag explain processes();
    return time - $since;
}

# The answer, and how it ends: '' or what the system says.
sub hear_out {
    my ($stream) = @_;
    my ($text, $error) = ('', '');
    my $select = IO::Select->new($stream);
    while ($select->can_read(PATIENCE)) {
        my $n = sysread $stream, $text, 65536, length $text;
        $error = "$!" if !defined $n;
        last if !$n;
    }
    return ($text, $error);
}

# A request whose program has come so far before its time is over: where the
# machine had other things to do, it is not too late for another one.
sub begin_in_time {
    my ($open) = @_;
    for (1 .. TRIES) {
        unlink $came;
        my $stream = $open->();
        my @all = all_programs(TIMEOUT);
        return ($stream, @all) if @all;
        hear_out($stream);
        wait_until(PATIENCE, sub { !programs() });
    }
    return;
}

sub is_logged {
    my ($mark, $text) = @_;
    return wait_until(PATIENCE, sub { log_since($mark) =~ $text })
        || !diag log_since($mark);
}

# --- the client goes ------------------------------------------------------------

# One that has its own way of going.
sub curl {
    my ($seconds, @words) = @_;
    my $path = pop @words;
    open(my $out, '-|', 'curl', '-sN', '--noproxy', '*', '--max-time',
        $seconds, '-u', 'frank:' . password_of('frank'), @words,
        "http://127.0.0.1:$httpd->{port}$path") or die "curl: $!";
    return $out;
}

# How a request is begun that is going to be left.
my @CLIENTS = (
    ['before the header', '/my/stubborn.sh?silent'],
    ['in the midst of the output', '/my/stubborn.sh?begun'],
    ['in the midst of its body', '/my/stubborn.sh?silent', method => 'POST',
        headers => { 'Content-Length' => 100_000 }],
    ['in the midst of both', '/my/stubborn.sh?begun', method => 'POST',
        headers => { 'Content-Length' => 100_000 }],
);

sub check_client {
    my ($when, $path, %arg) = @_;
    unlink $came;
    my $mark = log_mark($log);
    my $request = begin($httpd, $path, user => 'frank', %arg);
    $request->{socket}->syswrite('x' x 1000) if $arg{method};
    my @all = wait_for_programs();
    my $start = time;
    abandon($request);
    my $seconds = check_gone($start, @all);
    ok(is_logged($mark, $GONE),
        "... when the client goes $when: the log says so");
    unlike(log_since($mark), qr/:error\]/, '... and that is no error');
    diag sprintf 'client gone %s: all is gone within %.2f s', $when, $seconds;
}

# The stream is reset, or the whole connection goes.
sub check_http2_client {
    my ($query) = @_;
    my $mark = log_mark($log);
    my ($out, @all) = begin_in_time(sub { curl(TIMEOUT,
        '--http2-prior-knowledge', "/my/stubborn.sh?$query") })
        or return fail("no program begins within @{[TIMEOUT]} s");
    1 while sysread $out, my $data, 65536;
    my $seconds = check_gone(time, @all);
    close $out;
    ok(is_logged($mark, $GONE), '... when an HTTP/2 client of one that has '
        . "$query goes: the log says so");
    diag sprintf 'HTTP/2 client gone: all is gone within %.2f s', $seconds;
}

# Requests that the warden of the profile has: a connection is one.
sub connections {
    my ($warden) = map { /^warden one\@.*\@(\d+)$/ } $httpd->jails('warden');
    return scalar grep { /^socket:/ } values %{ descriptors($warden) };
}

# One over HTTP/2, which leaves when it has waited for so long.
sub enter_queue {
    my ($connections) = @_;
    for (1 .. TRIES) {
        my $out = curl(TIMEOUT, '--http2-prior-knowledge', '/one/gated.sh');
        return $out if wait_until(TIMEOUT, sub {
            connections() == $connections });
        hear_out($out);
        wait_until(PATIENCE, sub { connections() == $connections - 1 });
    }
    return;
}

# None of them waits any more, and none of their programs ever runs.
sub check_queue {
    my $gate = put_gate('frank');
    my $mark = log_mark($log);
    unlink "$home/ran";
    my @left = (begin($httpd, '/one/gated.sh', user => 'frank'));
    ok(wait_until(PATIENCE, sub { -e "$home/ran" }), 'one request runs');
    my $running = connections();
    push @left, map { begin($httpd, '/one/gated.sh', user => 'frank') } 1, 2;
    ok(wait_until(PATIENCE, sub { connections() == $running + 2 }),
        '... and two wait');
    my $out = enter_queue($running + 3) or return fail('no third one waits');
    1 while sysread $out, my $data, 65536;
    close $out;
    my $start = time;
    abandon($_) for @left[1, 2];
    ok(is_logged($mark, qr/(?:$QUEUED.*?){3}/s),
        '... and three clients leave the queue: the log says so');
    diag sprintf 'clients gone from the queue: seen within %.2f s',
        time - $start;
    open_gate($gate);
    wait_until(PATIENCE, sub { !programs() });
    is(outcome(finish($left[0])), '200 whole', '... the one that runs goes on');
    is(-s "$home/ran", 2, '... and no other one ran');
}

# --- the time is over -------------------------------------------------------------

sub check_time {
    my ($what, $open, $wanted) = @_;
    my $mark = log_mark($log);
    my ($stream, @all) = begin_in_time($open)
        or return fail("no program begins within @{[TIMEOUT]} s");
    my $start = time;
    my ($text, $error) = hear_out($stream);
    my $heard = time;
    ok($wanted->($text, $error, $stream), "... $what when its time is over")
        or diag "$text|$error|$?";
    my $seconds = check_gone($heard, @all);
    like(log_since($mark), qr/IJ0065: .*at its limit of time \(IvleJailTimeout/,
        '... the log says so');
    cmp_ok($heard - $start, '<', TIMEOUT + PATIENCE, '... soon');
    diag sprintf '%s: after %.2f s of %d, all is gone %.2f s later', $what,
        $heard - $start, TIMEOUT, $seconds;
}

sub open_http {
    my ($query, $version) = @_;
    return sub {
        my $stream = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => $httpd->{port}) or die "connect: $!";
        my $text = IvleJail::Client::text_of('127.0.0.1',
            "/short/stubborn.sh?$query", user => 'frank');
        $text =~ s{HTTP/1\.1}{HTTP/$version};
        $stream->syswrite($text);
        return $stream;
    };
}

sub outcome_is {
    my ($wanted) = @_;
    return sub { outcome(IvleJail::Client::parse($_[0])) eq $wanted };
}

sub check_times {
    check_time('before the header, there is a 504', open_http('silent', '1.1'),
        outcome_is('504 whole'));
    check_time('HTTP/1.1 ends without a last chunk', open_http('begun', '1.1'),
        outcome_is('200 cut'));
    check_time('an answer of a known length is too short',
        open_http('length', '1.1'), outcome_is('200 cut'));
    check_time('HTTP/1.0 ends with a reset', open_http('begun', '1.0'),
        sub { $_[0] =~ /first line/ && $_[1] =~ /reset/ });
    check_time('HTTP/2 says so', sub { curl(PATIENCE, '-i',
        '--http2-prior-knowledge', '/short/stubborn.sh?begun') },
        sub { !close $_[2] and $_[0] =~ /first line/ && $? >> 8 });
}

must_be_root();
must_have_program('curl');
install();
base('busybox');
add_user(frank => 74401);
put_program(frank => 'web/stubborn.sh', $STUBBORN);
put_program(frank => 'web/gated.sh', $GATED);
my $before = leftovers();
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);
check_client(@$_) for @CLIENTS;
check_http2_client($_) for qw(silent begun);
check_queue();
check_times();
ok($httpd->stop, 'httpd stops');
is_deeply([left_since($before)], [], 'nothing is left');
remove_user('frank');
done_testing();
