# SPDX-License-Identifier: Apache-2.0
# Server-sent events in a real browser: each arrives when it was sent, however
# small it is, and the program that sends them ends when nobody listens.
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
    time.sleep(1)
    print("data:", time.time(), "\n", flush=True)
PYTHON

sub programs {
    return scalar grep { / python/ } @{ processes() };
}

ok($httpd->start, 'httpd starts') or diag $httpd->output;
my $browser = IvleJail::Browser->new;
$browser->open("http://127.0.0.1:$httpd->{port}/my/page.py", user => 'alice');
ok(wait_until(30, sub { @{ $browser->js('return events') } >= 3 }),
    'events arrive');
my @lags = @{ $browser->js('return events') };
note 'seconds from sending to arriving: ',
    join ' ', map { sprintf '%.3f', $_ } @lags;
is(scalar(grep { $_ >= 2 } @lags), 0, '... not later than they were sent');
is(programs(), 1, 'one program sends them');
$browser->js('source.close()');
ok(wait_until(20, sub { programs() == 0 }), '... until nobody listens');
like($httpd->error_log, qr/events\.py' of 'alice'/, '... which is logged');

$browser->quit;
$httpd->stop;
done_testing();
