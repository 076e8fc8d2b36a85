# SPDX-License-Identifier: Apache-2.0
# IvleJailErrorLog: users find in a file of theirs why their programs failed;
# whatever they put in its place, requests are answered as before.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use POSIX qw(mkfifo);
use Time::HiRes qw(sleep time);

use IvleJail::Connection qw(ask);
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

my $port = Apache::Test::vars('port');
my $error_log = Apache::Test::vars('t_logs') . '/error_log';
my $home = "$USERS/alice/home/alice/explain";
my $dir = "$home/log.d";
my $file = "$dir/error.log";
my $USED = qr/\(CPU \d+\.\d\d s, time \d+\.\d\d s, memory \d+(?:\.\d)? MiB\)/;
my $TIME = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;

my %PROGRAMS = (
    exit3 => 'echo "the reason" >&2; exit 3',
    quiet => 'echo Content-Type: text/plain; echo; echo well',
    warns => 'echo Content-Type: text/plain; echo; echo well
        echo one >&2; printf "%s two\\033" "$QUERY_STRING" >&2',
    status => 'echo Content-Type: text/plain; echo; echo well; exit 4',
    aborts => 'echo Content-Type: text/plain; echo; echo half; kill -ABRT $$',
    redirects => 'echo moved >&2; echo Location: /explain/off/quiet; echo',
    long => 'i=0; while [ $i -lt 9000 ]; do echo "line $i"; i=$((i+1))
        done >&2',
);

sub get {
    my ($path, $method, @arg) = @_;
    return ask($port, $method // 'GET', "/explain/$path", user => 'alice',
        @arg);
}

sub result_of {
    my ($answer) = @_;
    return "$answer->{code} " . ($answer->{whole} ? $answer->{body} : 'cut');
}

# As an empty directory of alice's, without what an earlier test left.
sub clean {
    run_quietly('rm', '-rf', $dir);
    mkdir $dir, 0700 or die "$dir: $!";
    chown 70001, 70001, $dir or die "$dir: $!";
}

sub entries {
    my ($expected) = @_;
    wait_until(60, sub { -e $file && slurp($file) =~ /$expected/ });
    return -e $file ? slurp($file) : '';
}

put_program(alice => "explain/$_", "#!/bin/sh\n$PROGRAMS{$_}\n")
    for sort keys %PROGRAMS;
put_file(alice => 'explain/plain', "#!/bin/sh\necho text\n");

# --- what is written ----------------------------------------------------------

