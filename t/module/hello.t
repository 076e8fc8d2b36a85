# SPDX-License-Identifier: Apache-2.0
# The whole way once: alice logs in, and a program in her home runs as her.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use Apache::TestRequest qw(GET);
use Apache::TestUtil;

use IvleJail::Test;

plan tests => 6;

put_program(alice => 'web/of-alice.sh', <<'SH');
#!/bin/sh
echo Content-Type: text/plain
echo
id -u
SH

my @alice = (username => 'alice', password => password_of('alice'));
my $answer = GET('/my/of-alice.sh', @alice);
is($answer->code, 200, 'alice gets an answer');
is($answer->content, "70001\n", '... from a program with her uid');
is($answer->header('Content-Type'), 'text/plain', '... and of its type');

is(GET('/my/of-alice.sh')->code, 401, 'nobody is asked who they are');
is(GET('/my/of-alice.sh', username => 'alice', password => 'guess')->code, 401,
    'a wrong password is refused');
is(GET('/my/of-alice.sh', username => 'bob',
    password => password_of('bob'))->code, 404, 'bob has no such program');
