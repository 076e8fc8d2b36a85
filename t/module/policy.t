# SPDX-License-Identifier: Apache-2.0
# The sealed policy: what of the configuration is in it, whose file it is, when
# its generations change, who writes it, and what is left out of it.
use strict;
use warnings;

use Fcntl qw(S_ISREG S_IMODE);
use File::Path qw(make_path);
use Test::More;

use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

must_be_root();
must_have_program(qw(strace));
install();
base('busybox');

my $httpd = IvleJail::Httpd->new(name => 'policy');
my $dir = $httpd->{dir};
my $run = "/run/ivlejail/$httpd->{instance}";
my ($uid, $gid) = (getpwnam 'www-data')[2, 3];

# --- a configuration with everything, and what it is sealed as ----------------

my $CONFIG = <<"CONF";
IvleJailBase $dir/bases/first
IvleJailUsers $dir/users/
IvleJailUidRange 71000 72000
IvleJailProvision System
IvleJailLimit cpu 5 10
IvleJailLimit as 4G unlimited
IvleJailLimit data 100M
IvleJailLimit core 1k
IvleJailLimit fsize unlimited
IvleJailLimit nproc 20 30
IvleJailLimit nofile 100
IvleJailMount tmpfs /dev/shm size=64M,exec
IvleJailMount devpts /dev/pts
IvleJailMount bind /srv/data source=$dir/link,rw
IvleJailMaxRequests 3 4
IvleJailIdle 7
IvleJailNetwork Host
IvleJailLinger On
IvleJailCgroup memory.max 256M
IvleJailCgroup cpu.max 50%
<IvleJailProfile inner>
    IvleJailUidRange 80000 81000
    IvleJailLimit cpu 6
    IvleJailMount tmpfs /dev/shm
    IvleJailMount tmpfs /srv/data/more
    IvleJailMaxRequests 5
    IvleJailNetwork none
    IvleJailCgroup memory.max max
    IvleJailCgroup pids.max 64
</IvleJailProfile>
<IvleJailProfile plain>
    IvleJailBase $dir/bases/plain
    IvleJailSeccomp Off
</IvleJailProfile>
IvleJailIdle 8
CONF

my $LIMITS = <<'TEXT';
limit as 4294967296 unlimited
limit data 104857600 104857600
limit core 1024 1024
limit fsize unlimited unlimited
limit nproc 20 30
limit nofile 100 100
TEXT

my $SEALED = <<"TEXT";
ivlejail-policy 1
instance $httpd->{instance}
httpd $uid $gid
warden $WARDEN
profile default GENERATION
base $dir/bases/first/one
users $dir/users
uids 71000 72000
provision system
network host
cgroup off
mount proc /proc - -
mount tmpfs /dev/shm - size=67108864,exec
mount devpts /dev/pts - -
mount bind /srv/data $dir/data rw
limit cpu 5 10
${LIMITS}max-requests 3 4
idle 8
linger on
memory.max 268435456 off
pids.max - off
cpu.max 50000/100000 off
seccomp FILTER
profile inner GENERATION
base $dir/bases/first/one
users $dir/users
uids 80000 81000
provision system
network none
cgroup off
mount proc /proc - -
mount devpts /dev/pts - -
mount bind /srv/data $dir/data rw
mount tmpfs /dev/shm - -
mount tmpfs /srv/data/more - -
limit cpu 6 6
${LIMITS}max-requests 5 4
idle 8
linger on
memory.max max off
pids.max 64 off
cpu.max 50000/100000 off
seccomp FILTER
profile plain GENERATION
base $dir/bases/plain
users $dir/users
uids 71000 72000
provision system
network host
cgroup off
mount proc /proc - -
mount tmpfs /dev/shm - size=67108864,exec
mount devpts /dev/pts - -
mount bind /srv/data $dir/data rw
limit cpu 5 10
${LIMITS}max-requests 3 4
idle 8
linger on
memory.max 268435456 off
pids.max - off
cpu.max 50000/100000 off
seccomp off
end
TEXT

# Nothing but what a profile cannot do without.
my $DEFAULTS = <<"TEXT";
ivlejail-policy 1
instance $httpd->{instance}
httpd $uid $gid
warden $WARDEN
profile default GENERATION
base @{[ readlink("$BASES/busybox/current") =~ s{^(?!/)}{$BASES/busybox/}r ]}
users $USERS
uids 70000 99999
provision off
network none
cgroup off
mount proc /proc - -
limit cpu 25 30
limit as unlimited unlimited
limit data 469762048 536870912
limit core 0 0
limit fsize 67108864 75497472
limit nproc 50 50
limit nofile 256 256
max-requests 8 16
idle 60
linger off
memory.max - off
pids.max - off
cpu.max - off
seccomp FILTER
end
TEXT

