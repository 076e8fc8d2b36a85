# SPDX-License-Identifier: Apache-2.0
# Files in jails that are no programs: each answer is what httpd's default
# handler says of the same file on the host, in the same run.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use POSIX qw(strftime);

use IvleJail::Connection qw(ask);
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

my $port = Apache::Test::vars('port');
my $server = Apache::Test::vars('serverroot');
my $MTIME = 1_700_000_000;
my $date = date($MTIME);
my $etag = '"' . sprintf('%x-%x', 100, $MTIME * 1_000_000) . '"';

sub date { return strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $_[0]) }

# --- the files ----------------------------------------------------------------

# Path => content, in the jail and, as the same file, in the document root.
my $hundred = join '', map { sprintf '%09d', $_ % 1e9 } 1 .. 10;
$hundred .= "0123456789";
my %FILES = (
    (map { $_ => $hundred } qw(page.html style.css script.js picture.png
        archive.tar.gz archive.tgz page.de.html page.html.en text.utf8.txt
        some.added unknown.xyzzy noextension UPPER.HTML .hidden page.html.
        x.tar..gz GIF89a multi/both.html.en multi/both.html.de
        forced/page.html forced/page.de.xyzzy charset/page.html
        etag-none/page.html etag-all/page.html etag-digest/page.html
        sendfile/page.html headers/page.html sub/page.html
        deflated/short.png), 'a b.txt', '100%.txt', 'a;b.txt', 'a&b.txt',
        'a:b.txt', 'a+b.txt', "gr\xc3\xbc\xc3\x9f.txt", "gr\xfc\xdf.txt",
        'a\\b.txt', '"quoted".txt', '<b>.html', "tab\t.txt"),
    'empty.txt' => '',
    'one.txt' => 'x',
    'empty' => '',
    'sendfile/large.bin' => join('', map { pack 'N', $_ } 1 .. 100_000),
    'large.bin' => join('', map { pack 'N', $_ } 1 .. 5 << 18),
    'etag-digest/large.bin' => join('', map { pack 'N', $_ } 1 .. 100_000),
    'deflated/page.html' => "<p>some text</p>\n" x 500,
    'deflated/style.css' => "p { color: red }\n" x 500,
    'ssi/page.html' => '<!--#include virtual="sub/page.html" -->|'
        . '<!--#include virtual="../style.css" -->|'
        . '<!--#include virtual="../none" -->|<!--#echo var="QUERY_STRING" -->',
    'ssi/sub/page.html' => 'included',
);

sub put_on_host {
    my ($file, $path) = @_;
    my $copy = "$server/htdocs/static/$path";
    make_path(dirname($copy), { mode => 0755 });
    unlink $copy;
    link $file, $copy or die "$copy: $!";
}

sub put_files {
    for my $path (sort keys %FILES) {
        my $file = put_file(alice => "static/$path", $FILES{$path});
        utime $MTIME, $MTIME, $file or die "$file: $!";
        put_on_host($file, $path);
    }
    put_program(alice => 'static-go/there',
        "#!/bin/sh\necho Location: /static/page.html?x=y; echo\n");
}

# --- what is asked ------------------------------------------------------------

sub url_of {
    my ($path) = @_;
    $path =~ s{([^A-Za-z0-9/._~-])}{sprintf '%%%02X', ord $1}ge;
    return $path;
}

# Of every file, plainly.
my @PLAIN = map { my $url = url_of($_); map { [$_, $url] } qw(GET HEAD) }
    sort keys %FILES;

