# SPDX-License-Identifier: Apache-2.0
# A warden is a user's, who may put another program in its place.  Whatever
# that one says or sends, httpd fails one request, soon and with a line in its
# log; no child of httpd dies or keeps a descriptor, and the next request, with
# a warden of ours, works.  All of them at the same time, under each MPM.
use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOCK_SEQPACKET);
use Test::More;
use Time::HiRes qw(time);

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

use constant {
    TIMEOUT => 3,           # IvleJailTimeout, for a warden that accepted
    HANG => 50,             # seconds: longer than that is one
    FIRST_UID => 74100,
    PATIENCE => 60,
    KEPT => 1 << 20,        # bytes of an answer
};

my $HOSTILE = "$TOP/build/t/hostile";
my $HEADER = "Content-Type: text/plain\n\n";
my $MOST = '0x' . 'f' x 16;

# The number of a refusal in wire.h.
sub refusal {
    my ($name) = @_;
    my ($list) = slurp("$TOP/trampoline/wire.h")
        =~ /^enum wire_refusal \{(.*?)^\}/ms;
    my @names = $list =~ s{/\*.*?\*/}{}gsr =~ /(WIRE_\w+)/g;
    my ($number) = grep { $names[$_] eq $name } 0 .. $#names;
    return $number // die "no $name";
}

my @STARTED = qw(accepted started);
my @BEGUN = (@STARTED, "out=${HEADER}begun\n");
my @FDS = qw(pipe-r pipe-w directory path device terminal file connection
    listener pair lingering);

my @NO_FILES = ((grep { $_ ne 'file' } @FDS), qw(file-w proc));

