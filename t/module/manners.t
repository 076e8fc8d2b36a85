# SPDX-License-Identifier: Apache-2.0
# Jailed URLs among all that a stock configuration does with files: no other
# handler gets them, no file of the host is looked at or served, and no URL
# leads anywhere but below its alias.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use File::Basename qw(dirname);
use File::Path qw(make_path);

use IvleJail::Connection qw(ask);
use IvleJail::Httpd qw(htpasswd_of);
use IvleJail::Test;

my %port = (main => Apache::Test::vars('port'),
    map { $_ => Apache::Test::config()->{vhosts}{"manners_$_"}{port} }
    qw(decoded encoded));
my $server = Apache::Test::vars('serverroot');
my $error_log = "$server/logs/error_log";
my $own_log = "$server/logs/manners_log";

# Says where it is and what it was given.
my $HERE = <<'SH';
#!/bin/sh
echo Content-Type: text/plain
echo
echo "$(id -u) $SCRIPT_FILENAME $PATH_INFO"
SH

# --- the files ----------------------------------------------------------------

# Below alice's home.  The host has the same below /manners/, in the document
# root, where each of these URLs would lead without the module.
my @JAILED = map { "manners/$_" } qw(hello.sh hello.cgi hello.py hello.pl
    hello.var hello.html hello hello.sh.de cgi/hello.sh cgi/hello
    status/hello.sh static/hello.sh none/hello.sh if/hello.sh dir/hello.sh
    dir/index.html by-location/hello.sh typed/hello.sh
    with-handler/hello.sh handled
    forbidden.sh a/b/hello.sh a/hello.sh %u.sh $1.sh .hidden.sh
    .htpasswd .htaccess .htdir/hello.sh), 'a b.sh', 'a&b;c.sh', 'a\\1.sh',
    'a%2fhello.sh', '%2e%2e.sh';

my @ELSEWHERE = qw(outside.sh etc/passwd my/hello.sh mystery.sh
    special/hello.sh later/hello.sh my/later/hello.sh %u/alice/hello.sh);

sub put_on_host {
    my ($path, $text) = @_;
    my $file = "$server/htdocs/$path";
    make_path(dirname($file), { mode => 0755 });
    open(my $out, '>', $file) or die "$file: $!";
    print {$out} $text;
    close $out or die "$file: $!";
    chmod 0755, $file or die "$file: $!";
}

sub put_files {
    put_program(alice => $_, $HERE) for @JAILED, @ELSEWHERE;
    put_on_host($_, "#!/bin/sh\necho; echo on the host\n") for @JAILED;
    put_program(alice => 'manners/page.shtml', <<'SH');
#!/bin/sh
echo Content-Type: text/html
echo
echo '<!--#echo var="DOCUMENT_ROOT" -->'
SH
    put_program(alice => 'manners/hurried.sh', "#!/bin/sh\nexec sleep 1000\n");
    put_file(alice => 'manners/.htaccess',
        "Require all denied\nSetHandler cgi-script\nno directive\n");
    put_program(bob => "$_/hello.sh", $HERE) for qw(manners public);
    put_program(bob => 'manners/own/hello.sh', $HERE);
    put_program(alice => 'manners/own/hello.sh', $HERE);
}

# --- what is asked ------------------------------------------------------------

