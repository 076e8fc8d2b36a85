# SPDX-License-Identifier: Apache-2.0
# Public pages on a host name of their own: conf/public.conf as it is shipped,
# and what is said of those who have them where users log in.
use strict;
use warnings;

use Test::More;

use IvleJail::Connection qw(ask);
use IvleJail::Example;
use IvleJail::Httpd;
use IvleJail::Test;

must_be_root();
install();
base('busybox');

my $httpd = IvleJail::Httpd->new(name => 'shared');
my $conf = "$httpd->{dir}/conf/httpd.conf";

# --- what is said ---------------------------------------------------------------

my $PUBLIC = "<LocationMatch ^/~>\nIvleJailUser %{env:X} public\n"
    . "</LocationMatch>\n";
my $LOGIN = "<Location /my/>\nAuthType Basic\n</Location>\n";
my $ALIAS = "IvleJailAliasMatch ^/~(.*) /home/\$1\n";

sub host {
    my ($name, @more) = @_;
    return "<VirtualHost 127.0.0.1>\n" . ($name ? "ServerName $name\n" : '')
        . join('', @more) . "</VirtualHost>\n";
}

# The configuration, and how often it is warned of.
my %CASES = (
    'nothing' => ['', 0],
    'both on the main server' => [$ALIAS . $PUBLIC . $LOGIN, 1],
    '... in the other order' => [$LOGIN . $PUBLIC . $ALIAS, 1],
    '... and virtual hosts that have it from there' =>
        [$ALIAS . $PUBLIC . $LOGIN . host('a.test') . host('b.test'), 1],
    'only public pages' => [$ALIAS . $PUBLIC, 0],
    'only logins' => ["IvleJailAlias / /home/%u/\n$LOGIN", 0],
    'both, but no pages' => [$PUBLIC . $LOGIN, 0],
    'both on a virtual host' => [host('a.test', $ALIAS, $PUBLIC, $LOGIN), 1],
    '... without a name' => [host('', $ALIAS, $PUBLIC, $LOGIN), 1],
    'each on its own' => [host('a.test', $ALIAS, $PUBLIC)
        . host('b.test', $LOGIN), 0],
    'logins of the main server on the host of public pages' =>
        [$LOGIN . host('a.test', $ALIAS, $PUBLIC), 1],
    'public pages of the main server on the host of logins' =>
        [$ALIAS . $PUBLIC . host('a.test', $LOGIN), 1],
    'two hosts of one name' => [host('a.test', $ALIAS, $PUBLIC)
        . host('A.test:81', $LOGIN), 1],
    '... by an alias' => [host('a.test', $ALIAS, $PUBLIC)
        . host('b.test', "ServerAlias c.test a.test\n", $LOGIN), 1],
    '... by a wildcard' => [
        host('a.test', "ServerAlias *.pages.test\n", $ALIAS, $PUBLIC)
        . host('www.pages.test', $LOGIN), 1],
    '... by no wildcard' => [
        host('a.test', "ServerAlias *.pages.test\n", $ALIAS, $PUBLIC)
        . host('pages.test', $LOGIN), 0],
    'two hosts with both' => [host('a.test', $ALIAS, $PUBLIC, $LOGIN)
        . host('b.test', $ALIAS, $PUBLIC, $LOGIN), 2],
    'a login that is none' => [$ALIAS . $PUBLIC
        . "<Location /my/>\nAuthType None\n</Location>\n", 0],
    'a jail that is not public' => [$ALIAS . $LOGIN
        . "<Location /~>\nIvleJailUser public\n</Location>\n", 0],
    'quoted, in sections in sections' => [$ALIAS . <<'CONF', 1],
<IfModule alias_module>
    <Location /a>
        <If "true">
            IvleJailUser "%{env:X}" "Public"
        </If>
        <If "true">
            AuthType "Basic"
        </If>
    </Location>
</IfModule>
CONF
);

# The lines of ours that httpd prints.
sub warnings_of {
    my ($config) = @_;
    write_without_login($httpd, $config);
    my $valid = $httpd->configtest;
    return $valid ? [grep { /IJ0112: / } split /\n/, $httpd->{output}]
        : $httpd->{output};
}