# Method, path, and what goes with the request.
my $past = date($MTIME - 1000);
my $later = date($MTIME + 1000);
sub with { return (headers => {@_}) }
my @REQUESTS = (
    # methods
    (map { [$_, 'page.html'] } qw(POST PUT DELETE OPTIONS PATCH PROPFIND
        MKCOL SOMETHING)),
    (map { [$_, 'page.html', body => 'x' x 10_000] } qw(GET HEAD POST PUT
        OPTIONS SOMETHING)),
    (map { [$_, 'page.html', chunks => ['x' x 1000, 'y' x 10_000]] }
        qw(GET POST PUT)),
    (map { [$_, 'page.html', body => 'x' x 10_000,
        with(Expect => '100-continue')] } qw(GET POST PUT)),
    ['POST', 'page.html', chunks => ['x'], with('Content-Length' => 5)],
    ['GET', 'page.html?query=string'],
    ['GET', 'page.html', with(Host => 'other.example')],

    # names that are no files, or more than a file
    (map { ['GET', $_] } qw(none none.html page.html/ page.html/x
        page.html/x/y page.html%2Fx sub/none none/none page.htm PAGE.HTML), 'page.html%00', 'x' x 255),
    (map { ['POST', $_] } qw(none page.html/x)),

    # conditions
    (map { ['GET', 'page.html', with('If-None-Match' => $_)] } $etag,
        "W/$etag", '"other"', "\"other\", $etag", '*', '""', $hundred),
    (map { ['GET', 'page.html', with('If-Match' => $_)] } $etag, "W/$etag",
        '"other"', '*', "\"other\", $etag"),
    (map { ['GET', 'page.html', with('If-Modified-Since' => $_)] } $date,
        $past, $later, 'nonsense', date(2_000_000_000)),
    (map { ['GET', 'page.html', with('If-Unmodified-Since' => $_)] } $date,
        $past, $later, 'nonsense'),
    ['GET', 'page.html', with('If-None-Match' => '"other"',
        'If-Modified-Since' => $date)],
    ['GET', 'page.html', with('If-None-Match' => $etag,
        'If-Modified-Since' => $past)],
    ['HEAD', 'page.html', with('If-None-Match' => $etag)],
    ['HEAD', 'page.html', with('If-Modified-Since' => $date)],
    ['POST', 'page.html', with('If-None-Match' => $etag)],
    ['GET', 'page.html', with('Cache-Control' => 'no-cache',
        'If-Modified-Since' => $date)],
    (map { ['GET', "$_/page.html", with('If-None-Match' => '*')] }
        qw(etag-none etag-all etag-digest)),
    ['GET', 'none', with('If-None-Match' => '*')],

    # ranges
    (map { ['GET', 'page.html', with(Range => "bytes=$_")] } '0-9', '0-0',
        '0-', '10-19', '99-99', '99-', '99-200', '-1', '-100', '-200', '-0',
        '100-', '100-200', '200-300', '5-1', 'x', '', '1-2-3', '0-9,20-29',
        '0-9, 20-29, -5', '0-50,10-60', '0-9,200-300', '200-300,400-',
        '0-9,', ',', '0-,0-', '0-,0-,0-,0-,0-,0-', '-1,-1,-1',
        '1-1,1-1,1-1,1-1,1-1,1-1,1-1', '0-18446744073709551616'),
    ['GET', 'page.html', with(Range => 'lines=0-9')],
    ['GET', 'page.html', with(Range => '0-9')],
    ['HEAD', 'page.html', with(Range => 'bytes=0-9')],
    ['POST', 'page.html', with(Range => 'bytes=0-9')],
    ['GET', 'page.html', with('Request-Range' => 'bytes=0-9')],
    ['GET', 'empty.txt', with(Range => 'bytes=0-')],
    ['GET', 'empty.txt', with(Range => 'bytes=-1')],
    ['GET', 'archive.tar.gz', with(Range => 'bytes=0-9,20-29')],
    ['GET', 'large.bin', with(Range => 'bytes=5000000-')],
    ['GET', 'large.bin', with(Range => 'bytes=0-99999,3000000-3200000,-7')],
    ['GET', 'sendfile/large.bin', with(Range => 'bytes=1000-399000')],
    (map { ['GET', 'page.html', with(Range => 'bytes=0-9', 'If-Range' => $_)] }
        $etag, "W/$etag", '"other"', $date, $past, $later, 'nonsense'),
    ['GET', 'page.html', with(Range => 'bytes=0-9', 'If-None-Match' => $etag)],
    ['GET', 'page.html', with(Range => 'bytes=200-', 'If-Match' => '"x"')],

    # what filters make of it
    (map { my $path = $_; map { ['GET', "deflated/$path",
        with('Accept-Encoding' => $_)] } qw(gzip identity gzip;q=0) }
        qw(page.html style.css short.png)),
    ['HEAD', 'deflated/page.html', with('Accept-Encoding' => 'gzip')],
    ['GET', 'deflated/page.html', with('Accept-Encoding' => 'gzip',
        Range => 'bytes=0-9')],
    ['GET', 'deflated/page.html', with('Accept-Encoding' => 'gzip',
        'If-Modified-Since' => $date)],
    ['GET', 'ssi/page.html?a=b'],
    ['HEAD', 'ssi/page.html'],
    ['GET', 'ssi/page.html', with('If-Modified-Since' => $date)],
    ['GET', 'ssi/page.html', with(Range => 'bytes=0-9')],
    ['POST', 'ssi/page.html', body => 'a=b'],

    # as an error page
    (map { [$_, 'denied/never'] } qw(GET HEAD POST)),
    ['GET', 'denied/never', with('If-Modified-Since' => $date)],
    ['GET', 'denied/never', with(Range => 'bytes=0-9')],
);

# Jailed URLs that have no like on the host.
my @OWN = (
    ['no negotiation', 'multi/both.html', 404],
    ['no type map', 'map.var', 200, "URI: page.html\nContent-type: x/y\n"],
    (map { ["no handler of a .$_", "handled/x.$_", 200, "content of a $_"] }
        qw(run status cgi pl py)),
    ['no filter of a .inc', 'handled/x.inc', 200,
        '<!--#exec cmd="id" -->'],
    ['no filter of a .shtml', 'handled/x.shtml', 200,
        '<!--#exec cmd="id" -->'],
    ['no handler of a .cgi.txt', 'handled/x.cgi.txt', 200,
        'content of a cgi.txt'],
    (map { ["no $_", $_, 403] } qw(.htpasswd sub/.htaccess .htdir/x)),
    ['a program that nobody may run is not shown', 'secret.xyzzy', 403],
);