# What a warden says (t/tools/hostile.c) and what a client hears.  More:
#   body     of the request
#   is_directory    that is asked for, and not a program
#   leaves   the client goes when it has got so many bytes
#   errors   lines in httpd's log (1; undef: it does not matter)
my @CASES = (
    # no ACCEPTED
    ['does not accept', undef, '503 whole'],
    ['has a full backlog', 0, '503 whole'],
    ['says nothing', ['hold'], '503 whole'],
    ['closes at once', [], '503 whole'],
    ['closes late', ['pause=3000'], '503 whole'],
    ['sends an empty message', ['accepted,size=0', 'hold'], '500 whole'],
    ['is short by a byte', ['accepted,size=-1', 'hold'], '500 whole'],
    ['is long by a byte', ['accepted,size=+1', 'hold'], '500 whole'],
    ['sends a byte', ['accepted,size=1', 'hold'], '500 whole'],
    ['sends 64 KiB', ['accepted,size=65536', 'hold'], '500 whole'],
    (map { ["says $_", ["accepted,$_", 'hold'], '500 whole'] }
        qw(version=0 version=0xffffffff kind=0 kind=9 kind=0xffffffff refusal=1
        refusal=0xffffffff error=4096 limit=9 limit=0xffffffff index=1
        index=0xffffffff is_nph=2)),
    ['refuses without a reason', ['refused', 'hold'], '500 whole'],
    ['refuses for no known reason', ['refused,refusal=99', 'hold'],
        '500 whole'],
    ['refuses a log', ['refused,refusal=' . refusal('WIRE_CANNOT_LOG'),
        'hold'], '500 whole'],
    ['wants pipes that it has', ['refused,refusal='
        . refusal('WIRE_NEEDS_PIPES'), 'hold'], '500 whole'],
    ['starts first', ['started', 'hold'], '500 whole'],
    ['ends first', ['ended', 'hold'], '500 whole'],
    (map { ["accepts and sends $_", ["accepted,fd=$_", 'hold'], '500 whole'] }
        @FDS, 'file*3', 'pair*253', 'lingering*253'),

    # ACCEPTED, no STARTED
    ['accepts and is silent', ['accepted', 'hold'], '503 whole'],
    ['accepts and closes', ['accepted'], '503 whole'],
    ['accepts twice', ['accepted,times=2', 'hold'], '500 whole'],
    ['accepts and ends', ['accepted', 'ended', 'hold'], '500 whole'],
    ['accepts without end', ['accepted,times=0'], '500 whole'],
    ['starts with a directory', ['accepted', 'started,fd=directory', 'hold'],
        '500 whole'],
    ['starts with 253 lingering sockets',
        ['accepted', 'started,fd=lingering*253', 'hold'], '500 whole'],

    # STARTED, no header
    ['starts and is silent', [@STARTED, 'hold'], '504 whole'],
    ['starts and closes', [@STARTED], '500 whole'],
    ['starts twice', [@STARTED, 'started', 'hold'], '500 whole'],
    ['starts without end', ['accepted', 'started,times=0'], '500 whole'],
    ['starts, then refuses', [@STARTED, 'refused,refusal=1', 'hold'],
        '500 whole'],
    ['ends and keeps the pipes', [@STARTED, 'ended', 'forget', 'hold'],
        '500 whole'],
    ['keeps the pipes and closes', [@STARTED, 'forget'], '500 whole'],
    ['reads no body', [@STARTED, 'forget', 'hold'], '504 whole',
        body => 'x' x 2**20],
    ['writes rubbish', [@STARTED, "spew-out=\1\xff\r", 'hold'], '500 whole'],
    ['writes headers without end', [@STARTED, "spew-out=X-Y: z\n", 'hold'],
        '50[04] whole'],
    ['writes errors without end', [@STARTED, "spew-err=oh\n", 'hold'],
        '504 whole'],
    ['writes half a header', [@STARTED, 'out=Content-Type: te', 'hold'],
        '504 whole'],

    ['starts nph and writes rubbish', ['accepted', 'started,is_nph=1',
        "spew-out=\1\xff\r", 'hold'], '5\d\d whole|599 cut'],
    ['starts nph and is silent', ['accepted', 'started,is_nph=1', 'hold'],
        '504 whole'],
    ['starts nph and closes', ['accepted', 'started,is_nph=1'], '500 whole'],

    # a header
    ['begins and is silent', [@BEGUN, 'hold'], '200 cut'],
    ['begins and closes', [@BEGUN], '200 cut|502 whole'],
    ['begins and keeps the pipes', [@BEGUN, 'forget'], '200 cut|502 whole'],
    ['begins and accepts', [@BEGUN, 'accepted', 'hold'],
        '200 cut|502 whole'],
    ['writes without end', [@BEGUN, 'spew-out=more', 'hold'], '200 cut'],
    ['writes without end and ends',
        [@BEGUN, 'spew-out=more', 'pause=100', 'ended', 'forget', 'hold'],
        '200 (?:cut|whole)', errors => undef],
    ['ends with a file', [@BEGUN, 'ended,fd=file', 'hold'],
        '200 cut|502 whole'],
    ['ends with all limits',
        [@BEGUN, 'ended,limit=9', 'hold'], '200 cut|502 whole'],

    # all is well, but
    ['ends with the largest numbers', [@BEGUN, 'close=out', join ',', 'ended',
        map { "$_=$MOST" } qw(cpu_microseconds peak_kib wall_microseconds)],
        '200 whole', errors => 0],
    ['goes on when all is said', [@BEGUN, 'close=out', 'ended',
        'started,fd=lingering*253,times=0', 'hold'], '200 whole', errors => 0],
    ['ends with no known status', [@BEGUN, 'close=out',
        'ended,wait_status=0xffffffff', 'hold'], '200 (?:cut|whole)',
        errors => undef],
);

