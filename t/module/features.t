# SPDX-License-Identifier: Apache-2.0
# What httpd does with any page it does with jailed ones: redirects, indexes
# and error pages lead to them, filters change what they say, they stand in
# each other, and they share connections.  Two things it does not do: it runs
# no command that a jailed page says, and it keeps no user's page for another.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use Compress::Raw::Zlib qw(WANT_GZIP Z_OK);
use File::Path qw(make_path remove_tree);
use MIME::Base64 qw(encode_base64);

use IvleJail::Connection qw(ask request_text);
use IvleJail::Test;

must_have_program(qw(curl nghttp));

my $port = Apache::Test::vars('port');
my $http2_port = Apache::Test::config()->{vhosts}{features_http2}{port};
my $server = Apache::Test::vars('serverroot');

# --- the pages ------------------------------------------------------------------

my $HTML = 'echo Content-Type: text/html';
my $PAGE = <<'SH';
echo X-Own: 1
echo X-Edited: before
echo
echo "a page of $(id -u), $REQUEST_METHOD $SCRIPT_NAME $QUERY_STRING"
SH
# What a jailed page would have httpd do.
my $SSI = <<'SHTML';
uri <!--#echo var="REQUEST_URI" -->
cmd <!--#exec cmd="echo run by $(id -un)" -->
cgi <!--#exec cgi="/features-host/ran.cgi" -->
file <!--#include file="ssi.txt" -->
up <!--#include file="../../../etc/passwd" -->
size <!--#fsize file="ssi.txt" -->
jail <!--#include virtual="/features/page.sh?included" -->
host <!--#include virtual="/features-host/plain.txt" -->
SHTML
my $SAY_SSI = "#!/bin/sh\n$HTML\necho\ncat <<'END'\n${SSI}END\n";

sub put_pages {
    my ($user) = @_;
    my %programs = (
        'local.sh' => "echo Location: /features/page.sh?redirected\necho\n",
        'cat.sh' => "echo Content-Type: text/plain\necho\ncat\n",
        'lines.sh' => "$HTML\necho\nfor i in 1 2 3 4; do\n"
            . "printf '%01000d' 0\ndone\n",
        'waits.sh' => "$HTML\necho\necho one\nread -r line </home/$user/gate\n"
            . "echo two\n",
        'kept.sh' => "$HTML\necho Cache-Control: public, max-age=600\necho\n"
            . "echo once >>/home/$user/asked\necho \$(id -u) "
            . "\$(wc -l </home/$user/asked)\n",
        'away.sh' => "echo Location: /features-cached/~$user/kept.sh\necho\n",
    );
    for my $dir ('', qw(deflate/ headers/ expires/ substitute/ ratelimit/)) {
        put_program($user => "features/${dir}page.sh", "#!/bin/sh\n$HTML\n$PAGE");
        put_program($user => "features/$dir$_", "#!/bin/sh\n$programs{$_}")
            for sort keys %programs;
    }
    for my $dir (qw(ssi ssi-all ssi-if ssi-noexec)) {
        put_program($user => "features/$dir/page.sh", $SAY_SSI);
        put_file($user => "features/$dir/page.html", $SSI);
    }
    put_file($user => 'asked', '');
    put_file($user => 'features/kept.html', "$user\n");
    put_program($user => 'features/raw.sh', $SAY_SSI);
}

sub put_host_file {
    my ($name, $text, $mode) = @_;
    my $file = "$server/htdocs/features-host/$name";
    open(my $out, '>', $file) or die "$file: $!";
    print {$out} $text;
    close $out or die "$file: $!";
    chmod $mode // 0644, $file or die "$file: $!";
}

