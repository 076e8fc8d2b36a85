# SPDX-License-Identifier: Apache-2.0
# What students see of a Python program that fails, in a base image as an
# administrator makes one.
use strict;
use warnings;

use Test::More;

use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

must_be_root();
install();
base('debian');

my $httpd = IvleJail::Httpd->new(name => 'traceback', config => <<"CONF");
IvleJailBase $BASES/debian
IvleJailInterpreter .py /usr/bin/python3
IvleJailExplain On
IvleJailErrorLog /home/%u/error.log
CONF

put_file(alice => 'web/deep.py', <<'PYTHON');
print("Content-Type: text/plain")

def divide(n):
    return 1 / n if n == 0 else divide(n - 1)

try:
    divide(2)
except ZeroDivisionError as error:
    raise ValueError("not <that> number") from error
PYTHON
put_file(alice => 'web/syntax.py', "print('x'\n");
put_file(alice => 'web/hello.py', "print('Hello, world')\n");
put_file(alice => 'web/memory.py', "x = bytearray(2 ** 40)\n");
put_file(alice => 'web/unflushed.py', <<'PYTHON');
print("Content-Type: text/plain\n\nhalf of it")
raise SystemExit("and no more")
PYTHON

sub page_of {
    my ($name) = @_;
    my $answer = $httpd->get("/my/$name", user => 'alice');
    return ($answer->{content} =~ s/&lt;/</gr =~ s/&gt;/>/gr,
        $answer->{status});
}

my $log = "$USERS/alice/home/alice/error.log";
unlink $log;
ok($httpd->start, 'httpd starts') or diag $httpd->output;

my ($page, $status) = page_of('deep.py');
my $file = '/home/alice/web/deep.py';
my ($trace) = $page =~ m{<pre>(Traceback .*?)</pre>}s;
is($status, 500, 'a Python program fails');
like($page, qr{<h1>Your program ended with exit status 1 and printed }, '...');
my @lines = split /\n/, $trace // '';
is(grep({ /^Traceback \(most recent call last\):$/ } @lines), 2,
    'both tracebacks are there');
is(grep({ /File "\Q$file\E", line 4, in divide$/ } @lines), 3,
    '... with each call');
is($lines[-1], 'ValueError: not <that> number', '... up to the last line');
ok(wait_until(60, sub { -s $log }), 'the log has it');
my ($first, $rest) = split /\n/, slurp($log), 2;
my $happened = 'ended with exit status 1 and printed no complete header';
like($first, qr{^\S+Z \S+ GET /my/deep\.py: $happened \(CPU \S+ s, time },
    '... what happened');
is($rest, join('', map { "    $_\n" } @lines), '... and all of it');

$page = (page_of('syntax.py'))[0];
like($page, qr/SyntaxError: '\(' was never closed/,
    'a mistake in the language is shown');
like($page, qr/is not written as its language wants it/, '... with advice');
$page = (page_of('memory.py'))[0];
like($page, qr/^MemoryError$/m, 'a lack of memory is shown');
like($page, qr/it seems that it got no more memory/, '... and named');
($page, $status) = page_of('hello.py');
is($status, 500, 'print without a header is a failure');
like($page, qr/<h1>Your program printed something that is no header</,
    '... that is named');
like($page, qr{<pre>Hello, world\n</pre>}, '... and shown');
like($page, qr{>print\("Content-Type: text/html"\)\nprint\(\)\n<},
    '... and how to print one');

($page, $status) = page_of('unflushed.py');
is("$status $page", "200 half of it\n", 'a failure after the answer');
my $entry = qr{ /my/unflushed\.py: ended with exit status 1 \(.*\)
    and no more\n\z};
ok(wait_until(60, sub { slurp($log) =~ $entry }), '... is in the log');

$httpd->stop;
done_testing();