# A file or a directory that is none: looked at before the MPM matters.
my @FILE_CASES = (
    ['sends a file', ['accepted', 'file,fd=text', 'hold'], '200 whole',
        errors => 0],
    ['sends a file that shrinks', ['accepted', 'file,fd=shrinking',
        'pause=200', 'shrink', 'hold'], '200 cut', errors => undef],
    ['sends a file without an end', ['accepted', 'file,fd=large', 'hold'],
        '200 cut', leaves => 20 << 20, errors => 0],
    ['sends a file that is not wanted', ['file,fd=file', 'hold'],
        '[25]00 whole', errors => undef],
    ['sends a file, and more', ['accepted', 'file,fd=text',
        'file,fd=lingering*253,times=0'], '200 whole', errors => 0],
    ['sends a listing of a file', ['accepted', 'listing,fd=rubbish', 'hold'],
        '500 whole'],
    ['sends a listing with rubbish in it', ['accepted', 'listing,fd=rubbish',
        'hold'], '500 whole', is_directory => 1],
    ['serves an index that nobody named', ['accepted',
        'file,fd=file,index=2', 'hold'], '500 whole', is_directory => 1],
    ['wants one more slash', ['refused,refusal='
        . refusal('WIRE_NEEDS_SLASH'), 'hold'], '500 whole',
        is_directory => 1],
    ['sends an empty listing', ['accepted', 'listing,fd=empty', 'hold'],
        '200 whole', is_directory => 1, errors => 0],
    (map { ["sends as a file $_->[0]", ['accepted', "file$_->[1]", 'hold'],
        '500 whole'] } ['nothing', ''], ['two files', ',fd=file*2'],
        ['another index', ',fd=file,index=99'], ['part of a message',
        ',fd=file,size=-1'], map { [$_, ",fd=$_"] } @NO_FILES),
    (map { ["sends as a listing $_->[0]", ['accepted', "listing$_->[1]",
        'hold'], '500 whole'] } ['nothing', ''], ['two', ',fd=rubbish*2'],
        ['a file', ',fd=file'], ['what may change', ',fd=text'],
        ['a large one', ',fd=large'], map { [$_, ",fd=$_"] } @NO_FILES),
);

# As many children as are needed for all of it, from the start.
my $THREADS = <<'CONF';
ThreadLimit 150
StartServers 1
ServerLimit 1
ThreadsPerChild 150
MaxRequestWorkers 150
MinSpareThreads 1
MaxSpareThreads 150
CONF
my $PROCESSES = <<'CONF';
StartServers 96
MinSpareServers 1
MaxSpareServers 150
CONF
my $COMMON = <<"CONF";
IvleJailExpire 86400
KeepAlive Off
RequestReadTimeout header=0 body=0
IvleJailAliasMatch ^/(?:hostile|hasty)/(.*) /home/%u/web/\$1
<LocationMatch ^/(?:hostile|hasty)/>
    Use Login
    IvleJailTimeout 300
    IvleJailExplain On
    IvleJailListing On
    IvleJailErrorLog /home/%u/error.log
</LocationMatch>
<Location /hasty/>
    IvleJailTimeout ${\TIMEOUT}
</Location>
CONF

my @users = map { sprintf 'user%03d', $_ } 1 .. @CASES + @FILE_CASES;

# --- wardens ------------------------------------------------------------------

