# SPDX-License-Identifier: Apache-2.0
# What can be wrong with an instance, a base image or a user, one thing at a
# time, under a running httpd: the browser gets the status, the error log the
# code and the remedy in a line with the request's id, no program runs and
# nothing stays mounted; and when all is well again, so is the next request.
use strict;
use warnings;

use File::Path qw(make_path);
use POSIX qw(mkfifo);
use Test::More;

use IvleJail::Connection qw(request_text);
use IvleJail::Httpd qw(slurp);
use IvleJail::Instance;
use IvleJail::Spoil;
use IvleJail::Test;

use constant { ALICE => 75001, OTHER => 76001 };

must_be_root();
must_have_program(qw(mount umount));
install();
base('busybox');

my ($HTTPD, $GROUP) = (getpwnam 'www-data')[2, 3];

# An installation and data of its own: they are going to be spoilt.  Processes
# are not limited: dead wardens count, too, until the machine's init has reaped
# them, and some take their time.
my $httpd = IvleJail::Httpd->new(name => 'refusals');
my $dir = $httpd->{dir};
my $run = "/run/ivlejail/$httpd->{instance}";
my $libexec = "$dir/libexec";
my ($trampoline, $warden) = map { "$libexec/$_" } qw(trampoline warden);
my $users = "$dir/users";
my $top = "$users/alice";
my $home = "$top/home/alice";
my $base = "$dir/bases/one";
$httpd->write_config(<<"CONF");
IvleJailTrampoline $trampoline
IvleJailUsers $users
IvleJailBase $base
IvleJailUidRange 75000 75999
IvleJailMount tmpfs /dev/shm
IvleJailMaxRequests 1 0
IvleJailLimit nproc unlimited
<Location /my/>
    IvleJailInterpreter .lost /bin/lost
    IvleJailInterpreter .sh /bin/sh
</Location>
CONF

# --- making all well --------------------------------------------------------

sub spew {
    my ($path, $text, $mode) = @_;
    open(my $out, '>', $path) or die "$path: $!";
    print {$out} $text;
    close $out or die "$path: $!";
    chmod $mode, $path or die "$path: $!";
}

# It leaves a mark where it runs.
my $PROGRAM = <<'SH';
#!/bin/sh
echo >>../ran
echo Content-Type: text/plain
echo
echo ran
SH

sub make_user {
    run_quietly('rm', '-rf', $top, "$top.real");
    make_path("$home/web", "$top/tmp");
    spew("$top/home/.$_", '', 0644) for qw(passwd group);
    chmod 0700, $home, "$top/tmp" or die "chmod: $!";
    chown ALICE, ALICE, $home, "$home/web", "$top/tmp" or die "chown: $!";
    spew("$home/web/x", $PROGRAM, 0755);
}

my @POINTS = qw(home tmp proc dev/shm);    # for mounts

sub make_base {
    run_quietly('rm', '-rf', $base, "$base.real");
    run_quietly('cp', '-a', "$BASES/busybox/current/.", $base);
}

sub make_helpers {
    unlink glob "$libexec/*";
    run_quietly('cp', '-a', "$LIBEXEC/.", $libexec);
}

my $POLICY;     # as httpd has sealed it

sub make_policy {
    run_quietly('rm', '-rf', "$run/policy", "$run/policy.real");
    spew("$run/policy", $POLICY, 0644);
}

# --- breaking it ------------------------------------------------------------

sub edited {
    my ($edit) = @_;
    return sub { local $_ = $POLICY; $edit->(); spew("$run/policy", $_, 0644) };
}

sub program {
    my ($text) = @_;
    return sub { unlink "$home/web/x"; spew("$home/web/x", $text, 0755) };
}

sub mounted_nosuid {
    run_quietly('mount', '--bind', $libexec, $libexec);
    run_quietly('mount', '-o', 'remount,bind,nosuid', $libexec);
}

# --- the tables -------------------------------------------------------------

