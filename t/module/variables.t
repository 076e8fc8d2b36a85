# SPDX-License-Identifier: Apache-2.0
# The environment of a program, all of it: what is said of the request is what
# mod_cgid says, what is said of files is true inside the jail, and nothing is
# said of the host's.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);

use IvleJail::Connection qw(ask);
use IvleJail::Test;
use IvleJail::Twin qw(put_twin);

my $port = Apache::Test::vars('port');
my $root = Apache::Test::vars('serverroot');

# Of RFC 3875 4.1; the extension variables of httpd are found out.
my @ALWAYS = qw(GATEWAY_INTERFACE QUERY_STRING REMOTE_ADDR REQUEST_METHOD
    SCRIPT_NAME SERVER_NAME SERVER_PORT SERVER_PROTOCOL SERVER_SOFTWARE
    AUTH_TYPE REMOTE_USER);

# About files: ours and theirs differ.
my %PATHS = map { $_ => 1 } qw(DOCUMENT_ROOT SCRIPT_FILENAME PATH_TRANSLATED
    PATH);
# The host's, and the shell's own; no program of a jail hears of the former.
my %THEIRS = map { $_ => 1 } qw(CONTEXT_DOCUMENT_ROOT CONTEXT_PREFIX);
my %SHELL = map { $_ => 1 } qw(PWD OLDPWD SHLVL _);
# Chosen anew for each connection.
my %CHANGING = map { $_ => 1 } qw(REMOTE_PORT);

# What follows the script's name, PATH_INFO, method and the rest.
my @REQUESTS = (
    [''], ['?a=b&c=%20+%2F'], ['?'], ['?a+b'],
    ['/', '/'], ['/a/b', '/a/b'], ['/a%20b', '/a b'], ['//a', '/a'],
    ['/a/../b', '/b'], ['/%3Fa?b', '/?a'], ['/env', '/env'],
    ['/%E4%C3%A4', "/\xe4\xc3\xa4"],
    ['', undef, 'HEAD'],
    ['', undef, 'POST', body => 'a=b', headers => {
        'Content-Type' => 'application/x-www-form-urlencoded' }],
    ['/a?b', '/a', 'PUT', chunks => ['a', 'b'], headers => {
        'Content-Type' => 'text/x-odd; charset="utf-8"' }],
    ['', undef, 'POST', body => ''],
    ['', undef, 'GET', headers => { Host => 'other.example:81',
        Cookie => 'a=1; b=2', Accept => ['a/b', 'c/d'], Proxy => 'evil',
        'Accept-Encoding' => 'gzip', 'X-Odd_Name' => '', 'X-A' => 'b',
        'User-Agent' => "t\xc3\xa4st", Referer => 'http://a/?b',
        'X-Forwarded-For' => '1.2.3.4', Range => 'bytes=0-1' }],
);

# HEAD has no body: what the program was told is in a header, too.
put_twin(env => <<'SH');
cat >/dev/null
printf 'Content-Type: text/plain\nX-Method: %s\n\n' "$REQUEST_METHOD"
tr '\000\n' '\n ' </proc/self/environ
SH
sub environment {
    my ($place, $more, $method, @arg) = @_;
    my $answer = ask($port, $method // 'GET', "/cgi/$place/env$more",
        user => 'alice', @arg);
    my %environment = map { split /=/, $_, 2 } split /\n/, $answer->{body};
    $environment{'X-Method'} = $answer->{headers}{'x-method'};
    delete @environment{keys %SHELL, keys %CHANGING};
    s{/cgi/$place/}{/cgi/PLACE/}g for values %environment;
    return \%environment;
}

# Without those that differ.
sub about_request {
    my ($environment) = @_;
    my %rest = %$environment;
    delete @rest{keys %PATHS, keys %THEIRS};
    return \%rest;
}

sub about_files {
    my ($environment) = @_;
    return { map { $_ => $environment->{$_} } keys %PATHS };
}

plan tests => 3 * @REQUESTS + 6;

my $home = '/home/alice/cgi';
for (@REQUESTS) {
    my ($more, $info, @arg) = @$_;
    my $ours = environment(jail => $more, @arg);
    my $name = ($arg[0] // 'GET') . " env$more";
    is_deeply(about_request($ours),
        about_request(environment(host => $more, @arg)), $name);
    is_deeply([grep { /\Q$root\E|\Q$ROOT\E/ } map { $_ // '' } %$ours], [],
        '... no path of the host');
    my %expected = map { $_ => undef } keys %PATHS;
    %expected = (PATH => '/usr/local/bin:/usr/bin:/bin',
        DOCUMENT_ROOT => $home, SCRIPT_FILENAME => "$home/env",
        PATH_TRANSLATED => defined $info ? "$home$info" : undef)
        if ($arg[0] // '') ne 'HEAD';
    is_deeply(about_files($ours), \%expected, '... files of the jail');
}

my $ours = environment(jail => '/a?b');
is_deeply([grep { !defined $ours->{$_} } @ALWAYS], [],
    'everything of RFC 3875 is there');
is($ours->{GATEWAY_INTERFACE}, 'CGI/1.1', '... of that version');
is($ours->{SCRIPT_NAME} . $ours->{PATH_INFO}, '/cgi/PLACE/env/a',
    '... and the name goes on with the rest');
is($ours->{CONFIGURED}, 'by the administrator', "the administrator's word");
ok(!exists $ours->{HTTP_AUTHORIZATION}, 'no password');
ok(!exists environment(jail => '', 'GET',
    headers => { Proxy => 'evil' })->{HTTP_PROXY}, 'no HTTP_PROXY');
