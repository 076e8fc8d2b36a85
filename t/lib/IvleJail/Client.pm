# SPDX-License-Identifier: Apache-2.0
package IvleJail::Client;

# Requests that are not waited for: many at the same moment, ones that go on
# while something else is done, ones that nobody waits for.
#
#   my $request = begin($httpd, '/my/slow.sh', user => 'alice');
#   my $answer = finish($request);      # {status, headers, content, whole}
#   my @answers = at_once($httpd, map { ['/my/x.sh', user => $_] } @users);
#
# An answer that was cut short is not whole; status 599 is no answer at all.

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

use IvleJail::Httpd qw(password_of);

our @EXPORT = qw(begin finish abandon at_once outcome);

my $PATIENCE = 60;

# Options: user (with this user's password), method, headers, content.
sub begin {
    my ($httpd, $path, %arg) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $httpd->{port}, Timeout => $PATIENCE);
    my $request = { socket => $socket, received => '' };
    $socket->syswrite(text_of("127.0.0.1:$httpd->{port}", $path, %arg))
        if $socket;
    return $request;
}

sub text_of {
    my ($host, $path, %arg) = @_;
    my %headers = (Host => $host, Connection => 'close',
        %{ $arg{headers} // {} });
    my $content = $arg{content} // '';
    $headers{'Content-Length'} = length $content if defined $arg{content};
    $headers{Authorization} = 'Basic ' . encode_base64("$arg{user}:"
        . password_of($arg{user}), '') if $arg{user};
    return join "\r\n", ($arg{method} // 'GET') . " $path HTTP/1.1",
        (map { "$_: $headers{$_}" } sort keys %headers), '', $content;
}

sub finish {
    my ($request, $seconds) = @_;
    my $end = time + ($seconds // $PATIENCE);
    my $socket = $request->{socket} or return parse('');
    my $select = IO::Select->new($socket);
    while ($select->can_read($end - time)) {
        sysread $socket, $request->{received}, 65536,
            length $request->{received} or last;
    }
    close $socket;
    return parse($request->{received});
}

# As a browser does whose user presses Stop.
sub abandon {
    my ($request) = @_;
    close $request->{socket};
}

# All are sent before the first is read.
sub at_once {
    my ($httpd, @requests) = @_;
    my @begun = map { begin($httpd, @$_) } @requests;
    return map { finish($_) } @begun;
}

# For comparisons: "200 whole", "200 cut", ...
sub outcome {
    my ($answer) = @_;
    return "$answer->{status} " . ($answer->{whole} ? 'whole' : 'cut');
}

sub parse {
    my ($text) = @_;
    my ($head, $body) = $text =~ /\A(HTTP.*?)\r\n\r\n(.*)\z/s;
    my ($status, $lines) = ($head // '') =~ m{\AHTTP/1\.\d (\d+)[^\n]*\n?(.*)}s;
    return { status => 599, headers => {}, content => $text, whole => 0 }
        if !defined $status;
    my %headers = map { /^([^:]+):\s*(.*?)\r?$/ ? (lc $1 => $2) : () }
        split /\n/, $lines;
    return { status => $status, headers => \%headers,
        content_of(\%headers, $body) };
}

sub content_of {
    my ($headers, $body) = @_;
    my ($content, $last) = ('', 0);
    my $length = $headers->{'content-length'} // length $body;
    return (content => $body, whole => length $body == $length)
        if !$headers->{'transfer-encoding'};
    while (!$last && $body =~ s/\A([0-9a-f]+)\r\n//i) {
        my $size = hex $1;
        $content .= substr $body, 0, $size, '';
        $last = $size == 0;
        $body =~ s/\A\r\n// or $last = 0;
    }
    return (content => $content, whole => $last);
}

1;