# What is wrong, the trampoline's code, how it comes to be so, what the line
# is about, and how to make well what repair() does not.
my @STARTS = (
    ["a policy for another caller", 'CODE_CALLER',
        edited(sub { s/^httpd \d+/httpd ${\OTHER}/m }), qr/uid $HTTPD\b/],
    ['no set-user-ID', 'CODE_NOT_SETUID', mode(0750, $trampoline),
        qr/uid $HTTPD\b/],
    ['a nosuid mount', 'CODE_NOT_SETUID', \&mounted_nosuid, qr/uid $HTTPD\b/,
        sub { run_quietly('umount', $libexec) }],
    ['no policy', 'CODE_POLICY_MISSING', removed("$run/policy")],
    ["httpd's own policy", 'CODE_POLICY_OWNER',
        owned_by($HTTPD, $GROUP, "$run/policy")],
    ['a link to a policy', 'CODE_POLICY_OWNER', link_instead("$run/policy")],
    ['a policy its group can write', 'CODE_POLICY_WRITABLE',
        mode(0664, "$run/policy"), qr/0664/],
    ['a policy everybody can write', 'CODE_POLICY_WRITABLE',
        mode(0666, "$run/policy"), qr/0666/],
    ['an unknown key', 'CODE_POLICY_KEY',
        edited(sub { s/^idle/colour blue\nidle/m }), qr/colour/],
    ['a repeated key', 'CODE_POLICY_KEY', edited(sub { s/^(users.*\n)/$1$1/m }),
        qr/users/],
    ['a bad value', 'CODE_POLICY_VALUE', edited(sub { s/^uids.*/uids 0 1/m }),
        qr/'0'/],
    ['half a policy', 'CODE_POLICY_TRUNCATED',
        edited(sub { $_ = substr $_, 0, length() / 2 })],
    ['an empty policy', 'CODE_POLICY_TRUNCATED', edited(sub { $_ = '' })],
    ['a newer policy', 'CODE_POLICY_NEWER',
        edited(sub { s/policy 1/policy 2/ }), qr/'2'/],
    ['a policy without the profile', 'CODE_POLICY_PROFILE',
        edited(sub { s/^profile default/profile other/m }), qr/'default'/],
    ['no user', 'CODE_USER_UNKNOWN', removed($top), qr/'alice'/],
    ['a home of root', 'CODE_USER_ROOT', owned_by(0, 0, $home), qr/'alice'/],
    ['a uid below the range', 'CODE_USER_RANGE', owned_by(74999, ALICE, $home),
        qr/74999.*75000.*75999/],
    ['a uid above the range', 'CODE_USER_RANGE', owned_by(OTHER, ALICE, $home),
        qr/${\OTHER}.*75000.*75999/],
    ["root's group", 'CODE_USER_GROUP', owned_by(ALICE, 0, $home), qr/gid 0\b/],
    ["httpd's group", 'CODE_USER_GROUP', owned_by(ALICE, $GROUP, $home),
        qr/gid $GROUP\b/],
    (map {
        [substr("$_ a link", length $users), 'CODE_USER_LINK',
            link_instead($_), qr/'alice'/],
        [substr("$_ a file", length $users), 'CODE_USER_DIR',
            file_instead($_), qr/'alice'/]
    } $top, "$top/home", $home, "$top/tmp"),
    ['no home', 'CODE_USER_DIR', removed($home), qr/'alice'/],
    ['no tmp', 'CODE_USER_DIR', removed("$top/tmp"), qr/'alice'/],
    ["a user's directory of the user", 'CODE_USER_DIR',
        owned_by(ALICE, ALICE, "$top/home"), qr/'alice'/],
    ['a base that is gone', 'CODE_BASE_MISSING', removed($base), qr/'\Q$base'/],
    (map { ["a base without /$_", 'CODE_BASE_POINT', removed("$base/$_"),
        qr/$_/] } @POINTS),
    ['a base that others can write', 'CODE_BASE_UNTRUSTED', mode(0777, $base),
        qr/'\Q$base'/],
    ['a base of somebody else', 'CODE_BASE_UNTRUSTED',
        owned_by(ALICE, ALICE, $base), qr/'\Q$base'/],
    ['no warden', 'CODE_HELPER', removed($warden), qr/'\Q$warden'/],
    ['a warden of somebody else', 'CODE_HELPER',
        owned_by(ALICE, ALICE, $warden), qr/'\Q$warden'/],
    ['a warden that is no program', 'CODE_EXEC', file_instead($warden)],
    ['an instance that was stopped', 'CODE_KEEP',
        sub { run_quietly($TIMOUNT, $httpd->{instance}, 'stop') },
        qr/'\Q$httpd->{instance}'/,
        sub { run_quietly($TIMOUNT, $httpd->{instance}, 'start') }],
    ['no space', 'CODE_SPACE', sub {
            my ($used) = run_quietly('df', '--output=iused', $run) =~ /(\d+)/;
            run_quietly('mount', '-o', "remount,nr_inodes=$used", $run);
        }, undef,
        sub { run_quietly('mount', '-o', 'remount,nr_inodes=0', $run) }],
);

