# SPDX-License-Identifier: Apache-2.0
#
# provision.t - users who have no directories yet get them at the first start

use strict;
use warnings;

use Test::More;

use IvleJail::Instance;

use constant { NOBODY => 65534, PATIENCE => IvleJail::Instance::PATIENCE };

my $HANGS = 6007;       # seconds, as of nobody else's sleep(1)

# Accounts of the system: what getent(1) answers for whom.
my %ACCOUNTS = (
    carol => 'carol:x:70500:70501:Carol:/home/carol:/bin/sh',
    root => 'root:x:0:0:root:/root:/bin/sh',
    low => 'low:x:1000:70000::/:/bin/sh',
    wheel => 'wheel:x:70502:0::/:/bin/sh',
    web => 'web:x:70503:33::/:/bin/sh',
    taken => 'taken:x:70500:70501::/:/bin/sh',
    carole => 'carol:x:70504:70504::/:/bin/sh',
    long => 'long:x:' . '7' x 2000 . ':70505::/:/bin/sh',
    huge => 'huge:x:4294967295:70505::/:/bin/sh',
    minus => 'minus:x:-1:70505::/:/bin/sh',
    short => 'short:x:70506',
    empty => '',
);

IvleJail::Instance::enter_own_namespace();
my $i = IvleJail::Instance->new('tprovision');
my $users = "$i->{dir}/users";

# As "type mode uid gid".
sub look {
    my ($path) = @_;
    my ($mode, $uid, $gid) = (lstat $path)[2, 4, 5] or return 'missing';
    my $type = -l $path ? 'link' : -d _ ? 'directory' : 'file';
    return sprintf '%s %04o %d %d', $type, $mode & 07777, $uid, $gid;
}

sub text_of {
    my ($path) = @_;
    open my $in, '<', $path or return "(cannot be read: $!)";
    return join '', <$in>;
}

sub registered {
    return sort map { m{/(\d+)$}; "$1 " . readlink } glob "$users/.uids/*";
}

sub uid_inside {
    my ($user) = @_;
    my $r = $i->start($user);
    my $report = $r->{socket} && $i->report($r->{socket}, $user);
    return $report ? $report->{status}{Uid} =~ /^(\d+)/ && $1 : $r->{err};
}

# Starts them all at the same time; their exit statuses.
sub start_at_once {
    my @users = @_;
    my @pids = map {
        my $user = $_;
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            open STDOUT, '>', '/dev/null';
            $i->exec_trampoline($user);
        }
        $pid;
    } @users;
    return map { waitpid($_, 0); $? } @pids;
}

# --- from the range ---------------------------------------------------------

sub check_range {
    $i->seal(provision => 'range', uids => '70100 70109');
    my $uid = uid_inside('new');
    cmp_ok($uid, '>=', 70100, 'a uid of the range');
    cmp_ok($uid, '<=', 70109, 'a uid of the range');
    my %expected = (
        "$users/.uids" => 'directory 0700 0 0',
        "$users/new" => 'directory 0755 0 0',
        "$users/new/home" => 'directory 0755 0 0',
        "$users/new/home/.passwd" => 'file 0644 0 0',
        "$users/new/home/.group" => 'file 0644 0 0',
        "$users/new/home/new" => "directory 0700 $uid $uid",
        "$users/new/tmp" => "directory 0700 $uid $uid",
    );
    is(look($_), $expected{$_}, s{.*/users/}{}r) for sort keys %expected;
    like(text_of("$users/new/home/.passwd"),
        qr{^new:x:${uid}:${uid}::/home/new:/bin/sh$}m, 'the account');
    is_deeply([ registered() ], [ "$uid new" ], 'the register');

    $i->timount('evict', 'new');
    is(uid_inside('new'), $uid, 'the next start finds all that');
    $i->timount('evict', 'new');
    $i->remove_user('new');
    is(uid_inside('new'), $uid, 'removed and made again: the same uid');

    is_deeply([ grep { $_ != 0 } start_at_once('same', 'same', 'same') ],
        [], 'one new user three times at once');
    is(scalar(grep { / same$/ } registered()), 1, 'registered once');
    is_deeply([ grep { $_ != 0 } start_at_once(map { "n$_" } 1 .. 8) ],
        [], 'eight new users at once');
    is_deeply([ map { /^(\d+)/ } registered() ], [ 70100 .. 70109 ],
        'and the range is used up');

    my $r = $i->start('late');
    is_deeply([ $i->not_refused($r, 'CODE_PROVISION', qr/'late'/) ], [],
        'one more is refused');
    is(look("$users/late"), 'missing', 'and gets nothing');

    # What a provisioning that was killed leaves behind.
    $i->seal(provision => 'range');
    mkdir "$users/.new-torn", 0755;
    mkdir "$users/.new-torn/home", 0700;
    mkdir "$users/.new-torn/tmp", 0700;
    chown 70999, 70999, "$users/.new-torn/home", "$users/.new-torn/tmp";
    like(uid_inside('torn'), qr/^7\d{4}$/, 'a torn provisioning is finished');
    is(look("$users/torn/home"), 'directory 0755 0 0', 'as it should be');
    is(look("$users/.new-torn"), 'missing', 'and nothing is left of it');
}

