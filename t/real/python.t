# SPDX-License-Identifier: Apache-2.0
# Python web applications: WSGI under the CGI handler of Python's own library,
# whose validator checks all that PEP 3333 asks of a server, and Bottle.
use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use HTTP::Request::Common ();
use Test::More;

use IvleJail::Connection qw(ask request_text);
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

must_be_root();
install();
base('debian');

my $httpd = IvleJail::Httpd->new(name => 'python', config => <<"CONF");
IvleJailBase $BASES/debian
IvleJailInterpreter .py /usr/bin/python3
CONF
my $address = "127.0.0.1:$httpd->{port}";

put_file(alice => 'web/demo.py', <<'PYTHON');
from wsgiref.handlers import CGIHandler
from wsgiref.simple_server import demo_app
from wsgiref.validate import validator

CGIHandler().run(validator(demo_app))
PYTHON

put_file(alice => 'web/app.py', <<'PYTHON');
from hashlib import md5
from wsgiref.handlers import CGIHandler
from wsgiref.validate import validator


def about(environ):
    text = "\n".join(f"{name}={environ[name]}" for name in (
        "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "wsgi.url_scheme",
        "wsgi.multiprocess", "REMOTE_USER"))
    return "200 OK", [], [text.encode("latin-1")]


def digest(environ):
    length = int(environ["CONTENT_LENGTH"])
    return "200 OK", [], [md5(environ["wsgi.input"].read(length))
                          .hexdigest().encode()]


def teapot(environ):
    return "418 I am a teapot", [("Set-Cookie", "a=1"), ("X-Own", "x"),
                                 ("Set-Cookie", "b=2; Path=/")], [b"short"]


def stream(environ):
    def pieces():
        yield b"first piece\n"
        with open("/home/alice/gate"):
            yield b"second piece\n"
    return "200 OK", [], pieces()


def fail(environ):
    return "200 OK", [], [str(1 / 0).encode()]


PAGES = dict(digest=digest, teapot=teapot, stream=stream, fail=fail)


def app(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    status, headers, body = PAGES.get(name, about)(environ)
    start_response(status, [("Content-Type", "text/plain")] + headers)
    return body


CGIHandler().run(validator(app))
PYTHON

put_file(alice => 'web/bottle.py', <<'PYTHON');
import sys
sys.path.remove("/home/alice/web")      # where it would find itself
from bottle import (redirect, request, response, route, run, static_file,
                    template)


@route("/hello/<name>")
def hello(name):
    return template("Hello {{name}}, {{user}}", name=name, user=request.auth[0]
                    if request.auth else request.environ["REMOTE_USER"])


@route("/upload", method="POST")
def upload():
    file = request.files["file"]
    file.save("/home/alice/upload", overwrite=True)
    return f"{request.forms['title']}|{file.raw_filename}"


@route("/login")
def login():
    response.set_cookie("who", "alice", secret="s")
    redirect("/my/bottle.py/me")


@route("/me")
def me():
    return request.get_cookie("who", secret="s") or "nobody"


@route("/file")
def file():
    return static_file("upload", root="/home/alice", mimetype="image/x-own")


run(server="cgi", quiet=True)
PYTHON

sub alice {
    my ($method, $path, %arg) = @_;
    my %headers = (Host => $address, %{ delete $arg{headers} // {} });
    return ask($httpd->{port}, $method, "/my/$path", user => 'alice',
        headers => \%headers, %arg);
}

ok($httpd->start, 'httpd starts') or diag $httpd->output;

# --- Python's own -----------------------------------------------------------

my $answer = alice(GET => 'demo.py/x?y=z');
is($answer->{code}, 200, 'the demonstration of the library, checked by it');
like($answer->{body}, qr/^Hello world!\n.*^PATH_INFO = '\/x'$/ms, '... runs');
is($httpd->error_log =~ /stderr of/ ? 'stderr' : '', '',
    '... with nothing to complain of');

# PEP 3333: the bytes of a decoded path, as if they were Latin-1.
$answer = alice(GET => 'app.py/Stra%C3%9Fe/%2526?a=%26&b');
is($answer->{body}, join("\n", 'SCRIPT_NAME=/my/app.py',
    "PATH_INFO=/Stra\xc3\x9fe/%26", 'QUERY_STRING=a=%26&b',
    'wsgi.url_scheme=http', 'wsgi.multiprocess=True', 'REMOTE_USER=alice'),
    'the paths and the query');

my $body = join '', map { chr(($_ * 11 + ($_ >> 8)) & 255) } 1 .. 3_000_000;
is(alice(POST => 'app.py/digest', body => $body)->{body}, md5_hex($body),
    'a body of 3 MB is read');

$answer = alice(GET => 'app.py/teapot');
is("$answer->{code} $answer->{reason}", '418 I am a teapot', 'a status');
is($answer->{headers}{'set-cookie'}, 'a=1, b=2; Path=/',
    '... headers of the same name, in their order');
my $head = alice(HEAD => 'app.py/teapot');
is("$head->{code} $head->{headers}{'set-cookie'}", '418 a=1, b=2; Path=/',
    'HEAD has the same');

my $gate = put_gate('alice');
my $connection = IvleJail::Connection->new($httpd->{port});
$connection->send(request_text(GET => '/my/app.py/stream', user => 'alice'));
ok($connection->read_head($answer), 'an application that takes its time');
1 while $connection->{in} !~ /first piece/ && $connection->read_some;
like($connection->{in}, qr/first piece\n(?!.*second)/s,
    '... is heard while it works');
open_gate($gate);
$answer->{body} = '';
$connection->read_body($answer, 'GET');
is($answer->{body}, "first piece\nsecond piece\n", '... and to its end');
ok($answer->{whole}, '... with nothing missing');

$answer = alice(GET => 'app.py/fail');
is($answer->{code}, 500, 'an application that fails');
like($httpd->error_log, qr/stderr of 'alice': ZeroDivisionError: division/,
    '... is logged with its traceback');

# --- Bottle -------------------------------------------------------------------

is(alice(GET => 'bottle.py/hello/B%C3%A9a%20%3Cb%3E')->{body},
    "Hello B\xc3\xa9a &lt;b&gt;, alice", 'Bottle answers');
is(alice(GET => 'bottle.py/nowhere')->{code}, 404, '... or not');
my $form = HTTP::Request::Common::POST('http://x/', Content_Type =>
    'form-data', Content => [title => "a & b",
    file => [undef, 'x.bin', Content => $body]]);
$answer = alice(POST => 'bottle.py/upload', body => $form->content,
    headers => { 'Content-Type' => $form->header('Content-Type') });
is($answer->{body}, 'a & b|x.bin', '... takes a file');
is(md5_hex(slurp("$USERS/alice/home/alice/upload")), md5_hex($body),
    '... unharmed');
$answer = alice(GET => 'bottle.py/file', headers => {
    Range => 'bytes=1000000-1000009' });
is($answer->{code}, 206, '... gives a part of it');
is($answer->{body}, substr($body, 1000000, 10), '... that was asked for');

$answer = alice(GET => 'bottle.py/login');
is("$answer->{code} $answer->{headers}{location}",
    "303 http://$address/my/bottle.py/me", '... sends elsewhere');
my ($cookie) = $answer->{headers}{'set-cookie'} =~ /^([^;]+)/;
is(alice(GET => 'bottle.py/me', headers => { Cookie => $cookie })->{body},
    'alice', '... and finds its cookie there');

$httpd->stop;
done_testing();
