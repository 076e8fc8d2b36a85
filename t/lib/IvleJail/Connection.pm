# SPDX-License-Identifier: Apache-2.0
package IvleJail::Connection;

# An HTTP client that says exactly what a test wants said, which those for
# daily use do not: "..", "%00", broken framing, half a request.  It reads
# while it writes, so that neither side can wait for the other for ever.
#
#   my $answer = ask($port, GET => '/my/x.sh', user => 'alice');
#   $answer->{code}; $answer->{headers}{'content-type'}; $answer->{body};
#
#   my $connection = IvleJail::Connection->new($port);
#   $connection->send(request_text(GET => '/', headers => {...}));
#   my $answer = $connection->answer;       # and again, with keep-alive

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);

use IvleJail::Httpd qw(password_of);

our @EXPORT_OK = qw(ask request_text);

my $PATIENCE = 60;      # seconds without a byte: the server hangs

# --- requests ---------------------------------------------------------------

# Options:
#   user, password      Basic authentication; the user's own password
#   headers             name => value, or value list; undef leaves one out
#   body                with its Content-Length
#   chunks              a list: a body without a known length
#   keep                the connection stays open
sub request_text {
    my ($method, $path, %arg) = @_;
    my %headers = (Host => '127.0.0.1', authorization(%arg), framing(%arg),
        $arg{keep} ? () : (Connection => 'close'), %{ $arg{headers} // {} });
    my $text = "$method $path HTTP/1.1\r\n";

    for my $name (sort keys %headers) {
        my $value = $headers{$name} // next;
        $text .= "$name: $_\r\n" for ref $value ? @$value : $value;
    }
    return "$text\r\n" . body_text(%arg);
}

sub authorization {
    my %arg = @_;
    my $user = $arg{user} // return;
    my $password = $arg{password} // password_of($user);

    return (Authorization => 'Basic ' . encode_base64("$user:$password", ''));
}

sub framing {
    my %arg = @_;

    return ('Transfer-Encoding' => 'chunked') if $arg{chunks};
    return ('Content-Length' => length $arg{body}) if defined $arg{body};
    return;
}

sub body_text {
    my %arg = @_;

    return $arg{body} // '' if !$arg{chunks};
    return join '', (map { sprintf "%x\r\n%s\r\n", length, $_ }
        @{ $arg{chunks} }), "0\r\n\r\n";
}

# One request on a connection of its own.
sub ask {
    my ($port, $method, $path, %arg) = @_;
    my $self = IvleJail::Connection->new($port);

    $self->send(request_text($method, $path, %arg));
    return $self->answer($method);
}

# --- the connection ---------------------------------------------------------

sub new {
    my ($class, $port) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $port) or die "port $port: $@\n";

    $socket->blocking(0);
    return bless { socket => $socket, in => '', out => '' }, $class;
}

# Writes what can be written now; answer() does the rest.
sub send {
    my ($self, $text) = @_;

    $self->{out} .= $text;
    $self->write_some;
    return $self;
}

sub write_some {
    my ($self) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $n = syswrite $self->{socket}, $self->{out};

    if (defined $n) {
        substr $self->{out}, 0, $n, '';
    }
    elsif (!$!{EAGAIN}) {
        $self->{out} = '';      # who does not listen may have answered
    }
}

# Says that nothing more will come, when everything is written.
sub end {
    my ($self) = @_;

    while ($self->{out} ne '') {
        IO::Select->new($self->{socket})->can_write($PATIENCE)
            or die "nothing read within $PATIENCE s\n";
        $self->write_some;
    }
    shutdown $self->{socket}, 1;
    return $self;
}

# Reads something; false at the end of what the server says.
sub read_some {
    my ($self) = @_;
    my $socket = IO::Select->new($self->{socket});

    while (1) {
        my ($can_read, $can_write) = IO::Select->select($socket,
            $self->{out} ne '' ? $socket : undef, undef, $PATIENCE)
            or die "no answer within $PATIENCE s\n";
        $self->write_some if @$can_write;
        next if !@$can_read;
        my $n = sysread $self->{socket}, $self->{in}, 1 << 16,
            length $self->{in};
        return $n if defined $n || !$!{EAGAIN};
    }
}

# A line without its end; undef if none came.
sub line {
    my ($self) = @_;

    while ($self->{in} !~ /\n/) {
        $self->read_some or return undef;
    }
    $self->{in} =~ s/\A(.*?)\r?\n//s;
    return $1;
}

# So many bytes, or all that came.
sub bytes {
    my ($self, $count) = @_;

    while (length $self->{in} < $count) {
        $self->read_some or last;
    }
    return substr $self->{in}, 0, $count, '';
}

sub rest {
    my ($self) = @_;

    1 while $self->read_some;
    return $self->bytes(length $self->{in});
}

# --- answers ----------------------------------------------------------------

# The next answer, to a request with this method: code (0: none came),
# reason, headers (lower case; more than one of a name: joined), lines (the
# same as they came), body, whole (it was not cut short), interim (codes of
# 1xx that came before it).
sub answer {
    my ($self, $method) = @_;
    my $answer = { code => 0, reason => '', headers => {}, lines => [],
        body => '', whole => 0, interim => [] };

    while ($self->read_head($answer) && $answer->{code} < 200) {
        push @{ $answer->{interim} }, $answer->{code};
    }
    $self->read_body($answer, $method // 'GET') if $answer->{code};
    return $answer;
}

sub read_head {
    my ($self, $answer) = @_;
    my $line = $self->line // '';

    $line =~ m{\AHTTP/1\.[01] (\d{3}) ?(.*)\z} or return 0;
    @$answer{qw(code reason headers lines)} = ($1, $2, {}, []);
    while (defined($line = $self->line) && $line ne '') {
        push @{ $answer->{lines} }, $line;
        my ($name, $value) = $line =~ /\A([^:]+):\s*(.*?)\s*\z/ or next;
        my $headers = $answer->{headers};
        $headers->{lc $name} = join ', ', $headers->{lc $name} // (), $value;
    }
    return defined $line;
}

sub read_body {
    my ($self, $answer, $method) = @_;
    my $headers = $answer->{headers};
    my $length = $headers->{'content-length'};

    if ($method eq 'HEAD' || $answer->{code} =~ /\A(?:204|304)\z/) {
        $answer->{whole} = 1;
    }
    elsif (($headers->{'transfer-encoding'} // '') eq 'chunked') {
        $self->read_chunks($answer);
    }
    elsif (defined $length) {
        $answer->{body} = $self->bytes($length);
        $answer->{whole} = length $answer->{body} == $length;
    }
    else {
        $answer->{body} = $self->rest;
        $answer->{whole} = 1;
    }
}

sub read_chunks {
    my ($self, $answer) = @_;

    while (1) {
        my ($size) = ($self->line // '') =~ /\A([0-9a-f]+)/i or return;
        my $chunk = $self->bytes(hex $size);
        $answer->{body} .= $chunk;
        return if length $chunk < hex $size || !defined $self->line;
        return $answer->{whole} = 1 if hex $size == 0;
    }
}

1;
