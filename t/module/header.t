# SPDX-License-Identifier: Apache-2.0
# The header of a program's answer, in every form that a program can give it:
# the answer is mod_cgid's, or there is a reason why not.  Whatever is wrong
# with it is an error of the server's with one line in the log, and no program
# ever gives two answers to one request.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);

use IvleJail::Connection qw(ask request_text);
use IvleJail::Test;
use IvleJail::Twin qw(put_twin twin_answer);

my $port = Apache::Test::vars('port');
my $error_log = Apache::Test::vars('t_logs') . '/error_log';
my $pid_file = Apache::Test::vars('t_logs') . '/httpd.pid';

my $KIB = 1024;

# --- programs -----------------------------------------------------------------

# printf's own escapes: "\n" is the program's to write.
sub prints {
    my ($text) = @_;
    return "printf '$text'";
}

# A program that prints bytes of all kinds, the same each time.
sub noise {
    my ($size) = @_;
    srand 1;
    return "#!/bin/sh\nexec tail -n +3 \"\$0\"\n"
        . join '', map { chr int rand 256 } 1 .. $size;
}

sub lines {
    my ($count, $line) = @_;
    return "i=0; while test \$i -lt $count; do echo '$line'; i=\$((i + 1)); "
        . 'done; echo; echo many';
}

