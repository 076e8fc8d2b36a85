# SPDX-License-Identifier: Apache-2.0
# Directories in jails: the slash, index files and lists.  What mod_dir does is
# compared with it, in the same run; and what is no file is not served.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use IO::Socket::UNIX;
use POSIX qw(mkfifo);
use Time::HiRes qw(time);

use IvleJail::Connection qw(ask);
use IvleJail::Test;

my %port = (main => Apache::Test::vars('port'),
    map { $_ => Apache::Test::config()->{vhosts}{"listing_$_"}{port} }
    qw(canonical named));
my $server = Apache::Test::vars('serverroot');
my $home = "$USERS/alice/home/alice";
my $MTIME = 1_700_000_000;
my ($uid, $gid) = (stat $home)[4, 5];

# --- what there is ------------------------------------------------------------

# Directories that the document root has, too, with odd names.
my @NAMES = ('sub', 'sub/deep', 'a b', 'a%b', 'a;b', "gr\xc3\xbcn", "gr\xfcn",
    '"q"', '<b>', 'a&b', 'a?b', 'a#b', 'a:b', 'a+b', 'a\\b', "a\nb", 'x.html');

# Files that it has, too.
my %FILES = (
    'index/both/first.html' => 'first', 'index/both/third.html' => 'third',
    'index/later/third.html' => 'third',
    'index/denied1/first.html' => 'first',
    'index/denied1/third.html' => 'third',
    'index/denied2/third.html' => 'third',
    'index/other/x/other.html' => 'other',
    'index/other/x/first.html' => 'first',
    'index/other/more/x/other.html' => 'other',
    'index/other/more/y/more.html' => 'more',
    'index/other/more/y/other.html' => 'other',
    'default/index.html' => 'default',
    'files/both/forbidden.html' => 'forbidden',
    'files/both/index.html' => 'index',
    'files/one/forbidden.html' => 'forbidden',
);

sub make_directory {
    my ($path) = @_;
    make_path("$home/listing/$path", { owner => $uid, group => $gid });
}

sub put_shared {
    for (@NAMES) {
        make_directory($_);
        make_path("$server/htdocs/listing/$_");
    }
    for my $path (sort keys %FILES) {
        my $file = put_file(alice => "listing/$path", $FILES{$path});
        my $copy = "$server/htdocs/listing/$path";
        utime $MTIME, $MTIME, $file;
        make_path(dirname($copy));
        unlink $copy;
        link $file, $copy or die "$copy: $!";
    }
}

sub put_own {
    put_program(alice => 'listing/index/program/second.sh', <<'SH');
#!/bin/sh
echo Content-Type: text/plain
echo
echo "$SCRIPT_NAME|$SCRIPT_FILENAME|$PATH_INFO|$QUERY_STRING|$REQUEST_URI"
SH
    put_file(alice => 'listing/index/forgotten/second.sh', "#!/bin/sh\nid\n");
    put_file(alice => 'listing/index/directory/first.html/x', 'x');
    put_file(alice => 'listing/index/directory/third.html', 'third');
    put_file(alice => 'listing/index/closed/first.html', 'x', 0);
    put_file(alice => 'listing/index/closed/third.html', 'third');
    put_file(alice => 'listing/index/none/first.html', 'first');
    put_file(alice => 'listing/off/x.html', 'x');
    put_file(alice => 'listing/typed/x.html', 'x');
    make_directory('empty');
    put_file(alice => 'listing/unreadable/index.html', 'readable');
    put_file(alice => 'listing/unlistable/x.html', 'readable');
    put_file(alice => 'listing/closed/x.html', 'x');
    chmod 0311, "$home/listing/unreadable", "$home/listing/unlistable";
    chmod 0, "$home/listing/closed";
}

# The directory that is looked at closely.
my @LISTED = ('B dir/', 'c/', 'linked/', '100%.txt', '<b>.html', 'a&b',
    'A.txt', 'a.TXT', 'b.txt', "gr\xc3\xbc\xc3\x9f", 'index.htm', 'linked.txt',
    'x:y', '"quoted"');

