# SPDX-License-Identifier: Apache-2.0
# What a user is told of a program that failed, in a real browser, on a desk
# and on a phone: it can be read, and nothing in it is taken for markup.
use strict;
use warnings;

use Test::More;

use IvleJail::Browser;
use IvleJail::Httpd;
use IvleJail::Legible;
use IvleJail::Test;

must_be_root();
must_have_program(qw(chromium chromedriver));
install();
base('debian');

my $httpd = IvleJail::Httpd->new(name => 'explain', config => <<"CONF");
IvleJailBase $BASES/debian
IvleJailInterpreter .py /usr/bin/python3
IvleJailExplain On
IvleJailLimit cpu 1 2
CONF
my $site = "http://127.0.0.1:$httpd->{port}";

put_file(alice => 'web/syntax.py', <<'PYTHON');
print("Content-Type: text/html")
print()
print("<h1>Prices</h1>"
for price in (1.5, 2, 3 < 4):
    print(f"<p>{price}</p>")
PYTHON
put_file(alice => 'web/script.py', <<'PYTHON');
import sys
sys.exit("<script>document.title = 'taken over'</script><b id=bold>bold</b>"
         + "<img src=x onerror=\"document.title = 'taken over'\"></pre>" * 3)
PYTHON
put_file(alice => 'web/forever.py', "while True: pass\n");
put_file(alice => 'web/headless.py', "print('<h1>Hello & welcome</h1>')\n");

my $browser = IvleJail::Browser->new;

ok($httpd->start, 'httpd starts') or diag $httpd->output;

$browser->open("$site/my/syntax.py", user => 'alice');
like($browser->text, qr/^Your program ended with exit status 1/m,
    'a Python program with a syntax error is explained');
like($browser->text, qr{^  File "/home/alice/web/syntax\.py", line 3$}m,
    '... with the line');
like($browser->text, qr/^    print\("<h1>Prices<\/h1>"\n +\^\n/m,
    '... and the mark below the letter at fault');
like($browser->text, qr/^SyntaxError: '\(' was never closed/m,
    '... and what is wrong with it');
legible_everywhere($browser, 'syntax');

$browser->open("$site/my/script.py", user => 'alice');
like($browser->text, qr{^<script>.*</script><b id=bold>bold</b><img }m,
    'error output that looks like markup is shown');
is($browser->js('return document.querySelectorAll("script,img,b").length'), 0,
    '... and is none');
is($browser->title, '500 Internal Server Error', '... and nothing of it ran');
legible_everywhere($browser, 'script');

$browser->open("$site/my/forever.py", user => 'alice');
like($browser->text, qr/CPU/, 'a program that never ends is explained');
legible_everywhere($browser, 'forever');

$browser->open("$site/my/headless.py", user => 'alice');
like($browser->text, qr{^<h1>Hello & welcome</h1>$}m,
    'a program without a header is shown its first line');
like($browser->text, qr{print\("Content-Type: text/html}, '... and what to do');
legible_everywhere($browser, 'headless');

$httpd->stop;
$browser->quit;
done_testing();