for my $name (sort keys %CASES) {
    my ($config, $count) = @{ $CASES{$name} };
    my $said = warnings_of($config);
    ok(ref $said && @$said == $count, "$name: " . ('no warning', 'a warning',
        'two warnings')[$count]) or diag explain $said;
}

my ($line) = @{ warnings_of($ALIAS . $PUBLIC . $LOGIN) };
my %line_of = map { my ($at) = `grep -n '^$_' $conf` =~ /^(\d+)/; $_ => $at }
    'IvleJailUser %', 'AuthType Basic';
like($line, qr/public, line $line_of{'IvleJailUser %'} of \Q$conf\E/,
    'it says where the public pages are');
like($line, qr/AuthType, line $line_of{'AuthType Basic'} of \Q$conf\E/,
    '... where the login is');
like($line, qr/a host name of their own, as in conf\/public\.conf/,
    '... and what to do');

# --- conf/public.conf -------------------------------------------------------------

sub page {
    my ($host, $path, %arg) = @_;
    my $answer = ask($httpd->{port}, GET => $path, %arg,
        headers => { Host => "$host.example.test", %{ $arg{headers} // {} } });
    return $answer->{code} == 200 ? $answer->{body} : $answer->{code};
}

put_program($_ => 'public_html/id.sh',
    "#!/bin/sh\necho Content-Type: text/plain\necho\n"
    . 'echo $(id -u) $(ulimit -t) $HTTP_COOKIE' . "\n") for qw(alice bob);
put_file($_ => 'public_html/index.html', "${_}'s pages\n")
    for qw(alice bob);
put_program($_ => 'web/id.sh',
    "#!/bin/sh\necho Content-Type: text/plain\necho\n"
    . 'echo my $(id -u) $HTTP_COOKIE' . "\n") for qw(alice bob);

is_deeply(warnings_of(example($httpd, 'public')), [],
    'public.conf: no warning');
ok($httpd->start, '... it works') or BAIL_OUT($httpd->output);
my @cookie = (headers => { Cookie => 'a=1' });
my @alice = (user => 'alice', @cookie);
is(page('www', '/my/id.sh', @cookie), 401, 'www: a login');
is(page('www', '/my/id.sh', @alice), "my 70001 a=1\n", '... of alice');
is(page('www', '/my/id.sh', user => 'alice', headers => { Origin => $_ }),
    403, "... not asked for by pages of $_")
    for qw(http://pages.example.test null https://www.example.test.test);
is(page('www', '/my/id.sh', user => 'alice', headers => { Origin => $_ }),
    "my 70001\n", "... but by pages of $_") for 'http://www.example.test',
    'https://www.example.test:8443';
is(page('www', '/~bob/id.sh', @alice), 404, '... and no public pages');
is(page('pages', '/~bob/id.sh', @alice), "70002 2\n",
    'pages: as bob, in a profile of its own, without cookies');
is(page("pages", "/~bob/", @alice), "bob's pages\n", '... with an index');
is(page('pages', '/my/id.sh', @alice), 404, '... and no login');
is(page('bob.pages', '/id.sh', @alice), "70002 2\n", 'bob.pages: the same');
is(page('bob.pages', '/'), "bob's pages\n", '... with an index');
is(page('bob.pages', '/~alice/id.sh'), 404, "... and nobody else's");
is(page($_, '/id.sh'), 403, "$_: nobody's") for qw(any.pages a.bob.pages);
ok($httpd->stop, 'httpd stops');

# It is a warning when it starts, too, and nothing more.
write_without_login($httpd, $ALIAS . $PUBLIC . $LOGIN);
ok($httpd->start, 'a server that is warned of starts') or diag $httpd->output;
like($httpd->{output}, qr/IJ0112: public pages/, '... says so when it starts');
is(scalar(() = $httpd->error_log =~ /IJ0112: public pages/g), 1,
    '... and once in its error log');
ok($httpd->restart && $httpd->stop, '... goes on and stops');
done_testing();