sub put_host_files {
    make_path("$server/htdocs/features-$_") for qw(host fallback index);
    put_host_file('plain.txt', "plain\n");
    put_host_file('ran.cgi',
        "#!/bin/sh\necho Content-Type: text/plain\necho\necho run by cgi\n",
        0755);
    put_host_file('exec.shtml', qq{<!--#exec cmd="echo run by \$(id -un)" -->\n}
        . qq{<!--#exec cgi="/features-host/ran.cgi" -->\n});
    put_host_file('include.shtml',
        qq{host\n<!--#include virtual="/features/page.sh?a=b" -->end\n});
    put_host_file('raw.shtml', qq{<!--#include virtual="/features/raw.sh" -->});
}

# --- asking ---------------------------------------------------------------------

sub get {
    my ($url, %arg) = @_;
    return ask($port, GET => $url, user => 'alice', %arg);
}

sub is_page {
    my ($url, $expected, $name, $code) = @_;
    my $answer = get($url);
    is("$answer->{code} $answer->{body}", ($code // 200) . " $expected",
        $name);
}

# What page.sh says at a place.
sub page_at {
    my ($path, $query) = @_;
    return "a page of 70001, GET $path " . ($query // '') . "\n";
}

# --- the tests ------------------------------------------------------------------

plan tests => 112;
put_pages($_) for qw(alice bob);
put_host_files();

# Ways to a jailed page.
my $page = '/features/page.sh';
is_page($page, page_at($page), 'a jailed page');
is_page('/features-by-server/page.sh', page_at($page), 'RewriteRule with PT');
is_page('/features/by-location/page.sh', page_at($page),
    'RewriteRule in a <Location>');
is(get('/features-moved/page.sh?x')->{headers}{location},
    "http://127.0.0.1$page?x", 'Redirect');
is_page('/features/local.sh', page_at($page, 'redirected'), 'Location: /...');
is_page('/features-host/nothing', page_at($page, 'missing'), 'ErrorDocument',
    404);
is_page('/features-start/', page_at($page), 'the start of a directory');
unlike(get("/features-$_")->{body}, qr/a page of|IJ/,
    '... which FallbackResource and DirectoryIndex cannot be')
    for 'fallback/nothing', 'index/';
is_page('/features-host/include.shtml',
    "host\n" . page_at($page, 'a=b') . "end\n", 'an include in a host page');

# What is done to its output.
my $answer = get('/features/headers/page.sh');
is_deeply([@{ $answer->{headers} }{qw(x-added x-own x-edited)}],
    [1, undef, 'after'], 'Header');
$answer = get('/features/expires/page.sh');
is($answer->{headers}{'cache-control'}, 'max-age=3600', 'ExpiresByType');
is_page('/features/substitute/page.sh', page_at('/features/substitute/page.sh')
    =~ s/a page/another page/r, 'Substitute');
is_page('/features/ratelimit/lines.sh', '0' x 4000, 'RATE_LIMIT');
$answer = get('/features/deflate/page.sh');
is($answer->{headers}{'content-encoding'}, undef, 'DEFLATE asks the client');
check_deflate();
check_streaming();

sub inflated {
    my ($zlib, $text) = @_;
    my $plain = '';
    my $status = $zlib->inflate($text, $plain);
    return $plain;
}

sub check_deflate {
    my $zlib = Compress::Raw::Zlib::Inflate->new(-WindowBits => WANT_GZIP);
    # mod_deflate leaves what is short and there at once as it is
    my $answer = get('/features/deflate/lines.sh',
        headers => { 'Accept-Encoding' => 'gzip' });
    is($answer->{headers}{'content-encoding'}, 'gzip', '... and compresses')
        or diag "$answer->{code} $answer->{body}";
    like($answer->{headers}{vary}, qr/Accept-Encoding/, '... and says so');
    is(inflated($zlib, $answer->{body}), '0' x 4000, '... all of it');
}

# A part comes while the program waits for us.
sub check_streaming {
    my $gate = put_gate('alice');
    my $zlib = Compress::Raw::Zlib::Inflate->new(-WindowBits => WANT_GZIP);
    my $connection = IvleJail::Connection->new($port);
    $connection->send(request_text(GET => '/features/deflate/waits.sh',
        user => 'alice', headers => { 'Accept-Encoding' => 'gzip' }));
    my $answer = { headers => {} };
    ok($connection->read_head($answer), '... and keeps no answer back');
    my $text = '';
    $text .= inflated($zlib, next_chunk($connection)) while $text !~ /\n/;
    is($text, "one\n", '... nor what a program has said');
    open_gate($gate);
    my $chunk;
    $text .= inflated($zlib, $chunk)
        while ($chunk = next_chunk($connection)) ne '';
    is($text, "one\ntwo\n", '... to the end');
}

sub next_chunk {
    my ($connection) = @_;
    my $size = hex($connection->line // 0);

    my $chunk = $connection->bytes($size);
    $connection->line;
    return $chunk;
}

# Commands in pages: the host's own run, which shows that they could.
is_page('/features-host/exec.shtml', "run by www-data\n\nrun by cgi\n\n",
    'a page of the host runs commands');
for my $file (map { ("$_/page.sh", "$_/page.html") }
    qw(ssi ssi-all ssi-if ssi-noexec)) {
    my $body = get("/features/$file")->{body};
    my %said = $body =~ /^(\w+) (.*)$/mg;
    is($said{uri}, "/features/$file", "$file: a jailed page is parsed");
    unlike($body, qr/run by|root:/, '... but runs nothing');
    like($said{$_}, qr/\A\[an error occurred/, "... with $_")
        for qw(cmd cgi file up size);
    is("$said{jail}\n", page_at($page, 'included'), '... it includes others');
    is($said{host}, 'plain', '... and those of the host');
}
like(get('/features-host/raw.shtml')->{body}, qr/^cmd <!--#exec cmd=/m,
    'what a page of the host includes is not parsed with it');

# Connections.
check_keep_alive();
check_pipeline();
check_http2();

# Answers as they should be, to a jailed page, a file of the host and a 404.
sub numbered {
    my ($i, %arg) = @_;
    my @kinds = (
        [GET => "$page?$i", 200, qr/\A\Qa page of 70001, GET $page $i\E\n\z/],
        [GET => "/features-host/plain.txt", 200, qr/\Aplain\n\z/],
        [GET => "/features/nothing$i", 404, qr/Not Found/],
        [POST => '/features/cat.sh', 200, qr/\Abody $i\z/, body => "body $i"],
        [HEAD => "$page?$i", 200, qr/\A\z/],
        [GET => "$page?$i", 401, qr/Unauthorized/, user => undef],
    );
    my ($method, $url, $code, $body, @more) = @{ $kinds[$i % @kinds] };
    return { method => $method, code => $code, body => $body,
        text => request_text($method => $url, user => 'alice', keep => 1,
            @more) };
}

sub is_answered {
    my ($connection, $request) = @_;
    my $answer = $connection->answer($request->{method});
    return $answer->{code} == $request->{code} && $answer->{whole}
        && $answer->{body} =~ $request->{body};
}

sub check_keep_alive {
    my $connection = IvleJail::Connection->new($port);
    my $good = grep { my $request = numbered($_);
        is_answered($connection->send($request->{text}), $request) } 1 .. 60;
    is($good, 60, 'one connection for 60 requests, one after the other');
}

sub check_pipeline {
    my $connection = IvleJail::Connection->new($port);
    my @requests = map { numbered($_) } 1 .. 30;
    $connection->send(join '', map { $_->{text} } @requests);
    my $good = grep { is_answered($connection, $_) } @requests;
    is($good, 30, '... for 30 at once, answered in their order');
}

# mod_http2 wants threads: under prefork the same server speaks HTTP/1.1.
sub check_http2 {
    my $site = "http://127.0.0.1:$http2_port";
    my $version = mpm() eq 'prefork' ? '1.1' : '2';
    is(run_quietly(qw(curl -s --noproxy * --http2 -o /dev/null -w),
        '%{http_version}', "$site/"), $version, "HTTP/$version");
    my %bodies = map { page_at($page, $_) => 1 } 1 .. 20;
    my @got = mpm() eq 'prefork'
        ? map { ask($http2_port, GET => "$page?$_", user => 'alice')->{body} }
            1 .. 20
        : split /^/, run_quietly('nghttp', '--no-dep', '-H', 'Authorization: '
            . 'Basic ' . encode_base64('alice:' . password_of('alice'), ''),
            map { "$site$page?$_" } 1 .. 20);
    is_deeply([sort @got], [sort keys %bodies], '... 20 requests at a time');
}

# A cache.
remove_tree("$server/cache");
make_path("$server/cache", { owner => 'www-data', group => 'www-data' });
my $kept = '/features-cached/~bob/kept.sh';
is(ask($port, GET => $kept)->{body}, "70002 1\n", 'a public page');
$answer = ask($port, GET => $kept);
is($answer->{body}, "70002 1\n", '... is kept by mod_cache');
like($answer->{headers}{'x-cache'}, qr/\AHIT/, '... which says so');
is(cached('kept.sh', 'alice')->{body}, "70001 1\n",
    'a page for a user who is logged in, that may be kept');
is(cached('kept.sh', 'alice')->{body}, "70001 2\n", '... is not');
is(cached('kept.sh', 'bob')->{body}, "70002 2\n",
    '... and another user gets their own');
is(cached('kept.sh')->{code}, 401, '... and nobody gets none');
is(cached('kept.html', $_)->{body}, "$_\n", "... as $_ gets their own file")
    for qw(alice bob alice);
is(cached('kept.html')->{code}, 401, '... and nobody gets none');
is(cached('away.sh', 'alice')->{body}, "70001 3\n",
    '... nor is what it redirects to');
is(cached('away.sh', 'bob')->{body}, "70002 3\n",
    '... and another user gets their own');

# As who has logged in with mod_auth_form.
sub cached {
    my ($file, $user) = @_;
    my $session = $user ? 'jail-user=' . $user . '&jail-pw='
        . password_of($user) : '';
    return ask($port, GET => "/features-cache/$file",
        headers => { Cookie => "session=$session" });
}
