# SPDX-License-Identifier: Apache-2.0
# Every directive: what it takes, what it does not take and says of it, where
# it may stand and how often.  All of it is asked of "apachectl configtest",
# which writes nothing.
use strict;
use warnings;

use Test::More;

use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

must_be_root();
must_have_program(qw(strace));
install();

my $httpd = IvleJail::Httpd->new(name => 'words');
my $conf = "$httpd->{dir}/conf/httpd.conf";

# --- what they take -----------------------------------------------------------

# Values that are as good on the whole server as in any place; bad ones, each
# perhaps with what is said of it.  Without that, it is "<directive>: expected",
# or of no value at all httpd's own "<directive> takes".
my $NAMES = qr/: expected a name/;
my %FORMS = (
    IvleJailAlias => {
        good => ['/a/ /home/%u/a/', '/b /home/%u', '/ /home/%u/', '/c/ /',
            '/d/ "/home/%u/with a space/"', '/e/ /100%%/', '/f/ /a/../b'],
        bad => ['a/ /x', '"" /x', '/a/ x', '/a/ ""', '/a/ %u', '/a/ /%',
            '/a/ /%x', '/a/ /home/%{user}', '/a/ ivlejail:/x', "/a/ /\x01",
            "/a/ \"/x\x7f\"", ['/a/', qr/ takes two arguments/],
            ['/a/ /b /c', qr/ takes two arguments/]],
    },
    IvleJailAliasMatch => {
        good => ['^/~([^/]+)/(.*) /home/$1/$2', '"^/x y/" /x', '. /home/%u/'],
        bad => ['( /x', '^/[a /x', '^/x x', '^/x $1', '^/x /%d',
            ['^/x', qr/ takes two arguments/]],
    },
    IvleJailUser => {
        good => ['%{REMOTE_USER}', '%{tolower:%{REMOTE_USER}}', 'alice',
            '%{env:WHO} public', '%{env:WHO} Public'],
        bad => ['%{', '%{nothing:%{REMOTE_USER}}', '%{NO_SUCH_VARIABLE}',
            'alice private', ['alice public public', qr/ takes 1-2 arg/]],
    },
    IvleJailUse => {
        good => ['default'],
        bad => ['Default', 'a_b', '..', '""', 'x' x 17, 'a@b', '1a', '%{x}',
            ['undefined', qr/: no profile 'undefined' \(line \d+ of \Q$conf/]],
    },
    IvleJailInterpreter => {
        good => ['.py /usr/bin/python3', '.p /usr/bin/python3 -I -X dev',
            '.tar.gz /bin/x', '.PY /usr/bin/python3', '".a b" /bin/x ""'],
        bad => ['', '.py', 'py /x', '. /x', '.py python3', '.py ./x',
            '.a/b /x', '"" /x'],
    },
    IvleJailIndex => {
        good => ['index.html', 'index.html index.py index.cgi', 'disabled',
            'Disabled', 'disabled index.html', '"a b.html"', '.x', 'a..b',
            join(' ', 1 .. 16)],
        bad => ['', '""', 'a/b', '/index.html', 'index.html ../x', '.', '..',
            '.htaccess', '.ht', join(' ', 1 .. 17)],
    },
    IvleJailListing => {
        good => [qw(On off)],
        bad => [map { [$_, qr/ must be On or Off/] } 'maybe', '1', '""'],
    },
    IvleJailTimeout => {
        good => [1, 60, 86400],
        bad => [0, 86401, -1, '+1', '1.5', '1m', '0x10', '" 5"', '""', 'x',
            '9' x 30],
    },
    IvleJailExplain => {
        good => [qw(On off)],
        bad => [map { [$_, qr/ must be On or Off/] } 'maybe', '1', '""'],
    },
    IvleJailPassCredentials => {
        good => [qw(On off)],
        bad => [map { [$_, qr/ must be On or Off/] } 'maybe', '1', '""'],
    },
    IvleJailErrorLog => {
        good => ['/home/%u/error.log', '/tmp/100%%', '/home/%u/logs/%u', 'Off',
            'off'],
        bad => ['error.log', '%u/log', '/', '/a/../b', '/a//b', '/home/%u/',
            '/home/%x', '/a/100%', '"/a b"', '""',
            ['/a /b', qr/ takes one argument/]],
    },
    IvleJailInstance => {
        good => ['default', 'a', 'a-1', 'x' x 16],
        bad => [map { [$_, $NAMES] } '1a', 'A', 'a_b', 'a.b', 'a/b',
            '..', '-a', 'x' x 17, 'a@b'],
    },
    IvleJailTrampoline => {
        good => ['/usr/lib/ivlejail/trampoline', '/x'],
        bad => ['trampoline', '/', '/a/', '/a//b', '/a/../b', '/a/./b',
            '"/a b"', '""'],
    },
    IvleJailExpire => {
        good => [1, 300, 86400],
        bad => [0, 86401, -1, '5m', '""', 'x'],
    },
    IvleJailBase => {
        good => ['/var/lib/ivlejail/bases/x', '/x/', '/no/such/directory'],
        bad => ['x', './x', '/', '//', '/a/../b', '/a/./b', '/a//b', '/..',
            '"/a b"', '""', "/a\x01"],
    },
    IvleJailUsers => {
        good => ['/var/lib/ivlejail/users', '/x/'],
        bad => ['x', '/', '/a/..', '"/a b"', '""'],
    },
    IvleJailUidRange => {
        good => ['1000 1000', '70000 99999', '1000 4294967294'],
        bad => ['0 0', '0 99999', '999 99999', '5000 4999', 'a b', '-1 5000',
            '1000 4294967295', '1000 4294967296', '70000 1e6', '70000 ""',
            ['70000', qr/ takes two arguments/]],
    },
    IvleJailProvision => {
        good => [qw(Off off range Range system SYSTEM)],
        bad => ['On', 'ldap', '""'],
    },
    IvleJailLimit => {
        good => ['cpu 25 30', 'cpu 25', 'cpu unlimited', 'as 4G unlimited',
            'data 448M 512M', 'data 1k 1K', 'core 0', 'fsize 0 1g',
            'nproc 50', 'nofile 256 1024', 'data 0', 'data 8589934591G',
            'nproc 9223372036854775807'],
        bad => ['mem 1M', 'CPU 5', 'RLIMIT_CPU 5', '"" 5', 'cpu 30 25',
            'cpu unlimited 30', 'cpu 25s', 'cpu -1', 'cpu 1.5', 'cpu ""',
            'cpu 1k', 'nproc 5k', 'nofile 1 x', 'data 1T', 'data 1KB',
            'data k', 'data 1.5M', 'data -1M', 'data 8589934592G',
            'data 9223372036854775808', 'data Unlimited',
            ['cpu', qr/ takes two or three arg/],
            ['cpu 1 2 3', qr/ takes two or three arg/]],
    },
    IvleJailCgroup => {
        good => ['memory.max 256M', 'memory.max 16777216', 'memory.max 1g',
            'memory.max max', 'pids.max 4', 'pids.max 4194304',
            'pids.max max', 'cpu.max 50000 100000', 'cpu.max 1000 1000',
            'cpu.max 200000', 'cpu.max 50%', 'cpu.max 400%', 'cpu.max max'],
        bad => ['memory.high 256M', 'Memory.max 256M', '"" 1',
            'memory.max 15M', 'memory.max 0', 'memory.max -1',
            'memory.max 50%', 'memory.max 1T', 'memory.max 256MB',
            'memory.max unlimited', 'memory.max 256M 1', 'pids.max 3',
            'pids.max 4194305', 'pids.max 64k', 'pids.max many',
            'pids.max 64 64', 'cpu.max 0%', 'cpu.max 50% 100000',
            'cpu.max 0.5', 'cpu.max 999 100000', 'cpu.max 50000 999',
            'cpu.max 50000 1000001', 'cpu.max max 100000', 'cpu.max half',
            'cpu.max "50000 100000"', ['memory.max',
            qr/ takes two or three arg/]],
    },
    IvleJailMaxRequests => {
        good => ['1', '8 0', '500 500'],
        bad => ['0', '501', '8 501', '8 -1', '-8', 'many'],
    },
    IvleJailIdle => {
        good => [1, 60, 86400],
        bad => [0, 86401, -1, '1m', '""'],
    },
    IvleJailNetwork => {
        good => [qw(none None host HOST)],
        bad => ['private', '""'],
    },
    IvleJailMount => {
        good => ['proc /p1', 'PROC /proc', 'tmpfs /t1', 'tmpfs /t2 exec',
            'tmpfs /t3 size=64M', 'tmpfs /t4 size=1,exec', 'devpts /d/pts',
            'bind /b1 source=/srv', 'bind /b2 source=/srv/x,rw',
            'bind /b3 rw,source=/srv'],
        bad => ['sysfs /sys', 'proc proc', 'proc /', 'proc /a/../b',
            'proc "/a b"', 'proc /x rw', 'devpts /x size=1', 'tmpfs /x rw',
            'tmpfs /x size=', 'tmpfs /x size=0', 'tmpfs /x size=1T',
            'tmpfs /x size=-1', 'tmpfs /x exec,noexec', 'tmpfs /proc',
            'bind /proc source=/srv', 'bind /x', 'bind /x rw',
            'bind /x source=srv', 'bind /x source=/', 'bind /x source=/a/..',
            'bind /x source=/srv,exec', 'bind /x source=/srv,size=1',
            ['proc', qr/ takes two or three arg/]],
    },
    IvleJailLinger => {
        good => [qw(On off)],
        bad => ['yes', '""'],
    },
    IvleJailSeccomp => {
        good => [qw(default Default off OFF)],
        bad => ['on', 'none', '""', '0600',
            ['default off', qr/ takes one argument/]],
    },
);

# --- where they stand ---------------------------------------------------------

my @PLACE = qw(IvleJailUser IvleJailUse IvleJailInterpreter IvleJailIndex
    IvleJailListing IvleJailTimeout IvleJailExplain IvleJailPassCredentials
    IvleJailErrorLog);
my @URL = qw(IvleJailAlias IvleJailAliasMatch);
my @SITE = qw(IvleJailInstance IvleJailTrampoline IvleJailExpire);
my @PROFILE = qw(IvleJailBase IvleJailUsers IvleJailUidRange IvleJailProvision
    IvleJailLimit IvleJailMaxRequests IvleJailIdle IvleJailNetwork
    IvleJailMount IvleJailLinger IvleJailSeccomp IvleJailCgroup);

my %SECTIONS = map { /^<(\w+)/; $1 => $_ } '<VirtualHost *>', '<Location /x>',
    '<LocationMatch x>', '<Directory /x>', '<Files x>', '<If "true">',
    '<IvleJailProfile x>';

# Kind of directive, sections it may stand in, those it may not, and what is
# said there.
my @CONTEXTS = (
    [\@PLACE, [qw(VirtualHost Location LocationMatch Files If)],
        [qw(IvleJailProfile)], qr/: not in <IvleJailProfile>/],
    [\@URL, [qw(VirtualHost)], [qw(Location LocationMatch Directory Files If)],
        qr/ (?:cannot occur within|not allowed in) <\w+>? /],
    [\@URL, [], [qw(IvleJailProfile)], qr/: not in <IvleJailProfile>/],
    [\@SITE, [], [qw(VirtualHost)], qr/: not in <VirtualHost>.*outside/],
    [\@SITE, [], [qw(Location Directory Files If)],
        qr/ (?:cannot occur within|not allowed in) <\w+>? /],
    [\@SITE, [], [qw(IvleJailProfile)], qr/: not in <IvleJailProfile>/],
    [\@PROFILE, [qw(IvleJailProfile)], [qw(VirtualHost)],
        qr/: not in <VirtualHost>.*IvleJailUse/],
    [\@PROFILE, [], [qw(Location Directory Files If)],
        qr/ (?:cannot occur within|not allowed in) <\w+>? /],
);

# Whole configurations; what is said of a bad one.
my @CONFIGS = (
    ['no directive', ''],
    ['an empty profile', "<IvleJailProfile x>\n</IvleJailProfile>"],
    ['a profile in quotes', "<IvleJailProfile \"x\">\n</IvleJailProfile>"],
    ['a section for the default profile',
        "<IvleJailProfile default>\nIvleJailIdle 5\n</IvleJailProfile>"],
    ['directives before, in and behind a section', "IvleJailIdle 1\n"
        . "<IvleJailProfile x>\nIvleJailIdle 2\n</IvleJailProfile>\n"
        . "IvleJailIdle 3"],
    ['a profile that is used before it is there',
        "IvleJailUse x\n<IvleJailProfile x>\n</IvleJailProfile>"],
    ['a profile that is used in a virtual host', "<VirtualHost *>\n"
        . "<Location /x>\nIvleJailUse x\n</Location>\n</VirtualHost>\n"
        . "<IvleJailProfile x>\n</IvleJailProfile>"],
    ['one that is not there is', "<VirtualHost *>\n<Location /x>\n"
        . "IvleJailUse x\n</Location>\n</VirtualHost>",
        qr/IvleJailUse: no profile 'x'/],
    ['an extension in two sections', join '', map {
        "<Location /$_>\nIvleJailInterpreter .x /bin/$_\n</Location>\n" }
        1, 2],
    ['an extension twice in one',
        "IvleJailInterpreter .x /a\nIvleJailInterpreter .x /b",
        qr/^IvleJailInterpreter: expected each extension once/m],
    ['16 index files in two directives', join "\n",
        map { "IvleJailIndex a$_ b$_" } 1 .. 8],
    ['17 index files in two directives', "IvleJailIndex x\nIvleJailIndex "
        . join(' ', 1 .. 16), qr/^IvleJailIndex: expected at most 16/m],
    ['16 index files in each of two sections', join '', map {
        "<Location /$_>\nIvleJailIndex " . join(' ', 1 .. 16)
            . "\n</Location>\n" } 1, 2],
    ['a mount in each of two profiles', "IvleJailMount tmpfs /x\n"
        . "<IvleJailProfile x>\nIvleJailMount tmpfs /x\n</IvleJailProfile>"],
    ['a mount twice in one', "IvleJailMount tmpfs /x\nIvleJailMount proc /x",
        qr/^IvleJailMount: expected each target once/m],
    ['15 mounts', join "\n", map { "IvleJailMount tmpfs /x$_" } 1 .. 15],
    ['16 mounts', (join "\n", map { "IvleJailMount tmpfs /x$_" } 1 .. 16),
        qr/^IvleJailMount: expected at most 15/m],
    (map { [$_->[0], "<IvleJailProfile$_->[1]\n</IvleJailProfile>",
        qr/^<IvleJailProfile: expected $_->[2]/m] }
        ['a profile without a name', '>', 'one name'],
        ['a profile of a wrong name', ' X>', 'one name'],
        ['a profile of a long name', ' ' . 'x' x 17 . '>', 'one name'],
        ['two names', ' x y>', 'one name'],
        ['no end of the name', ' x', "a '>'"]),
    ['a profile twice', "<IvleJailProfile x>\n</IvleJailProfile>\n" x 2,
        qr/^<IvleJailProfile: profile 'x' has a section already/m],
    ['a profile in a profile', "<IvleJailProfile x>\n<IvleJailProfile y>\n"
        . "</IvleJailProfile>\n</IvleJailProfile>",
        qr/^<IvleJailProfile: not in <IvleJailProfile>/m],
    ['a profile in a virtual host', "<VirtualHost *>\n<IvleJailProfile x>\n"
        . "</IvleJailProfile>\n</VirtualHost>",
        qr/^<IvleJailProfile: not in <VirtualHost>/m],
    ['a profile in a place', "<Location /x>\n<IvleJailProfile x>\n"
        . "</IvleJailProfile>\n</Location>",
        qr/^<IvleJailProfile (?:cannot occur within|not allowed in) <\w+/m],
    ["somebody else's directive in a profile",
        "<IvleJailProfile x>\nServerAdmin x\n</IvleJailProfile>",
        qr/^ServerAdmin: not in <IvleJailProfile>/m],
    ["somebody else's section in a profile",
        "<IvleJailProfile x>\n<Location /x>\n</Location>\n</IvleJailProfile>",
        qr/^<Location: not in <IvleJailProfile>/m],
    ['a condition in a profile', "<IvleJailProfile x>\n<IfModule "
        . "mod_ivlejail.c>\nIvleJailIdle 1\n</IfModule>\n</IvleJailProfile>"],
    ["somebody else's in a condition in a profile", "<IvleJailProfile x>\n"
        . "<IfModule mod_ivlejail.c>\nServerAdmin x\n</IfModule>\n"
        . "</IvleJailProfile>", qr/^ServerAdmin: not in <IvleJailProfile>/m],
    ['other letters', "<ivlejailprofile x>\nIVLEJAILIDLE 1\n"
        . "</IVLEJAILPROFILE>"],
    ['no end of a profile', '<IvleJailProfile x>', qr/not closed/],
);

# --- asking -----------------------------------------------------------------

sub configtest {
    my ($config) = @_;
    unlink "$httpd->{dir}/logs/error_log";
    $httpd->write_config("$config\n");
    my $is_good = $httpd->configtest;
    return ($is_good, $httpd->output);
}

# A good configuration gives no warning either; but for the login that
# stock.conf has on the host name of public pages, which is shared.t's, and
# what there is not on this machine, which is start.t's and fallback.t's.
sub is_good {
    my ($name, $config) = @_;
    my ($is_good, $said) = configtest($config);
    $said =~ s/^.*(?:IJ0112|IJ0140|IJ0141|IJ0155): .*\n//mg;
    is($said, "Syntax OK\n", $name);
    diag $config if $said ne "Syntax OK\n";
}

sub is_bad {
    my ($name, $config, $expected) = @_;
    my ($is_good, $said) = configtest($config);
    ok(!$is_good, "$name is an error");
    like($said, $expected, '... that says what is');
}

# Each good value in a place of its own: some directives stand once in one.
sub in_places {
    my ($directive, @values) = @_;
    my $n = 0;
    return join "\n", map { $n++;
        "<Location /$n>\n$directive $_\n</Location>" } @values;
}

sub config_of {
    my ($directive, @values) = @_;
    return in_places($directive, @values)
        if grep { $_ eq $directive } @PLACE;
    return join "\n", map { "$directive $_" } @values;
}

sub in_section {
    my ($section, $directive) = @_;
    return "$SECTIONS{$section}\n$directive $FORMS{$directive}{good}[0]\n"
        . "</$section>";
}

sub check_forms {
    my ($directive) = @_;
    my $forms = $FORMS{$directive};
    is_good("$directive takes " . join(', ', @{ $forms->{good} }),
        config_of($directive, @{ $forms->{good} }));
    for my $bad (@{ $forms->{bad} }) {
        my ($value, $said) = ref $bad ? @$bad
            : ($bad, $bad =~ /""/ ? qr/: expected| takes / : qr/: expected /);
        (my $shown = "$directive $value") =~ s/[^ -~]/?/g;
        is_bad(substr($shown, 0, 60), "$directive $value",
            qr/^(?:IJ\d{4}: )?$directive$said/m);
    }
}

sub check_contexts {
    my ($directives, $good, $bad, $said) = @_;
    for my $directive (@$directives) {
        is_good("$directive in " . join(', ', @$good), join "\n",
            map { in_section($_, $directive) } @$good) if @$good;
        is_bad("$directive in <$_>", in_section($_, $directive),
            qr/^$directive$said/m) for @$bad;
    }
}

# --- the tests ----------------------------------------------------------------

$httpd->control('-L');
my %there = map { /^(IvleJail\w+) \(mod_ivlejail\.c\)/ ? ($1 => 1) : () }
    split /\n/, $httpd->output;
is_deeply([sort keys %FORMS], [sort keys %there], 'all directives are here');
is_deeply([sort @PLACE, @URL, @SITE, @PROFILE], [sort keys %FORMS],
    '... and each is of one kind');

check_forms($_) for sort keys %FORMS;
check_contexts(@$_) for @CONTEXTS;
for (@CONFIGS) {
    my ($name, $config, $said) = @$_;
    $said ? is_bad($name, $config, $said) : is_good($name, $config);
}

for my $directive (@PLACE) {
    my ($is_good, $said) = configtest(in_section('Directory', $directive));
    ok($is_good, "$directive in <Directory> is no error");
    my $warning = "IJ0024: $directive has no effect in <Directory> (line";
    like($said, qr/\Q$warning\E \d+ of \Q$conf\E\): write it in <Location>/,
        '... but a warning');
}

# No program of ours is started, and whether it is there is all that is looked
# at.
$httpd->write_config(join "\n", map { config_of($_, $FORMS{$_}{good}[0]) }
    sort keys %FORMS);
my $trace = "$httpd->{dir}/logs/trace";
ok($httpd->run_command('strace', '-f', '-o', $trace, '-e',
    'trace=%file,%process,mount,umount2,unshare', $httpd->command('-t')),
    'configtest is traced') or diag $httpd->output;
my @calls = split /\n/, slurp($trace);
cmp_ok(@calls, '>', 50, '... and does something');
is_deeply([grep { m{/run/ivlejail}
    || m{trampoline|timount|warden} && !/^\d+ +\w*stat\w*\(/ } @calls], [],
    '... but nothing with jails');

done_testing();
