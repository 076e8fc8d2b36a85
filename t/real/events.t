# SPDX-License-Identifier: Apache-2.0
# Server-sent events in a real browser: each arrives before the next is made,
# however small it is, and the program that sends them ends when nobody listens.
use strict;
use warnings;

use Test::More;

use IvleJail::Browser;
use IvleJail::Httpd;
use IvleJail::Test;

must_be_root();
must_have_program(qw(chromium chromedriver));
install();
base('debian');

my $httpd = IvleJail::Httpd->new(name => 'events', config => <<"CONF");
IvleJailBase $BASES/debian
CONF

put_program(alice => 'web/page.py', <<'PYTHON');
#!/usr/bin/python3
print("""Content-Type: text/html

<!DOCTYPE html><title>Events</title><script>
const events = [], source = new EventSource("events.py");
source.onmessage = event => events.push(Date.now() / 1000 - event.data);
</script>""")
PYTHON
put_program(alice => 'web/events.py', <<'PYTHON');
#!/usr/bin/python3
import time
print("Content-Type: text/event-stream\n", flush=True)
while True:
    with open("../gate") as gate:
        gate.readline()
    print("data:", time.time(), "\n", flush=True)
PYTHON

open(my $gate, '+<', put_gate('alice')) or die "gate: $!";

sub programs {
    return scalar grep { / python/ } @{ processes() };
}

# Has the program make one, as soon as it looks for that.
sub make_event {
    syswrite($gate, "\n") == 1 or die "gate: $!";
}

ok($httpd->start, 'httpd starts') or diag $httpd->output;
my $browser = IvleJail::Browser->new;
$browser->open("http://127.0.0.1:$httpd->{port}/my/page.py", user => 'alice');
for my $count (1 .. 3) {
    make_event();
    ok(wait_until(60, sub { @{ $browser->js('return events') } == $count }),
        "event $count arrives before the next one is made");
}
note 'seconds from making to arriving: ', join ' ',
    map { sprintf '%.3f', $_ } @{ $browser->js('return events') };
is(programs(), 1, 'one program makes them');
$browser->js('source.close()');
ok(wait_until(60, sub { programs() == 0 }), '... until nobody listens');
like($httpd->error_log, qr/events\.py' of 'alice'/, '... which is logged');

$browser->quit;
$httpd->stop;
done_testing();
