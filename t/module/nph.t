# SPDX-License-Identifier: Apache-2.0
# Programs whose names begin with "nph-" print a whole answer of HTTP.  What a
# client sees of it is what it sees of mod_cgid, which passes every byte on;
# but where the answer ends is httpd's to say here.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);

use IvleJail::Connection qw(ask request_text);
use IvleJail::Test;
use IvleJail::Twin qw(put_twin twin_answer);

my $port = Apache::Test::vars('port');
my $error_log = Apache::Test::vars('t_logs') . '/error_log';

sub prints {
    my ($text) = @_;
    return "printf '$text'";
}

# The answer of each is that of mod_cgid.
my %SAME = (
    'CR LF' => prints('HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nbody\r\n'),
    'LF' => prints('HTTP/1.0 200 OK\nX-A: b\n\nbody\n'),
    'no words' => prints('HTTP/1.1 418 \r\n\r\nbody'),
    'words of its own' => prints('HTTP/1.1 404 Not \303\244\r\n\r\nbody'),
    'no field' => prints('HTTP/1.1 200 OK\r\n\r\nbody'),
    'two of a name' => prints('HTTP/1.1 200 OK\r\nX-A: b\r\nX-C: d\r\n'
        . 'X-A: e\r\nSet-Cookie: f=g\r\nSet-Cookie: h=i\r\n\r\nbody'),
    'a type' => prints('HTTP/1.1 200 OK\r\n'
        . 'Content-Type: text/html; charset=x-odd\r\n\r\nbody'),
    'a length' => prints('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody'),
    'a body of any bytes' => prints('HTTP/1.1 200 OK\r\n\r\n\000\377\r\n\r\n'),
    'a long body' => 'printf "HTTP/1.1 200 OK\r\n\r\n"
        dd if=/dev/zero bs=65536 count=80 2>/dev/null',
    'a location' => prints('HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\nbody'),
    'a location with 200' => prints(
        'HTTP/1.1 200 OK\r\nLocation: /x\r\n\r\nbody'),
    'a Status' => prints('HTTP/1.1 200 OK\r\nStatus: 404\r\n\r\nbody'),
    'a tag' => prints('HTTP/1.1 200 OK\r\nETag: "x"\r\n\r\nbody'),
    'Last-Modified' => prints(
        'HTTP/1.1 200 OK\r\nLast-Modified: yesterday\r\n\r\nbody'),
    '204' => prints('HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n'),
    '304' => prints('HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'),
    '401' => prints('HTTP/1.1 401 Who\r\nWWW-Authenticate: A b\r\n\r\nbody'),
    '500' => prints('HTTP/1.1 500 Mine\r\n\r\nbody'),
    'what it read' => 'printf "HTTP/1.1 200 OK\r\n\r\n"; cat',
    'where it is' => 'printf "HTTP/1.1 200 OK\r\n\r\n"
        echo "${SCRIPT_NAME##*/} $PATH_INFO $SERVER_PROTOCOL"',
);

# What is wrong, our status.
my @WRONG = (
    ['nothing', 500, 'true'],
    ['no status line', 500, prints('Content-Type: text/plain\n\nbody')],
    ['an empty line at first', 500, prints('\r\nHTTP/1.1 200 OK\r\n\r\n')],
    ['half a status line', 500, prints('HTTP/1.1 2')],
    ['half a header', 500, prints('HTTP/1.1 200 OK\r\nX-A: b\r\n')],
    ['no version', 500, prints('HTTP 200 OK\r\n\r\nbody')],
    ['no status', 500, prints('HTTP/1.1 OK\r\n\r\nbody')],
    ['a status that is too large', 500, prints('HTTP/1.1 600 x\r\n\r\n')],
    ['a field that is none', 500, prints('HTTP/1.1 200 OK\r\nX A\r\n\r\n')],
    ['a CR in a field', 500,
        prints('HTTP/1.1 200 OK\r\nX-A: b\rX-C: d\r\n\r\nbody')],
    ['NUL', 500, prints('HTTP/1.1 200 OK\r\nX-A: b\000\r\n\r\nbody')],
    ['300 lines', 500, 'echo "HTTP/1.1 200 OK"; yes X-A: b | head -n 300'],
    ['an interim status', 502, prints('HTTP/1.1 100 Continue\r\n\r\n'
        . 'HTTP/1.1 200 OK\r\n\r\nbody')],
    ['another protocol', 502, prints('HTTP/1.1 101 Switch\r\nUpgrade: x\r\n'
        . 'Connection: upgrade\r\n\r\nbody')],
    ['chunks', 502, prints('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n'
        . '\r\n4\r\nbody\r\n0\r\n\r\n')],
    ['a trailer', 502, prints('HTTP/1.1 200 OK\r\nTrailer: X\r\n\r\nbody')],
);

# One answer each, though the program tries: what comes after it is its body.
my %FORGED = (
    'a length that is too short' => ['Content-Length: 2', 'ok'],
    'no length' => ['X-A: b', 'ok'],
    'a length that is none' => ['Content-Length: x', 'ok'],
    'keep-alive' => ['Connection: keep-alive\r\nContent-Length: 2', 'ok'],
);
my $NEXT = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged';

