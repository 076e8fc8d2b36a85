# SPDX-License-Identifier: Apache-2.0
# What a client may send and must not: whatever is wrong with a request is
# answered as for mod_cgid's programs, with a status that says whose fault it
# is, and no program of a jail runs where nothing valid was asked.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use MIME::Base64 qw(encode_base64);

use IvleJail::Connection;
use IvleJail::Test;
use IvleJail::Twin qw(put_twin);

my $port = Apache::Test::vars('port');
my $home = "$USERS/alice/home/alice";
my $auth = 'Authorization: Basic '
    . encode_base64('alice:' . password_of('alice'), '');

# It reads all of a body, and leaves a mark where it runs.
put_twin(ran => 'cat >/dev/null; test ! -d /home/alice || echo >>/home/alice/ran
    echo Content-Type: text/plain; echo; echo ran');

# --- requests -----------------------------------------------------------------

# A request of these lines, and the empty one; "PATH" is the program's.
sub lines { return join "\r\n", @_, '', '' }

sub request {
    my ($line, @headers) = @_;
    return lines($line, 'Host: 127.0.0.1', $auth, 'Connection: close',
        @headers);
}

sub get { return request('GET PATH HTTP/1.1', @_) }

sub post {
    my ($header, $body) = @_;
    return request('POST PATH HTTP/1.1', $header) . $body;
}

sub chunked { return post('Transfer-Encoding: chunked', $_[0]) }

# httpd takes these, whatever one may think of some.
my %GOOD = (
    'a plain request' => get(),
    'HTTP/1.0 without Host' => lines('GET PATH HTTP/1.0', $auth),
    'a version of the future' => request('GET PATH HTTP/9.9'),
    'an absolute URL' => request('GET http://127.0.0.1PATH HTTP/1.1'),
    'an absolute URL of elsewhere' => request('GET http://a.b:1PATH HTTP/1.1'),
    'a method in lower case' => request('get PATH HTTP/1.1'),
    'a method of its own' => request('X-Y_Z PATH HTTP/1.1'),
    'a query of anything' => request('GET PATH?%zz&%00&"<>\\^`{|} HTTP/1.1'),
    '8 bits in a query' => request("GET PATH?\xc3\xa4\xff HTTP/1.1"),
    'empty lines before it' => "\r\n\r\n" . get(),
    'a folded header' => get("X-A: b\r\n c"),
    '8 bits in a header' => get("X-A: \xc3\xa4\xff"),
    'an empty header' => get('X-A:'),
    '90 headers' => get(map { "X-$_: y" } 1 .. 90),
    'two of a header' => get('X-A: b', 'X-A: c'),
    'a date that is none' => get('If-Modified-Since: yesterday'),
    'a range that is none' => get('Range: bytes=9-1,x'),
    'a cookie that is none' => get('Cookie: ;;=;"'),
    'an upgrade to anything' => get('Upgrade: x', 'Connection: upgrade'),
    'a body' => post('Content-Length: 3', 'a=b'),
    'a body of GET' => request('GET PATH HTTP/1.1', 'Content-Length: 1') . 'a',
    'chunks' => chunked("3\r\na=b\r\n0\r\n\r\n"),
    'an extension of a chunk' => chunked("3;x=\"y\"\r\na=b\r\n0\r\n\r\n"),
    'a trailer' => chunked("3\r\na=b\r\n0\r\nX-A: b\r\n\r\n"),
    'chunks of chunks' => post('Transfer-Encoding: chunked, chunked',
        "3\r\na=b\r\n0\r\n\r\n"),
);

# Something is, and no program need run.
my %BAD = (
    # the line
    'no URL' => request('GET'),
    'no method' => request(' PATH HTTP/1.1'),
    'three words and one' => request('GET PATH HTTP/1.1 x'),
    'a space in the URL' => request('GET PATH /x HTTP/1.1'),
    'two spaces' => request('GET  PATH HTTP/1.1'),
    'a tab' => request("GET\tPATH\tHTTP/1.1"),
    'a method that is none' => request('G@T PATH HTTP/1.1'),
    'a control byte in a method' => request("G\x01T PATH HTTP/1.1"),
    'NUL in a method' => request("G\0T PATH HTTP/1.1"),
    'no version' => request('GET PATH HTTP/'),
    'half a version' => request('GET PATH HTTP/1'),
    'another protocol' => request('GET PATH HTCPCP/1.0'),
    'the line of HTTP/2' => request('PRI * HTTP/2.0') . "SM\r\n\r\n",
    'TLS' => "\x16\x03\x01\0\xa5\x01\0\0\xa1\x03\x03" . 'x' x 90 . "\r\n\r\n",
    'noise' => join('', map { chr(($_ * 167 + 13) % 256) } 1 .. 300)
        . "\r\n\r\n",
    'a CONNECT' => request('CONNECT 127.0.0.1:22 HTTP/1.1'),

    # the URL
    'a relative URL' => request('GET cgi HTTP/1.1'),
    'an asterisk' => request('GET * HTTP/1.1'),
    'half an escape' => request('GET PATH% HTTP/1.1'),
    'an escape that is none' => request('GET PATH/%zz HTTP/1.1'),
    'an escaped NUL' => request('GET PATH%00 HTTP/1.1'),
    'an escaped NUL behind' => request('GET PATH/%00 HTTP/1.1'),
    'an escaped slash' => request('GET PATH%2fx HTTP/1.1'),
    'a control byte in the URL' => request("GET PATH\x01 HTTP/1.1"),
    'NUL in the URL' => request("GET PATH\0 HTTP/1.1"),
    'a path upwards' => request('GET /../../etc/passwd HTTP/1.1'),
    'a path upwards, escaped' => request('GET /%2e%2e/%2e%2e/a HTTP/1.1'),
    'a URL that is too long' => request('GET PATH?' . 'x' x 8200
        . ' HTTP/1.1'),

    # headers
    'LF alone' => join("\n", 'GET PATH HTTP/1.1', 'Host: a', $auth,
        'Connection: close', '', ''),
    'no Host' => lines('GET PATH HTTP/1.1', $auth,
        'Connection: close'),
    'two of Host' => get('Host: b'),
    'a Host that is none' => lines('GET PATH HTTP/1.1', 'Host: a/b', $auth,
        'Connection: close'),
    'a header without a colon' => get('X-A'),
    'a header without a name' => get(': x'),
    'a space in a name' => get('X A: b'),
    'a space before a colon' => get('X-A : b'),
    'a control byte in a header' => get("X-A: \x01"),
    'NUL in a header' => get("X-A: a\0b"),
    'a CR in a header' => get("X-A: a\rb"),
    'a header that is too long' => get('X-A: ' . 'x' x 8200),
    '150 headers' => get(map { "X-$_: y" } 1 .. 150),
    'a fold at first' => lines('GET PATH HTTP/1.1', ' X-A: b', $auth,
        'Connection: close'),
    'an Expect of anything' => get('Expect: miracles'),
    'a password that is none' => lines('GET PATH HTTP/1.1', 'Host: a',
        'Authorization: Basic ????', 'Connection: close'),
    'another scheme' => lines('GET PATH HTTP/1.1', 'Host: a',
        'Authorization: Magic x', 'Connection: close'),

    # the length of a body
    (map { ("length '$_'" => post("Content-Length: $_", 'a=b')) } -1, 'x', '',
        '1, 2', '0x3', '3 3', '+3', '99999999999999999999'),
    'one length twice' => post("Content-Length: 3\r\nContent-Length: 3",
        'a=b'),
    'two lengths' => post("Content-Length: 3\r\nContent-Length: 2", 'a=b'),
    (map { ("encoding '$_'" => post("Transfer-Encoding: $_",
        "3\r\na=b\r\n0\r\n\r\n")) } 'gzip', 'chunked, gzip',
        'x', ''),
);

# The program may have been started before httpd could tell.
my %LATE = (
    'a chunk size that is none' => chunked("zz\r\na=b\r\n0\r\n\r\n"),
    'a negative chunk size' => chunked("-3\r\na=b\r\n0\r\n\r\n"),
    'no chunk size' => chunked("\r\na=b\r\n0\r\n\r\n"),
    'too large a chunk' => chunked("fffffffffffffffff\r\na=b\r\n0\r\n\r\n"),
    'a chunk without its end' => chunked("3\r\na=bX0\r\n\r\n"),
    'a second chunk that is none' => chunked("3\r\na=b\r\nzz\r\n"),
    'a trailer that is none' => chunked("3\r\na=b\r\n0\r\nX A\r\n\r\n"),
    'half a body' => post('Content-Length: 100', 'a=b'),
    'no body' => post('Content-Length: 100', ''),
    'half a chunk' => chunked("64\r\na=b"),
    'no last chunk' => chunked("3\r\na=b\r\n"),
    'half a last chunk' => chunked("3\r\na=b\r\n0\r\n"),
);

# --- asking -------------------------------------------------------------------

sub runs {
    my $count = (-s "$home/ran") // 0;
    unlink "$home/ran";
    return $count;
}

# Status, and what came of a second answer that nobody asked for.
sub answer_to {
    my ($place, $request, $is_all) = @_;
    my $connection = IvleJail::Connection->new($port);
    $request =~ s{PATH}{/cgi/$place/ran}g;
    $connection->send($request);
    $connection->end if $is_all;
    my $answer = $connection->answer;
    return $answer->{code} . ($connection->rest ne '' ? ' and more' : '');
}

# HTTP/0.9 has neither status nor password.
sub said_to {
    my ($place, $request) = @_;
    my $connection = IvleJail::Connection->new($port);
    my $said = $connection->send($request)->end->rest;
    $said =~ s/$place/PLACE/g;
    return $said;
}

# --- the tests ----------------------------------------------------------------

plan tests => 2 * keys(%GOOD) + 3 * keys(%BAD) + 2 * keys(%LATE) + 2;

runs();
for my $name (sort keys %GOOD) {
    my $expected = answer_to(host => $GOOD{$name});
    is(answer_to(jail => $GOOD{$name}), $expected, "$name: $expected");
    is(runs(), 1, '... the program runs');
}
for my $name (sort keys %BAD) {
    my $expected = answer_to(host => $BAD{$name});
    is(answer_to(jail => $BAD{$name}), $expected, "$name: $expected");
    like($expected, qr/\A4\d\d\z/, '... which is a status for clients');
    is(runs(), 0, '... no program runs');
}

is(said_to(jail => "GET /cgi/jail/ran\r\n"),
    said_to(host => "GET /cgi/host/ran\r\n"), 'HTTP/0.9');
is(runs(), 0, '... no program runs');

for my $name (sort keys %LATE) {
    my $expected = answer_to(host => $LATE{$name}, 1);
    is(answer_to(jail => $LATE{$name}, 1), $expected, "$name: $expected");
    like($expected, qr/\A4\d\d\z/, '... which is a status for clients');
}
