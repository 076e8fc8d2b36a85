# SPDX-License-Identifier: Apache-2.0
#
# stream.t - output reaches the client as the program writes it, and error
# output of any amount, at any time, does not stop it

use strict;
use warnings;

use IO::Select;
use Test::More;
use Time::HiRes qw(time);

use IvleJail::Client;
use IvleJail::Httpd;
use IvleJail::Test;

use constant { EVENTS => 4, PATIENCE => 60, TRIES => 10, ERRORS => 50 << 20 };

my $EVENTS = EVENTS;
my $HEADER = "#!/bin/sh\necho Content-Type: text/event-stream\necho\n";

# Each event is produced only when the test has seen the one before.
my $GATED = <<"SH";
#!/bin/sh
pass() { while test ! -e ../gate-\$1; do sleep 0.02; done; }
echo Content-Type: text/event-stream
echo
for i in \$(seq $EVENTS); do
    pass \$i
    printf 'data: %s\\n\\n' \$i
done
pass last
printf 'no newline'
pass end
SH

my $EVERY_SECOND = <<"SH";
${HEADER}for i in \$(seq $EVENTS); do
    printf 'data: %s\\n\\n' \$i
    sleep 1
done
SH

# Lines of 64 bytes to the error output.
my $NOISE = sprintf "yes %s | head -c %d >&2\n", 'x' x 63, ERRORS;
my %NOISY = (
    before => $NOISE . ($HEADER =~ s/^.*\n//r) . "echo said\n",
    between => "echo Content-Type: text/plain\n${NOISE}echo\necho said\n",
    midst => ($HEADER =~ s/^.*\n//r) . "echo sa\n${NOISE}echo id\n",
    after => ($HEADER =~ s/^.*\n//r) . "echo said\n$NOISE",
    alone => ($HEADER =~ s/^.*\n//r) . "echo said\nexec >&-\n$NOISE",
);

my $httpd = IvleJail::Httpd->new(name => 'stream', config => <<'CONF');
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
Protocols h2c http/1.1
IvleJailLimit nproc 500
IvleJailLimit cpu unlimited
CONF
my $log = "$httpd->{dir}/logs/error_log";

# --- clients: something to read from ----------------------------------------

sub plain {
    my ($path, %arg) = @_;
    return begin($httpd, $path, user => 'alice', %arg)->{socket};
}

sub curl {
    my (@options) = @_;
    my $path = pop @options;
    open(my $out, '-|', 'curl', '-sN', '--noproxy', '*', '--max-time', 300,
        '-u', 'alice:' . password_of('alice'), @options,
        "http://127.0.0.1:$httpd->{port}$path") or die "curl: $!";
    return $out;
}

my %CLIENTS = (
    'HTTP/1.1' => sub { plain($_[0]) },
    'HTTP/1.0' => sub { curl('-D', '-', '--http1.0', $_[0]) },
    'HTTP/2' => sub { curl('-D', '-', '--http2-prior-knowledge', $_[0]) },
);

# Reads until the text so far is as it should be.
sub read_until {
    my ($stream, $text, $wanted) = @_;
    my $select = IO::Select->new($stream);
    while ($$text !~ $wanted) {
        return 0 if !$select->can_read(PATIENCE)
            || !sysread $stream, $$text, 65536, length $$text;
    }
    return 1;
}

# --- as it is written -----------------------------------------------------------

sub gate {
    my ($name) = @_;
    put_file(alice => "gate-$name", '');
}

sub check_gated {
    my ($version) = @_;
    my $text = '';
    unlink glob "$USERS/alice/home/alice/gate-*";
    my $stream = $CLIENTS{$version}->('/my/gated.sh');
    ok(read_until($stream, \$text, qr/text\/event-stream.*?\r\n\r\n/s),
        "$version: the header comes before there is any output");
    for my $i (1 .. EVENTS) {
        gate($i);
        ok(read_until($stream, \$text, qr/data: $i\n\n/),
            "... event $i before the next one is made") or diag $text;
    }
    gate('last');
    ok(read_until($stream, \$text, qr/no newline/), '... and half a line');
    gate('end');
    ok(!read_until($stream, \$text, qr/(?!)/), '... and the end');
}

# Seconds between events, of which the program makes one every second.
sub gaps {
    my $stream = plain('/my/every-second.sh');
    my ($text, @gaps) = '';
    my $last;
    for my $i (1 .. EVENTS) {
        read_until($stream, \$text, qr/data: $i\n\n/) or last;
        my $now = time;
        push @gaps, $now - $last if $last;
        $last = $now;
    }
    return @gaps;
}

# What came at once, was kept somewhere: if not here, by a machine that was busy
# with other things, then each time.
sub check_seconds {
    my ($good, @gaps) = 0;
    for (1 .. TRIES) {
        @gaps = gaps();
        $good = grep { $_ > 0.3 } @gaps;
        last if $good == EVENTS - 1;
    }
    is($good, EVENTS - 1, 'one event a second arrives every second');
    diag 'seconds between events: ', join ', ', map { sprintf '%.2f', $_ }
        @gaps;
}

# --- error output -----------------------------------------------------------------

sub check_noisy {
    my ($when) = @_;
    my $mark = log_mark($log);
    my $answer = finish(begin($httpd, "/my/noisy-$when.sh", user => 'alice'));
    is(outcome($answer), '200 whole', ERRORS . " bytes of errors, $when");
    is($answer->{content} =~ s/\n//gr, 'said', '... and what was to be said');
    my $said = log_since($mark);
    like($said, qr/IJ0066: stderr of 'alice': \d+ more lines/,
        '... of which not all are in the log');
    cmp_ok(length $said, '<', 1 << 20, '... but some');
}

must_be_root();
must_have_program('curl');
install();
base('busybox');
put_program(alice => 'web/gated.sh', $GATED);
put_program(alice => 'web/every-second.sh', $EVERY_SECOND);
put_program(alice => "web/noisy-$_.sh", "#!/bin/sh\n$NOISY{$_}")
    for sort keys %NOISY;
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);
check_gated($_) for sort keys %CLIENTS;
check_seconds();
check_noisy($_) for sort keys %NOISY;
ok($httpd->stop, 'httpd stops');
done_testing();