# Where a URL leads: a path in the jail and perhaps PATH_INFO, or a status.
my @URLS = (
    # handlers
    (map { ["/manners/$_", "manners/$_"] } qw(hello.sh hello.cgi hello.py
        hello.pl hello.var hello.html hello.sh.de cgi/hello.sh cgi/hello
        status/hello.sh static/hello.sh none/hello.sh if/hello.sh
        dir/hello.sh dir/index.html typed/hello.sh with-handler/hello.sh
        handled .hidden.sh)),
    ['/manners/by-server/hello.sh', 'manners/hello.sh'],
    ['/manners/by-location/away/hello.sh', 'manners/hello.sh'],
    ['/manners/by-location/near/hello.sh', 'manners/by-location/hello.sh'],

    # files that are not there, or nobody's business
    (map { ["/manners/$_", 404] } qw(helo.sh HELLO.SH hello.s
        hello.sh. hello.sh~ ... dir/none status/none cgi/none)),
    (map { ["/manners/$_", 301] } qw(a dir)),
    (map { ["/manners/$_", 403] } '', qw(a/ .htpasswd .htaccess .htnone
        .htdir .htdir/hello.sh .htdir/none/)),
    ['/manners/dir/', 'manners/dir/index.html'],
    ['/manners/forbidden.sh', 'manners/forbidden.sh'],
    ['/files/hello.sh', 'manners/hello.sh'],
    ['/files/hello.sh/x', 'manners/hello.sh', '/x'],
    (map { ["/files/$_", 403] } '.htaccess', '.htnone', '.htdir/hello.sh',
        'a/forbidden.sh', map { "forbidden.sh$_" } '', '/', '/x',
        '/x/y.html', '/hello.sh'),

    # dots and slashes
    ['/manners/./hello.sh', 'manners/hello.sh'],
    ['/manners//hello.sh', 'manners/hello.sh'],
    ['//manners///a//hello.sh', 'manners/a/hello.sh'],
    ['/manners/a/b/../hello.sh', 'manners/a/hello.sh'],
    ['/manners/a/%2e%2e/hello.sh', 'manners/hello.sh'],
    ['/manners/hello.sh/.', 'manners/hello.sh', '/'],
    ['/manners/hello.sh/x/../y', 'manners/hello.sh', '/y'],
    ['/manners/hello.sh/a%20b', 'manners/hello.sh', '/a b'],
    ['/manners/hello.sh/..', 403],
    ['/x/../manners/hello.sh', 'manners/hello.sh'],
    (map { ["/manners/$_", 404] } '..%5coutside.sh', '%252e%252e/outside.sh',
        '..%252foutside.sh', '..outside.sh', '.%20./outside.sh', '~alice',
        '..;/outside.sh'),
    (map { ["/manners/$_", 404] } 'a%2fhello.sh', '..%2foutside.sh',
        'hello.sh%2f', '%2fetc%2fpasswd', 'hello.sh%00', 'hello.sh%00.html',
        '%00/hello.sh'),
    (map { ["/manners/$_", 400] } 'hello.sh%', 'hello.sh%zz', '%2',
        '../../..', '%2e%2e/%2e%2e/outside.sh'),

    # names
    ['/manners/a%20b.sh', 'manners/a b.sh'],
    ['/manners/a&b;c.sh', 'manners/a&b;c.sh'],
    ['/manners/a%5c1.sh', 'manners/a\\1.sh'],
    ['/manners/%25u.sh', 'manners/%u.sh'],
    ['/manners/$1.sh', 'manners/$1.sh'],
    ['/manners/hello.sh%0aX', 404],
    ['/manners/%ff%fe', 404],

    # lengths
    ['/manners/' . 'x' x 255, 404],
    ['/manners/' . 'x' x 256, 404],
    ['/manners/' . 'x/' x 3000, 404],
    ['/manners/hello.sh/' . 'x' x 4000, 'manners/hello.sh', '/' . 'x' x 4000],
    ['/manners/' . 'x' x 8200, 414],

    # aliases
    ['/manners-my/special/hello.sh', 'special/hello.sh'],
    ['/manners-my/hello.sh', 'my/hello.sh'],
    ['/manners-my/later/hello.sh', 'my/later/hello.sh'],
    ['/manners-my', 301],
    ['/manners-my/', 403],
    ['/manners-mystery.sh', 404],
    ['/manners-my.sh', 404],
    ['/manners-twice/hello.sh', '%u/alice/hello.sh'],
    ['/manners-file.sh', 'manners/hello.sh'],
    ['/manners-file.sh/x', 'manners/hello.sh', '/x'],
    ['/manners-file.shx', 404],
    ['/manners-root/home/alice/outside.sh', 'outside.sh'],
    ["/manners-root$server/htdocs/index.html", 404],
    ["/manners-root/proc/1/root$server/htdocs/index.html", 404],
    ['/manners-match/hello/end', 'manners/hello.sh'],
    ['/manners-match/a/b/hello/end', 'manners/a/b/hello.sh'],
    ['/manners-match/%25u/end', 'manners/%u.sh'],
    ['/manners-match/$1/end', 'manners/$1.sh'],
    ['/manners-match/a%5c1/end', 'manners/a\\1.sh'],
    ['/manners-match/a&b;c/end', 'manners/a&b;c.sh'],
    ['/manners-match/../outside/end', 404],
    ['/manners-match/hello/end/', 404],
    ['/manners-host/hello.sh', 'manners/hello.sh'],
    ['/manners-vhost/hello.sh', 404],
);