# Takes the place of a user's warden, as the jail's own would be.
sub occupy {
    my ($httpd, $user, $words) = @_;
    my ($place) = glob "/run/ivlejail/$httpd->{instance}/sock/default\@*";
    my $path = "$place/$user";
    unlink $path;
    my $listener = IO::Socket::UNIX->new(Type => SOCK_SEQPACKET,
        Local => $path, Listen => ref $words ? 8 : $words // 8)
        or die "$path: $!";
    chmod 0600, $path or die "chmod $path: $!";
    chown scalar(getpwnam 'www-data'), 0, $path or die "chown $path: $!";
    return { listener => $listener, ref $words
        ? (pid => start_hostile($listener, @$words))
        : (waiting => [defined $words ? fill($path) : ()]) };
}

sub start_hostile {
    my ($listener, @words) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    open STDIN, '<&', $listener or die "dup: $!";
    exec $HOSTILE, @words or POSIX::_exit(127);
}

# Connections until there is no room for another.
sub fill {
    my ($path) = @_;
    my @waiting;
    do {
        push @waiting, IO::Socket::UNIX->new(Type => SOCK_SEQPACKET,
            Blocking => 0, Peer => $path) // die "$path: $!";
    } while ($waiting[-1]->connected);
    return @waiting;
}

sub leave {
    my ($warden) = @_;
    close $_ for $warden->{listener}, @{ $warden->{waiting} // [] };
    my $pid = $warden->{pid} or return;
    my $is_there = kill KILL => $pid;
    waitpid $pid, 0;
    return $is_there && ($? & 127) == 9;
}

# --- clients --------------------------------------------------------------------

# What comes without end is not kept, but for how it ends.
sub read_some {
    my ($request) = @_;
    my $n = sysread $request->{socket}, my $data, 1 << 20 or return 0;
    return 0 if ($request->{bytes} += $n) > ($request->{leaves} // 1 << 50);
    $request->{end} = substr(($request->{end} // '') . $data, -16);
    $request->{received} .= $data if length $request->{received} < KEPT;
    return $n;
}

# Of an answer that was not kept whole, no chunk was read; its last tells.
sub outcome_of {
    my ($request) = @_;
    return outcome(IvleJail::Client::parse($request->{received}))
        if $request->{leaves};
    my $is_long = length $request->{received} >= KEPT;
    my $outcome = outcome(finish($request, 0.1));
    $outcome =~ s/cut/whole/ if $is_long && $request->{end} =~ /\n0\r\n\r\n\z/;
    return $outcome;
}

# Until each request is answered: how long that took.
sub answers_of {
    my (@requests) = @_;
    my $select = IO::Select->new(map { $_->{socket} } @requests);
    my %of = map { $_->{socket} => $_ } @requests;
    while ($select->count) {
        my @ready = $select->can_read(PATIENCE) or last;
        for my $socket (@ready) {
            my $request = $of{$socket};
            next if read_some($request);
            $select->remove($socket);
            close $socket if $request->{leaves};
            $request->{seconds} = time - $request->{start};
        }
    }
}

sub more {
    my ($case) = @_;
    return @$case[3 .. $#$case];
}

# Where IvleJailTimeout ends it, it is short; else it is what the warden says
# that does, and however late that is, it is not too late.
sub path_of {
    my ($case) = @_;
    my ($words, $outcome, %more) = @$case[1 .. $#$case];
    my $is_begun = ref $words && grep { /^started/ } @$words;
    my $place = $outcome =~ ($is_begun ? qr/50(?:4|\[)|^200 cut$/ : qr/503/)
        ? 'hasty' : 'hostile';
    return "/$place/" . ($more{is_directory} ? '' : 'hello.sh');
}

sub ask_all {
    my ($httpd, @cases) = @_;
    my @requests;
    for my $i (0 .. $#cases) {
        my %more = more($cases[$i]);
        push @requests, { start => time, leaves => $more{leaves}, %{ begin(
            $httpd, path_of($cases[$i]), user => $users[$i],
            defined $more{body}
                ? (method => 'POST', content => $more{body}) : ()) } };
    }
    answers_of(@requests);
    $_->{outcome} = outcome_of($_) for @requests;
    return @requests;
}

# --- what httpd makes of it -----------------------------------------------------

# Lines of errors by user, but for what a program says itself.
sub errors_by_user {
    my ($access, $errors, $count) = @_;
    my (@requests, %lines);
    wait_until(60, sub {
        @requests = split /\n/, log_since($access);
        return @requests >= $count;
    });
    my %user_of = map { m{^\S+ (\S+) "[^"]*" \d+ \S+ (\S+)$} ? ($2 => $1)
        : () } @requests;
    for my $line (split /\n/, log_since($errors)) {
        my ($id) = $line =~ /\[ivlejail:error\] \[pid \d+\] \[([^\]]+)\]/
            or next;
        push @{ $lines{ $user_of{$id} // '' } }, $line
            if $line =~ /IJ00(?!60)/;
    }
    return \%lines;
}

sub check_answer {
    my ($case, $request, $lines) = @_;
    my ($name, $words, $outcome) = @$case;
    my %more = (errors => 1, more($case));
    my $seconds = $request->{seconds} // 'for ever';
    my @wrong;
    push @wrong, $request->{outcome}
        if $request->{outcome} !~ /^(?:$outcome)$/;
    push @wrong, "took $seconds s" if $seconds !~ /^\d/ || $seconds > HANG;
    push @wrong, map { "logged: $_" } @$lines ? @$lines : 'nothing'
        if defined $more{errors} && @$lines != $more{errors};
    is(join("\n", @wrong), '', "a warden that $name: $outcome");
}

# All that there will be, and mod_cgid's.
sub wait_for_children {
    my ($httpd) = @_;
    my $count = 1 + ($httpd->{mpm} eq 'prefork' ? 96 : 1);
    wait_until(60, sub { $httpd->children >= $count })
        or die "not $count children";
    $httpd->{first_children} = join ' ', sort { $a <=> $b } $httpd->children;
}

# Of all children, what they have open, but for the files' offsets.
sub open_files {
    my ($httpd) = @_;
    my %open;
    for my $pid ($httpd->children) {
        my %files = %{ descriptors($pid) };
        $open{"$pid $_"} = $files{$_} =~ s/\[\d+\]//r for keys %files;
    }
    return \%open;
}

# A connection that httpd has not closed yet is none.
sub check_children {
    my ($httpd, $before, $errors) = @_;
    my $after;
    wait_until(60, sub { $after = open_files($httpd);
        !grep { !exists $before->{$_} } keys %$after });
    is_deeply({ map { exists $before->{$_} ? () : ($_ => $after->{$_}) }
        keys %$after }, {}, 'no child of httpd has more open than before');
    is(join(' ', sort { $a <=> $b } $httpd->children),
        join(' ', $httpd->{first_children}), '... and all are those of before');
    unlike(log_since($errors), qr/exit signal|AH0005[12]/, '... alive');
}

# All at the same time, so that no user waits for another's.
sub check_next {
    my ($httpd, @who) = @_;
    my %outcomes = map { $_ => outcome(finish(begin($httpd, '/my/hello.sh',
        user => $_))) } @who;
    is_deeply(\%outcomes, { map { $_ => '200 whole' } @who },
        'with wardens of ours the next requests work');
}

sub check_mpm {
    my ($mpm, $port, @cases) = @_;
    my $httpd = IvleJail::Httpd->new(name => "h-$mpm", mpm => $mpm,
        port => $port, users => \@users, config => ($mpm eq 'prefork' ? $PROCESSES : $THREADS)
            . $COMMON);
    ok($httpd->start, "httpd starts ($mpm)") or BAIL_OUT($httpd->output);
    finish(begin($httpd, '/my/hello.sh', user => $users[0]));
    $httpd->ctl('jail', 'evict', $users[0]);
    wait_for_children($httpd);
    my ($access, $errors) = map { log_mark("$httpd->{dir}/logs/$_") }
        qw(access_log error_log);
    my $before = open_files($httpd);
    my @wardens = map { occupy($httpd, $users[$_], $cases[$_][1]) }
        0 .. $#cases;
    my @requests = ask_all($httpd, @cases);
    my $lines = errors_by_user($access, $errors, scalar @cases);
    check_answer($cases[$_], $requests[$_], $lines->{ $users[$_] } // [])
        for 0 .. $#cases;
    check_children($httpd, $before, $errors);
    is(scalar(grep { $_->{pid} } @wardens),
        scalar(grep { leave($_) } @wardens), 'each of them said all it had to');
    check_next($httpd, @users[0 .. $#cases]);
    ok($httpd->stop, "httpd stops ($mpm)");
}

must_be_root();
install();
base('busybox');
for my $i (0 .. $#users) {
    my $user = $users[$i];
    add_user($user => FIRST_UID + $i);
    put_program($user => 'web/hello.sh',
        "#!/bin/sh\necho Content-Type: text/plain\necho\necho hello\n");
}
my $before = leftovers();
check_mpm('event', 10, @CASES, @FILE_CASES);
check_mpm('worker', 11, @CASES);
check_mpm('prefork', 12, @CASES);
is_deeply([left_since($before)], [], 'nothing is left');
remove_user($_) for @users;
done_testing();