# The answer is mod_cgid's.
my %SAME = (
    # lines
    'LF' => prints('Content-Type: text/plain\nX-A: b\n\nbody\n'),
    'CR LF' => prints('Content-Type: text/plain\r\nX-A: b\r\n\r\nbody'),
    'both' => prints('Content-Type: text/plain\r\nX-A: b\n\r\nbody'),
    'CR CR LF' => prints('Content-Type: text/plain\r\r\nX-A: b\n\r\r\nbody'),
    'CR for LF' => prints('X-One: a\rX-Two: b\r\rbody\r'),
    'byte by byte' => q{for c in X Y : ' ' b '\r' '\n' '\r' '\n' body
        do printf "$c"; sleep 0.02; done},
    'no line at all' => prints('\nhello\n'),
    'nothing but a header' => prints('Content-Type: text/plain\n\n'),
    'a body of any bytes' => prints('X-A: b\n\n\000\001\377\r\n\000'),

    # what is not a header
    'no output' => 'true',
    'half a line' => prints('Content-Type: text/plain'),
    'half a header' => prints('Content-Type: text/plain\n'),
    'no header' => 'echo hello',
    'a page' => prints('<html>\n<body>a: b</body>\n'),
    'a page with a colon' => prints('<html>a: b\n\nbody'),
    'a line without a colon' => prints('X-A: b\nno colon\n\nbody'),
    'a status line' => prints('HTTP/1.1 200 OK\nX-A: b\n\nbody'),
    'a byte order mark' => prints('\357\273\277X-A: b\n\nbody'),
    'no newline' => q{head -c 1048576 /dev/zero | tr '\000' x},
    'zeros' => 'head -c 1048576 /dev/zero',
    'random bytes' => noise(1 << 20),
    'a folded line' => prints('X-A: b\n folded\n\nbody'),
    'a folded line with a colon' => prints('X-A: b\n c: d\n\nbody'),
    'a space at first' => prints(' X-A: b\n\nbody'),

    # names
    'no name' => prints(': b\n\nbody'),
    'a space in a name' => prints('X A: b\n\nbody'),
    'a space before a colon' => prints('X-A : b\n\nbody'),
    'a space before a colon of ours' => prints('Status : 404\n\nbody'),
    'brackets in a name' => prints('X(A): b\n\nbody'),
    '8 bits in a name' => prints('X-\303\244: b\n\nbody'),
    'odd characters in a name' => prints('X!#%%^_~|.1: b\n\nbody'),

    # values
    'a control byte' => prints('X-A: \001\n\nbody'),
    'a delete byte' => prints('X-A: \177\n\nbody'),
    'a control byte in a type' => prints('Content-Type: a/\001\n\nbody'),
    '8 bits' => prints('X-A: \303\244\377\n\nbody'),
    'a tab' => prints('X-A:\tb\tc\n\nbody'),
    'spaces behind' => prints('X-A: b  \n\nbody'),
    'no space' => prints('X-A:b\n\nbody'),
    'no value' => prints('X-A:\n\nbody'),

    # more than one
    'two of a name' => prints('X-A: 1\nX-B: 2\nX-A: 3\nx-a: 4\n\nbody'),
    'two cookies' => prints('Set-Cookie: a=1\nSet-Cookie: b=2, c\n\nbody'),
    'two types' => prints('Content-Type: a/b\nContent-Type: c/d\n\nbody'),
    'two statuses' => prints('Status: 404\nStatus: 403 Not you\n\nbody'),
    'two locations' => prints('Location: http://a/\nLocation: http://b/\n\n'),
    'two of Vary' => prints('Vary: a\nVary: b\n\nbody'),
    'two of Allow' => prints('Allow: GET\nAllow: POST\n\nbody'),
    'two challenges' => prints('Status: 401\nWWW-Authenticate: A r="x"\n'
        . 'WWW-Authenticate: B r="y"\n\nbody'),

    # sizes
    '200 lines' => lines(200, 'X-A: b'),
    'the longest line' => prints('X-Long: %%08181d\n\n', 1),
    'a line that is too long' => prints('X-Long: %%08182d\n\n', 1),
    'a name that is too long' => prints('X-%%09000d: 1\n\n', 1),

    # Content-Type
    'no type' => prints('X-A: b\n\nbody'),
    'an empty type' => prints('Content-Type:\n\nbody'),
    'a charset' => prints('Content-Type: text/html; charset=x-odd\n\nbody'),
    'an upper case type' => prints('Content-Type: TEXT/HTML; Q=A\n\nbody'),
    'no type that is one' => prints('Content-Type: nonsense\n\nbody'),

    # Status
    (map { ("status $_" => prints("Status: $_\\n\\nbody")) } 200, 201, 204,
        205, 206, 299, 300, 304, 401, 404, '404 Not here', '404 \303\244',
        '200 <b>', 412, 416, 418, 500, 511, 599),

    # Location
    'no location' => prints('Location:\n\nbody'),
    'no location with a status' => prints('Status: 302\nLocation:\n\nbody'),
    'a location without a body' => prints('Location: http://a/\n\n'),
    'a location of our own' => prints('Location: http://127.0.0.1/x\n\nbody'),
    'a location with a query' => prints('Location: http://a/?b=c&d#e\n\nbody'),
    'a relative location' => prints('Location: x/y\n\nbody'),
    'a location with other lines' => prints('Location: http://a/\n'
        . 'Content-Type: text/plain\nX-A: b\nSet-Cookie: c=d\n\nbody'),
    'status 200 and a location' => prints(
        'Status: 200\nLocation: http://a/\n\nbody'),
    (map { ("status $_ and a location" => prints(
        "Status: $_\\nLocation: http://a/\\n\\nbody"),
        "status $_ and a path" => prints(
        "Status: $_\\nLocation: /a\\n\\nbody")) } 201, 301, 302, 307, 404),
    'a path' => prints('Location: /none\n\nbody'),
    'a path with other lines' => prints('Location: /none\nX-A: b\n'
        . 'Set-Cookie: c=d\n\nbody'),
    'a path with a host' => prints('Location: //a/b\n\n'),
    'a path upwards' => prints('Location: /../../etc/passwd\n\n'),
    'a path that is none' => prints('Location: /%%zz\n\n'),
    'a path in a circle' => 'echo "Location: $SCRIPT_NAME"; echo',

    # Content-Length: httpd counts
    (map { ("length '$_'" => prints("Content-Length: $_\\n\\nhello")) }
        5, 3, 0, 300, -3, 'x', '', '3, 4', '99999999999999999999'),
    'two lengths' => prints('Content-Length: 3\nContent-Length: 9\n\nhello'),

    # others that httpd knows
    'a date' => prints('Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\n\nbody'),
    'no date' => prints('Last-Modified: yesterday\nDate: never\n\nbody'),
    'a server' => prints('Server: mine\n\nbody'),
    'ranges' => prints('Accept-Ranges: bytes\nContent-Range: x\n\nbody'),
    'an encoding' => prints('Content-Encoding: gzip\n\nbody'),
    'a tag' => prints('ETag: "x"\n\nbody'),
    'TE' => prints('TE: trailers\n\nbody'),
    'Connection' => prints('Connection: close\n\nbody'),
    'Connection of others' => prints('Connection: X-A\nX-A: b\n\nbody'),
    'Keep-Alive' => prints('Keep-Alive: timeout=1000\n\nbody'),
    'Upgrade' => prints('Upgrade: h2c\nConnection: Upgrade\n\nbody'),
    'Proxy' => prints('Proxy-Authenticate: x\nProxy-Connection: y\n\nbody'),
);