sub put_own {
    put_file(alice => 'static/map.var', "URI: page.html\nContent-type: x/y\n");
    put_file(alice => "static/handled/x.$_", "content of a $_")
        for qw(run status cgi pl py cgi.txt);
    put_file(alice => "static/handled/x.$_", '<!--#exec cmd="id" -->')
        for qw(inc shtml);
    put_file(alice => 'static/secret.xyzzy', "#!/bin/sh\necho a password\n");
    put_file(alice => "static/$_", 'x')
        for qw(.htpasswd sub/.htaccess .htdir/x);
}

# --- comparing ----------------------------------------------------------------

# What differs between two answers that say the same.
sub plain {
    my ($answer) = @_;
    my %headers = %{ $answer->{headers} };
    my $body = $answer->{body};
    delete $headers{date};
    s{/static-host/}{/static/}g for $body, values %headers;
    delete $headers{'content-length'} if $answer->{code} >= 400;
    if (my ($boundary) = ($headers{'content-type'} // '')
        =~ /boundary=(\w+)/) {
        s/\Q$boundary\E/X/g for $body, $headers{'content-type'};
    }
    return { code => $answer->{code}, headers => \%headers, body => $body,
        interim => $answer->{interim}, whole => $answer->{whole} };
}

sub describe {
    my ($answer) = @_;
    my $text = join ' ', $answer->{code}, "(@{ $answer->{interim} })",
        $answer->{whole} ? () : 'not whole',
        map { "$_: $answer->{headers}{$_};" }
        sort keys %{ $answer->{headers} };
    return "$text\n" . (length $answer->{body} > 2000
        ? length($answer->{body}) . ' bytes' : $answer->{body});
}

sub same {
    my ($method, $path, %arg) = @_;
    my ($jailed, $own) = map { plain(ask($port, $method => "$_/$path",
        user => 'alice', %arg)) } qw(/static /static-host);
    my $with = join ', ', map { "$_: $arg{headers}{$_}" }
        sort keys %{ $arg{headers} // {} };
    my $name = substr("$own->{code} $method " . substr($path, 0, 40)
        . ($with ? " ($with)" : ''), 0, 100);
    my $is_same = describe($jailed) eq describe($own)
        && $jailed->{body} eq $own->{body};
    ok($is_same, $name) or diag "in the jail:\n" . describe($jailed)
        . "\non the host:\n" . describe($own);
}

# The next request on the connection is answered by itself.
sub in_step {
    my ($name, $method, %arg) = @_;
    my $connection = IvleJail::Connection->new($port);
    my $text = \&IvleJail::Connection::request_text;
    $connection->send($text->($method => '/static/page.html',
        user => 'alice', keep => 1, %arg));
    my $first = $connection->answer($method);
    $connection->send($text->(GET => '/static/one.txt', user => 'alice'));
    my $second = $connection->answer('GET');
    is("$second->{code} $second->{body}", '200 x',
        "in step after $first->{code} to $name");
}

# --- the tests ----------------------------------------------------------------

plan tests => @PLAIN + @REQUESTS + @OWN + 12;

put_files();
put_own();
same(@$_) for @PLAIN, @REQUESTS;
for (@OWN) {
    my ($name, $path, $code, $body) = @$_;
    my $answer = ask($port, GET => "/static/$path", user => 'alice');
    my $got = defined $body ? "$answer->{code} $answer->{body}"
        : $answer->{code};
    is($got, defined $body ? "$code $body" : $code, $name);
}
my $secret = ask($port, GET => '/static/secret.xyzzy', user => 'alice');
unlike($secret->{body}, qr/password/, '... not even in the error page');

my $request = "GET /static/none HTTP/1.1\r\nHost: x\r\n\r\n";
in_step('a GET', 'GET');
in_step('a HEAD', 'HEAD');
in_step("a $_ with a body that looks like a request", $_,
    body => $request x 3000) for qw(GET POST PUT);
in_step('a POST in chunks', 'POST', chunks => [$request, $request x 3000]);
in_step('an OPTIONS', 'OPTIONS', body => $request);

my $answer = ask($port, GET => '/static-go/there', user => 'alice',
    headers => { Range => 'bytes=0-9' });
is("$answer->{code} $answer->{body}", '206 ' . substr($hundred, 0, 10),
    'a program may lead to a file');
$answer = ask($port, GET => '/static/page.html');
is($answer->{code}, 401, 'a file is not for everybody');
$answer = ask($port, GET => '/static/page.html', user => 'bob');
is($answer->{code}, 404, '... and each user has their own');
$answer = ask($port, GET => '/static/ssi/page.html', user => 'alice');
like($answer->{body}, qr/^included\|\Q$hundred\E\|/, 'files are included');
