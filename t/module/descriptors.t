# SPDX-License-Identifier: Apache-2.0
# The descriptors of users' files: whatever sends the file, and however late,
# it sends this file and no other; none stays open; none is mapped; and what
# becomes of the file in the meantime harms nobody but its reader.
use strict;
use warnings;

use Digest::MD5 qw(md5);
use Test::More;
use Time::HiRes qw(time);

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;
use IvleJail::Tls;

use constant { FILES => 60, MANY => 40, MIB => 1 << 20, PATIENCE => 100,
    KEPT_ALIVE => 120 };

must_be_root();
must_have_program(qw(curl openssl strace timeout));
install();
base('busybox');

my $modules = '/usr/lib/apache2/modules';
my $httpd = IvleJail::Httpd->new(name => 'fds', mpm => 'event');
my $dir = $httpd->{dir};
my $tls_port = tls_port($httpd);
my $config = tls($httpd) . 'KeepAliveTimeout ' . KEPT_ALIVE . <<"CONF";

# One of the two may have all that are under way: more than that in each child.
ThreadsPerChild 64
IvleJailMaxRequests 100 100
LoadModule include_module $modules/mod_include.so
LoadModule deflate_module $modules/mod_deflate.so
LoadModule mime_magic_module $modules/mod_mime_magic.so
MimeMagicFile /etc/apache2/magic
IvleJailAlias /send/ /home/%u/web/
IvleJailAlias /deflate/ /home/%u/web/
IvleJailAlias /digest/ /home/%u/web/
IvleJailAlias /included/ /home/%u/web/
<LocationMatch ^/(send|deflate|digest|included)/>
    Use Login
</LocationMatch>
<LocationMatch ^/send/>
    EnableSendfile On
</LocationMatch>
<LocationMatch ^/deflate/>
    SetOutputFilter DEFLATE
</LocationMatch>
<LocationMatch ^/included/page>
    Options +IncludesNOEXEC
    SetOutputFilter INCLUDES
</LocationMatch>
<LocationMatch ^/(digest/|large\$)>
    FileETag Digest
</LocationMatch>
CONF
$httpd->write_config($config);

# What curl is told, where it asks, and below which URLs.
my $plain = "http://127.0.0.1:$httpd->{port}";
my $tls = "https://127.0.0.1:$tls_port";
my @TRANSPORTS = (
    ['plain', '--http1.1', "$plain/my"],
    ['plain with sendfile', '--http1.1', "$plain/send"],
    ['HTTP/2', '--http2-prior-knowledge', "$plain/my"],
    ['HTTP/2 with sendfile', '--http2-prior-knowledge', "$plain/send"],
    ['TLS', '--http1.1', "$tls/my"],
    ['TLS with sendfile', '--http1.1', "$tls/send"],
    ['HTTP/2 over TLS', '--http2', "$tls/my"],
);

# Without HTTP/2 in plain, of which curl 7.88 cannot have two at a time.
my @AT_ONCE = grep { $_->[1] !~ /prior-knowledge/ } @TRANSPORTS;

sub curl {
    my ($option) = @_;
    return ('curl', '-sk', '--noproxy', '*', '-H', 'Accept-Encoding: gzip',
        $option);
}

# --- the files ----------------------------------------------------------------

# Everywhere in it, it says whose and which one it is.
sub content {
    my ($user, $n) = @_;
    my $line = sprintf "%-8s %06d\n", $user, $n;
    return $line x (1 + (1, 100, 600, 5000, 20000)[$n % 5]);
}

sub put_files {
    for my $user (qw(alice bob)) {
        put_file($user => "web/$_", content($user, $_)) for 1 .. FILES;
    }
}

# --- many at once -------------------------------------------------------------

