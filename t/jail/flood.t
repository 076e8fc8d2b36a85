# SPDX-License-Identifier: Apache-2.0
#
# flood.t - one user's flood takes half of httpd's workers and no more, so that
# everybody else is served, promptly, whatever the user's programs and warden
# do; what is too much gets 503 and never runs; and what was held is free again
# after the flood, after the death of a child and after a restart
#
# Alice's programs wait at a gate.  Whoever is answered while it is closed did
# not wait for her.

use strict;
use warnings;

use Fcntl qw(:DEFAULT :seek);
use IO::Select;
use Test::More;
use Time::HiRes qw(time);

use IvleJail::Client;
use IvleJail::Crowd;
use IvleJail::Httpd;
use IvleJail::Test;

# httpd's event MPM itself may leave a connection in the backlog for some time,
# when a flood has just kept all workers busy: bob gets more time for that, which
# is less than the gate is closed.
use constant { CLIENTS => 100, BOBS => 10, PATIENCE => 60,
    PATIENCE_OF_BOB => 90, TRIES => 10, F_OFD_SETLK => 37,
    ACCEPTED => 5,      # seconds that httpd waits for a warden
    LOCKED => 10 };     # ... and a trampoline for the lock

# Half of the workers are those of one child.
my $TWO_CHILDREN = <<'CONF';
ServerLimit 2
StartServers 2
ThreadsPerChild 16
MaxRequestWorkers 32
MinSpareThreads 32
MaxSpareThreads 32
CONF

# For each MPM its workers, and how many of them are half.  Children that have
# still something to do when httpd restarts need a place of their own.
my %MPMS = (
    event => [4, <<'CONF'],
ServerLimit 6
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 8
MinSpareThreads 1
MaxSpareThreads 8
CONF
    worker => [4, <<'CONF'],
ServerLimit 4
StartServers 2
ThreadsPerChild 4
MaxRequestWorkers 8
MinSpareThreads 8
MaxSpareThreads 8
CONF
    prefork => [3, <<'CONF'],
ServerLimit 12
StartServers 6
MaxRequestWorkers 6
MinSpareServers 6
MaxSpareServers 6
CONF
);

# The warden would take all of them.
my $CONFIG = <<'CONF';
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
LoadModule include_module /usr/lib/apache2/modules/mod_include.so
Protocols h2c http/1.1
IvleJailMaxRequests 100 100
IvleJailLimit nproc unlimited
IvleJailTimeout 1000
<IvleJailProfile one>
    IvleJailMaxRequests 1 0
</IvleJailProfile>
<IvleJailProfile two>
    IvleJailMaxRequests 1 1
</IvleJailProfile>
Use Place one
Use Place two
<Location /one/>
    IvleJailErrorLog /home/%u/error.log
</Location>
<Location /two/>
    Options IncludesNOEXEC
    SetOutputFilter INCLUDES
</Location>
CONF

my $SAY = "#!/bin/sh\necho Content-Type: text/plain\necho\n";
my %PROGRAMS = (
    'wait.sh' => $WAITS,
    'hello.sh' => $HELLO,
    'page.sh' => "${SAY}n=\$QUERY_STRING\necho at \$n\ntest \$n = 0 || "
        . "echo '<!--#include virtual=\"page.sh?'\$((n - 1))'\" -->'\n",
    'fail.sh' => $COMES,
    'away.sh' => "#!/bin/sh\necho Location: /one/hello.sh\necho\n",
);

my ($httpd, $share);

# --- alice --------------------------------------------------------------------

# So many have started; programs of requests that were refused had the time to.
sub check_came {
    my ($count, $what) = @_;
    wait_until(PATIENCE, sub { came() >= $count });
    is(came(), $count, $what);
}

sub flood {
    my ($count) = @_;
    return map { begin($httpd, '/my/wait.sh', user => 'alice') } 1 .. $count;
}

# Splits requests into those that have an answer and those that have none.
sub split_answered {
    my (@requests) = @_;
    my %is_readable = map { $_ => 1 }
        IO::Select->new(map { $_->{socket} } @requests)->can_read(0.1);
    return ([grep { $is_readable{ $_->{socket} } } @requests],
        [grep { !$is_readable{ $_->{socket} } } @requests]);
}

