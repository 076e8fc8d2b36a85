# SPDX-License-Identifier: Apache-2.0
#
# nfs.t - homes on a file server that does not believe root (root_squash): who
# has one works in it, root cannot enter it, nothing is ever listed; what a cold
# start and a request ask of the server; and a server that does not answer holds
# up those who need it and nobody else
#
# Server and client are one kernel's, which must have both: tools/check-vm.

use strict;
use warnings;

use Test::More;

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Stage qw(write_text);
use IvleJail::Test;

use constant { PATIENCE => 300, TIMES => 10 };

my %USERS_OF_TEST = (carol => 75001, dave => 75002, eve => 75003);
my $EXPORTED = '/srv';
my $SERVER = '192.0.2.1';       # of RFC 5737; ours alone in the guest
my $HEADER = "#!/bin/sh\necho Content-Type: text/plain\necho\n";
my %PROGRAMS = (
    'id.sh' => "id -u\n",
    'write.sh' => "for dir in /home/* /tmp; do\n"
        . "echo \$dir >\$dir/note && cat \$dir/note\ndone\n",
);

must_be_root();
must_have_program(qw(exportfs ip modprobe mount.nfs4 rpc.mountd rpc.nfsd));
install();
base('busybox');
for my $user (sort keys %USERS_OF_TEST) {
    add_user($user => $USERS_OF_TEST{$user});
    put_file($user => 'web/page.txt', "a page\n");
    put_program($user => "web/$_", $HEADER . $PROGRAMS{$_})
        for sort keys %PROGRAMS;
}

# --- the file server --------------------------------------------------------

sub connect_server { run_quietly(qw(ip address add), "$SERVER/32", qw(dev lo)) }

# From now on nothing reaches it.
sub cut_off { run_quietly(qw(ip address del), "$SERVER/32", qw(dev lo)) }

# Nobody has anything to reclaim, so there need not be a grace period.
sub serve_files {
    run_quietly('modprobe', $_) for qw(nfsd nfsv4);
    run_quietly(qw(mkdir -p), $EXPORTED, '/var/lib/nfs/v4recovery');
    write_text($_, '') for qw(/etc/exports /var/lib/nfs/etab
        /var/lib/nfs/rmtab);
    run_quietly(qw(mount -t tmpfs -o mode=0755 tmpfs), $EXPORTED);
    run_quietly('cp', '-a', "$USERS/.", $EXPORTED);
    run_quietly(qw(mount -t nfsd nfsd /proc/fs/nfsd));
    run_quietly('exportfs', '-o', 'rw,root_squash,fsid=0,no_subtree_check',
        "$SERVER:$EXPORTED");
    run_quietly(qw(rpc.mountd -N 3));
    run_quietly(qw(rpc.nfsd -N 3 4));
    write_text('/proc/fs/nfsd/v4_end_grace', "Y\n");
}

# How often the client has asked for what: operations of RFC 7862.
sub asked {
    my ($counts) = slurp('/proc/self/mountstats')
        =~ /mounted on \Q$USERS\E with.*?per-op statistics\n(.*?)\n\n/s;
    return { $counts =~ /^\s*([A-Z_]+): (\d+)/mg };
}

# What it asks for while something is done: a hash of those numbers.
sub asked_for {
    my ($action) = @_;
    my $before = asked();
    $action->();
    my $now = asked();
    return { map { $_ => $now->{$_} - $before->{$_} }
        grep { $now->{$_} > $before->{$_} } keys %$now };
}

# For people, of one of so many: "14.0 (ACCESS 5.0, LOOKUP 9.0)".
sub told {
    my ($asked, $times) = @_;
    my $sum = 0;
    $sum += $_ for values %$asked;
    return sprintf '%.1f (%s)', $sum / $times, join ', ',
        map { sprintf '%s %.1f', $_, $asked->{$_} / $times } sort keys %$asked;
}

connect_server();
serve_files();
run_quietly(qw(mount -t nfs4 -o vers=4.2), "$SERVER:/", $USERS);

# --- who works there --------------------------------------------------------

my $httpd = IvleJail::Httpd->new(name => 'nfs', config => <<'CONF');
IvleJailIdle 600
IvleJailExpire 3
CONF
my $before = leftovers();

sub content_of {
    my ($path, $user) = @_;
    return $httpd->get($path, user => $user)->{content};
}

ok($httpd->start, 'httpd starts') or diag $httpd->output;
my $home = "$USERS/carol/home/carol";
ok(!opendir(my $dir, $home) && $!{EACCES}, 'root may not enter a home');
is(content_of('/my/write.sh', 'carol'), "/home/carol\n/tmp\n",
    'its user writes and reads there, and in /tmp');
is((stat "$EXPORTED/carol/home/carol/note")[4], $USERS_OF_TEST{carol},
    '... on the server, as the user');
is(content_of('/my/page.txt', 'carol'), "a page\n", '... and is served files');

# --- what it costs the server -----------------------------------------------

# Of a path, which was asked for before: as soon as that, and with what the
# kernel remembered of it forgotten.
sub asked_for_path {
    my ($path) = @_;
    my $get = sub { content_of("/my/$path", 'dave') };
    $get->();
    my $soon = asked_for(sub { $get->() for 1 .. TIMES });
    write_text('/proc/sys/vm/drop_caches', "3\n");
    return ($soon, asked_for($get));
}

my $start = asked_for(sub { content_of('/my/id.sh', 'dave') });
diag 'asked of the file server: a cold start and its program ',
    told($start, 1);
my @asked = ($start);
for my $path (qw(id.sh page.txt)) {
    my ($soon, $late) = asked_for_path($path);
    diag "... then $path ", told($soon, TIMES), ', later ', told($late, 1);
    push @asked, $soon, $late;
}
ok($start->{LOOKUP}, 'a cold start looks names up');
is_deeply([grep { $_->{READDIR} } @asked], [], 'nothing is listed');
ok(asked_for(sub { my @names = glob "$USERS/*" })->{READDIR},
    '... as it would be seen');

# --- one that does not answer -----------------------------------------------

cut_off();
my @held_up = map { begin($httpd, @$_) }
    ['/my/page.txt', user => 'carol'], ['/my/id.sh', user => 'eve'];
is($httpd->get('/')->{content}, "welcome\n", 'other pages are served');
ok($httpd->restart, 'httpd restarts gracefully');
is($httpd->get('/')->{content}, "welcome\n", '... and serves them again');

is_deeply([map { finish($_, PATIENCE)->{status} } @held_up], [503, 503],
    'a file and a cold start are given up');
# Whoever opens a file waits for the server.  The restart may have left the
# profile out meanwhile: IJ0021 says what to do then.
connect_server();
slurp("$USERS/carol/home/.passwd");
ok($httpd->restart, 'when it answers again, httpd is reloaded');
ok(wait_until(PATIENCE, sub {
    content_of('/my/page.txt', 'carol') eq "a page\n" }),
    '... and a file is served from it');
ok(wait_until(PATIENCE, sub {
    content_of('/my/id.sh', 'eve') eq "$USERS_OF_TEST{eve}\n" }),
    '... and whoever had no jail gets one');

cut_off();
ok($httpd->stop, 'httpd ends without it');
is_deeply([left_since($before)], [], '... and leaves nothing')
    or diag $httpd->error_log;

connect_server();
run_quietly('umount', $USERS);
remove_user($_) for sort keys %USERS_OF_TEST;
done_testing();
