# SPDX-License-Identifier: Apache-2.0
package IvleJail::Traffic;

# Mixed traffic of many clients for many users, and the proof of each answer.
#
#   IvleJail::Traffic::put_programs($user, $uid);
#   my $traffic = IvleJail::Traffic->start($httpd, clients => 64,
#       users => { user01 => 75001, ... }, profiles => [qw(my other)]);
#   ...
#   my @done = $traffic->stop;      # {user, kind, nonce, begin, end,
#                                   # warden, outcome}
#
# Each request carries a nonce of its own.  A program notes it in the user's
# home (words_of), and says it back with what it finds in the jail: the uid
# that it runs as, the name that the home holds, the version of the base image,
# and when its warden was started, which tells one from the next.
# Files and listings differ by user and by number.  So whatever comes of
# another user's or of another request is seen at once, and told.
#
# The outcome is one of
#     ok                  whole, and what was asked for
#     wrong ...           whole, and not
#     "507", "503 retry"  whole, of another status; "retry" has Retry-After
#     cut 200             broken off after the header, and to be seen as that
#     none                the connection ended without an answer
#     unread              the same, of a connection that was kept open: perhaps
#                         httpd had just closed it
#     left                the client went away
#     late, refused       no answer in time; no connection
#
# The clients are few processes: each looks after many sockets, none waits.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use IO::Socket::INET;
use POSIX qw(_exit);
use Time::HiRes qw(time);

use IvleJail::Client;
use IvleJail::Test;

use constant {
    PROCESSES => 2,
    PATIENCE => 60,             # seconds for an answer
    PAUSE => 0.4,               # seconds between two of a client, at most
    USES => 8,                  # requests on a connection, at most
    ACTIVE => 16,               # users at a time; the others are away
    TURN => 2,                  # seconds until some of them are others
    FILES => 3,
    LINES => 8,                 # of a stream
};

# How often each kind is asked for.
my %SHARE = (count => 30, upload => 12, stream => 8, away => 6, inside => 6,
    file => 18, listing => 8, missing => 4, leave => 8);
my @KINDS = map { ($_) x $SHARE{$_} } sort keys %SHARE;

# --- what is asked for ------------------------------------------------------

# The nonce has 15 characters: so a line of "ran" is not cut where a disk is
# full, because a page holds a whole number of them.
my $PROLOGUE = <<'SH';
#!/bin/sh
while read -r key uid rest && test "$key" != Uid:; do
    :
done < /proc/self/status
read -r me < ../whoami
read -r version < /etc/version
full() {
    cat > /dev/null
    printf 'Status: 507 disk full\nContent-Type: text/plain\n\n'
    exit 0
}
echo "$QUERY_STRING" >> ../ran || full
read -r stat < /proc/1/stat
set -- $stat
about="$me $uid $QUERY_STRING $version ${22}"
SH

my %PROGRAMS = (
    count => <<'SH',
printf 'Content-Type: text/plain\n\n'
echo "$about"
SH
    upload => <<'SH',
exec 3> "../$QUERY_STRING" 4< "../$QUERY_STRING" || full
rm "../$QUERY_STRING"
cat >&3 2> /dev/null || full
sum=$(md5sum <&4)
printf 'Content-Type: text/plain\n\n'
echo "$about ${sum%% *}"
SH
    stream => <<'SH',
printf 'Content-Type: text/event-stream\n\n'
for i in 1 2 3 4 5 6 7 8; do
    echo "data: $i $about"
    echo
    sleep 0.2
done
echo "data: end"
SH
    away => <<'SH',
printf 'Location: http://elsewhere.example/%s\n\n' "$QUERY_STRING"
SH
    inside => <<'SH',
printf 'Location: %s/file-1.txt\n\n' "${SCRIPT_NAME%/*}"
SH
);

# Some of one packet, some of many.
sub text_of_file {
    my ($user, $uid, $number) = @_;
    return join '', map { "file $number of $user, uid $uid, line $_\n" }
        1 .. 30 * 10 ** $number;
}

sub names_in_directory {
    my ($user, $uid) = @_;
    return map { "of-$user-$uid-$_" } 1 .. 5;
}

# All in place at once: a user may be asked for something while it is made.
sub put_programs {
    my ($user, $uid) = @_;
    my $home = "$USERS/$user/home/$user";
    put_file($user, 'whoami', "$user\n");
    put_file($user, "new/directory/$_", '')
        for names_in_directory($user, $uid);
    put_file($user, "new/file-$_.txt", text_of_file($user, $uid, $_))
        for 0 .. FILES - 1;
    put_program($user, "new/$_.sh", $PROLOGUE . $PROGRAMS{$_})
        for sort keys %PROGRAMS;
    # an empty one may be there, of a user who is new
    rename "$home/new", "$home/web" or die "rename $home/new: $!";
}

# --- a request and what is expected of it -----------------------------------

my ($process, $count, %texts);

sub new_nonce { return sprintf '%01x%08x%06x', $process, ++$count, $$ }

