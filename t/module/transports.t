# SPDX-License-Identifier: Apache-2.0
# Requests that come over TLS, whose filters hold what no poll(2) sees, and as
# streams of HTTP/2, which have no connection of their own to look at: bodies
# arrive, answers leave, and who goes away ends the program.
use strict;
use warnings;

use POSIX ();
use Test::More;

use IvleJail::Httpd qw(slurp);
use IvleJail::Test;
use IvleJail::Tls;

use constant { BODY => 3_000_000, PATIENCE => 120 };

must_be_root();
must_have_program(qw(curl openssl timeout));
install();
base('busybox');

my $httpd = IvleJail::Httpd->new(name => 'ways', mpm => 'event');
my $dir = $httpd->{dir};
my $tls_port = tls_port($httpd);
$httpd->write_config(tls($httpd) . "IvleJailLimit nproc unlimited\n");

# What curl is told, and the version and the place that it speaks to.
my @TRANSPORTS = (
    ['plain', [qw(--http1.1)], '1.1', "http://127.0.0.1:$httpd->{port}"],
    ['HTTP/2', [qw(--http2-prior-knowledge)], '2',
        "http://127.0.0.1:$httpd->{port}"],
    ['TLS', [qw(--http1.1)], '1.1', "https://127.0.0.1:$tls_port"],
    ['HTTP/2 over TLS', [qw(--http2)], '2', "https://127.0.0.1:$tls_port"],
);

# How a body comes: what curl is told of it.
my %BODIES = (
    'a short body' => ["$dir/short"],
    'a short body of unknown length' => ["$dir/short", '-H',
        'Transfer-Encoding: chunked'],
    'a short body, on demand' => ["$dir/short", '-H', 'Expect: 100-continue'],
    'a long body' => ["$dir/long"],
    'a long body of unknown length' => ["$dir/long", '-H',
        'Transfer-Encoding: chunked'],
);

my $TEXT = 'echo Content-Type: text/plain; echo';
my %PROGRAMS = (
    echo => "$TEXT; cat",
    first_read => "cat >/tmp/body; $TEXT; cat /tmp/body",
    count => "$TEXT; wc -c",
    deaf => "$TEXT; echo not read",
    redirect => 'echo Location: /my/deaf; echo',
    silent => qq{$TEXT; while :; do sleep 0.05; done},
);

# What a program answers to a body.
sub expected {
    my ($program, $file) = @_;
    return slurp($file) if $program =~ /echo|first_read/;
    return (-s $file) . "\n" if $program eq 'count';
    return "not read\n";
}

sub curl {
    my ($options, $url, @more) = @_;
    unlink "$dir/answer";
    my $said = eval { run_quietly('timeout', PATIENCE, 'curl', '-sk',
        '--noproxy', '*', '-u', 'alice:' . password_of('alice'), '-o',
        "$dir/answer", '-w', '%{http_version} %{http_code}', @$options, @more,
        $url) } // $@;
    return ($said, eval { slurp("$dir/answer") } // '');
}

sub check_body {
    my ($transport, $program, $body) = @_;
    my ($name, $options, $version, $place) = @$transport;
    my ($file, @more) = @{ $BODIES{$body} };
    my ($said, $answer) = curl($options, "$place/my/$program", @more,
        '--data-binary', "\@$file");
    is($said, "$version 200", "$name: $program of $body");
    ok($answer eq expected($program, $file), '... comes as it should')
        or diag length($answer) . ' bytes';
}

sub programs {
    return grep { / (?:busybox|sh|sleep)$/ } @{ processes() };
}

# A client that only waits.
sub begin_curl {
    my ($options, $url) = @_;
    my $pid = fork() // die "fork: $!";
    return $pid if $pid;
    open STDOUT, '>', '/dev/null';
    exec 'curl', '-skN', '--noproxy', '*', '-u', 'alice:'
        . password_of('alice'), @$options, $url or POSIX::_exit(127);
}

# The client goes, and so does the program.
sub check_abort {
    my ($transport) = @_;
    my ($name, $options, $version, $place) = @$transport;
    my $client = begin_curl($options, "$place/my/silent");
    ok(wait_until(60, sub { programs() > 0 }), "$name: a program runs");
    kill TERM => $client;
    waitpid $client, 0;
    ok(wait_until(60, sub { programs() == 0 }),
        '... and ends when its client goes') or diag explain processes();
}

sub write_bodies {
    $httpd->write_file('short', "one\0two\r\n");
    $httpd->write_file('long', join '', map { pack 'N', $_ } 1 .. BODY / 4);
}

write_bodies();
put_program(alice => "web/$_", "#!/bin/sh\n$PROGRAMS{$_}\n")
    for sort keys %PROGRAMS;
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);
for my $transport (@TRANSPORTS) {
    for my $program (grep { $_ ne 'silent' } sort keys %PROGRAMS) {
        check_body($transport, $program, $_) for sort keys %BODIES;
    }
    check_abort($transport);
}
ok($httpd->stop, 'httpd stops');
done_testing();
