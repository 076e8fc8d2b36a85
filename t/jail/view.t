# SPDX-License-Identifier: Apache-2.0
#
# view.t - what a program in alice's jail sees of the world, over HTTP, under
# each MPM: her identity and nothing more, her mounts, her processes, and an
# environment that holds only what CGI/1.1 and the configuration put there

use strict;
use warnings;

use Cwd qw(abs_path);
use Test::More;

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

use constant { ALICE => 70001, BOB => 70002 };

my @MPMS = qw(event prefork worker);
my $NO_CAPS = '0' x 16;
my $BASE = "$BASES/view";

my $CONFIG = <<"CONF";
IvleJailBase $BASE
IvleJailLimit nproc 500
SetEnv COURSE "systems programming"
PassEnv LD_LIBRARY_PATH
PassEnv HTTP_PROXY
PassEnv OF_THE_ADMIN
ServerAdmin admin\@example.org
CONF

# Says what came of each attempt: "<file> done" or "<file> <error>".
my $WRITER = <<'SH';
#!/bin/sh
echo Content-Type: text/plain
echo
for file in / /etc/ /bin/ /open/ /open/file /home/ /home/alice/ /tmp/ \
        /dev/ /proc/ /var/ /run/; do
    test -d $file && at=${file}new || at=$file
    if error=$({ echo text > $at; } 2>&1); then
        echo "$file done"
    else
        echo "$file ${error##*: }"
    fi
done
SH

my %WRITES = ('/home/alice/' => 'done', '/tmp/' => 'done',
    '/home/' => 'Permission denied', '/proc/' => 'nonexistent directory',
    map { $_ => 'Read-only file system' }
        qw(/ /etc/ /bin/ /open/ /open/file /dev/ /var/ /run/));

# alice stays while bob looks for her.
my $STAY = <<'SH';
#!/bin/sh
echo secret > /home/alice/secret
echo secret > /tmp/secret
chmod 666 /home/alice/secret /tmp/secret
echo Content-Type: text/plain
echo
read -r line < /home/alice/gate
echo went
SH

my $LOOK = <<'SH';
#!/bin/sh
echo Content-Type: text/plain
echo
echo homes: $(ls /home)
echo alice: $(cat /home/alice/secret 2>&1)
echo outside: $(cat /home/bob/../../../home/alice/secret 2>&1)
echo tmp: $(ls /tmp)
set -- /proc/[0-9]*
echo processes: $#
echo roots: $(for one in /proc/[0-9]*/root/home/*; do echo ${one##*/}; done)
SH

my %BOB_SEES = (
    homes => 'bob',
    alice => "cat: can't open '/home/alice/secret': No such file or directory",
    outside => "cat: can't open '/home/bob/../../../home/alice/secret': "
        . 'No such file or directory',
    tmp => '',
    processes => 2,             # the warden and herself
    roots => 'bob bob',         # and the one that looks
);

# --- the report of t/tools/probe.c ------------------------------------------

# name => [the lines that begin with it]
sub read_report {
    my ($text) = @_;
    my %report;
    for my $line (split /\n/, $text) {
        my ($name, $value) = split / /, $line, 2;
        push @{ $report{$name} }, $value // '';
    }
    $report{status} = { map { /^(\w+):\s*(.*?)\s*$/ } @{ $report{status} } };
    $report{environment} = { map { /^([^=]*)=(.*)/ }
        @{ $report{environment} } };
    return \%report;
}

# Mount point => what is mounted there and how; the rest is private.
sub mount_table {
    return { map {
        my ($root, $point, $options, $tag, $type) = (split)[3 .. 7];
        $root =~ s{^.*(?=/ivlejail-)}{};
        $options =~ s/,(?:rel|no)atime//;
        $type = 'disk' if $type ne 'proc';
        ($point => "$root $options $tag $type")
    } @_ };
}

sub expected_mounts {
    my $users = '/' . ($USERS =~ s{.*/(?=ivlejail-)}{}r) . '/alice';
    my $base = '/' . ($BASE =~ s{.*/(?=ivlejail-)}{}r);
    return {
        '/' => "$base ro,nosuid - disk",
        '/home' => "$users/home rw,nosuid,nodev - disk",
        '/tmp' => "$users/tmp rw,nosuid,nodev - disk",
        '/proc' => '/ rw,nosuid,nodev,noexec - proc',
    };
}

sub expected_environment {
    my ($httpd, $found) = @_;
    return {
        AUTH_TYPE => 'Basic',
        COURSE => 'systems programming',
        DOCUMENT_ROOT => '/home/alice/web',
        GATEWAY_INTERFACE => 'CGI/1.1',
        HTTP_CONNECTION => 'close',
        HTTP_HOST => "127.0.0.1:$httpd->{port}",
        HTTP_X_WORD => 'hello',
        OF_THE_ADMIN => 'yes',
        PATH => '/usr/local/bin:/usr/bin:/bin',
        QUERY_STRING => 'a=b',
        REMOTE_ADDR => '127.0.0.1',
        REMOTE_PORT => $found->{REMOTE_PORT},
        REMOTE_USER => 'alice',
        REQUEST_METHOD => 'GET',
        REQUEST_SCHEME => 'http',
        REQUEST_URI => '/my/probe?a=b',
        SCRIPT_FILENAME => '/home/alice/web/probe',
        SCRIPT_NAME => '/my/probe',
        SERVER_ADDR => '127.0.0.1',
        SERVER_ADMIN => 'admin@example.org',
        SERVER_NAME => '127.0.0.1',
        SERVER_PORT => $httpd->{port},
        SERVER_PROTOCOL => 'HTTP/1.1',
        SERVER_SIGNATURE => '',
        SERVER_SOFTWARE => $found->{SERVER_SOFTWARE},
    };
}

