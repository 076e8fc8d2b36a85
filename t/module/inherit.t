# SPDX-License-Identifier: Apache-2.0
# Which settings hold where several sections have some: the innermost has its
# own, and what it does not set it has from the outer ones, from its virtual
# host or from the main server.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);

use IvleJail::Connection qw(ask);
use IvleJail::Test;

my %port = (main => Apache::Test::vars('port'),
    vhost => Apache::Test::config()->{vhosts}{inherit}{port});

my $NOFILE = <<'SH';
#!/bin/sh
echo Content-Type: text/plain
echo
echo "$(ulimit -n) ${SCRIPT_FILENAME#/home/alice/inherit/}"
SH

# Server, URL, and the limit of open files and the file that it leads to.
my @PROFILES = (
    ['main', '/inherit/nofile', 256],
    ['main', '/inherit/thirty/nofile', 30],
    ['main', '/inherit/thirty/other/nofile', 30],
    ['main', '/inherit/thirty/forty/nofile', 40],
    ['main', '/inherit/thirty/forty/default/nofile', 256],
    ['main', '/inherit/thirty/fifty/nofile', 50],
    ['main', '/inherit/nofile?nofile=30', 30],
    ['main', '/inherit/thirty/forty/nofile?nofile=30', 30],
    ['vhost', '/inherit/nofile', 50],
    ['vhost', '/inherit/thirty/nofile', 30],
    ['vhost', '/inherit/thirty/forty/nofile', 30],
    ['vhost', '/inherit-more/nofile', 50],
    ['vhost', '/inherit-main/nofile', 50],
);

# What an interpreter says, and whether there is time enough to sleep.
my @OTHERS = (
    ['/inherit/thirty/x.a', 'thirty'],
    ['/inherit/thirty/forty/x.a', 'thirty'],
    ['/inherit/thirty/x.b', 'thirty'],
    ['/inherit/thirty/forty/x.b', 'forty'],
    ['/inherit/thirty/forty/default/x.b', 'forty'],
    ['/inherit/hasty/forty/sleep-1000', 504],
    ['/inherit/hasty/forty/patient/sleep-2', 200],
);

# Which file is served of a directory that has all of them; "list": none.
my @INDEXES = (
    ['/inherit/', 'index.html'],
    ['/inherit/ab/', 'b'],
    ['/inherit/ab/sub/', 'c'],
    ['/inherit/ab/more/', 'b'],
    ['/inherit/ab/none/', 'list'],
    ['/inherit/ab/none/off/', 403],
    ['/inherit/ab/none/off/sub/', 'c'],
);
my @FILES = qw(b c index.html);

sub get {
    my ($server, $url) = @_;
    my $answer = ask($port{$server}, GET => $url, user => 'alice');
    return $answer->{code} == 200 ? $answer->{body} : $answer->{code};
}

plan tests => @PROFILES + @OTHERS + @INDEXES;

for (@PROFILES) {
    my ($server, $url, $limit) = @$_;
    my ($file) = $url =~ m{^/inherit[^/]*/([^?]+)};
    $file = "vhost/$file" if $server eq 'vhost' && $url !~ /-/;
    put_program(alice => "inherit/$file", $NOFILE);
    is(get($server, $url), "$limit $file\n", "$url ($server)");
}

for (@OTHERS) {
    my ($url, $expected) = @$_;
    (my $file = $url) =~ s{^/}{};
    put_program(alice => $file,
        "#!/bin/sh\nsleep \${0##*-}; echo Content-Type: text/plain; echo\n");
    my $got = get('main', $url);
    $got = 200 if $got eq '';
    is($got, $expected, $url);
}

for (@INDEXES) {
    my ($url, $expected) = @$_;
    (my $directory = $url) =~ s{^/}{};
    put_file(alice => "$directory$_", $_) for @FILES;
    my $got = get('main', $url);
    $got = 'list' if $got =~ /<table/;
    is($got, $expected, $url);
}
