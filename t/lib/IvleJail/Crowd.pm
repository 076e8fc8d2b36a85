# SPDX-License-Identifier: Apache-2.0
package IvleJail::Crowd;

# Many requests of alice's that wait at a gate, and are counted.
#
#   put_program(alice => 'web/wait.sh', $WAITS);
#   my $gate = closed_gate();
#   ...                             # requests for it
#   is(came(), 24, 'so many run');
#   open_gate($gate);

use strict;
use warnings;

use Exporter qw(import);

use IvleJail::Test;

our @EXPORT = qw($COMES $WAITS $HELLO came closed_gate);

my $ANSWERS = "echo Content-Type: text/plain\necho\n";
our $COMES = "#!/bin/sh\necho >> ../came\nread -r line < ../gate\n";
our $WAITS = "$COMES${ANSWERS}echo waited\n";
our $HELLO = "#!/bin/sh\n${ANSWERS}echo hello\n";

# How many have, since the gate was closed.
sub came { return -s "$USERS/alice/home/alice/came" // 0 }

sub closed_gate {
    unlink "$USERS/alice/home/alice/came";
    return put_gate('alice');
}

1;
