# SPDX-License-Identifier: Apache-2.0
#
# guess.t - what was a file is asked for without pipes, and is answered as
# before when it has become a program, or a directory, or is gone

use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use Apache::TestRequest qw(GET POST);

use IvleJail::Test;

plan tests => 36;

# Of its own, so that no other test's requests are remembered for it.
my $EXTENSION = 'guess';
my @LOGIN = (username => 'alice', password => 'alice-secret');

sub url { return "/my/$_[0].$EXTENSION" }

sub get { return GET(url($_[0]), @LOGIN) }

sub put_page { return put_file('alice', "web/$_[0].$EXTENSION", $_[1]) }

sub put_script {
    return put_program('alice', "web/$_[0].$EXTENSION",
        "#!/bin/sh\necho Content-Type: text/plain\necho\n$_[1]\n");
}

put_page('page', "a page\n");
put_page('other', "another\n");
put_script('program', 'echo "a program, $REQUEST_METHOD $(cat)"');

# Each of httpd's children guesses for itself.
for my $round (1 .. 20) {
    my $answer = get('page');
    last if !is($answer->content, "a page\n", "the page, $round");
}
is(get('other')->content, "another\n", 'another page of its kind');
for my $round (1 .. 5) {
    is(get('page')->code, 200, 'a page again');
    is(get('program')->content, "a program, GET \n",
        "a program of its kind, $round");
    get('page') for 1 .. 5;
}
is(POST(url('program'), @LOGIN, content => 'body')->content,
    "a program, POST body\n", 'a program with a body');

get('page') for 1 .. 10;
put_script('page', 'echo no page');
is(get('page')->content, "no page\n", 'the page has become a program');
is(get('page')->content, "no page\n", '... and is one');
put_page('page', "a page\n");
is(get('page')->content, "a page\n", '... and is a page again');
get('other') for 1 .. 10;
is(get('none')->code, 404, 'what is not there is not found');