sub file_of {
    my ($name) = @_;
    $name =~ s/\W/_/g;
    return "nph-$name";
}

# The fields that the program set, and no word of who served them.
sub seen {
    my ($place, $file, @arg) = @_;
    my $answer = twin_answer($place => $file, @arg);
    $answer->{lines} = [grep { !/\A(?:Server|Connection|Keep-Alive):/i }
        @{ $answer->{lines} }];
    return $answer;
}

plan tests => keys(%SAME) + 4 + 2 * @WRONG + keys(%FORGED) + 9;

put_twin(file_of($_), $SAME{$_}) for sort keys %SAME;
for my $name (sort keys %SAME) {
    my $file = file_of($name);
    is_deeply(seen(jail => $file), seen(host => $file), $name);
}
for (['what it read', 'POST', body => "a\0b\r\n"],
    ['what it read', 'POST', chunks => ['x' x 30_000, 'y']],
    ['a tag', 'GET', headers => { 'If-None-Match' => '"x"' }]) {
    my ($name, @arg) = @$_;
    my $file = file_of($name);
    is_deeply(seen(jail => $file, @arg), seen(host => $file, @arg),
        "$name: @arg[0, 1]");
}
my $where = file_of('where it is') . '/nph-x';
is_deeply(seen(jail => $where), seen(host => $where), 'with PATH_INFO');

for (@WRONG) {
    my ($name, $status, $program) = @$_;
    my $file = file_of($name);
    put_program(alice => "cgi/$file", "#!/bin/sh\n$program\n");
    my $mark = log_mark($error_log);
    my $answer = ask($port, GET => "/cgi/jail/$file", user => 'alice');
    is("$answer->{code} " . ($answer->{body} =~ /\Abody/ ? 1 : 0),
        "$status 0", $name);
    is(scalar(() = log_since($mark) =~ /:error\]/g), 1,
        '... one line in the log');
}

for my $name (sort keys %FORGED) {
    my ($field, $body) = @{ $FORGED{$name} };
    my $file = file_of($name);
    put_program(alice => "cgi/$file", "#!/bin/sh\n"
        . prints("HTTP/1.1 200 OK\\r\\n$field\\r\\n\\r\\n$body$NEXT") . "\n");
    my $connection = IvleJail::Connection->new($port);
    $connection->send(request_text(GET => "/cgi/jail/$file",
        user => 'alice', keep => 1));
    my $answer = $connection->answer;
    $connection->send(request_text(GET => '/none'));
    is(join(' ', $answer->{whole}, substr($answer->{body}, -6),
        $connection->answer->{code}), '1 forged 404', "$name: one answer");
}

# HEAD: mod_cgid sends what the program prints, as a body that no client
# reads; it is the next answer's place.
my $answer = ask($port, HEAD => '/cgi/jail/' . file_of('CR LF'),
    user => 'alice');
is("$answer->{code} $answer->{headers}{'x-a'}", '200 b', 'HEAD');
my $connection = IvleJail::Connection->new($port);
$connection->send(request_text(HEAD => '/cgi/jail/' . file_of('CR LF'),
    user => 'alice', keep => 1));
$connection->answer('HEAD');
$connection->send(request_text(GET => '/none'));
is($connection->answer->{code}, 404, '... and no body');

# A name that has it in the middle is another one.
put_program(alice => 'cgi/xnph-', "#!/bin/sh\n$SAME{LF}\n");
is(ask($port, GET => '/cgi/jail/xnph-', user => 'alice')->{code}, 500,
    'nph- is how a name begins');
put_program(alice => 'cgi/nph-dir/x', "#!/bin/sh\n$SAME{LF}\n");
is(ask($port, GET => '/cgi/jail/nph-dir/x', user => 'alice')->{code}, 500,
    '... and the name of the file');
is(ask($port, GET => '/cgi/jail/xnph-/nph-x', user => 'alice')->{code}, 500,
    '... not of what is behind it');

# As it is flushed.
my $gate = put_gate('alice');
put_program(alice => 'cgi/nph-stream', <<'SH');
#!/bin/sh
printf 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n'
read -r line </home/alice/gate
printf 'data: 2\n\n'
SH
$connection = IvleJail::Connection->new($port);
$connection->send(request_text(GET => '/cgi/jail/nph-stream',
    user => 'alice'));
my @lines;
push @lines, $connection->line while @lines < 30
    && ($lines[-1] // '') ne 'data: 1';
is($lines[-1], 'data: 1', 'an event comes before the program ends');
is($lines[0], 'HTTP/1.1 200 OK', '... behind the status');
open_gate($gate);
like($connection->rest, qr/data: 2/, '... and another one');

# What is wrong is said to its user in the same way.
put_program(alice => 'explain/nph-x', "#!/bin/sh\necho hello\n");
like(ask($port, GET => '/explain/on/nph-x', user => 'alice')->{body},
    qr{printed something that is no header.*<pre>hello\n</pre>}s,
    'explained');