# Both users' files in turn, to one curl that has MANY of them under way.
sub get_all {
    my ($transport) = @_;
    my ($name, $option, $place) = @$transport;
    my @wanted = map { my $n = $_; map { [$_, $n] } qw(alice bob) } 1 .. FILES;
    $httpd->write_file('curl.conf', join "next\n", map { my ($user, $n) = @$_;
        "url = \"$place/$n\"\noutput = \"$dir/got/$user-$n\"\n"
        . "user = \"$user:" . password_of($user) . "\"\n"
        . "insecure\nnoproxy = \"*\"\n" . substr($option, 2) . "\n" } @wanted);
    run_quietly('rm', '-rf', "$dir/got");
    mkdir "$dir/got" or die "$dir/got: $!";
    eval { run_quietly('timeout', PATIENCE, 'curl', '-s', '-Z',
        '--parallel-max', MANY, '-K', "$dir/curl.conf") } or diag $@;
    my @wrong = grep { (eval { slurp("$dir/got/$_->[0]-$_->[1]") } // '')
        ne content(@$_) } @wanted;
    is(scalar @wrong, 0, 'of ' . @wanted . " files over $name, each is itself")
        or diag map { "$_->[0]-$_->[1]: "
            . substr(eval { slurp("$dir/got/$_->[0]-$_->[1]") } // 'nothing',
                0, 200) . "\n" } @wrong;
}

# Files of users that any child has open.
sub open_files {
    return grep { m{/web/\w+(?: \(deleted\))?$} }
        map { values %{ descriptors($_) } } $httpd->children;
}

sub none_is_open {
    my ($when) = @_;
    ok(wait_until(60, sub { !open_files() }), "no file is open $when")
        or diag join "\n", open_files();
}

# --- slowly -------------------------------------------------------------------

# A file of 16 MiB, that cannot be compressed: more than the kernel holds between a client and httpd.
my $LARGE = join '', map { md5($_) } 1 .. MIB;

# A client that reads a piece of the answer, and then nothing until it is let.
sub begin_slowly {
    my ($option, $url) = @_;
    my $pid = open(my $out, '-|', 'timeout', PATIENCE, curl($option), '-u',
        'alice:' . password_of('alice'), $url) or die "curl: $!";
    my $self = { out => $out, got => '' };
    read $out, $self->{got}, 100_000;
    return $self;
}

# Its exit status, and all that it got.
sub end_slowly {
    my ($self) = @_;
    1 while read $self->{out}, $self->{got}, MIB, length $self->{got};
    close $self->{out};
    return ($? >> 8, $self->{got});
}

# Whoever reads a file that is cut to a piece can tell, at once, and nobody
# else can: httpd does not wait for a next request (KeepAliveTimeout).
sub check_truncated {
    my ($name, $option, $url) = @_;
    my $file = put_file(alice => 'web/large', $LARGE);
    my @children = $httpd->children;
    my $client = begin_slowly($option, $url);
    truncate $file, 1 or die "$file: $!";
    my $begin = time;
    my ($exit, $got) = end_slowly($client);
    cmp_ok($exit, '!=', 0, "$name: a file that shrinks is not whole");
    cmp_ok(time - $begin, '<', KEPT_ALIVE / 2,
        '... and nobody waits for the rest');
    my %lives = map { $_ => 1 } $httpd->children;
    is_deeply([grep { !$lives{$_} } @children], [], '... all children live');
}

sub check_removed {
    my ($name, $option, $url) = @_;
    my $file = put_file(alice => 'web/large', $LARGE);
    my $client = begin_slowly($option, $url);
    unlink $file or die "$file: $!";
    put_file(alice => 'web/large', 'another one');
    my ($exit, $got) = end_slowly($client);
    is($exit, 0, "$name: a file that is removed comes to its end");
    ok($got eq $LARGE, '... as it was');
}

sub check_growing {
    my ($name, $option, $url) = @_;
    my $file = put_file(alice => 'web/large', $LARGE);
    my $client = begin_slowly($option, $url);
    open(my $out, '>>', $file) or die "$file: $!";
    print {$out} 'y' x MIB;
    close $out or die "$file: $!";
    my ($exit, $got) = end_slowly($client);
    is($exit, 0, "$name: a file that grows comes to the end that it had");
    ok($got eq $LARGE, '... as it was');
}

# While slow clients read, descriptors come and go.
sub check_reuse {
    my ($transport) = @_;
    my ($name, $option, $place) = @$transport;
    put_file(alice => 'web/large', $LARGE);
    my @clients = map { begin_slowly($option, "$place/large") } 1 .. 4;
    get_all($transport);
    my @answers = map { [end_slowly($_)] } @clients;
    is_deeply([map { $_->[0] } @answers], [0, 0, 0, 0],
        "slow clients over $name read to the end");
    is(scalar(grep { $_->[1] ne $LARGE } @answers), 0,
        '... what they asked for');
}

# Files in a page: each is a request that is over before the client has it.
sub check_included {
    my ($transport) = @_;
    my ($name, $option, $place) = @$transport;
    my @parts = map { $_ % FILES + 1 } 1 .. 2 * FILES;
    put_file(alice => 'web/page', join '', map {
        "<!--#include virtual=\"$_\" -->" } @parts);
    my $expected = join '', map { content(alice => $_) } @parts;
    $place =~ s{/\w+$}{/included};
    my @clients = map { begin_slowly($option, "$place/page") } 1 .. 4;
    get_all($transport);
    my @answers = map { [end_slowly($_)] } @clients;
    is_deeply([map { $_->[0] } @answers], [0, 0, 0, 0],
        "slow clients over $name read pages of many files");
    is(scalar(grep { $_->[1] ne $expected } @answers), 0,
        '... each with its files');
}

# --- never mapped -------------------------------------------------------------

# Starts httpd with its calls of mmap(2) written to a file.
sub start_traced {
    my ($trace) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        exec 'strace', '-f', '-y', '-qq', '-o', $trace, '-e', 'trace=mmap',
            '-e', 'signal=none', $httpd->command('-k', 'start')
            or die "strace: $!";
    }
    $httpd->wait_until(60, sub { $httpd->pid && $httpd->get('/')->{success} })
        or BAIL_OUT($httpd->output);
    return $pid;
}