# The same on the virtual hosts.
my %ON_VHOST = (
    decoded => [
        ['/manners/hello.sh', 'manners/hello.sh'],
        ['/manners-vhost/hello.sh', 'manners/hello.sh'],
        ['/manners-my/hello.sh', 'manners/hello.sh'],
        ['/manners-my/special/hello.sh', 404],
        ['/manners/a%2fhello.sh', 'manners/a/hello.sh'],
        ['/manners/a%2Fb%2f/hello.sh', 'manners/a/b/hello.sh'],
        ['/files/forbidden.sh%2fx', 403],
        ['/manners/.htdir%2fhello.sh', 403],
        (map { ["/manners/$_", 404] } '..%2foutside.sh',
            'a%2f..%2f..%2foutside.sh', 'a/..%2f..%2foutside.sh',
            '%2e%2e%2foutside.sh', '..%2f..%2f..%2fetc%2fpasswd'),
        ['/manners%2fhello.sh', 'manners/hello.sh'],
    ],
    encoded => [
        ['/manners/hello.sh', 'manners/hello.sh'],
        ['/manners/a%2fhello.sh', 'manners/a%2fhello.sh'],
        ['/manners/..%2foutside.sh', 404],
        ['/manners/a//hello.sh', 'manners/a//hello.sh'],
        ['/manners/..%2f../outside.sh', 404],
    ],
);

# Method, status, and whether it was the program that answered.
my @METHODS = (['GET', 200, 1], ['HEAD', 200, 0], ['POST', 200, 1],
    ['PUT', 200, 1], ['DELETE', 200, 1], ['PATCH', 200, 1],
    ['OPTIONS', 200, 1], ['PROPFIND', 200, 1], ['MKCOL', 200, 1],
    ['SOMETHING', 200, 1], ['TRACE', 200, 0]);

# --- asking -------------------------------------------------------------------