sub put_listed {
    my $place = "$home/listing/list";
    for my $name (grep { !/^linked/ } @LISTED) {
        $name =~ m{/\z} ? make_directory("list/$name")
            : put_file(alice => "listing/list/$name", "content of $name");
    }
    put_file(alice => "listing/list/$_", 'hidden') for qw(.hidden .htpasswd);
    put_file(alice => "listing/list/gr\xfcn", 'latin');
    symlink '../sub', "$place/linked" or die "linked: $!";
    symlink '100%.txt', "$place/linked.txt" or die "linked.txt: $!";
    symlink 'nowhere', "$place/dangling" or die "dangling: $!";
    mkfifo("$place/fifo", 0666) or die "fifo: $!";
}

sub put_crowd {
    make_directory('crowd');
    for (1 .. 10_050) {
        open(my $out, '>', "$home/listing/crowd/file$_") or die "crowd: $!";
    }
}

# What is there and is no file that anybody reads.
sub put_bad {
    my $place = "$home/listing/bad";
    make_directory('bad');
    mkfifo("$place/fifo.html", 0666) or die "fifo: $!";
    mkfifo("$place/index.html", 0666) or die "fifo: $!";
    run_quietly('mknod', '-m', '0666', "$place/device", qw(c 1 3));
    put_file(alice => 'listing/bad/closed.html', 'x', 0);
    chdir $place or die "$place: $!";
    IO::Socket::UNIX->new(Local => 'socket', Listen => 1) or die "socket: $!";
    chdir '/' or die "/: $!";
    symlink 'fifo.html', "$place/to-fifo" or die "link: $!";
    symlink '/dev/tty', "$place/to-tty" or die "link: $!";
    chown $uid, $gid, glob "$place/*";
}

# --- asking -------------------------------------------------------------------

sub get {
    my ($path, %arg) = @_;
    return ask($port{main}, $arg{method} // 'GET' => $path, user => 'alice',
        %arg);
}

sub url_of {
    my ($path) = @_;
    $path =~ s{([^A-Za-z0-9/._~-])}{sprintf '%%%02X', ord $1}ge;
    return $path;
}

# Code, place and body, as if both were below /listing/.
sub plain {
    my ($answer) = @_;
    my $text = join "\n", $answer->{code},
        map { $answer->{headers}{$_} // '-' } qw(location content-type etag
        last-modified content-range allow);
    $text .= "\n$answer->{body}";
    $text =~ s{/listing-host/}{/listing/}g;
    return $text;
}

sub same_as_mod_dir {
    my ($path, %arg) = @_;
    my $vhost = $arg{vhost} // 'main';
    my $method = $arg{method} // 'GET';
    my ($jailed, $own) = map { ask($port{$vhost}, $method => "$_/$path",
        user => 'alice', %arg) } qw(/listing /listing-host);
    is(plain($jailed), plain($own), "$own->{code} $method $path ($vhost"
        . ($arg{headers} ? ', ' . join(' ', %{ $arg{headers} }) : '') . ')');
}

# --- lists --------------------------------------------------------------------

sub decoded {
    my ($text) = @_;
    my %characters = (lt => '<', gt => '>', amp => '&');
    $text =~ s{<i>\\x(..)</i>}{chr hex $1}ge;
    $text =~ s/&(lt|gt|amp);/$characters{$1}/g;
    return $text;
}

# The rows of a page: [URL, name, size, time], and what a phone shows of it.
sub rows {
    my ($body) = @_;
    return map { m{<a\ href="([^"]*)">(.*?)</a></th><td>(.*?)</td>
        <td>(.*?)</td>}x ? [$1, decoded($2), $3, $4] : () }
        split /\n/, $body;
}

