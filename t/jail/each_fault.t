# SPDX-License-Identifier: Apache-2.0
#
# each_fault.t - every system call that a warden and the program's process make
# for a warm request, from their trace, is made to fail in each way it can: the
# answer is the right one, or an error that httpd's log explains; no program
# runs with other rights or limits than it should; nothing of the request is
# left in the jail or in the warden; and the next request works

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use IvleJail::Failures qw(calls_of faults with_fault named);
use IvleJail::Httpd;
use IvleJail::Test;

use constant { SOON => 5, LONG => 15 };

must_be_root();
install();
base('busybox');

my $httpd = IvleJail::Httpd->new(name => 'faults', mpm => 'prefork',
    config => <<'CONF');
StartServers 1
MaxRequestWorkers 1
MaxSpareServers 1
IvleJailExpire 86400
IvleJailIdle 86400
<Location /my/>
    IvleJailListing On
    IvleJailTimeout 20
    IvleJailErrorLog /home/%u/error.log
</Location>
CONF
my $home = "$USERS/alice/home/alice";

# What a program may do, as it sees that itself: the same each time.
put_program(alice => 'web/what.sh', <<'SH');
#!/bin/sh
echo Content-Type: text/plain
echo
id
pwd
ulimit -aS
ulimit -aH
grep -E '^(Cap|NoNewPrivs|Seccomp|Groups|Sig[BIC]|Uid|Gid)' /proc/self/status
for file in /proc/$$/fd/*; do echo "${file##*/}"; done
read -r _ _ _ _ group session _ < /proc/$$/stat
test $$ = "$group" && test $$ = "$session" && echo leads its session
SH
put_program(alice => 'web/fails.sh', "#!/bin/sh\necho why >&2\nexit 3\n");
put_file(alice => 'web/file.txt', "text of a file\n");
put_file(alice => "web/list/$_", '') for 'a' .. 'e';

# Calls that are not made to fail: there is no such failure.
my %NEVER = (
    wait4 => 'with WNOHANG not interrupted; and there are children',
    getpgid => 'of a child that is not reaped yet',
);

# --- a request --------------------------------------------------------------

my $mark;
sub ask {
    my ($path) = @_;
    my $begin = time;
    $mark = log_mark("$httpd->{dir}/logs/error_log");
    my $r = $httpd->get($path, user => 'alice');
    $r->{seconds} = time - $begin;
    # of a page that lists or explains, what is in it
    $r->{text} = join ' ', $r->{status}, $r->{content} =~ /<html/
        ? grep { defined } $r->{content} =~ m{<title>(.*?)</title>|href="(.*?)"}g
        : $r->{content};
    return $r;
}

# The last one that was started: another one may be ending.
sub warden {
    my @pids = map { /\@(\d+)$/ } $httpd->jails('warden');
    return (sort { $a <=> $b } @pids)[-1];
}

# Of the warden: its open files, its children.
sub open_files {
    my ($pid) = @_;
    return join "\n", sort values %{ descriptors($pid) };
}

sub children {
    my ($pid) = @_;
    return IvleJail::Httpd::slurp("/proc/$pid/task/$pid/children");
}

sub runs {
    my ($pid) = @_;
    return IvleJail::Httpd::runs($pid);
}

# --- one fault --------------------------------------------------------------

# Where an error number means something: what is forbidden, is.
sub may_be {
    my ($status, $error) = @_;
    return $status =~ /^50[03]$/
        || $status == 403 && $error =~ /^(?:EACCES|EPERM)$/;
}

# Where two texts differ.
sub difference {
    my ($got, $good) = @_;
    my @good = split /\n/, $good;
    my ($line) = grep { $_ ne (shift @good // '') } split /\n/, $got;
    return $line // '(too short)';
}

# A listing says that it is cut; what is forbidden it does not name.
sub is_short_listing {
    my ($r, $error) = @_;
    return $r->{status} == 200 && $r->{content} =~ /<html/
        && ($error eq 'EACCES' || $r->{content} =~ /There is more here/);
}

sub wrong_answer {
    my ($r, $good, $fault) = @_;
    my @wrong;

    push @wrong, sprintf 'it took %.1f s', $r->{seconds}
        if $r->{seconds} > LONG;
    return @wrong if $r->{text} eq $good
        || is_short_listing($r, $fault->{error});
    push @wrong, 'answer: ' . difference($r->{text}, $good) if !may_be($r->{status},
        $fault->{error}) || $r->{content} !~ /<title>$r->{status} /;
    push @wrong, "$r->{status} without a line in the log"
        if log_since($mark) !~ /\[ivlejail:\w+\].* IJ\d{4}: /;
    return @wrong;
}

# What is left in the warden, or of it.
sub wrong_with {
    my ($pid, $files) = @_;

    if (!runs($pid)) {
        return wait_until(SOON, sub { !grep { /busybox/ } @{ processes() } })
            ? () : "left: @{ processes() }";
    }
    return (wait_until(SOON, sub { !runs($pid) || children($pid) eq '' }) ? ()
            : 'children: ' . children($pid),
        wait_until(SOON, sub { !runs($pid) || open_files($pid) eq $files })
            ? () : 'open: ' . open_files($pid));
}

my %ended;          # wardens that ended of a fault: call => how many
sub wrong {
    my ($path, $good, $pid, $files, $fault) = @_;
    my $r;

    my $struck = with_fault($pid, $fault, sub { $r = ask($path) });
    my @wrong = (wrong_answer($r, $good, $fault), wrong_with($pid, $files));
    $ended{ $fault->{name} }++ if !runs($pid);
    my $next = ask($path)->{text};
    push @wrong, 'the next one: ' . difference($next, $good) if $next ne $good;
    return $struck, map { named($fault) . ": $_" } @wrong;
}

# --- all of them ------------------------------------------------------------

sub check {
    my ($path, $expected) = @_;
    my $good = ask($path)->{text};
    die "$path: $good" if $good !~ /^$expected /;
    my @calls = calls_of(warden(), sub { ask($path) });
    my @faults = grep { !$NEVER{ $_->{name} } } faults(@calls);
    my ($struck, @wrong) = (0);

    for my $fault (@faults) {
        my $pid = warden();
        my ($hit, @these) = wrong($path, $good, $pid, open_files($pid),
            $fault);
        push @wrong, @these;
        $struck++ if $hit;
    }
    diag "$path: $struck of " . @faults . ' faults in '
        . (@{ $calls[0] } + @{ $calls[1] }) . " calls";
    is_deeply(\@wrong, [], "$path: each call fails in each way")
        or diag join "\n", @wrong;
    cmp_ok($struck, '>', @faults / 2, '... and did');
}

my $before = leftovers();
$httpd->start or BAIL_OUT($httpd->output);
check('/my/what.sh', 200);
check('/my/file.txt', 200);
check('/my/list/', 200);
check('/my/fails.sh', 500);
diag 'wardens that ended: ', join ', ',
    map { "$ended{$_} of $_" } sort keys %ended;
ok($httpd->stop, 'httpd ends');
is_deeply(leftovers(), $before, '... and nothing is left');
done_testing();