# Each one line that, put behind the others, makes other jails.
my @CHANGES = ("IvleJailBase $dir/bases/second", "IvleJailUsers $USERS",
    'IvleJailUidRange 71000 72001', 'IvleJailUidRange 71001 72000',
    'IvleJailProvision Off', 'IvleJailLimit cpu 5 11',
    'IvleJailLimit nofile 99 100', 'IvleJailMount tmpfs /more',
    'IvleJailMaxRequests 4', 'IvleJailMaxRequests 3 5', 'IvleJailIdle 9',
    'IvleJailNetwork none', 'IvleJailLinger Off', 'IvleJailSeccomp off',
    'IvleJailCgroup memory.max 257M', 'IvleJailCgroup cpu.max 50000 100001');

# And what makes none.
my @SAME = ('', 'IvleJailExpire 17', 'IvleJailAlias /x/ /x/',
    'IvleJailTimeout 17', 'IvleJailInterpreter .x /bin/x',
    "IvleJailBase $dir/bases/first/current", 'IvleJailNetwork HOST',
    'IvleJailSeccomp Default', 'IvleJailCgroup cpu.max 50000',
    'ServerAdmin root@localhost',
    "<IvleJailProfile new>\nIvleJailIdle 1\n</IvleJailProfile>");

# --- looking ------------------------------------------------------------------

sub policy { return slurp("$run/policy") }

# What differs between two runs, and what other tests look at, masked.
sub masked {
    local $_ = policy();
    s/^(profile \S+) [0-9a-f]{8}$/$1 GENERATION/mg;
    s/^seccomp (?:[0-9a-f]{16})+$/seccomp FILTER/mg;
    return $_;
}

sub generations {
    return { policy() =~ /^profile (\S+) (\S+)$/mg };
}

# A reload with another configuration; the new policy is another file.
sub reload {
    my ($config) = @_;
    my $old = (stat "$run/policy")[1];
    $httpd->write_config($config);
    $httpd->restart or die $httpd->output;
    my $new = (stat "$run/policy")[1];
    die "not sealed\n" if !$new || $new == $old;
    return generations();
}

sub point_current {
    my ($generation) = @_;
    my $link = "$dir/bases/first/current";
    symlink $generation, "$link.new" or die "$link: $!";
    rename "$link.new", $link or die "$link: $!";
}

# The calls that each process made, in the order of their beginnings.
sub calls_by_process {
    my ($trace) = @_;
    my (@pids, %calls);
    for (split /\n/, slurp($trace)) {
        my ($pid, $call) = /^(\d+) +(.*)/ or next;
        push @pids, $pid if !$calls{$pid};
        push @{ $calls{$pid} }, $call;
    }
    return @calls{@pids};
}

# --- the tests ----------------------------------------------------------------

make_path(map { "$dir/$_" } qw(users data bases/first/one bases/first/two
    bases/second bases/plain));
symlink 'data', "$dir/link" or die "link: $!";
point_current('one');

# Who writes it: not the process that was started, but the later parent.
my $trace = "$dir/logs/trace";
my $tracer = fork() // die "fork: $!";
if (!$tracer) {
    open STDERR, '>', "$dir/logs/strace";
    exec 'strace', '-f', '-o', $trace, '-e', 'trace=%file,execve',
        $httpd->command('-k', 'start') or die "strace: $!";
}
ok($httpd->wait_until(60, sub { $httpd->pid && $httpd->get('/')->{success} }),
    'httpd starts') or BAIL_OUT($httpd->output);
my $default = masked();
ok($httpd->stop, '... and stops');
waitpid $tracer, 0;
my ($first, @later) = calls_by_process($trace);
my $writes = qr{/run/ivlejail.*(?:O_WRONLY|O_RDWR|O_CREAT)
    |^(?:mkdir|rename|unlink|chmod|link|symlink|mknod).*/run/ivlejail
    |^execve.*timount}x;
is_deeply([grep { /$writes/ } @$first], [],
    'the first pass writes nothing and starts nothing');
cmp_ok(scalar(grep { /$writes/ } map { @$_ } @later), '>', 3,
    '... the second one does');
is($default, $DEFAULTS, 'few directives are sealed with the defaults');