# What is wrong, status, how, and what httpd says of a trampoline that cannot
# even be started.
my @NO_STARTS = (
    ['no trampoline', 503, removed($trampoline),
        qr/No such file.*'\Q$trampoline\E /],
    ['a trampoline that httpd cannot execute', 503, mode(04700, $trampoline),
        qr/Permission denied.*'\Q$trampoline\E /],
    ['a trampoline that is none', 503, file_instead($trampoline),
        qr/Exec format error.*'\Q$trampoline\E |did not end with a socket/],
);

# What is wrong with a program, where a jail was made: status, how, and what
# httpd says.
my @PROGRAMS = (
    ['no program', 404, removed("$home/web/x"), qr/No such file.*not found/],
    ['no directory', 404, removed("$home/web"), qr/No such file.*not found/],
    ['a dangling link', 404,
        sub { unlink "$home/web/x"; symlink 'y', "$home/web/x" },
        qr/No such file.*not found/],
    ['a link in a circle', 404,
        sub { unlink "$home/web/x"; symlink 'x', "$home/web/x" },
        qr/symbolic links.*not found/],
    ['a link to the outside', 404, sub { unlink "$home/web/x";
        symlink "$dir/htdocs/index.html", "$home/web/x" },
        qr/No such file.*not found/],
    ['a directory', 403, sub { unlink "$home/web/x"; mkdir "$home/web/x" },
        qr/directory.*not a file/],
    ['a fifo', 403, sub { unlink "$home/web/x";
        mkfifo("$home/web/x", 0777) }, qr/not a file/],
    ['not executable', 403, mode(0644, "$home/web/x"),
        qr/neither executable \(chmod \+x it\) nor.*IvleJailInterpreter/],
    ['a directory that is closed to the user', 403,
        sub { chown 0, 0, "$home/web"; chmod 0700, "$home/web" },
        qr/Permission denied.*not for the user/],
    ['no such interpreter', 500, program("#!/bin/lost\n"),
        qr/No such file.*its interpreter \(#! or IvleJailInterpreter\)/],
    ['an interpreter that is not executable', 500,
        program("#!/etc/ivlejail-base\n"), qr/Permission denied.*interpreter/],
    ['no interpreter at all', 500, program("echo\n"),
        qr/Exec format error.*interpreter/],
);

# --- one row ----------------------------------------------------------------

sub repair {
    make_user();
    make_base() if grep { !-d "$base/$_" } @POINTS;
    chmod 0755, $base or die "base: $!";
    chown 0, 0, $base or die "base: $!";
    make_helpers();
    make_policy() if $POLICY;
}

# The lines of the error log with the last request's id, which is in the access
# log ("-" if there was nothing to say of the request).
sub logged {
    my ($requests, $access, $errors) = @_;
    my $lines = '';
    wait_until(60, sub { $lines = log_since($access);
        $lines =~ tr/\n// >= $requests });
    my ($id) = $lines =~ / ([\w+\/-]{11})\n\z/ or return;
    return grep { /\[\Q$id\E\]/ } split /\n/, log_since($errors);
}

sub jails_left {
    my @left;
    wait_until(60, sub {
        @left = split /\n/, run_quietly($TIMOUNT, $httpd->{instance}, 'list');
        return !@left });
    return @left;
}

# One request with something wrong: what is not as it should be then.
sub wrong_with {
    my ($status, @patterns) = @_;
    my ($access, $errors) = map { log_mark("$dir/logs/$_") }
        qw(access_log error_log);
    my $answer = $httpd->get('/my/x', user => 'alice');
    my $requests = 1 + @{ $answer->{redirects} // [] };
    my @lines = logged($requests, $access, $errors);
    my $retry = $answer->{headers}{'retry-after'};
    my @wrong;
    push @wrong, "status $answer->{status}" if $answer->{status} != $status;
    push @wrong, 'no Retry-After' if $status == 503 && !$retry;
    push @wrong, "Retry-After $retry" if $status != 503 && $retry;
    push @wrong, 'the program has run'
        if $answer->{content} =~ /^ran/m || -e "$home/ran";
    for my $pattern (@patterns) {
        push @wrong, "no line like $pattern: @lines"
            if (grep { /$pattern/ } @lines) != 1;
    }
    return @wrong;
}

# The request after all was made well, and the end of its jail.
sub wrong_after {
    my $answer = $httpd->get('/my/x', user => 'alice');
    my @wrong;
    push @wrong, "after the repair: $answer->{status} $answer->{content}"
        if "$answer->{status} $answer->{content}" ne "200 ran\n";
    run_quietly($TIMOUNT, $httpd->{instance}, 'evict', 'alice');
    unlink "$home/ran";
    return @wrong, map { "after the end: $_" } jails_left();
}

# Whose fault it is: the user's, the installation's, or one that may pass.
sub status_of {
    my ($symbol) = @_;
    return $symbol =~ /CODE_USER/ ? 403
        : $symbol =~ /CODE_(?:CALLER|NOT_SETUID)/ ? 500 : 503;
}

sub check_start {
    my ($name, $symbol, $break, $about, $repair) = @_;
    my $code = IvleJail::Instance::codes()->{$symbol} or die "no $symbol";
    my $status = status_of($symbol);
    my $line = sprintf 'IJ0061: trampoline: IJ2%03d: ', $code->{status};
    $break->();
    my $mounts = "@{ mounts() }";
    my @wrong = wrong_with($status,
        qr/\[ivlejail:error\].*\Q$line\E.*: \Q$code->{text}\E$/, $about // ());
    push @wrong, 'the mount table differs' if "@{ mounts() }" ne $mounts;
    push @wrong, map { "left: $_" } jails_left() if $symbol ne 'CODE_KEEP';
    $repair->() if $repair;
    repair();
    is(join("\n", @wrong, wrong_after()), '', "$name: $symbol, $status");
}

sub check_no_start {
    my ($name, $status, $break, $said) = @_;
    $break->();
    my @wrong = wrong_with($status, qr/\[ivlejail:error\].*IJ0062: /, $said);
    push @wrong, map { "left: $_" } jails_left();
    repair();
    is(join("\n", @wrong, wrong_after()), '', "$name: $status");
}

sub check_program {
    my ($name, $status, $break, $said) = @_;
    $break->();
    my @wrong = wrong_with($status, qr/IJ0063: .*'alice'/, $said);
    run_quietly($TIMOUNT, $httpd->{instance}, 'evict', 'alice');
    repair();
    is(join("\n", @wrong, wrong_after()), '', "$name: $status");
}

# As many as may run at a time do; this is another one.  httpd has counted them,
# or it is one that only the warden knows of.
sub put_slow {
    spew("$home/web/slow", <<'SH', 0755);
#!/bin/sh
echo >>../slow
while test -e ../slow; do sleep 0.01; done
echo Content-Type: text/plain
echo
echo in the end
SH
}

sub wrong_while_busy {
    my @patterns = @_;
    wait_until(60, sub { -e "$home/slow" }) or die "it does not start\n";
    my @wrong = wrong_with(503, @patterns);
    unlink "$home/slow";
    return @wrong;
}

sub check_busy {
    my $slow = IvleJail::Connection->new($httpd->{port});
    put_slow();
    $slow->send(request_text(GET => '/my/slow', user => 'alice'));
    my @wrong = wrong_while_busy(qr/\[ivlejail:warn\].*IJ0091: .*'alice'/,
        qr/too many requests.*\(IvleJailMaxRequests\)/);
    my $answer = $slow->answer;
    push @wrong, "the first: $answer->{code} $answer->{body}"
        if "$answer->{code} $answer->{body}" ne "200 in the end\n";
    is(join("\n", @wrong, wrong_after()), '', 'too many at a time: 503');
}

sub check_busy_warden {
    $httpd->get('/my/x', user => 'alice');      # makes the jail
    unlink "$home/ran";
    put_slow();
    my $pid = IvleJail::Instance->ask_in_background(
        glob("$run/sock/default\@*/alice"), '/home/alice/web/slow');
    my @wrong = wrong_while_busy(qr/\[ivlejail:error\].*IJ0063: .*'alice'/,
        qr/too many requests of this user.*\(IvleJailMaxRequests\)/);
    waitpid $pid, 0;
    push @wrong, "the first: $?" if $?;
    is(join("\n", @wrong, wrong_after()), '', 'too many for the warden: 503');
}

# --- the tests --------------------------------------------------------------

make_path($libexec, $users, "$dir/bases");
repair();
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);
$POLICY = slurp("$run/policy");
is(join("\n", wrong_after()), '', 'with nothing wrong a program runs');

check_start(@$_) for @STARTS;
check_no_start(@$_) for @NO_STARTS;
check_program(@$_) for @PROGRAMS;
check_busy();
check_busy_warden();

ok($httpd->stop, 'httpd stops');
ok(!-e $run, '... and its runtime directory is gone');
done_testing();
