# SPDX-License-Identifier: Apache-2.0
# alice is logged in, and looks at a page of bob's whose JavaScript wants what
# is hers.  With conf/public.conf it gets nothing.  Where both are on one host
# name it gets all, which shows that this test can see it; but even there bob's
# program gets neither her cookies nor her password.
use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

use IvleJail::Browser;
use IvleJail::Example;
use IvleJail::Httpd;
use IvleJail::Test;

must_be_root();
must_have_program(qw(chromium chromedriver));
install();
base('busybox');

# --- the two of them ------------------------------------------------------------

# A page of alice's, for her alone; it notes who had it made.
put_program(alice => 'web/secret.sh', <<'SH');
#!/bin/sh
echo "$REQUEST_METHOD from ${HTTP_ORIGIN:-nowhere}" >>/home/alice/asked
cat <<END
Content-Type: text/html
Set-Cookie: session=alices-cookie; Path=/
Set-Cookie: wide=alices-wide-cookie; Path=/; Domain=example.test; HttpOnly

<p>alices-secret</p>
END
SH
put_program(alice => 'web/data.js', <<'SH');
#!/bin/sh
cat <<END
Content-Type: text/javascript

var data = 'alices-secret';
END
SH

# A page of bob's, which tries everything.
put_program(bob => 'public_html/page.sh', <<'SH');
#!/bin/sh
env >>/home/bob/seen
cat <<'END'
Content-Type: text/html
Set-Cookie: planted=bobs-cookie; Path=/

<title>bob</title>
<body>hello
<script>
const loaded = element => new Promise(done => {
    element.onload = element.onerror = () => done(element);
    setTimeout(() => done(element), 30_000);
    document.body.append(element);
});
const inside = frame => frame.contentDocument.body.innerText;
const make = (name, values) => Object.assign(document.createElement(name),
    values);
const attacks = {
    fetch: url => fetch(url + 'secret.sh', { credentials: 'include' })
        .then(answer => answer.text()),
    blindly: url => fetch(url + 'secret.sh', { credentials: 'include',
        mode: 'no-cors' }).then(answer => answer.text()),
    frame: async url => inside(await loaded(make('iframe',
        { src: url + 'secret.sh' }))),
    script: async url => {
        await loaded(make('script', { src: url + 'data.js' }));
        return window.data;
    },
    form: async url => {
        const frame = make('iframe', { name: 'form' });
        const form = make('form', { action: url + 'secret.sh', target: 'form',
            method: 'POST' });
        document.body.append(frame, form);
        await new Promise(done => {
            frame.onload = done;
            setTimeout(done, 30_000);
            form.submit();
        });
        return inside(frame);
    },
    cookies: url => document.cookie,
};
async function attack(url) {
    const got = {};
    for (const name in attacks) {
        try {
            got[name] = String(await attacks[name](url));
        }
        catch (error) {
            got[name] = 'failed: ' + error.name;
        }
    }
    return got;
}
</script>
END
SH

sub seen_by {
    my ($user, $file) = @_;
    my $path = "$USERS/$user/home/$user/$file";
    my $text = eval { IvleJail::Httpd::slurp($path) } // '';
    unlink $path;
    return $text;
}

# --- one evening ----------------------------------------------------------------

my $browser;

# alice logs in and goes to bob's page.  Returns what his JavaScript got, what
# his program saw of her, and how her own was asked.
sub evening {
    my ($login, $my, $page) = @_;
    $browser = IvleJail::Browser->new;
    $browser->open($login, user => 'alice');
    $browser->open("${my}secret.sh");
    is($browser->text, 'alices-secret', 'alice sees what is hers');
    like($browser->js('return document.cookie'), qr/session=alices-cookie/,
        '... and has a cookie');
    seen_by(alice => 'asked');
    $browser->open($page);
    is($browser->title, 'bob', "... and goes to bob's page");
    my $got = $browser->async('attack(arguments[0]).then(arguments[1])', $my);
    $browser->open("${my}secret.sh");
    my $cookies = $browser->js('return document.cookie');
    $browser->quit;
    return { got => $got, seen => seen_by(bob => 'seen'),
        asked => seen_by(alice => 'asked'), cookies => $cookies };
}

# What bob's program may know is that somebody asked.
sub saw_nothing {
    my ($seen) = @_;
    my $password = encode_base64('alice:' . password_of('alice'), '');
    like($seen, qr/^HTTP_USER_AGENT=.*Chrome/m, "bob's program was asked");
    unlike($seen, qr/alices-|COOKIE/, '... and saw no cookie of hers');
    unlike($seen, qr/\Q$password\E|AUTHORIZATION|REMOTE_USER/,
        '... and no password');
}

my $httpd = IvleJail::Httpd->new(name => 'origin');
my $port = $httpd->{port};
my $common = "IvleJailLimit nproc unlimited\n"
    . "<Location />\nCGIPassAuth On\n</Location>\n";

# --- with conf/public.conf --------------------------------------------------------

write_without_login($httpd, $common . example($httpd, 'public'));
ok($httpd->start, 'conf/public.conf starts') or BAIL_OUT($httpd->output);
for my $page ("http://pages.example.test:$port/~bob/page.sh",
    "http://bob.pages.example.test:$port/page.sh") {
    my $my = "http://www.example.test:$port/my/";
    my $evening = evening("${my}secret.sh", $my, $page);
    my $got = $evening->{got};
    unlike($got->{$_}, qr/alices-/, "bob gets nothing by $_: $got->{$_}")
        for sort keys %$got;
    is(scalar(keys %$got), 6, '... nor in another way');
    saw_nothing($evening->{seen});
    unlike($evening->{asked}, qr/POST|example/,
        "alice's program was not asked by his page");
    unlike($evening->{cookies}, qr/bobs-cookie/, '... nor given his cookie');
}
ok($httpd->stop, 'httpd stops');

# --- on one host name --------------------------------------------------------------

$httpd->write_config($common . <<'CONF');
IvleJailAliasMatch "^/(?:open/)?~([a-z]+)/(.*)" "/home/$1/public_html/$2"
<LocationMatch "^/(?:open/)?~(?<OWNER>[a-z]+)/">
    IvleJailUser "%{env:MATCH_OWNER}" public
</LocationMatch>
<Location /open/>
    IvleJailPassCredentials On
</Location>
# A browser sends the password on its own to what is beside or below this.
<Location /index.html>
    Use Login
</Location>
CONF
ok($httpd->start, 'one host name for both starts') or BAIL_OUT($httpd->output);
my $site = "http://www.example.test:$port";
my @alice = ("$site/index.html", "$site/my/");
my $evening = evening(@alice, "$site/~bob/page.sh");
my $got = $evening->{got};
like($got->{$_}, qr/alices-/, "bob gets it all there by $_: $got->{$_}")
    for sort keys %$got;
like($evening->{asked}, qr/^POST/m, "... and has alice's program run");
saw_nothing($evening->{seen});
unlike($evening->{cookies}, qr/bobs-cookie/, '... and could set none');

$evening = evening(@alice, "$site/open/~bob/page.sh");
like($evening->{seen}, qr/^HTTP_COOKIE=.*alices-cookie/m,
    'IvleJailPassCredentials On: his program sees her cookie');
like($evening->{seen}, qr/^HTTP_AUTHORIZATION=Basic /m, '... and password');
like($evening->{cookies}, qr/bobs-cookie/, '... and sets one');
ok($httpd->stop, 'httpd stops');
done_testing();