# Waits until all but so many have an answer.  Who has it hangs up, or some
# MPMs would keep a worker waiting for that.  Returns the answers, and those
# that wait.
sub take_answers {
    my ($waiting, @requests) = @_;
    my @answers;
    wait_until(PATIENCE, sub {
        my ($answered, $others) = split_answered(@requests);
        push @answers, map { finish($_) } @$answered;
        @requests = @$others;
        return @requests <= $waiting;
    });
    return (\@answers, \@requests);
}

sub wait_for_answers {
    my ($what, $waiting, @requests) = @_;
    my ($answers, $others) = take_answers($waiting, @requests);
    is(scalar @$others, $waiting,
        "$what: what is too much is answered, $waiting wait");
    return ($answers, $others);
}

sub check_refused {
    my (@answers) = @_;
    my %said;
    for my $answer (@answers) {
        $said{"$answer->{status} after "
            . ($answer->{headers}{'retry-after'} // 'none')}++;
    }
    is_deeply(\%said, { '503 after 5' => scalar @answers },
        '... with 503 and Retry-After');
}

sub check_served {
    my ($what, @requests) = @_;
    is_deeply([grep { $_ ne '200 whole' } map { outcome(finish($_)) }
        @requests], [], $what);
}

sub check_alice {
    check_served('... and then alice is served', begin($httpd, '/my/hello.sh',
        user => 'alice'));
}

# --- bob ----------------------------------------------------------------------

# What is not as it should be.
sub wrong_for_bob {
    for (1 .. BOBS) {
        my $outcome = outcome(finish(begin($httpd, '/my/hello.sh',
            user => 'bob'), PATIENCE_OF_BOB));
        return $outcome if $outcome ne '200 whole';
    }
    return;
}

sub check_bob {
    is_deeply([wrong_for_bob()], [], '... bob is served all the time');
}

# --- floods -------------------------------------------------------------------

sub check_gated {
    my $gate = closed_gate();
    my $mark = log_mark("$httpd->{dir}/logs/error_log");
    my ($refused, $held) = wait_for_answers('a flood', $share,
        flood(CLIENTS));
    check_bob();
    is(scalar @{ (split_answered(@$held))[1] }, $share,
        '... while those of alice still wait');
    check_refused(@$refused);
    check_came($share, '... and without having run');
    check_log($mark);
    open_gate($gate);
    check_served('... those that waited are served', @$held);
    check_came($share, '... and they are all that ran');
    check_alice();
}

# Some lines a second and child, not one for each.
sub check_log {
    my ($mark) = @_;
    my @lines = grep { /IJ0091/ } split /\n/, log_since($mark);
    like($lines[-1] // '', qr/too many requests of 'alice': .*\(raise \w+\)/,
        '... as the log says');
    cmp_ok(scalar @lines, '<', CLIENTS / 2, '... in a few lines');
}

# Whoever is killed: the claims of those go, and no others.
sub check_killed_child {
    my $gate = closed_gate();
    my (undef, $held) = wait_for_answers('before a child is killed', $share,
        flood(CLIENTS));
    my ($cut, $left) = ([], $held);
    for my $pid ($httpd->children) {
        kill KILL => $pid;
        wait_until(PATIENCE, sub { !-e "/proc/$pid" })
            or die "$pid is still there\n";
        ($cut, $left) = split_answered(@$held);
        last if @$cut;
    }
    cmp_ok(scalar @$cut, '>', 0, 'killed, a child gives up what it held');
    check_bob();
    my (undef, $again) = wait_for_answers('after it', scalar @$cut,
        flood(CLIENTS));
    check_came($share + @$cut, '... as many as it had can run again');
    check_bob();
    open_gate($gate);
    check_served('... and are served', @$left, @$again);
    finish($_) for @$cut;
    check_alice();
}

# What still goes on in the old children is counted by the new ones.
sub check_graceful {
    my $gate = closed_gate();
    my (undef, $held) = wait_for_answers('before a graceful restart', $share,
        flood(CLIENTS));
    ok($httpd->restart, '... which comes and goes') or diag $httpd->output;
    check_bob();
    my ($refused) = wait_for_answers('after it', 0, flood(CLIENTS));
    check_refused(@$refused);
    check_came($share, '... only those of before run');
    check_bob();
    open_gate($gate);
    check_served('... and are served', @$held);
    check_alice();
}

sub warden_of_alice {
    my ($pid) = map { /^warden default\@\S+ alice\@(\d+)$/ }
        $httpd->jails('warden');
    return $pid;
}

# A flood while something hinders alice's requests, and bob meanwhile: what the
# refused hear, what the others hear when she is helped, and what is wrong for
# bob; or nothing, if that never was over within so many seconds.
sub flood_hindered {
    my ($seconds, $hinder, $help) = @_;
    for (1 .. TRIES) {
        my $gate = closed_gate();
        my $begin = time;
        my $hindrance = $hinder->();
        my ($refused, $held) = take_answers($share, flood(CLIENTS));
        my @wrong = wrong_for_bob();
        my $is_over = time - $begin < $seconds;
        my @heard = $help->($hindrance, $gate, @$held);
        return ($refused, \@heard, \@wrong) if $is_over;
    }
    return;
}

sub stop_warden {
    finish(begin($httpd, '/my/hello.sh', user => 'alice'));     # she has one
    my $warden = warden_of_alice();
    stop_process($warden);
    return $warden;
}

sub continue_warden {
    my ($warden, undef, @held) = @_;
    my @heard = map { finish($_) } @held;
    kill CONT => $warden or die "kill: $!";
    return @heard;
}

# Each request waits as long as httpd does for a warden, and not the others.
sub check_stopped_warden {
    my ($refused, $heard, $wrong) = flood_hindered(ACCEPTED, \&stop_warden,
        \&continue_warden) or return fail('a flood takes too long');
    is_deeply($wrong, [], 'a warden that is stopped: bob is served');
    is(scalar @$heard, $share, "... while $share wait");
    check_refused(@$refused, @$heard);
    check_came(0, '... none of hers runs');
    check_alice();
}

# As a trampoline would that waits for another one of the same user.
sub lock_all {
    sysopen(my $file, "/run/ivlejail/$httpd->{instance}/lock", O_RDWR)
        or die "lock: $!";
    my $whole = pack 's s x4 q q i x4', F_WRLCK, SEEK_SET, 0, 0, 0;
    fcntl($file, F_OFD_SETLK, $whole) or die "lock: $!";
    return $file;
}

sub hang_start {
    $httpd->ctl('jail', 'evict', 'alice');
    return lock_all();
}

sub go_on_with_start {
    my ($lock, $gate, @held) = @_;
    close $lock;
    open_gate($gate);
    return map { finish($_) } @held;
}

# Those who wait for the trampoline hold workers, too.
sub check_hanging_start {
    check_bob();                # who needs no trampoline then
    my ($refused, $heard, $wrong) = flood_hindered(LOCKED, \&hang_start,
        \&go_on_with_start) or return fail('a flood takes too long');
    is_deeply($wrong, [], 'a cold start that hangs: bob is served');
    check_refused(@$refused);
    is_deeply([map { outcome($_) } @$heard], [('200 whole') x $share],
        "... $share wait for it, and are served");
    check_alice();
}

# Streams have workers of their own.  A line for each, as it ends.
sub curl {
    my ($user, @urls) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec qw(curl -s --no-progress-meter --noproxy * -Z
            --parallel-immediate --parallel-max 50 --http2-prior-knowledge),
            '-u', "$user:" . password_of($user), '-w',
            '%{stderr}%{http_version} %{http_code}\n',
            map { ('-o', '/dev/null', "http://127.0.0.1:$httpd->{port}$_") }
            @urls;
    }
    return $out;
}

sub check_streams {
    my $gate = closed_gate();
    my $alice = curl('alice', ('/my/wait.sh') x 20);
    my @refused = map { scalar readline $alice } 1 .. 20 - $share;
    is_deeply(\@refused, [("2 503\n") x @refused], 'a flood of streams: 503');
    check_came($share, "... but for $share");
    my @bob = readline curl('bob', ('/my/hello.sh') x 4);
    is_deeply(\@bob, [("2 200\n") x 4], '... bob is served all the time');
    open_gate($gate);
    is_deeply([readline $alice], [("2 200\n") x $share],
        '... those that waited are served');
}

# What httpd says at the end of a request to a warden that does not listen any
# more has a worker wait: that one is counted until then.  It is for a second.
sub refused_while_logging {
    my $gate = closed_gate();
    my $mark = log_mark("$httpd->{dir}/logs/error_log");
    my $first = begin($httpd, '/one/fail.sh', user => 'alice');
    wait_until(PATIENCE, sub { came() == 1 }) or die "it does not start\n";
    my ($warden) = map { /^warden one\@\S+ alice\@(\d+)$/ }
        $httpd->jails('warden');
    stop_process($warden);
    open_gate($gate);
    IO::Select->new($first->{socket})->can_read(PATIENCE);
    my $next = begin($httpd, '/one/hello.sh', user => 'alice');
    IO::Select->new($next->{socket})->can_read(0.5);
    kill CONT => $warden;
    finish($_) for $first, $next;
    return log_since($mark) =~ /IJ0091: .* 'alice': 1 of profile 'one'/;
}

sub check_logging {
    my $is_counted = 0;
    for (1 .. TRIES) {
        last if $is_counted = refused_while_logging();
    }
    ok($is_counted, 'who waits for a warden is counted')
        or diag $httpd->error_log;
}

# The one that leads there waits for it, with the only claim.
sub check_redirect {
    my $answer = finish(begin($httpd, '/one/away.sh', user => 'alice'));
    is("$answer->{status} $answer->{content}", "200 hello\n",
        'a redirect within a jail of one request');
}

# So does a page for its parts, and these for theirs.
sub check_parts {
    my $answer = finish(begin($httpd, '/two/page.sh?8', user => 'alice'));
    is_deeply([$answer->{content} =~ /at (\d)/g], [reverse 0 .. 8],
        'nine pages within each other, in a jail of two requests');
}

# --- all of it ----------------------------------------------------------------

sub check_mpm {
    my ($mpm) = @_;
    ($share, my $workers) = @{ $MPMS{$mpm} };
    $httpd = IvleJail::Httpd->new(name => 'flood', mpm => $mpm,
        config => $workers . $CONFIG);
    ok($httpd->start, "$mpm: httpd starts") or BAIL_OUT($httpd->output);
    like($httpd->error_log,
        qr/IJ0090: profile 'default': .* 200 .* $share, .*MaxRequestWorkers/,
        'the log says how much cannot be had');
    unlike($httpd->error_log, qr/IJ0090: profile 'one'/, '... where it cannot');
    check_gated();
    check_killed_child();
    check_graceful();
    check_stopped_warden();
    check_redirect();
    check_parts();
    if ($mpm eq 'event') {
        check_logging();
        check_hanging_start();
        check_streams();
    }
    ok($httpd->stop, 'httpd stops');
}

# Who has a connection to a child cannot go to another one: alice may not have
# all of it, although she may have as many of all threads.
sub check_one_child {
    $httpd = IvleJail::Httpd->new(name => 'flood', mpm => 'event',
        config => $TWO_CHILDREN . $CONFIG);
    ok($httpd->start, 'two children: httpd starts')
        or BAIL_OUT($httpd->output);
    my ($one, @others) = grep { (() = glob "/proc/$_/task/*") > 1 }
        $httpd->children;
    stop_process($_) for @others;
    my $gate = closed_gate();
    my (undef, $held) = wait_for_answers('a flood of one child', 14,
        flood(CLIENTS));
    check_bob();
    like($httpd->error_log, qr/IJ0091: .*: 14 .* the 16 threads of this child/,
        '... as the log says');
    kill CONT => @others;
    my (undef, $more) = wait_for_answers('and of the other one, too', 2,
        flood(CLIENTS));
    open_gate($gate);
    check_served('... those that waited are served', @$held, @$more);
    ok($httpd->stop, 'httpd stops');
}

must_be_root();
must_have_program('curl');
install();
base('busybox');
for my $user (qw(alice bob)) {
    put_program($user => "web/$_", $PROGRAMS{$_}) for sort keys %PROGRAMS;
}
check_mpm($_) for qw(event worker prefork);
check_one_child();
done_testing;
