# SPDX-License-Identifier: Apache-2.0
# IvleJailExplain: whoever runs a program that fails reads why, and nobody
# else does.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);

use IvleJail::Connection qw(ask);
use IvleJail::Test;

my $port = Apache::Test::vars('port');

my %HEADERS = (
    'content-type' => 'text/html; charset=utf-8',
    'cache-control' => 'no-store',
    'content-security-policy' =>
        "default-src 'none'; style-src 'unsafe-inline'",
    'x-content-type-options' => 'nosniff',
);

# Name, program, status, what the page says first, and more that is in it.
my @FAILURES = (
    ['exit', 'echo "the reason" >&2; exit 3', 500,
        'ended with exit status 3 and printed no header',
        qr{<pre>the reason\n</pre>}, qr{CPU time</th><td>0\.\d\d s</td><td>of 1 s<},
        qr{<code>/home/alice/explain/exit</code>}],
    ['nothing', 'exit 0', 500,
        'ended with exit status 0 and printed no header',
        qr{It wrote nothing to its error output}],
    ['signal', 'kill -SEGV $$', 500,
        'was killed by signal 11 (segmentation fault) and printed no header'],
    ['cpu', 'while :; do :; done', 500,
        'used its 1 s of CPU time and printed no header',
        qr{<tr class="hit"><th scope="row">CPU time</th><td>\d\.\d\d s</td>}],
    ['wall', 'echo waiting >&2; exec sleep 1000', 504,
        'did not end within its 3 s and printed no header',
        qr{<tr class="hit"><th scope="row">Time</th><td>\d+\.\d\d s</td>},
        qr{<pre>waiting\n</pre>}],
    ['fsize', 'exec dd if=/dev/zero of=/tmp/big bs=64k count=32', 500,
        'wrote more than 1 MiB into a file and printed no header'],
    ['half', 'printf "Content-Type: text/html\n"', 500,
        'ended with exit status 0 and printed no complete header'],
    ['bad', 'echo "<b>hello</b>"; echo more; echo late >&2', 500,
        'printed something that is no header',
        qr{<pre>&lt;b&gt;hello&lt;/b&gt;\n</pre>}, qr{<pre>late\n</pre>}],
    ['endless', 'while :; do echo hello; done', 500, qr/^(?:used[ ]its[ ]1[ ]s
        [ ]of[ ]CPU[ ]time|did[ ]not[ ]end.*)[ ]and[ ]printed[ ]something/x],
    ['later', 'echo Content-Type: text/plain; echo hello; exit 1', 500,
        'ended with exit status 1 and printed something that is no header',
        qr{<pre>hello\n</pre>}],
    ['framing', 'echo Transfer-Encoding: chunked; echo Set-Cookie: a=1
        echo Content-Encoding: gzip; echo Content-Type: text/plain; echo', 502,
        'printed a Transfer-Encoding or Trailer header or a status below 200, '
        . "which are the web server's to send",
        qr{<pre>Transfer-Encoding: chunked\n</pre>}],
    ['interim', 'echo Status: 103; echo', 502,
        'printed a Transfer-Encoding or Trailer header or a status below 200, '
        . "which are the web server's to send"],
    ['lines', 'yes X: y | head -n 300', 500, 'printed a header that is larger than 64 KiB '
        . 'or 200 lines, or a line of it that is larger than 8 KiB'],
    ['script', 'echo "</pre><script>alert(1)</script>&lt;" >&2; exit 1', 500,
        'ended with exit status 1 and printed no header',
        qr{<pre>&lt;/pre&gt;&lt;script&gt;alert\(1\)&lt;/script&gt;&amp;lt;\n}],
    ['control', 'printf "\033[31m\000\377\342\200\256\303\244" >&2', 500,
        'ended with exit status 0 and printed no header',
        qr{<pre><i>\\x1b</i>\[31m<i>\\x00</i><i>\\xff</i><i>\\u202e</i>\xc3\xa4\n}],
    ['long', 'i=0; while [ $i -lt 9000 ]; do echo "line $i"; i=$((i+1))
        done >&2', 500, 'ended with exit status 0 and printed no header',
        qr{<pre>line \d+\nline }, qr{line 8999\n</pre>},
        qr{This is the end of it: 6[34] of \d+ KiB}],
    ['body', 'exit 4', 500, 'ended with exit status 4 and printed no header'],
);

my %REFUSED = (
    'plain' => ["#!/bin/sh\n", 403,
        'is not executable (chmod +x would make it so), and files of its '
        . 'extension have no interpreter'],
    'lost' => ["#!/no/such/thing\n", 500,
        'needs an interpreter that cannot be executed: No such file or '
        . 'directory'],
);

sub get {
    my ($place, $name, $method, @arg) = @_;
    return ask($port, $method // 'GET', "/explain/$place/$name",
        user => 'alice', @arg);
}

sub headers_of {
    my ($answer) = @_;
    return { map { $_ => $answer->{headers}{$_} } keys %HEADERS };
}

sub words_of {
    my ($answer) = @_;
    my ($words) = $answer->{body} =~ m{<h1>Your program (.*?)</h1>};
    return $words // '';
}

sub is_explained {
    my ($answer, $name, $status, $words, @more) = @_;
    is($answer->{code}, $status, "$name: status");
    like(words_of($answer), ref $words ? $words : qr/\A\Q$words\E\z/,
        '... what happened');
    is_deeply(headers_of($answer), \%HEADERS, '... headers');
    like($answer->{body}, $_, '... more of it') for @more;
    unlike($answer->{body}, qr{://|<script|<link|<img|\bon\w+=}i,
        '... nothing from elsewhere');
}

put_program(alice => "explain/$_->[0]", "#!/bin/sh\n$_->[1]\n") for @FAILURES;
put_file(alice => "explain/$_", $REFUSED{$_}[0], /lost/ ? 0755 : 0644)
    for sort keys %REFUSED;

for (@FAILURES) {
    my ($name, undef, @expected) = @$_;
    my $answer = get('on', $name, $name eq 'body' ? 'POST' : 'GET',
        $name eq 'body' ? (body => 'x' x 1_000_000) : ());
    is_explained($answer, $name, @expected);
    next if $name ne 'framing';
    is($answer->{headers}{$_}, undef, "$name: no $_ of the program's")
        for qw(set-cookie content-encoding);
}
for my $name (sort keys %REFUSED) {
    is_explained(get('on', $name), $name, @{ $REFUSED{$name} }[1, 2]);
}

# --- HEAD, and what the administrator says elsewhere ------------------------

my $get = get('on', 'exit');
my $head = get('on', 'exit', 'HEAD');
is($head->{code}, 500, 'HEAD: status');
is($head->{body}, '', '... no body');
is_deeply(headers_of($head), \%HEADERS, '... headers');
is($head->{headers}{'content-length'}, length $get->{body},
    '... the length that GET would have');
is_explained(get('document', 'exit'), 'over an ErrorDocument', 500,
    'ended with exit status 3 and printed no header');
is(get('document', 'missing')->{body}, "the administrator's words",
    'what is not there is told as ever');
is(get('on', 'missing')->{code}, 404, '... with its status');
unlike(get('on', 'missing')->{body}, qr/Your program/, '... and no page');

# --- when there is nothing to explain ---------------------------------------

put_program(alice => 'explain/well', <<'SH');
#!/bin/sh
echo secret >&2
echo Status: 500 My own
echo Content-Type: text/plain
echo
echo well
SH
is(get('on', 'well')->{body}, "well\n", "a program's own error page stays");
is(get('on', 'well')->{code}, 500, '... with its status');
is(get('on', 'well')->{headers}{'content-security-policy'}, undef,
    '... without our headers');

# --- Off ------------------------------------------------------------------------

for my $name (qw(exit bad signal framing plain lost)) {
    my $answer = get('off', $name);
    my ($expected) = map { $_->[2] } grep { $_->[0] eq $name } @FAILURES;
    is($answer->{code}, $expected // $REFUSED{$name}[1], "off, $name: status");
    unlike($answer->{body}, qr/the reason|hello|signal|Your program|explain.$name|
        stderr|exit status|chmod|interpreter/x, '... nothing leaks');
    is($answer->{headers}{'content-security-policy'}, undef,
        '... and it is no page of ours');
}

done_testing();
