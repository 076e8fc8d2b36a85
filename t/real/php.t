# SPDX-License-Identifier: Apache-2.0
# PHP pages, run by php-cgi as an interpreter: what they see of the request,
# forms with files, sessions, and that two users' sessions are two.
use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use HTTP::Request::Common ();
use Test::More;

use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

must_be_root();
install();
base('debian');

# As in conf/teaching.conf; /alone/ without the line that PHP wants.
my $httpd = IvleJail::Httpd->new(name => 'php', config => <<"CONF");
IvleJailBase $BASES/debian
IvleJailInterpreter .php /usr/bin/php-cgi
<Location /my/>
    SetEnv REDIRECT_STATUS 200
</Location>
IvleJailAlias /alone/ /home/alice/web/
<Location /alone/>
    IvleJailUser alice public
    IvleJailExplain On
</Location>
CONF

my %uid = (alice => 70001, bob => 70002);
for my $user (sort keys %uid) {
    put_file($user => 'web/server.php', <<'PHP');
<?php
header('Content-Type: text/plain');
foreach ($_SERVER as $name => $value) {
    if (is_string($value)) echo "$name=$value\n";
}
echo "uid=", posix_getuid(), "\n";
PHP
    put_file($user => 'web/counter.php', <<'PHP');
<?php
session_start();
$_SESSION['times'] = ($_SESSION['times'] ?? 0) + 1;
echo get_current_user(), ' ', $_SESSION['times'];
PHP
    put_file($user => 'web/upload.php', <<'PHP');
<?php
$file = $_FILES['file'];
echo $_POST['title'], '|', $file['name'], '|', $file['type'], '|',
    $file['error'], '|', $file['size'];
if (!$file['error']) {
    move_uploaded_file($file['tmp_name'], '../uploaded');
}
PHP
}
put_file(alice => 'web/answer.php', <<'PHP');
<?php
http_response_code(418);
setcookie('one', '1');
setcookie('two', '2');
header('Content-Type: application/json');
echo json_encode(['length' => strlen(file_get_contents('php://input'))]);
PHP
put_file(alice => 'web/away.php', "<?php header('Location: /elsewhere');\n");
put_file(alice => 'web/wrong.php', "<?php echo 'x' y;\n");

sub upload {
    my ($user, %arg) = @_;
    my $form = HTTP::Request::Common::POST('http://x/', Content_Type =>
        'form-data', Content => [title => "Stra\xc3\x9fe & <b>",
        file => [undef, 'my "file".bin', Content_Type => 'image/x-own',
            Content => $arg{bytes}]]);
    return $httpd->request(POST => '/my/upload.php', user => $user,
        content => $form->content,
        headers => { 'Content-Type' => $form->header('Content-Type') });
}

ok($httpd->start, 'httpd starts') or diag $httpd->output;

# --- the request and the answer ---------------------------------------------

my $answer = $httpd->get('/my/server.php/more/path?a=1&b=-s',
    user => 'alice', headers => { Cookie => 'c=1', 'X-Own' => 'yes' });
is($answer->{status}, 200, 'a PHP page');
my %server = map { /^(\w+)=(.*)/ ? ($1 => $2) : () }
    split /\n/, $answer->{content};
my %wanted = (
    SCRIPT_FILENAME => '/home/alice/web/server.php',
    SCRIPT_NAME => '/my/server.php',
    PHP_SELF => '/my/server.php/more/path',
    PATH_INFO => '/more/path',
    PATH_TRANSLATED => '/home/alice/web/more/path',
    DOCUMENT_ROOT => '/home/alice/web',
    REQUEST_URI => '/my/server.php/more/path?a=1&b=-s',
    QUERY_STRING => 'a=1&b=-s',
    REQUEST_METHOD => 'GET',
    SERVER_PROTOCOL => 'HTTP/1.1',
    GATEWAY_INTERFACE => 'CGI/1.1',
    SERVER_PORT => $httpd->{port},
    REMOTE_USER => 'alice',
    AUTH_TYPE => 'Basic',
    HTTP_COOKIE => 'c=1',
    HTTP_X_OWN => 'yes',
    uid => 70001,
);
is($server{$_}, $wanted{$_}, "it sees $_") for sort keys %wanted;
like($answer->{headers}{'content-type'}, qr{^text/plain},
    'its header reaches the client');