sub check_list {
    my $answer = get('/listing/list/');
    my @rows = rows($answer->{body});
    is($answer->{code}, 200, 'a directory is listed');
    my @expected = (@LISTED[0 .. 2], sort { lc $a cmp lc $b || $a cmp $b }
        @LISTED[3 .. $#LISTED], "gr\xfcn");
    is_deeply([map { $_->[1] } @rows], \@expected,
        '... directories first, then by name');
    is($answer->{headers}{'content-type'}, 'text/html; charset=utf-8',
        '... as HTML in UTF-8');
    is($answer->{headers}{'content-security-policy'},
        "default-src 'none'; style-src 'unsafe-inline'",
        '... without scripts');
    is($answer->{headers}{'x-content-type-options'}, 'nosniff',
        '... and nothing else');
    like($answer->{body}, qr{<title>/listing/list/</title>}, '... with a title');
    unlike($answer->{body}, qr{<b>|href="[^"]*[&<'\s]}, '... all escaped');
    like($answer->{body}, qr{<a href="\.\./">}, '... with a way back');

    my ($b) = grep { $_->[1] eq 'b.txt' } @rows;
    is($b->[2], '16 B', 'sizes are there');
    my @now = gmtime;
    like($b->[3], qr{^\d{4}-\d\d-\d\d \d\d:\d\d$},
        '... and times');
    cmp_ok(substr($b->[3], 0, 4), '>=', $now[5] + 1900 - 1, '... of this time');
    is_deeply([grep { get("/listing/list/$_->[0]")->{code} != 200 } @rows],
        [], 'every link leads to what it names');
    is_deeply([grep { !m{/$} && get('/listing/list/' . url_of($_))->{body}
        ne ($_ eq 'linked.txt' ? 'content of 100%.txt' : "content of $_") }
        @LISTED], [], '... with its content');
}

sub check_methods {
    my $full = get('/listing/list/');
    my $head = get('/listing/list/', method => 'HEAD');
    is("$head->{code} $head->{body}", '200 ', 'HEAD has no body');
    is($head->{headers}{'content-type'}, $full->{headers}{'content-type'},
        '... and the same type');
    is(get('/listing/list/', method => $_)->{code}, 405, "405 $_")
        for qw(PUT DELETE PROPFIND);
    my $answer = get('/listing/list/', method => 'OPTIONS');
    like("$answer->{code} $answer->{headers}{allow}", qr/^200 .*GET/,
        'OPTIONS');
}

sub check_ways_back {
    for (['/listing/', 0], ['/listing-match/', 0], ['/listing-root/', 0],
        ['/listing-no-slash/', 0], ['/listing/sub/', 1],
        ['/listing-match/sub/', 1], ['/listing-root/home/', 1],
        ['/listing-no-slash/sub/deep/', 1]) {
        my ($url, $has) = @$_;
        my $answer = get($url);
        is("$answer->{code} " . ($answer->{body} =~ m{"\.\./"} ? 1 : 0),
            "200 $has", ($has ? 'a' : 'no') . " way back from $url");
    }
}

sub check_crowd {
    my $answer = get('/listing/crowd/');
    my @rows = rows($answer->{body});
    is(scalar @rows, 10_000, 'of very many files some are listed');
    like($answer->{body}, qr/these are 10000 entries/, '... and it says so');
    ok($answer->{whole}, '... to its end');
    unlike(get('/listing/list/')->{body}, qr/more here/, '... only then');
}

# --- what is not served -------------------------------------------------------

sub check_bad {
    for my $name (qw(fifo.html device socket closed.html to-fifo to-tty)) {
        my $begin = time;
        my $answer = get("/listing/bad/$name");
        my $seconds = time - $begin;
        is($answer->{code}, 403, "no $name");
        cmp_ok($seconds, '<', 30, '... and nobody waits for it');
    }
    is_deeply([map { $_->[1] } rows(get('/listing/bad/')->{body})],
        ['closed.html'], 'no FIFO is an index');
}

# --- the tests ----------------------------------------------------------------

remove_tree("$home/listing", "$server/htdocs/listing");
put_shared();
put_own();
put_listed();
put_bad();
put_crowd();

# The slash.
for my $name (@NAMES) {
    same_as_mod_dir(url_of($name));
    same_as_mod_dir(url_of($name) . '?a=b&c=%20%2f%00"');
}
for my $vhost (qw(main canonical named)) {
    same_as_mod_dir('sub', vhost => $vhost);
    same_as_mod_dir('sub', vhost => $vhost, headers => { Host => $_ })
        for qw(other.example other.example:99 named.example);
}
same_as_mod_dir('sub', method => $_) for qw(HEAD POST PUT DELETE OPTIONS);
same_as_mod_dir('sub', method => 'POST', body => 'x' x 10_000);
same_as_mod_dir($_) for 'sub?', 'sub/deep', 'sub//deep', './sub/../sub', 'none';
my $answer = get('/listing-no-slash?x');
is("$answer->{code} $answer->{headers}{location}",
    '301 http://127.0.0.1/listing-no-slash/?x', 'an alias without a slash');

# Index files.
same_as_mod_dir($_) for map { "index/$_/" } qw(both later denied1 denied2
    other/x other/more/x other/more/y), 'both/first.html';
same_as_mod_dir($_) for qw(default/ files/both/ files/one/ default/?x=y);
for my $method (qw(HEAD POST PUT DELETE)) {
    same_as_mod_dir('default/', method => $method);
}
same_as_mod_dir('default/', headers => $_) for { Range => 'bytes=2-3' },
    { 'If-None-Match' => '*' }, { 'If-Modified-Since' =>
        'Tue, 14 Nov 2023 22:13:20 GMT' };
is(get('/listing/index/program/?a=b')->{body},
    '/listing/index/program/second.sh|/home/alice/listing/index/program/'
    . "second.sh||a=b|/listing/index/program/?a=b\n",
    'an index may be a program');
is(get('/listing/index/program/', method => 'POST', body => 'x')->{code}, 200,
    '... that takes a POST');
is(get('/listing/index/forgotten/')->{code}, 403,
    '... but not one that nobody may run');
is(get('/listing/index/closed/')->{code}, 403,
    'an index that nobody may read is no reason for another one');
is(get('/listing/index/directory/')->{body}, 'third',
    'a directory is no index');
is_deeply([map { $_->[1] } rows(get('/listing/index/none/')->{body})],
    ['first.html'], 'a list where indexes are disabled');
is(get('/listing/unreadable/')->{body}, 'readable',
    'an index of a directory that nobody may list');

# Lists.
check_list();
check_methods();
check_ways_back();
check_crowd();
$answer = get('/listing/empty/');
like($answer->{body}, qr/There is nothing here/, 'an empty directory');
is(get('/listing/off/')->{code}, 403, 'no list where it is off');
is(get('/listing/off/x.html')->{body}, 'x', '... but files');
is(get('/listing/unlistable/')->{code}, 403,
    'no list of a directory that its user may not list');
is(get('/listing/unlistable/x.html')->{body}, 'readable', '... but files');
is(get('/listing/closed/')->{code}, 403, 'nothing of a closed directory');
is(get('/listing/closed/x.html')->{code}, 403, '... and no file');
is(get('/listing/typed/')->{headers}{'content-type'},
    'text/html; charset=utf-8', 'a list is HTML, whatever files are');
is(ask($port{main}, GET => '/listing/list/')->{code}, 401,
    'a list is not for everybody');
is(get("/listing/$_")->{code}, 403, "no $_") for qw(.htpasswd .htdir/
    list/.htpasswd list/.htaccess .htdir);

check_bad();

chmod 0755, map { "$home/listing/$_" } qw(unreadable unlistable closed);
remove_tree("$home/listing/crowd");
done_testing();
