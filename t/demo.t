# SPDX-License-Identifier: Apache-2.0
# "make demo": what it prints and shows, that a program can be edited on disk,
# that Ctrl-C leaves nothing, and that the second start makes no image.
use strict;
use warnings;

use HTTP::Tiny;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);

use IvleJail::Browser;
use IvleJail::Legible;
use IvleJail::Test;

must_be_root();
must_have_program(qw(mmdebstrap htpasswd setsid chromium chromedriver));

my $demo = '/var/lib/ivlejail-demo';
my $log = "$demo-test.log";
my $running;            # the demo, which a test that dies must not leave

sub slurp {
    my ($file) = @_;
    open(my $in, '<', $file) or return '';
    local $/;
    return scalar(<$in>) // '';
}

# Started as from a terminal, in a process group of its own.
sub start {
    unlink $log;
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        setpgrp;
        $SIG{INT} = 'DEFAULT';
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $log;
        open STDERR, '>&', \*STDOUT;
        exec "$TOP/tools/demo" or die "demo: $!";
    }
    wait_until(600, sub { slurp($log) =~ /Ctrl-C ends it/
        || waitpid($pid, 1) == $pid });
    my $text = slurp($log);
    my %demo = (pid => $pid, text => $text);
    $running = \%demo;
    ($demo{url}) = $text =~ m{^\s+(http://127\.0\.0\.1:\d+)/$}m;
    ($demo{$_}) = $text =~ /^\s+$_\s+(\S+)$/m for qw(alice bob);
    return \%demo;
}

# Ctrl-C goes to everything in the foreground.
sub interrupt {
    my ($demo) = @_;
    kill INT => -$demo->{pid};
    waitpid $demo->{pid}, 0;
    undef $running;
    return $?;
}

END {
    local $?;
    interrupt($running) if $running;
}

sub get {
    my ($demo, $path, $user) = @_;
    my %headers = $user ? (Authorization =>
        'Basic ' . encode_base64("$user:$demo->{$user}", '')) : ();
    return HTTP::Tiny->new(timeout => 120)->get("$demo->{url}$path",
        { headers => \%headers });
}

# Which generation is used: each is made once.
sub image {
    return readlink("$demo/bases/debian/current") // 'none';
}

# What is left of a demo: mounts, files in /run, processes by their files.
sub left {
    my @mounts = grep { m{ (\Q$demo\E|/run/ivlejail/demo)[/ ]} }
        split /^/, slurp('/proc/self/mountinfo');
    my @processes = grep { (readlink($_) // '') =~ m{^\Q$demo\E/} }
        glob '/proc/[0-9]*/exe';
    return (@mounts, @processes, grep { -e } glob '/run/ivlejail/demo*');
}

my $first = start();
like($first->{text}, qr/The site is ready/, 'the demo starts')
    or die "nothing else can be tested\n";
ok($first->{$_}, "it says the password of $_") for qw(alice bob);

my $answer = get($first, '/');
is($answer->{status}, 401, 'the start page wants a login');
like($answer->{content}, qr/alice or bob/, '... and says whose');
for my $case ([alice => 70001], [bob => 70002]) {
    my ($user, $uid) = @$case;
    my $page = get($first, '/', $user);
    is($page->{status}, 200, "$user sees a page");
    my %shows = (
        'a program that runs with the right uid' =>
            qr/This is ${user}'s jail.*>$uid, $uid</s,
        'its mounts' => qr{>/</th><td class=code>\w+</td><td[^>]*>ro, nosuid},
        'its limits' => qr{CPU time</th><td class=code>25 s<},
        'its root directory' => qr{>/etc</th>},
        'that nothing forbidden works' => qr/What it tried(?!.*it worked)/s,
    );
    ok($page->{content} =~ $shows{$_}, "... that shows $_")
        for sort keys %shows;
}

my $browser = IvleJail::Browser->new;
for my $page (['demo-login', '/login.html'],
        ['demo', '/', user => 'alice', password => $first->{alice}]) {
    my ($name, $path, @login) = @$page;
    $browser->open("$first->{url}$path", @login);
    legible_ok($browser->desktop, "$name-desktop");
    legible_ok($browser->phone, "$name-phone");
}
$browser->quit;

my $file = "$demo/users/alice/home/alice/web/hello.sh";
ok(get($first, '/', 'alice')->{content} =~ /\Q$file\E/,
    'the page says where a program is on disk');
my $text = slurp($file);
open(my $out, '>', $file) or die "$file: $!";
print {$out} "$text\necho edited on disk\n";
close $out;
like(get($first, '/my/hello.sh', 'alice')->{content}, qr/edited on disk/,
    'edited there, it does something else');
open($out, '>', $file) or die "$file: $!";
print {$out} $text;
close $out;
like(get($first, '/my/hello.py', 'alice')->{content}, qr/Hello from Python/,
    'the Python program runs, too');

like(get($first, '/my/mistake.py', 'alice')->{content},
    qr/SyntaxError: .* was never closed/, 'the one with a mistake says which');

is(interrupt($first), 0, 'Ctrl-C ends it');
like(slurp($log), qr/no process, no mount, nothing in/, '... and it says so');
is_deeply([left()], [], '... and it is true');

my $image = image();
my $start = time;
my $second = start();
my $seconds = time - $start;
is(image(), $image, 'the second start makes no image');
unlike($second->{text}, qr/making a base image/, '... and does not say so');
diag sprintf 'it takes %.1f s', $seconds;
isnt($second->{alice}, $first->{alice}, '... and has other passwords');
ok(get($second, '/', 'alice')->{content} =~ /This is alice's jail/,
    '... and works');
interrupt($second);
is_deeply([left()], [], 'it leaves nothing, either');

unlink $log;
done_testing();
