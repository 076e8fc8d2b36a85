# SPDX-License-Identifier: Apache-2.0
# A program that does not read the bodies of its requests, and says so while
# they come: each client gets its answer, though under mod_cgid most do not.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);

use IvleJail::Connection qw(ask);
use IvleJail::Twin qw(put_twin);

use constant { REQUESTS => 200, BODY => 1 << 20 };

my $port = Apache::Test::vars('port');
my $body = 'x' x BODY;

my %WAYS = (
    'of a length' => [body => $body],
    'in chunks' => [chunks => [unpack '(a65536)*', $body]],
    'on demand' => [body => $body, headers => { Expect => '100-continue' }],
);

# How many of so many requests are answered as they should be.
sub answered {
    my ($place, @arg) = @_;
    my $good = 0;
    for (1 .. REQUESTS / keys %WAYS) {
        my $answer = eval { ask($port, POST => "/cgi/$place/unread",
            user => 'alice', @arg) } or next;
        $good++ if $answer->{code} == 200 && $answer->{whole}
            && $answer->{body} eq "not read\n";
    }
    return $good;
}

plan tests => scalar keys %WAYS;

put_twin(unread => 'exec </dev/null; sleep 0.01
    echo Content-Type: text/plain; echo; echo not read');
for my $way (sort keys %WAYS) {
    my $all = int REQUESTS / keys %WAYS;
    is(answered(jail => @{ $WAYS{$way} }), $all,
        "bodies $way: all are answered");
    note 'under mod_cgid: ', answered(host => @{ $WAYS{$way} }), " of $all";
}
