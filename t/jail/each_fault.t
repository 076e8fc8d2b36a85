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

use IvleJail::Failures qw(calls_of faults with_fault named);
use IvleJail::Faulty qw(difference open_files settled_files);
use IvleJail::Httpd;
use IvleJail::Test;

use constant { SOON => 5, MANY => 20 };

# Calls that are not made to fail: there is no such failure.
my %NEVER = (
    wait4 => 'with WNOHANG not interrupted; and there are children',
    getpgid => 'of a child that is not reaped yet',
);

my $faulty = IvleJail::Faulty->new(name => 'faults');
my $httpd = $faulty->{httpd};

# The last one that was started: another one may be ending.
sub warden {
    my @pids = map { /\@(\d+)$/ } $httpd->jails('warden');
    return (sort { $a <=> $b } @pids)[-1];
}

sub children {
    my ($pid) = @_;
    return eval { IvleJail::Httpd::slurp("/proc/$pid/task/$pid/children") }
        // '';
}

sub runs {
    my ($pid) = @_;
    return IvleJail::Httpd::runs($pid);
}

# What a warden has open: all of them the same, but for a connection that one
# is just closing.
my $files;

# What is left in the warden, or of it.
sub wrong_with {
    my ($pid) = @_;

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
    my ($path, $good, $fault) = @_;
    my $pid = warden();
    my $r;

    $files //= settled_files($pid);
    my $struck = with_fault($pid, $fault, sub { $r = $faulty->ask($path) });
    my @wrong = ($faulty->wrong_answer($r, $good, $fault),
        wrong_with($pid));
    $ended{ $fault->{name} }++ if !runs($pid);
    my $next = $faulty->ask($path)->{text};
    push @wrong, 'the next one: ' . difference($next, $good)
        if $next ne $good;
    return $struck, map { named($fault) . ": $_" } @wrong;
}

sub check {
    my ($path, $expected) = @_;
    my $good = $faulty->ask($path)->{text};
    die "$path: $good" if $good !~ /^$expected /;
    my @calls = calls_of(warden(), sub { $faulty->ask($path) });
    my @faults = grep { !$NEVER{ $_->{name} } } faults(@calls);
    my ($struck, @wrong) = (0);

    for my $fault (@faults) {
        my ($hit, @these) = wrong($path, $good, $fault);
        push @wrong, @these;
        $struck++ if $hit;
        last if @wrong > MANY;
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
is_deeply([left_since($before)], [], '... and nothing is left');
done_testing();
