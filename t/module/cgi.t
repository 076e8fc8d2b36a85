# SPDX-License-Identifier: Apache-2.0
# A program in a jail is CGI as mod_cgid does it: the same programs get the
# same requests from both, and the answers are compared.  Then what mod_cgid
# does not have: interpreters, whose errors they are, many at once.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use Digest::SHA qw(sha1_hex);

use IvleJail::Connection qw(ask request_text);
use IvleJail::Test;
use IvleJail::Twin qw(put_twin request_name twin_answer);

my $port = Apache::Test::vars('port');
my $error_log = Apache::Test::vars('t_logs') . '/error_log';

my $MIB = 1 << 20;

# --- programs ---------------------------------------------------------------

my $TEXT = 'echo Content-Type: text/plain; echo';
my $VARIABLES = 'AUTH_TYPE CONFIGURED CONTENT_LENGTH CONTENT_TYPE '
    . 'GATEWAY_INTERFACE HTTPS HTTP_ACCEPT HTTP_COOKIE HTTP_HOST '
    . 'HTTP_PROXY HTTP_TRANSFER_ENCODING HTTP_X_ODD_NAME PATH_INFO '
    . 'QUERY_STRING REDIRECT_STATUS REDIRECT_URL '
    . 'REMOTE_ADDR REMOTE_USER REQUEST_METHOD REQUEST_SCHEME REQUEST_URI '
    . 'SCRIPT_NAME SERVER_NAME SERVER_PORT SERVER_PROTOCOL '
    . 'UNIQUE_ID';

my %PROGRAMS = (
    plain => "$TEXT; echo hello",
    env => qq{cat >/dev/null; $TEXT; for name in $VARIABLES; do
        eval "value=\\\${\$name-(not set)}"; echo "\$name=\$value"; done
        echo "REDIRECT_QUERY_STRING=\$REDIRECT_QUERY_STRING"},
    arguments => qq{$TEXT; echo "arguments: \$#"},
    cat => "$TEXT; cat",
    size => "$TEXT; wc -c",
    lazy => "$TEXT; echo not read",
    big => "$TEXT; dd if=/dev/zero bs=65536 count=160 2>/dev/null",
    status => 'echo Status: 418 Teapot; echo; echo short and stout',
    no_content => 'echo Status: 204; echo; echo all the same',
    not_modified => 'echo Status: 304; echo ETag: \"x\"; echo; echo the same',
    local => qq{echo "Location: \${SCRIPT_NAME%/*}/env?from=there"; echo
        echo unheard},
    local_lost => qq{echo "Location: \${SCRIPT_NAME%/*}/none"; echo},
    local_big => qq{echo "Location: \${SCRIPT_NAME%/*}/plain"; echo
        dd if=/dev/zero bs=65536 count=16 2>/dev/null},
    client => 'echo Location: http://example.com/; echo; echo moved',
    headers => 'echo X-One: 1; echo Set-Cookie: a=1; echo Set-Cookie: b=2
        echo Content-Language: de; echo Content-Type: text/x-odd; echo
        echo several',
    no_body => $TEXT,
    no_header => 'echo hello',
    binary => "$TEXT; printf '\\000\\001\\377\\r\\n\\000'",
    fails => "$TEXT; echo before; exit 3",
    closes => "$TEXT; echo all; exec >&- 2>&-; sleep 0.3",
    pieces => "$TEXT; echo one; sleep 0.05; echo two",
    etag => "echo ETag: '\"x\"'; $TEXT; echo 0123456789",
    pwd => "$TEXT; basename \"\$PWD\"",
);

# --- requests ---------------------------------------------------------------

