# SPDX-License-Identifier: Apache-2.0
# Public pages: a program is its owner's, whoever looks; and what a browser
# sends or keeps for the whole host name stays between the server and those
# whose own pages they are.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);

use IvleJail::Connection qw(ask);
use IvleJail::Httpd qw(htpasswd_of);
use IvleJail::Test;

my $port = Apache::Test::vars('port');
my $names_port = Apache::Test::config()->{vhosts}{public_names}{port};
my $server = Apache::Test::vars('serverroot');

my %PROGRAMS = (
    'env.sh' => "echo Content-Type: text/plain; echo; env",
    'who.sh' => 'echo Content-Type: text/plain; echo; '
        . 'echo "$(id -u) $SCRIPT_FILENAME $(ulimit -n)"',
    'set.sh' => <<'SH',
cat <<END
Content-Type: text/plain
Set-Cookie: one=1
set-cookie: two=2; Path=/
Set-Cookie2: three=3
Set-Login: logged-in
Sec-Session-Registration: (ES256)
Secure-Session-Registration: (ES256)
Accept-CH: Device-Memory
Clear-Site-Data: "*"
Service-Worker-Allowed: /
Strict-Transport-Security: max-age=9
Public-Key-Pins: max-age=9
Expect-CT: max-age=9
Alt-Svc: h2=":9"
NEL: {}
Report-To: {}
WWW-Authenticate: Basic realm="phishing"
Cache-Control: max-age=9
Access-Control-Allow-Origin: *
X-Own: 1

END
SH
    'redirect.sh' => 'echo Set-Cookie: lost=1; '
        . 'echo "Location: /public-login/~alice/env.sh"; echo',
    'echo.sh' => 'echo Content-Type: text/html; echo; '
        . q{echo 'cookie <!--#echo var="HTTP_COOKIE" -->, }
        . q{agent <!--#echo var="HTTP_USER_AGENT" -->.'},
);
($PROGRAMS{'nph-set.sh'} = $PROGRAMS{'set.sh'}) =~ s/^cat .*/$&\nHTTP\/1.0 200 OK/;
my @HEADERS = qw(set-cookie set-cookie2 set-login clear-site-data
    service-worker-allowed strict-transport-security public-key-pins expect-ct
    alt-svc nel report-to www-authenticate accept-ch sec-session-registration
    secure-session-registration);

# Who asks for what, whose program runs, and whether credentials pass.
my @PLACES = (
    [undef, '/public/~bob/',       'bob',   0],
    ['alice', '/public/~bob/',     'bob',   0],
    ['bob', '/public/~bob/',       'bob',   0],     # who says it is bob?
    [undef, '/public-variables/~bob/', 'bob', 0],
    ['alice', '/public-variables/~bob/', 'bob', 0],
    [undef, '/public-pass/~bob/',  'bob',   1],
    ['alice', '/public-pass/~bob/', 'bob',  1],
    ['alice', '/public-pass/~bob/not/', 'bob', 0],
    ['alice', '/public-login/~bob/', 'bob', 0],
    ['bob', '/public-login/~bob/', 'bob',   1],
    ['alice', '/public-shared/',   'bob',   0],
    ['bob', '/public-shared/',     'bob',   1],
    ['alice', '/public-own/',      'alice', 1],
    ['ALICE', '/public-lower/',    'alice', 1],
);
my %UID = (alice => 70001, bob => 70002);

sub visit {
    my ($who, $url) = @_;
    return ask($port, GET => $url, user => $who,
        headers => { Cookie => 'key=value', 'User-Agent' => 'test',
            'Proxy-Authorization' => $who ? 'Basic x' : undef });
}

sub check_place {
    my ($who, $place, $owner, $passes) = @_;
    my $name = ($who // 'nobody') . " at $place";
    my $own = visit($who, "${place}who.sh");
    like($own->{body}, qr{\A$UID{$owner} /home/$owner/public_html/},
        "$name: a program of ${owner}'s");
    check_request($passes, $who, visit($who, "${place}env.sh")->{body});
    check_answer('...', $passes, visit($who, "${place}set.sh"));
}

sub check_request {
    my ($passes, $who, $env) = @_;
    like($env, qr/^HTTP_USER_AGENT=test$/m, '... which hears who asks');
    is(scalar($env =~ /key=value/), $passes || '', $passes
        ? '... and gets the cookies' : '... but gets no cookie');
    is(scalar($env =~ /=Basic /), $who && $passes || '', $who && $passes
        ? '... and the password' : '... and no password');
}

sub check_answer {
    my ($name, $passes, $answer) = @_;
    my $headers = $answer->{headers};
    is_deeply([grep { $headers->{$_} } @HEADERS], $passes ? \@HEADERS : [],
        "$name " . ($passes ? 'and may say all'
            : 'and says nothing for all pages'));
    is_deeply([@$headers{qw(content-type cache-control x-own
        access-control-allow-origin)}], ['text/plain', 'max-age=9', '1', '*'],
        '... but what it likes of its own');
}

# --- the tests ----------------------------------------------------------------

plan tests => 6 * @PLACES + 20;

open(my $out, '>', "$server/conf/public.htpasswd") or die "htpasswd: $!";
print {$out} htpasswd_of(qw(alice bob ALICE));
close $out or die "htpasswd: $!";
for my $user (qw(alice bob)) {
    for my $name (sort keys %PROGRAMS) {
        put_program($user => "public_html/$name",
            "#!/bin/sh\n$PROGRAMS{$name}\n");
    }
    put_program($user => "public_html/not/$_", "#!/bin/sh\n$PROGRAMS{$_}\n")
        for sort keys %PROGRAMS;
}

check_place(@$_) for @PLACES;
check_answer("as nph, for alice at $_->[0],", $_->[1],
    visit('alice', "$_->[0]nph-set.sh"))
    for ['/public/~bob/', 0], ['/public-own/', 1];

# Which jail, and of which profile.
is(ask($port, GET => '/public/~bob/who.sh')->{body},
    "70002 /home/bob/public_html/who.sh 77\n", 'public pages have a profile');
is(ask($port, GET => '/public/~bob/../../~alice/who.sh')->{code}, 404,
    'there is no way up');
is(ask($port, GET => "/public/~$_/who.sh")->{code}, $_ =~ /\A[a-z]/ ? 403 : 404,
    "nobody is called '$_'") for qw(nobody BOB root -bob);

# One host name each.
is(ask($names_port, GET => '/who.sh', headers => { Host => $_ })->{body},
    "70002 /home/bob/public_html/who.sh 256\n", "bob's host is $_")
    for qw(bob.public.example.test BOB.Public.Example.TEST
    bob.public.example.test:99);
is(ask($names_port, GET => 'http://bob.public.example.test/who.sh',
    headers => { Host => 'alice.public.example.test' })->{body},
    "70002 /home/bob/public_html/who.sh 256\n", '... as the request line says');
is(ask($names_port, GET => '/who.sh', headers => { Host => $_ })->{code}, 403,
    "nobody's host is $_") for qw(public.example.test
    nobody.public.example.test);

# What others say of the host passes.
my $answer = visit(undef, '/public-admin/~bob/set.sh');
like($answer->{headers}{'set-cookie'}, qr/\Aadmin=set;[^,]*\z/,
    "the administrator's cookie is set, and bob's are not");

# A redirect leads out of the jail again.
$answer = visit('alice', '/public-login/~bob/redirect.sh');
like($answer->{body}, qr/^HTTP_COOKIE=key=value$/m,
    "bob's redirect to alice's page is answered by alice's page");
is($answer->{headers}{'set-cookie'}, undef, '... without a cookie of his');

# httpd's own filters could tell him, too.
is(visit(undef, '/public-ssi/~bob/echo.sh')->{body},
    "cookie (none), agent test.\n", 'server-side includes know no cookie');