# It is not: ours, mod_cgid's, and the reason.
my $FORGED = '\n\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n';
my @OTHERS = (
    ['a CR in a line', 500, 200, 'drops CRs, which hides a split header',
        prints("X-A: b\\rHTTP/1.1 200 OK\\r\\r\\n$FORGED")],
    ['NUL', 500, 200, 'drops what follows',
        prints('X-A: b\000c\n\nbody')],
    ['NUL at first', 500, 200, 'takes it for the empty line',
        prints('\000X-A: b\n\nbody')],
    ['NUL between lines', 500, 200, 'takes it for the empty line',
        prints('X-A: b\n\000X-C: d\n\nbody')],
    ['a control byte in a status', 500, 200, 'drops the words',
        prints('Status: 200 \001\n\nbody')],
    ['a control byte in a location', 500, 500, 'says so on two pages in one',
        prints('Location: b:\001\n\nbody')],
    ['a control byte in a path', 500, 404, 'redirects all the same',
        prints('Location: /none\001\n\nbody')],
    (map { ["status '$_'", 500, 500, 'sends the body with it',
        prints("Status: $_\\n\\nbody")] } 'many', '', '-200', '2000', '20',
        '0'),
    ['status 099', 500, '099', 'sends it', prints('Status: 099\n\nbody')],
    ['status 600', 500, 600, 'sends it', prints('Status: 600\n\nbody')],
    ['status 404Words', 500, 404, 'takes any number',
        prints('Status: 404Words\n\nbody')],
    (map { ["status $_", 502, $_, 'ends no answer', prints("Status: $_\\n"
        . $FORGED)] } 100, 101, 103, 199),
    (map { ["encoding $_", 502, 200, 'passes it on or drops it',
        prints("Transfer-Encoding: $_$FORGED")] } 'chunked', 'identity', ''),
    ['a Trailer', 502, 200, 'announces what never comes',
        prints('Trailer: X-A\n\nbody')],
    ['201 lines', 500, 200, 'knows no maximum', lines(201, 'X-A: b')],
    ['80 KiB', 500, 200, 'knows no maximum', lines(160, 'X-A: ' . 'b' x 500)],
);

# Enough to be seen in httpd's memory where it is kept.
my $FLOOD_LINES = 2_000_000;
my $TWIN_LINES = 20_000;

# --- looking ------------------------------------------------------------------

sub file_of {
    my ($name) = @_;
    $name =~ s/\W/_/g;
    return "header-$name";
}

# The lines of the error log, of level error or above.
sub errors_since {
    my ($mark) = @_;
    return scalar grep { /\[[a-z0-9_]+:(?:error|crit|alert|emerg)\]/ }
        split /\n/, log_since($mark);
}

# What comes of a request and of another one behind it, as a client sees it
# that keeps to the framing: statuses, and whether the second one is right.
sub answers_to {
    my ($file) = @_;
    my $connection = IvleJail::Connection->new($port);
    $connection->send(request_text(GET => "/cgi/jail/$file", user => 'alice',
        keep => 1));
    my $answer = $connection->answer;
    $connection->send(request_text(GET => '/none'));
    my $next = $connection->answer->{code};
    return join ' ', @{ $answer->{interim} }, $answer->{code},
        $answer->{whole} && ($next == 404 || $next == 0) ? 'good' : $next;
}