sub new_request {
    my ($self) = @_;
    my @users = sort keys %{ $self->{users} };
    my $first = int(time / TURN) * int(ACTIVE / 2);
    my $user = $users[($first + int rand ACTIVE) % @users];
    my $kind = $KINDS[rand @KINDS];
    my $request = { user => $user, uid => $self->{users}{$user},
        kind => $kind, nonce => new_nonce(), number => int rand FILES,
        program => $kind };
    $request->{program} = (qw(count upload stream))[rand 3]
        if $kind eq 'leave';
    $request->{content} = "$request->{nonce} " x 6000
        if $request->{program} eq 'upload';
    $request->{path} = path_of($self->{profiles}[rand @{ $self->{profiles} }],
        $request);
    return $request;
}

sub path_of {
    my ($profile, $request) = @_;
    my %file = (file => "file-$request->{number}.txt",
        listing => 'directory/', missing => 'nowhere.txt');
    return "/$profile/" . ($file{ $request->{kind} }
        // "$request->{program}.sh") . "?$request->{nonce}";
}

sub status_of {
    my ($request) = @_;
    return { away => 302, missing => 404 }->{ $request->{kind} } // 200;
}

# What a program says of itself, as a pattern.
sub about {
    my ($request) = @_;
    return "$request->{user} $request->{uid} $request->{nonce} "
        . '(?:one|two) [0-9]+';
}

sub text_expected {
    my ($request, $number) = @_;
    return $texts{"$request->{user} $number"}
        //= text_of_file(@$request{qw(user uid)}, $number);
}

my %IS_RIGHT = (
    count => sub { my ($request, $answer) = @_;
        my $about = about($request);
        return $answer->{content} =~ /\A$about\n\z/ },
    upload => sub { my ($request, $answer) = @_;
        my $about = about($request) . ' ' . md5_hex($request->{content});
        return $answer->{content} =~ /\A$about\n\z/ },
    stream => sub { my ($request, $answer) = @_;
        my $text = join '', map { "data: $_ " . about($request) . "\n\n" }
            1 .. LINES;
        return $answer->{content} =~ /\A${text}data: end\n\z/ },
    away => sub { my ($request, $answer) = @_;
        return ($answer->{headers}{location} // '')
            eq "http://elsewhere.example/$request->{nonce}" },
    inside => sub { my ($request, $answer) = @_;
        return $answer->{content} eq text_expected($request, 1) },
    file => sub { my ($request, $answer) = @_;
        return $answer->{content}
            eq text_expected($request, $request->{number}) },
    listing => sub { my ($request, $answer) = @_;
        my %there = map { $_ => 1 } $answer->{content} =~ /(of-[\w-]+)/g;
        return join(' ', sort keys %there)
            eq join ' ', names_in_directory(@$request{qw(user uid)}) },
    missing => sub { return 1 },
);

sub outcome_of {
    my ($request, $answer) = @_;
    my $status = $answer->{status};
    return "cut $status" if !$answer->{whole};
    if ($status != status_of($request)) {
        return $status . ($answer->{headers}{'retry-after'} ? ' retry' : '');
    }
    $request->{warden} = $1 if $answer->{content} =~ / (?:one|two) (\d+)/;
    return 'ok' if $IS_RIGHT{ $request->{program} }->($request, $answer);
    return "wrong $status " . substr($answer->{content}, 0, 200)
        =~ s/[^ -~]/?/gr;
}

# --- the clients of one process ---------------------------------------------

sub start {
    my ($class, $httpd, %arg) = @_;
    my $self = bless { httpd => $httpd, %arg, pids => [], parent => $$,
        dir => "$httpd->{dir}/logs" }, $class;
    unlink "$self->{dir}/traffic-stop";
    for my $number (1 .. PROCESSES) {
        my $pid = fork() // die "fork: $!";
        push @{ $self->{pids} }, $pid;
        next if $pid;
        eval { $self->be_clients($number); 1 } or print STDERR $@;
        _exit(0);
    }
    return $self;
}

sub be_clients {
    my ($self, $number) = @_;
    $process = $number;
    srand $$;
    $SIG{PIPE} = 'IGNORE';
    open($self->{log}, '>', "$self->{dir}/traffic-$number") or die "log: $!";
    my @clients = map { { due => time + rand 1 } }
        1 .. $self->{clients} / PROCESSES;
    while (1) {
        my $ends = -e "$self->{dir}/traffic-stop"
            || getppid != $self->{parent};
        last if $ends && !grep { $_->{request} } @clients;
        for my $client (grep { !$_->{request} } @clients) {
            $self->begin_request($client) if !$ends && time >= $client->{due};
        }
        $self->serve_clients(grep { $_->{request} } @clients);
    }
    close $self->{log} or die "log: $!";
}

# One select(2) over all of them.
sub serve_clients {
    my ($self, @busy) = @_;
    my ($reads, $writes) = ('', '');
    for my $client (@busy) {
        vec($reads, fileno $client->{socket}, 1) = 1;
        vec($writes, fileno $client->{socket}, 1) = 1 if $client->{out} ne '';
    }
    select $reads, $writes, undef, 0.02;
    for my $client (@busy) {
        my $fd = fileno $client->{socket};
        send_some($client) if vec $writes, $fd, 1;
        if (vec $reads, $fd, 1) {
            $self->receive_some($client);
        }
        elsif (time >= $client->{request}{leave}) {
            $self->end_request($client, $client->{request}{kind} eq 'leave'
                ? 'left' : 'late', 0);
        }
    }
}

sub begin_request {
    my ($self, $client) = @_;
    my $request = $client->{request} = $self->new_request;
    my $begin = $request->{begin} = time;
    $request->{leave} = $begin
        + ($request->{kind} eq 'leave' ? rand 0.3 : PATIENCE);
    drop($client) if $client->{socket} && is_closed($client->{socket});
    $request->{is_first} = !$client->{socket};
    $client->{socket} //= IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{httpd}{port}, Blocking => 1);
    return $self->end_request($client, 'refused', 0) if !$client->{socket};
    $client->{socket}->blocking(0);
    $client->{left} = int rand USES if $request->{is_first};
    $client->{received} = '';
    $client->{out} = IvleJail::Client::text_of('127.0.0.1', $request->{path},
        user => $request->{user}, headers => { Connection =>
            $client->{left} ? 'keep-alive' : 'close' },
        defined $request->{content} ? (method => 'POST',
            content => $request->{content}) : ());
    send_some($client);
}

# Whether the other side has ended a connection on which nothing is to come.
sub is_closed {
    my ($socket) = @_;
    vec(my $reads = '', fileno $socket, 1) = 1;
    return select($reads, undef, undef, 0) > 0;
}

sub drop {
    my ($client) = @_;
    my $socket = delete $client->{socket};
    close $socket if $socket;
}

sub send_some {
    my ($client) = @_;
    my $sent = syswrite $client->{socket}, $client->{out};
    if (defined $sent) {
        substr $client->{out}, 0, $sent, '';
    }
    elsif (!$!{EAGAIN}) {
        $client->{out} = '';    # reading says what has become of it
    }
}

sub receive_some {
    my ($self, $client) = @_;
    my $request = $client->{request};
    my $n = sysread $client->{socket}, $client->{received}, 65536,
        length $client->{received};
    return if !defined $n && $!{EAGAIN};
    if (!$n && $client->{received} eq '') {
        $self->end_request($client,
            $request->{is_first} ? 'none' : 'unread', 0);
    }
    elsif (!$n || is_complete($client->{received})) {
        my $answer = IvleJail::Client::parse($client->{received});
        $self->end_request($client, outcome_of($request, $answer),
            $n && $client->{out} eq '' && $client->{left}-- > 0
            && ($answer->{headers}{connection} // '') !~ /close/i);
    }
}

# Whether an answer needs no more; one that ends with its connection does.
sub is_complete {
    my $head = substr $_[0], 0, 4096;
    my $end = index $head, "\r\n\r\n";
    return 0 if $end < 0;
    $head = substr $head, 0, $end;
    return length($_[0]) >= $end + 4 + $1
        if $head =~ /^Content-Length: (\d+)/mi;
    return $head =~ /^Transfer-Encoding: chunked/mi
        && substr($_[0], -7) =~ /\r\n0\r\n\r\n\z/
        && IvleJail::Client::parse($_[0])->{whole};
}

sub end_request {
    my ($self, $client, $outcome, $is_kept) = @_;
    my $request = delete $client->{request};
    my $now = time;
    drop($client) if !$is_kept;
    $client->{due} = $now + rand PAUSE;
    $outcome = 'left' if $request->{kind} eq 'leave' && $outcome !~ /^wrong/;
    print STDERR "# $request->{user} $request->{path}: $outcome\n"
        if $outcome =~ /^(?:wrong|late|refused)/;
    print { $self->{log} } join("\t", @$request{qw(user kind nonce begin)},
        $now, $request->{warden} // 0, $outcome), "\n";
}

# --- the end ----------------------------------------------------------------

# All requests, when the last one has ended.
sub stop {
    my ($self) = @_;
    open(my $stop, '>', "$self->{dir}/traffic-stop") or die "traffic: $!";
    close $stop;
    waitpid $_, 0 for @{ $self->{pids} };
    my @done;
    for my $number (1 .. PROCESSES) {
        open(my $in, '<', "$self->{dir}/traffic-$number") or die "log: $!";
        while (my $line = <$in>) {
            chomp $line;
            my %request;
            @request{qw(user kind nonce begin end warden outcome)} =
                split /\t/, $line, 7;
            push @done, \%request;
        }
    }
    return @done;
}

# Whether it is a program that notes its nonce.
sub is_noted {
    my ($request) = @_;
    return exists $PROGRAMS{ $request->{kind} };
}

1;