# --- from the system's accounts ----------------------------------------------

# In the place of getent(1): says who it is, then answers from the table.
sub replace_getent {
    my $answers = join '', map { "$_) echo '$ACCOUNTS{$_}' ;;\n" }
        keys %ACCOUNTS;
    IvleJail::Instance::run_ok('cp', '/usr/bin/getent', "$i->{dir}/getent");
    IvleJail::Instance::spew("$i->{dir}/answer", <<"SH");
#!/bin/sh
{
    grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' /proc/\$\$/status
    ls /proc/\$\$/fd
    cat /proc/\$\$/environ
} > $i->{dir}/seen/report
case \$2 in
$answers
hang) exec sleep $HANGS ;;
*) exec $i->{dir}/getent "\$@" ;;
esac
SH
    chmod 0755, "$i->{dir}/answer";
    mkdir "$i->{dir}/seen";
    chmod 0777, "$i->{dir}/seen";
    IvleJail::Instance::run_ok('mount', '--bind', "$i->{dir}/answer",
        '/usr/bin/getent');
}

# Processes that wait for an account that never comes.
sub hanging {
    return grep { text_of($_) eq "sleep\0$HANGS\0" }
        glob '/proc/[0-9]*/cmdline';
}

sub start_hanging {
    $i->seal(provision => 'system');
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDERR, '>', "$i->{dir}/hanging";
        $i->exec_trampoline('hang');
    }
    IvleJail::Instance::wait_until(PATIENCE,
        sub { hanging() || IvleJail::Instance::has_ended($pid) });
    return { pid => $pid, begin => time };
}

sub check_system {
    $i->seal(provision => 'system');
    is(uid_inside('carol'), 70500, "the account's uid");
    is(look("$users/carol/home/carol"), 'directory 0700 70500 70501',
        "the account's ids");
    is(scalar(grep { $_ eq '70500 carol' } registered()), 1, 'registered');
    my $report = text_of("$i->{dir}/seen/report");
    like($report, qr/^Uid:(\t@{[NOBODY]}){4}\nGid:(\t@{[NOBODY]}){4}$/m,
        'getent runs as nobody');
    like($report, qr/^Groups:\s*$/m, '... without groups');
    is(scalar(() = $report =~ /^Cap\w+:\t0{16}$/mg), 5,
        '... without capabilities');
    like($report, qr/^NoNewPrivs:\t1$/m, '... or a way to them');
    like($report, qr/^0\n1\n(?:1\d\n)*2\n\z/m,     # from 10: the shell's own
        '... with no descriptor of ours and no environment');

    my %refused = (
        root => 'CODE_USER_ROOT', low => 'CODE_USER_RANGE',
        wheel => 'CODE_USER_GROUP', web => 'CODE_USER_GROUP',
        taken => 'CODE_PROVISION',
        map { $_ => 'CODE_USER_UNKNOWN' } qw(carole long huge minus short
            empty not-an-account),
    );
    my @before = registered();
    for my $user (sort keys %refused) {
        my $r = $i->start($user);
        is_deeply([ $i->not_refused($r, $refused{$user}, qr/'$user'/) ], [],
            "account $user is refused");
        is(look("$users/$user"), 'missing', "account $user gets nothing");
    }
    is_deeply([ registered() ], \@before, 'and none of them is registered');
}

sub check_hanging {
    my ($start) = @_;
    waitpid $start->{pid}, 0;
    is($? >> 8, $i->codes->{CODE_PROVISION}{status},
        'a start that gets no account fails');
    cmp_ok(time - $start->{begin}, '<', $HANGS / 10, 'and not when that ends');
    like(text_of("$i->{dir}/hanging"), qr/\A[^\n]*'hang'[^\n]*\n\z/,
        'with one line');
    ok($i->try_lock, 'and does not keep the lock');
    ok(IvleJail::Instance::wait_until(PATIENCE, sub { !hanging() }),
        'getent ends, too');
}

replace_getent();
my $start = start_hanging();
check_range();
check_system();
check_hanging($start);
IvleJail::Instance::run_ok('umount', '/usr/bin/getent');
$i->finish;
done_testing();