# Program and what follows it, method, what the request has.
my @REQUESTS = (
    map({ [$_] } sort keys %PROGRAMS),
    map({ [$_, 'HEAD'] } qw(plain big status local client no_header closes)),
    map({ ["env$_"] } '?', '?a=b&c=%20d', '?a+b', '?%3C%3E', '/', '/a/b',
        '/a%20b', '//a', '/a?b=/c', '/%E4?%E4'),
    map({ ['env', $_] } qw(POST PUT DELETE PATCH PROPFIND SOMETHING)),
    ['env', 'GET', headers => { map { ("X-Large-$_" => 'x' x 8000) } 1 .. 80 }],
    ['env', 'GET', headers => { Cookie => 'a=1', Proxy => 'evil:1',
        Accept => ['text/html', '*/*'], 'X-Odd-Name' => 'yes' }],
    ['env', 'POST', body => 'x=1', headers => {
        'Content-Type' => 'application/x-www-form-urlencoded' }],
    ['env', 'POST', chunks => ['some', 'thing']],
    ['cat', 'POST', body => ''],
    ['cat', 'POST', body => "some\0thing\r\n"],
    ['cat', 'PUT', body => 'put'],
    ['cat', 'GET', body => 'a body all the same'],
    ['cat', 'POST', chunks => []],
    ['cat', 'POST', chunks => ['a', 'b' x 30_000, 'c']],
    ['cat', 'POST', body => 'slow', headers => { Expect => '100-continue' }],
    ['size', 'POST', body => 'x' x (10 * $MIB)],
    ['local', 'POST', body => 'x=1'],
    ['client', 'POST', body => 'x=1'],
    ['etag', 'GET', headers => { 'If-None-Match' => '"x"' }],
    ['etag', 'GET', headers => { 'If-Match' => '"y"' }],
    ['none'],
    ['env/../plain'],
);

# --- what mod_cgid does not have ----------------------------------------------

# What a body comes to: where mod_cgid hangs until its Timeout, because the
# program writes while it reads, or breaks off, because it does not read.
sub is_answered {
    my ($expected, $path, %arg) = @_;
    my $answer = ask($port, POST => "/cgi/jail/$path", user => 'alice', %arg);
    is("$answer->{code} $answer->{whole} " . sha1_hex($answer->{body}),
        '200 1 ' . sha1_hex($expected), request_name($path, 'POST', %arg)
        . ' (not compared)');
}

# Two requests on one connection; the first leaves nothing in its way.
sub second_of {
    my @first = @_;
    my $connection = IvleJail::Connection->new($port);
    my ($method, $path, %arg) = @first;
    $connection->send(request_text($method, "/cgi/jail/$path",
        user => 'alice', keep => 1, %arg));
    my $answer = $connection->answer($method);
    $connection->send(request_text(GET => '/cgi/jail/plain',
        user => 'alice'));
    return "$answer->{code} " . $connection->answer->{body};
}

my %KEPT = (
    'GET' => [200, 'GET', 'plain'],
    'HEAD' => [200, 'HEAD', 'plain'],
    'a body that was read' => [200, 'POST', 'cat', body => 'x' x 100_000],
    'a body that was not read' => [200, 'POST', 'lazy', body => 'x' x 9999],
    'chunks that were not read' => [200, 'POST', 'lazy',
        chunks => ['x' x 9999, 'y']],
    'a status of its own' => [418, 'POST', 'status', body => 'x=1'],
    'an answer without a body' => [304, 'POST', 'not_modified', body => 'x'],
    'a refusal' => [404, 'GET', 'none'],
    'a refusal of a body' => [404, 'POST', 'none', body => 'x' x 9999],
    'a redirect' => [302, 'POST', 'client', body => 'x=1'],
    'a local redirect' => [200, 'GET', 'local'],
    'a local redirect of a body' => [200, 'POST', 'local', body => 'x=1'],
    'a local redirect of chunks' => [200, 'POST', 'local', chunks => ['x=1']],
);

# Starts all of them before it waits for the first answer.
sub many_at_once {
    my ($count) = @_;
    my $mark = log_mark($error_log);
    my @connections = map { IvleJail::Connection->new($port) } 1 .. $count;
    $_->send(request_text(GET => '/cgi/jail/pieces', user => 'alice'))
        for @connections;
    my %answers;
    $answers{ "$_->{code} $_->{body}" }++ for map { $_->answer } @connections;
    diag $_ for keys %answers > 1 ? logged($mark, ':error]') : ();
    return \%answers;
}

# File, text, mode; and what the answer is.
my @INTERPRETED = (
    ['x.words', "no header\n", 0644, 500,
        'an interpreter has its arguments, then the file'],
    ['x.sh', "$TEXT\necho by extension\n", 0644, "by extension\n",
        'a file that is not executable runs by its extension'],
    ['y.sh', "#!/bin/false\n$TEXT\necho not by the line\n", 0755,
        "not by the line\n", 'the extension goes before "#!"'],
    ['z.SH', "#!/bin/sh\n$TEXT\necho by the line\n", 0755, "by the line\n",
        'an extension has its case'],
    ['sh', "#!/bin/sh\n$TEXT\necho sh\n", 0755, "sh\n",
        'a name is not an extension'],
    ['x.lost', "$TEXT\n", 0644, 500, 'no such interpreter'],
    ['shown/x.sh', "Content-Type: text/plain\n\nshown\n", 0644, "shown\n",
        "an inner section's interpreter goes before the outer one's"],
    ['shown/x.words', "\n", 0644, 500, 'an outer one is still there'],
);