# Files of which httpd maps something while it answers these requests.
sub mapped {
    my $trace = "$dir/logs/trace";
    my $pid = start_traced($trace);
    for my $path (@_) {
        my $answer = $httpd->get($path, user => 'alice');
        is($answer->{status}, 200, "$path is served");
        ok(defined $answer->{headers}{etag}, '... with an ETag');
    }
    $httpd->stop;
    waitpid $pid, 0;
    return [grep { m{/large$} } slurp($trace)
        =~ /PROT_READ, MAP_SHARED, \d+<([^>]+)>/g];
}

sub check_mapped {
    my $content = 'x' x 100_000;
    put_file(alice => 'web/large', $content);
    $httpd->write_file('htdocs/large', $content);
    my $mapped = mapped(qw(/my/large /deflate/large /digest/large));
    is_deeply($mapped, [], 'no file of a user is mapped');
    $mapped = mapped('/large');
    cmp_ok(scalar @$mapped, '>', 0, '... but those of the host are');
}

sub check_magic {
    my $content = 'GIF89a' . "\0" x 100;
    put_file(alice => 'web/magic', $content);
    $httpd->write_file('htdocs/magic', $content);
    is($httpd->get('/magic')->{headers}{'content-type'}, 'image/gif',
        'mod_mime_magic looks at files of the host');
    my $answer = $httpd->get('/my/magic', user => 'alice');
    is("$answer->{status} " . ($answer->{headers}{'content-type'} // 'none'),
        '200 none', '... but not at those of users');
    unlike($httpd->error_log, qr/mime_magic/, '... and does not try to');
}

# --- the tests ----------------------------------------------------------------

put_files();
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);
get_all($_) for @AT_ONCE;
none_is_open('afterwards');
for my $transport (@TRANSPORTS) {
    my ($name, $option, $place) = @$transport;
    check_truncated($name, $option, "$place/large");
}
check_truncated("deflated, $_->[0]", $_->[1], "$_->[2]/deflate/large")
    for ['plain', '--http1.1', $plain], ['TLS', '--http1.1', $tls],
        ['HTTP/2', '--http2', $tls];
check_removed($_->[0], $_->[1], "$_->[2]/large") for @TRANSPORTS[1, 2];
check_growing($_->[0], $_->[1], "$_->[2]/large") for @TRANSPORTS[0, 3];
check_reuse($_) for @AT_ONCE[1, 4];
check_included($_) for @AT_ONCE[0, 4];
none_is_open('in the end');
check_magic();
unlike($httpd->error_log, qr/exit signal|Segmentation|Bus error/,
    'no child has crashed');
ok($httpd->stop, 'httpd stops');
check_mapped();
done_testing();