# What is in it.
$httpd->write_config($CONFIG);
ok($httpd->start, 'httpd starts with all directives') or diag $httpd->output;
is(masked(), $SEALED, '... which are sealed');
my ($mode, $links, $owner, $group) = (lstat "$run/policy")[2 .. 5];
ok(S_ISREG($mode), 'the policy is a file');
is(sprintf('%04o %d %d:%d', S_IMODE($mode), $links, $owner, $group),
    '0644 1 0:0', '... that root alone can write');
ok(!-e "$run/policy.new", '... of which there is one');
my @seccomp = policy() =~ /^(seccomp .*)$/mg;
is(scalar(grep { $_ eq $seccomp[0] } @seccomp), 2,
    'the profiles that have a filter have the same');

# When other jails are made.
my $generations = generations();
my %different = map { $_ => 1 } values %$generations;
is(keys %different, 3, 'each profile has a generation of its own');
for my $line (@CHANGES) {
    isnt(reload("$CONFIG$line\n")->{default}, $generations->{default},
        "another generation: $line");
}
for my $line (@SAME) {
    my $now = reload("$CONFIG$line\n");
    is_deeply([@$now{qw(default inner plain)}],
        [@$generations{qw(default inner plain)}],
        'the same: ' . $line =~ s/\n.*//sr);
}
my $inner = reload($CONFIG =~ s/cpu 6/cpu 7/r);
isnt($inner->{inner}, $generations->{inner}, 'a profile has changed');
is($inner->{default}, $generations->{default}, '... no other one has');
point_current('two');
my $two = reload($CONFIG);
isnt($two->{$_}, $generations->{$_}, "a new base image: another $_")
    for qw(default inner);
is($two->{plain}, $generations->{plain}, '... but not where it is not used');
point_current('one');
is_deeply(reload($CONFIG), $generations, 'back to the old: the old ones');

# Who is left out of it.
my %LOST = (
    'no base' => ["IvleJailBase $dir/none", "base image '$dir/none': No such "
        . 'file or directory: make it with "ivlejailctl base build"'],
    'no base any more' => ["IvleJailBase $dir/bases/dangling",
        "base image '$dir/bases/dangling': No such file"],
    'a base that is a file' => ["IvleJailBase $dir/conf/httpd.conf",
        "base image '$dir/conf/httpd.conf': Not a directory"],
    'no users' => ["IvleJailUsers $dir/none", "users directory '$dir/none': "
        . 'No such file or directory: make it or correct IvleJailUsers'],
    'no source of a mount' => ["IvleJailMount bind /x source=$dir/none",
        "source of a bind mount '$dir/none': No such file"],
);
make_path("$dir/bases/dangling");
symlink 'gone', "$dir/bases/dangling/current" or die "dangling: $!";
put_program(alice => 'web/lost.sh', "#!/bin/sh\necho; echo found\n");
for my $name (sort keys %LOST) {
    my ($line, $reason) = @{ $LOST{$name} };
    my $mark = log_mark("$dir/logs/error_log");
    my $now = reload("<IvleJailProfile lost>\n$line\n</IvleJailProfile>\n"
        . "<Location /my/>\nIvleJailUse lost\n</Location>\n");
    is(join(' ', sort keys %$now), 'default', "$name: left out");
    ok($httpd->configtest, '... which is no error of the configuration');
    like($httpd->{output}, qr/IJ0141: profile 'lost' would be.*\Q$reason\E/,
        '... but a warning') or diag $httpd->{output};
    my $left_out = "IJ0021: profile 'lost' is left out, requests get 503: ";
    like(log_since($mark), qr/\Q$left_out$reason/, '... which is said');
    my $answer = $httpd->get('/my/lost.sh', user => 'alice');
    is("$answer->{status} $answer->{headers}{'retry-after'}", '503 60',
        '... and answered');
    like(log_since($mark), qr/IJ0005: profile 'lost': \Q$reason/,
        '... with the reason in the log');
}

# It is only as wrong as long as it is.
my $later = "IvleJailBase $dir/later\n";
is_deeply(reload($later), {}, 'no profile is left: httpd still reloads');
is($httpd->get('/')->{status}, 200, '... and serves what is not jailed');
is($httpd->get('/my/lost.sh', user => 'alice')->{status}, 503,
    '... but nothing else');
symlink "$BASES/busybox", "$dir/later" or die "later: $!";
is(join(' ', sort keys %{ reload($later) }), 'default', 'the base is there');
is($httpd->get('/my/lost.sh', user => 'alice')->{content}, "found\n",
    '... and so are the jails');

ok($httpd->stop, 'httpd stops');
done_testing();