# Request, what is answered, what is written.
my @CASES = (
    [['log/exit3?a=%0Ab'], qr/^500 (?!.*reason)/s,
        qr{GET /explain/log/exit3\?a=%0Ab: ended with exit status 3 and printed no header $USED\n    the reason\n}],
    [['both/exit3'], qr/^500 .*<pre>the reason\n/s,
        qr{GET /explain/both/exit3: ended with exit status 3 and printed no header $USED\n    the reason\n}],
    [['log/warns?%1b[31m'], qr/^200 well\n$/,
        qr{GET /explain/log/warns\?%1b\[31m: answered $USED\n    one\n    %1b\[31m two\\x1b\n}],
    [['log/warns', 'HEAD'], qr/^200 $/,
        qr{HEAD /explain/log/warns: .*\n    one\n     two\\x1b\n}],
    [['log/status', 'POST', body => 'x' x 100_000], qr/^200 well\n$/,
        qr{POST /explain/log/status: ended with exit status 4 $USED\n}],
    [['log/aborts'], qr/^(?:200 cut|502 )/,
        qr{GET /explain/log/aborts: was killed by signal 6 \(aborted\) and had not printed all of its answer $USED\n}],
    [['log/redirects', 'POST', body => 'x'], qr/^200 well\n$/,
        qr{POST /explain/log/redirects: redirected $USED\n    moved\n}],
    [['log/plain'], qr/^403 /,
        qr{GET /explain/log/plain: is not executable \(chmod \+x would make it so\), and files of its extension have no interpreter\n}],
);

clean();
for (@CASES) {
    my ($request, $result, $entry) = @$_;
    unlink $file;
    my $mark = log_mark($error_log);
    like(result_of(get(@$request)), $result, "$request->[0]: answer");
    my $text = entries(qr/\n\z/);
    like($text, qr/\A$TIME \S+ $entry\z/, '... entry');
    my ($id) = $text =~ /^$TIME (\S+) /;
    next if $request->[0] =~ /status/;      # which httpd does not speak of
    like(log_since($mark), qr/\Q[$id]\E/, "... under the id of httpd's log");
}
my @stat = stat $file;
is(sprintf('%o %d %d', @stat[2, 4, 5]), '100600 70001 70001',
    'the file belongs to alice alone');

clean();
is(result_of(get('log/quiet')), "200 well\n", 'a program that does well');
is(result_of(get('log/missing')) =~ /^404/, 1, '... and one that is not there');
is(result_of(get('log/off/exit3')) =~ /^404/, 1, '... and Off');
is(result_of(get('off/exit3')) =~ /^500/, 1, '... and without the directive');
get('log/exit3');
my $text = entries(qr/reason/);
is(() = $text =~ /^\S/mg, 1, '... write nothing');
get('log/exit3');
is(() = entries(qr/reason.*reason/s) =~ /^\S/mg, 2, 'entries are added');

clean();
get('log/long');
$text = entries(qr/\n\z/);
cmp_ok(length $text, '<', 50 * 1024, 'of long error output');
like($text, qr/\n    \.\.\.\n    line \d+\n.*    line 8999\n\z/s,
    '... the end is kept');

# --- what alice may put there -------------------------------------------------

# Each has the answer as if there were no log, at once, and a warning.
sub is_unharmed {
    my ($name, $path) = @_;
    my $mark = log_mark($error_log);
    my $begin = time;
    is(result_of(get($path // 'log/warns')), "200 well\n", "$name: answer");
    cmp_ok(time - $begin, '<', 30, '... at once');
    ok(wait_until(60, sub { log_since($mark)
        =~ /IJ0069: IvleJailErrorLog: '\S+error\.log' of 'alice' was not written, ignoring/ }),
        "... and a word in httpd's log");
}

clean();
mkfifo($file, 0600) or die "mkfifo: $!";
chown 70001, 70001, $file;
is_unharmed('a FIFO');
clean();
mkfifo("$dir/fifo", 0600) or die "mkfifo: $!";
chown 70001, 70001, "$dir/fifo";
symlink('fifo', $file) or die "symlink: $!";
is_unharmed('a link to a FIFO');
for my $target (qw(/dev/null /etc/passwd /tmp /proc/self/comm error.log)) {
    clean();
    symlink($target, $file) or die "symlink: $!";
    is_unharmed("a link to $target");
}
run_quietly('rm', '-rf', $dir);
is_unharmed('no directory');
is_unharmed('a place where nobody can write', 'readonly/warns');
clean();
symlink("/tmp/elsewhere", $file) or die "symlink: $!";
get('log/warns');
my $elsewhere = "$USERS/alice/tmp/elsewhere";
ok(wait_until(60, sub { -s $elsewhere }), 'a link to a file is followed');
unlink $elsewhere;

# --- a warden that does not write -----------------------------------------------

sub warden {
    my ($pid) = run_quietly($CTL, qw(jail list --instance), $INSTANCE)
        =~ /^warden explain\S+ alice@(\d+)/m;
    return $pid;
}

clean();
put_program(alice => 'explain/waits', <<'SH');
#!/bin/sh
echo Content-Type: text/plain
echo
echo well
echo said >&2
exec >&-
read -r line < ../gate
SH
my $gate = put_gate('alice');
my $mark = log_mark($error_log);
my $connection = IvleJail::Connection->new($port);
$connection->send(IvleJail::Connection::request_text(
    GET => '/explain/log/waits', user => 'alice', keep => 1));
ok(wait_until(60, sub { log_since($mark) =~ /stderr of 'alice': said/ }),
    'a program runs');
my $warden = warden();
stop_process($warden);
my $begin = time;
my $answer = $connection->answer;
is("$answer->{code} $answer->{body}", "200 well\n",
    'its answer comes when the warden is stopped');
ok(wait_until(60, sub { log_since($mark) =~ /timed out: .*IJ0069:/ }),
    '... and httpd does not wait for its log for long');
cmp_ok(time - $begin, '<', 60, '... by the clock');
kill CONT => $warden;
open_gate($gate);
like(entries(qr/said/), qr{/explain/log/waits: .*\n    said\n},
    'what was sent is written when it goes on');

done_testing();