# The status files of httpd's children, in /proc: pid => text.
sub children {
    open(my $in, '<', $pid_file) or die "$pid_file: $!";
    chomp(my $parent = <$in>);
    my %children;
    for my $status (glob '/proc/[0-9]*/status') {
        open(my $lines, '<', $status) or next;
        my $text = do { local $/; <$lines> } // '';
        $children{ (split '/', $status)[2] } = $text
            if $text =~ /^PPid:\s+$parent$/m;
    }
    return \%children;
}

# How much more memory than before any of httpd's children has had while one
# request was answered: KiB, and the answer.
sub growth_by {
    my ($path) = @_;
    my ($growth, %before) = 0;
    for my $pid (keys %{ children() }) {
        open(my $out, '>', "/proc/$pid/clear_refs") or next;
        syswrite $out, '5';         # the peak is what it has now
    }
    my $children = children();
    ($before{$_}) = $children->{$_} =~ /^VmHWM:\s+(\d+)/m
        for keys %$children;
    my $answer = ask($port, GET => $path, user => 'alice');
    $children = children();
    for my $pid (grep { $before{$_} } keys %$children) {
        my ($after) = $children->{$pid} =~ /^VmHWM:\s+(\d+)/m or next;
        $growth = $after - $before{$pid} if $after - $before{$pid} > $growth;
    }
    return ($growth, $answer);
}

# --- the tests ----------------------------------------------------------------

plan tests => 3 * keys(%SAME) + 4 * @OTHERS + 6;

for my $name (sort keys %SAME) {
    my $file = file_of($name);
    put_twin($file => $SAME{$name});
    my $expected = twin_answer(host => $file);
    my $mark = log_mark($error_log);
    is_deeply(twin_answer(jail => $file), $expected, $name);
    my $is_error = $expected->{code} =~ /\A(?:400|500)\z/
        && $name !~ /\Astatus/;
    is(errors_since($mark), $is_error ? 1 : 0, '... errors in the log');
    is(answers_to($file), "$expected->{code} good", '... one answer');
}

for (@OTHERS) {
    my ($name, $ours, $theirs, $reason, $program) = @$_;
    my $file = file_of($name);
    put_twin($file => $program);
    is(twin_answer(host => $file)->{code}, $theirs,
        "$name: mod_cgid $reason");
    my $mark = log_mark($error_log);
    is(twin_answer(jail => $file)->{code}, $ours, "... we say $ours");
    is(errors_since($mark), 1, '... one line in the log');
    is(answers_to($file), "$ours good", '... one answer');
}

# A header that never ends: mod_cgid keeps all of it.
put_twin(flood => "seq $FLOOD_LINES | sed 's/.*/X-&: b/'; echo; echo many");
my $mark = log_mark($error_log);
my ($growth, $answer) = growth_by('/cgi/jail/flood');
is($answer->{code}, 500, "$FLOOD_LINES lines of a header: refused");
is(errors_since($mark), 1, '... one line in the log');
like(log_since($mark), qr/IJ0065: .* its header has too many lines;/,
    '... that says why');
cmp_ok($growth, '<', 4 * $KIB, '... and httpd has not grown by 4 MiB');
note "by $growth KiB";

put_twin(flood => "seq $TWIN_LINES | sed 's/.*/X-&: b/'; echo; echo many");
($growth, $answer) = growth_by('/cgi/host/flood');
is($answer->{code}, 200, "$TWIN_LINES lines under mod_cgid");
note "httpd has grown by $growth KiB";

# An administrator may have told httpd to believe programs.
put_twin(trusted => prints('Content-Length: 3\n\nhello'));
is(answers_to('trusted/believe') . ' '
    . ask($port, GET => '/cgi/jail/trusted/believe', user => 'alice')->{body},
    '200 good hello', 'a length is not believed, whatever httpd is told');