$answer = $httpd->request(POST => '/my/answer.php', user => 'alice',
    content => '{"a":[1,2]}', headers => { 'Content-Type' => 'text/json' });
is($answer->{status}, 418, 'a status of its own');
is_deeply($answer->{headers}{'set-cookie'}, ['one=1', 'two=2'],
    '... with both cookies');
is($answer->{content}, '{"length":11}', '... and the body that it was sent');
is($answer->{headers}{'content-type'}, 'application/json', '... has a type');
is(HTTP::Tiny->new(max_redirect => 0)->get('http://alice:'
    . password_of('alice') . "\@127.0.0.1:$httpd->{port}/my/away.php")
    ->{headers}{location}, '/elsewhere', 'a page that sends elsewhere');
is($httpd->get('/my/wrong.php', user => 'alice')->{status}, 500,
    'a page with a mistake is an error');
like($httpd->error_log, qr/stderr of 'alice': PHP Parse error: .*wrong\.php/,
    '... that is logged');
put_file(alice => 'web/.user.ini', "display_errors = On\n");
like($httpd->get('/my/wrong.php', user => 'alice')->{content},
    qr{Parse error.*/home/alice/web/wrong\.php}s,
    '... and that its user may have shown');

$answer = $httpd->get('/alone/server.php');
is($answer->{status}, 500, 'PHP that is not told of the web server');
like($answer->{content}, qr/Security Alert/, '... says so');

# --- forms with files -------------------------------------------------------

my $bytes = join '', map { chr(($_ * 7 + ($_ >> 8)) & 255) } 1 .. 1_500_000;
for my $user (sort keys %uid) {
    $answer = upload($user, bytes => "$bytes$user");
    is($answer->{content}, "Stra\xc3\x9fe & <b>|my \"file\".bin|image/x-own|0|"
        . length("$bytes$user"), "$user uploads a file");
    my $file = "$USERS/$user/home/$user/uploaded";
    is(-e $file && md5_hex(slurp($file)), md5_hex("$bytes$user"),
        '... which arrives unharmed');
    is((stat $file)[4], $uid{$user}, '... and is the user\'s');
}
like(upload('alice', bytes => $bytes x 2)->{content}, qr/\|1\|0$/,
    'PHP says that a file is too large for it');
is_deeply([glob "$USERS/*/tmp/php*"], [], 'no upload is left behind');

# --- sessions -----------------------------------------------------------------

my %cookie;
for my $user (sort keys %uid) {
    $answer = $httpd->get('/my/counter.php', user => $user);
    is($answer->{content}, "$user 1", "a session of $user begins");
    ($cookie{$user}) = ($answer->{headers}{'set-cookie'} // '')
        =~ /^(PHPSESSID=[^;]+)/;
}
for my $case ([alice => 'alice', 2], [alice => 'alice', 3], [bob => 'bob', 2],
        [bob => 'alice', 1]) {
    my ($user, $whose, $times) = @$case;
    is($httpd->get('/my/counter.php', user => $user,
        headers => { Cookie => $cookie{$whose} })->{content}, "$user $times",
        "$user with a cookie of ${whose}'s: $times");
}
for my $user (sort keys %uid) {
    my @files = glob "$USERS/$user/tmp/sess_*";
    is(scalar(grep { (stat)[4] == $uid{$user} && ((stat)[2] & 077) == 0 }
        @files), scalar @files, "only $user can read these sessions");
    ok(-e "$USERS/$user/tmp/" . ($cookie{$user} =~ s/.*=/sess_/r),
        '... which are in a /tmp of their own');
}

$httpd->stop;
done_testing();