sub check_report {
    my ($mpm, $httpd, $in) = @_;
    my $status = $in->{status};
    my %namespace = map { /^(\w+) -> (.*)/ } @{ $in->{namespace} };
    my @cases = (
        ['uid: the owner of her home', $status->{Uid}, join "\t", (ALICE) x 4],
        ['gid: the group of her home', $status->{Gid}, join "\t", (ALICE) x 4],
        ['no supplementary group', $status->{Groups}, ''],
        ['NoNewPrivs', $status->{NoNewPrivs}, 1],
        (map { ["$_ is empty", $status->{$_}, $NO_CAPS] }
            qw(CapInh CapPrm CapEff CapBnd CapAmb)),
        ['exactly these mounts', mount_table(@{ $in->{mount} }),
            expected_mounts()],
        ['no descriptor above 2', [sort map { /^(\d+)/ }
            @{ $in->{descriptor} }], [0, 1, 2]],
        ['descriptors are pipes', [grep { !/ -> pipe:/ }
            @{ $in->{descriptor} }], []],
        ['the warden and itself', $in->{process}, [1, $in->{pid}[0]]],
        (map { ["a $_ namespace of her own",
            $namespace{$_} ne readlink "/proc/self/ns/$_", 1] }
            qw(ipc mnt net pid uts)),
        ['environment', $in->{environment},
            expected_environment($httpd, $in->{environment})],
    );
    is_deeply($_->[1], $_->[2], "$mpm: $_->[0]") for @cases;
}

# --- the tests --------------------------------------------------------------

sub check_probe {
    my ($mpm, $httpd) = @_;
    my $answer = finish(begin($httpd, '/my/probe?a=b', user => 'alice',
        headers => { Proxy => 'http://evil/', 'X-Word' => 'hello' }));
    is($answer->{status}, 200, "$mpm: alice's program runs");
    check_report($mpm, $httpd, read_report($answer->{content}));
}

sub check_writer {
    my ($mpm, $httpd) = @_;
    my $content = $httpd->get('/my/writer.sh', user => 'alice')->{content};
    my %said = $content =~ /^(\S+) (.*)$/mg;
    is_deeply(\%said, \%WRITES,
        "$mpm: she can write to her home and /tmp alone");
}

sub check_neighbour {
    my ($mpm, $httpd) = @_;
    my $gate = put_gate('alice');
    my $alice = begin($httpd, '/my/stay.sh', user => 'alice');
    ok(wait_until(60, sub { -s "$USERS/alice/tmp/secret" }),
        "$mpm: alice's program runs");
    my $look = $httpd->get('/my/look.sh', user => 'bob')->{content};
    open_gate($gate);
    is(finish($alice)->{content}, "went\n", "$mpm: ... all the time");
    is_deeply({ $look =~ /^(\w+): ?(.*)$/mg }, \%BOB_SEES,
        "$mpm: bob sees nothing of it");
    unlink "$USERS/alice/tmp/secret";
}

sub check_mpm {
    my ($mpm) = @_;
    my $httpd = IvleJail::Httpd->new(name => 'view', mpm => $mpm,
        config => $CONFIG);
    local @ENV{qw(LD_LIBRARY_PATH HTTP_PROXY OF_THE_ADMIN OF_HTTPD)}
        = ('/nowhere', 'http://evil/', 'yes', 'yes');
    if (!ok($httpd->start, "$mpm: httpd starts")) {
        return diag $httpd->output;
    }
    check_probe($mpm, $httpd);
    check_writer($mpm, $httpd);
    check_neighbour($mpm, $httpd);
    ok($httpd->stop, "$mpm: httpd stops");
}

# A base with places where the file modes would let everybody write.
sub make_base {
    remove_base();
    run_quietly('cp', '-a', abs_path(base('busybox')), $BASE);
    mkdir "$BASE/open" or die "mkdir: $!";
    run_quietly('touch', "$BASE/open/file");
    chmod 0777, "$BASE/open", "$BASE/open/file" or die "chmod: $!";
}

sub remove_base {
    run_quietly('rm', '-rf', '--one-file-system', $BASE);
}

must_be_root();
install();
make_base();
add_user(alice => ALICE);           # without what other tests have left
add_user(bob => BOB);
put_program(alice => 'web/probe', slurp("$TOP/build/t/probe"));
put_program(alice => 'web/writer.sh', $WRITER);
put_program(alice => 'web/stay.sh', $STAY);
put_program(bob => 'web/look.sh', $LOOK);
check_mpm($_) for @MPMS;
remove_base();
done_testing;