sub is_interpreted {
    my ($file, $text, $mode, $expected, $name) = @_;
    put_file(alice => "cgi/$file", $text, $mode);
    my $answer = ask($port, GET => "/cgi/jail/$file", user => 'alice');
    is($answer->{code} == 200 ? $answer->{body} : $answer->{code}, $expected,
        $name);
}

# The lines of the error log with this text, since then.
sub logged {
    my ($mark, $text) = @_;
    my @lines;
    wait_until(60, sub {
        @lines = grep { /\Q$text/ } split /\n/, log_since($mark) });
    return @lines;
}

# --- the tests ----------------------------------------------------------------

plan tests => @REQUESTS + keys(%KEPT)
    + @INTERPRETED + 16;

put_twin($_ => $PROGRAMS{$_}) for sort keys %PROGRAMS;

for my $request (@REQUESTS) {
    is_deeply(twin_answer(jail => @$request), twin_answer(host => @$request),
        request_name(@$request));
}

my $numbers = pack('N*', 1 .. 10 * $MIB / 4);
is_answered($numbers, 'cat', body => $numbers);
is_answered($numbers, 'cat', chunks => [unpack '(a100000)*', $numbers]);
is_answered("not read\n", 'lazy', body => $_) for 'x', $numbers;
is_answered("all\n", 'closes', body => $numbers);

for my $name (sort keys %KEPT) {
    my ($code, @first) = @{ $KEPT{$name} };
    is(second_of(@first), "$code hello\n", "keep-alive after $name");
}

# Also when the program has ended before httpd looks, as it often has.
my %whole;
$whole{"$_->{code} $_->{body}"}++ for map { ask($port, GET => '/cgi/jail/plain',
    user => 'alice', headers => { Range => 'bytes=0-1' }) } 1 .. 50;
is_deeply(\%whole, { "200 hello\n" => 50 }, 'a part of an answer: all of it');

# As many as a child of httpd has threads for one user.
is_deeply(many_at_once(24), { "200 one\ntwo\n" => 24 }, '24 at once');

is_interpreted(@$_) for @INTERPRETED;

put_program(alice => 'cgi/deep/er/pwd', "#!/bin/sh\n$PROGRAMS{pwd}\n");
is(ask($port, GET => '/cgi/jail/deep/er/pwd/x', user => 'alice')->{body},
    "er\n", 'a program starts in its own directory');

my $mark = log_mark($error_log);
put_program(alice => 'cgi/complains', <<'SH');
#!/bin/sh
printf 'first\n\033[31msecond\r\nthird \001\000\303\244' >&2
echo Content-Type: text/plain
echo
echo done
SH
is(ask($port, GET => '/cgi/jail/complains', user => 'alice')->{body},
    "done\n", 'what a program complains of is not in its answer');
my @lines = logged($mark, "stderr of 'alice': third");
is(scalar @lines, 1, '... but in the error log');
like($lines[0], qr/third \\x01 \\xc3\\xa4$/, '... with no byte that does harm');
like(log_since($mark), qr/stderr of 'alice': \\x1b\[31msecond$/m,
    '... a line of it in a line');
my ($id) = $lines[0] =~ /\[pid \d+\] \[([^]]+)\]/;
like(log_since($mark), qr/\[\Q$id\E\].*: stderr of 'alice': first$/m,
    "... all with the request's id");

$mark = log_mark($error_log);
put_program(alice => 'cgi/talks', <<'SH');
#!/bin/sh
yes 'too much' | head -n 100000 >&2
echo Content-Type: text/plain
echo
echo done
SH
is(ask($port, GET => '/cgi/jail/talks', user => 'alice')->{body}, "done\n",
    'a program may complain as much as it likes');
@lines = logged($mark, 'more lines, ignoring');
is(scalar @lines, 1, '... the error log says that there was more');
cmp_ok(length log_since($mark), '<', 200_000, '... and leaves it out');
