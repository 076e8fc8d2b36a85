# SPDX-License-Identifier: Apache-2.0
# A git server in a jail: git's own http-backend, behind two lines of shell in
# alice's home, and git's own client, which clones and pushes over HTTP.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp;
use Test::More;

use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

must_be_root();
must_have_program('git');
install();
base('debian');

# /shared/ is alice's jail for everybody, with a login or without.
my $httpd = IvleJail::Httpd->new(name => 'git', config => <<"CONF");
IvleJailBase $BASES/debian
IvleJailAlias /shared/ /home/alice/web/
<Location /shared/>
    IvleJailUser alice public
</Location>
CONF
my $address = "127.0.0.1:$httpd->{port}";
my $work = File::Temp->newdir;
my $uid = 70001;

put_program(alice => 'web/new.sh', <<'SH');
#!/bin/sh
printf 'Content-Type: text/plain\n\n'
exec git init --quiet --bare /home/alice/repositories/project.git
SH
put_program($_ => 'web/git.sh', <<"SH") for qw(alice bob);
#!/bin/sh
export GIT_PROJECT_ROOT=/home/$_/repositories GIT_HTTP_EXPORT_ALL=1
exec git http-backend
SH

# The client knows nothing of who runs the test, and talks to nobody else.
$ENV{HOME} = "$work";
$ENV{GIT_CONFIG_NOSYSTEM} = 1;
$ENV{GIT_TERMINAL_PROMPT} = 0;
delete $ENV{$_} for grep { /_proxy\z/i || /^GIT_DIR$/ } keys %ENV;
for my $person (qw(AUTHOR COMMITTER)) {
    $ENV{"GIT_${person}_NAME"} = 'Alice';
    $ENV{"GIT_${person}_EMAIL"} = 'alice@example.test';
}

# git in a directory: (true if all is well, what it says).
my $said;
sub git {
    my ($dir, @words) = @_;
    $said = eval { run_quietly('git', '-C', "$work/$dir", @words) };
    return 1 if defined $said;
    $said = $@;
    return 0;
}

sub git_ok {
    my ($what, $dir, @words) = @_;
    ok(git($dir, @words), $what) or diag $said;
}

# What git and the server said to each other, of a command.
sub talk_of {
    my ($what, $dir, @words) = @_;
    my $trace = "$work/trace";
    local $ENV{GIT_TRACE_CURL} = $trace;
    unlink $trace;
    git_ok($what, $dir, @words);
    return slurp($trace);
}

sub repository {
    my ($user, $place) = @_;
    return "http://$user:" . password_of($user)
        . "\@$address/$place/git.sh/project.git";
}

sub write_work {
    my ($name, $bytes) = @_;
    open(my $out, '>:raw', "$work/alice/$name") or die "$name: $!";
    print {$out} $bytes;
    close $out or die "$name: $!";
}

# Not to be compressed, and the same each time.
sub noise {
    my ($size) = @_;
    srand 7;
    return pack 'N*', map { int rand 2 ** 32 } 1 .. $size / 4;
}

sub commit {
    my ($what) = @_;
    git('alice', qw(add --all)) && git('alice', qw(commit -q -m), $what)
        or die $said;
}

sub head_of {
    my ($dir) = @_;
    git($dir, qw(rev-parse HEAD));
    return $said;
}

# --- a small project --------------------------------------------------------

ok($httpd->start, 'httpd starts') or diag $httpd->output;
is($httpd->get('/my/new.sh', user => 'alice')->{status}, 200,
    'alice makes a repository');

make_path("$work/alice/empty");
git('alice', qw(init -q -b main)) or die $said;
write_work('hello.py', "print('hello')\n");
write_work("na\xc3\xafve name.txt", "a name to quote\n");
commit('first');
git_ok('she pushes to it', 'alice', 'push', '-q', repository('alice', 'my'),
    'main');
git_ok('... and clones it', '.', 'clone', '-q', '-b', 'main',
    repository('alice', 'my'), 'clone');
is(head_of('clone'), head_of('alice'), '... the same commit');
is(slurp("$work/clone/na\xc3\xafve name.txt"), "a name to quote\n",
    '... and the same files');

# --- much, and the encodings of bodies ----------------------------------------

my $noise = noise(6 << 20);
write_work('noise', $noise);
commit('large');
my $talk = talk_of('alice pushes 6 MiB', 'alice', 'push', '-q',
    repository('alice', 'my'), 'main');
ok($talk =~ m{=> Send header: POST \S+/git-receive-pack},
    '... in a request');
ok($talk =~ /=> Send header: Transfer-Encoding: chunked/,
    '... whose length is not said before');
git_ok('a pull brings them', 'clone', qw(pull -q));
ok(slurp("$work/clone/noise") eq $noise, '... unharmed');

# The more a client has, the more it tells the server of.
git('clone', qw(commit -q --allow-empty -m), "own $_") or die $said
    for 1 .. 60;
run_quietly('cp', '-a', "$work/clone", "$work/clone0");
write_work('hello.py', "print('hello again')\n");
commit('another');
git('alice', 'push', '-q', repository('alice', 'my'), 'main') or die $said;
for my $case ([0, 'clone0'], [2, 'clone']) {
    my ($version, $dir) = @$case;
    $talk = talk_of("protocol $version: a fetch that says what it has",
        $dir, '-c', "protocol.version=$version", qw(fetch -q));
    ok($talk =~ /=> Send header: Content-Encoding: gzip/,
        '... in a compressed body');
    git($dir, qw(rev-parse origin/main));
    is($said, head_of('alice'), '... gets the new commit');
    is($talk =~ /<= Recv data:.*eversion 2/ ? 2 : 0, $version,
        '... and the server speaks the same version');
}

git_ok('a shallow clone', '.', qw(clone -q --depth 1 -b main),
    repository('alice', 'my'), 'shallow');
git('shallow', qw(rev-list --count HEAD));
is($said, "1\n", '... has one commit');

# --- who may ------------------------------------------------------------------

my $repositories = "$USERS/alice/home/alice/repositories";
is(run_quietly('find', $repositories, '!', '-uid', $uid), '',
    'all files of the repository are of alice\'s uid');
git('alice', 'push', '-q', repository('bob', 'my'), 'main');
like($said, qr/not found/, 'bob finds no such repository in his jail');
git_ok('he may read what alice shares', '.', qw(clone -q --depth 1),
    repository('bob', 'shared'), 'shared');
ok(!git('alice', 'push', '-q', repository('bob', 'shared'), 'main:bob'),
    '... but not push to it');
like($said, qr/403|Authentication failed/, '... and is told so');
ok(!git('alice', 'push', '-q', repository('nobody', 'my'), 'main:nobody'),
    'who cannot log in cannot push');
run_quietly('setpriv', "--reuid=$uid", "--regid=$uid", '--clear-groups',
    'git', '-C', "$repositories/project.git", qw(fsck --strict));
pass('the repository is in order');

$httpd->stop;
done_testing();