# What an answer should have been, of a path in alice's jail.
sub expected {
    my ($path, $info) = @_;
    return $path if $path =~ /\A\d+\z/;
    return "70001 /home/alice/$path " . ($info // '') . "\n";
}

sub got {
    my ($vhost, $url, $user) = @_;
    my $answer = ask($port{$vhost}, GET => $url, user => $user);
    return $answer->{code} == 200 ? $answer->{body} : $answer->{code};
}

sub leads_to {
    my ($vhost, $url, @to) = @_;
    my $name = (length $url > 70 ? substr($url, 0, 60) . '...' : $url)
        . ($vhost eq 'main' ? '' : " ($vhost)");
    $name =~ s{\Q$server\E}{};
    is(got($vhost, $url, 'alice'), expected(@to), $name);
}

# A program's answer to somebody: uid and path.
sub is_answer {
    my ($url, $user, $expected, $name) = @_;
    is(got('main', $url, $user), $expected, $name);
}

# --- the tests ----------------------------------------------------------------

plan tests => @URLS + (map { @$_ } values %ON_VHOST) + @METHODS + 24;

open(my $out, '>', "$server/conf/manners.htpasswd") or die "htpasswd: $!";
print {$out} htpasswd_of(qw(alice bob ALICE));
close $out or die "htpasswd: $!";
put_files();
my $own = log_mark($own_log);
my $errors = log_mark($error_log);

leads_to('main', @$_) for @URLS;
for my $vhost (sort keys %ON_VHOST) {
    leads_to($vhost, @$_) for @{ $ON_VHOST{$vhost} };
}

for (@METHODS) {
    my ($method, $code, $is_jailed) = @$_;
    my $answer = ask($port{main}, $method => '/manners/hello.sh',
        user => 'alice');
    my $is_program = $answer->{body} eq expected('manners/hello.sh') ? 1 : 0;
    is("$answer->{code} $is_program", "$code $is_jailed", $method);
}
is(ask($port{main}, OPTIONS => '*')->{code}, 200, 'OPTIONS *');
is(ask($port{encoded}, TRACE => '/manners/hello.sh', user => 'alice')->{code},
    405, 'TRACE where it is off');

# What the programs say is what the client gets.
my $answer = ask($port{main}, GET => '/manners/page.shtml', user => 'alice');
is($answer->{body}, qq{<!--#echo var="DOCUMENT_ROOT" -->\n},
    'no filter by extension');
$answer = ask($port{main}, GET => '/manners/hello.sh.de', user => 'alice');
is($answer->{headers}{'content-language'}, undef,
    'no language by extension');
$answer = ask($port{main}, GET => '/manners/hello.html', user => 'alice');
is($answer->{headers}{'content-type'}, 'text/plain',
    'no type by extension');
is(ask($port{main}, GET => '/manners/hello', user => 'alice',
    headers => { Accept => 'text/html' })->{body},
    expected('manners/hello'), 'no negotiation');
is(ask($port{main}, GET => '/manners/hurried.sh', user => 'alice')->{code},
    504, 'a <Files> section has our directives, too');

# Whose jail.
is_answer('/manners-lower/hello.sh', 'ALICE', expected('manners/hello.sh'),
    'IvleJailUser changes a name');
is_answer('/manners/hello.sh', 'ALICE', 403, '... which is wrong without it');
is_answer('/manners-shared/hello.sh', 'alice',
    "70002 /home/bob/manners/hello.sh \n", "... gives somebody else's");
is_answer('/manners-shared/own/hello.sh', 'alice',
    "70001 /home/alice/manners/own/hello.sh \n", '... or the own, further in');
is_answer('/manners-shared/hello.sh', undef, 401,
    '... and still wants a login');
is_answer('/manners-public/bob/hello.sh', undef,
    "70002 /home/bob/public/hello.sh \n", '... but not where it is public');
is_answer('/manners-public/bob/../alice/hello.sh', undef, 404,
    "... where the URL's user is the jail's");
is_answer('/manners-public/nobody/hello.sh', undef, 403,
    '... if there is such a user');
is_answer('/manners-public/BOB/hello.sh', undef, 403,
    '... with such a name');

# A handler is not an alias.
$answer = ask($port{main}, GET => '/no-alias/hello.sh');
is($answer->{code}, 500, 'a handler without an alias is an error');
like(log_since($errors),
    qr{IJ0006: '/no-alias/hello\.sh' .*IvleJailAlias.*remove the SetHandler},
    '... that says what to do');

# What the logs show of all this.
my @logged;
wait_until(60, sub { @logged = split /\n/, log_since($own);
    return @logged >= @URLS + @METHODS });
my @served = grep { / 200 / } @logged;
cmp_ok(@served, '>', 50, 'many requests were served');
is_deeply([grep { !m{^TRACE| (ivlejail|redirect-handler) ivlejail:/home/} }
    @served], [], '... by us, and none of them as a path of the host');
is(scalar(() = log_since($errors) =~ /on the host|cgid:error/g), 0,
    'mod_cgid was not asked');
my @denied = grep { /client denied/ } split /\n/, log_since($errors);
cmp_ok(scalar(grep { /forbidden/ } @denied), '>', 0,
    '<Files> denied something');
is(scalar(grep { !/: ivlejail:/ } @denied), 0,
    '... that was not a path of the host');
unlike(log_since($errors), qr{(?<!ivlejail:)\Q$server\E/htdocs/manners},
    'no file of the host is in the error log');
