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
use IvleJail::Faulty qw(difference left_open try_each_fault);
use IvleJail::Httpd qw(runs slurp);
use IvleJail::Test;

use constant { PATIENCE => 60 };

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
    return eval { slurp("/proc/$pid/task/$pid/children") } // '';
}

# What is left in the warden, or of it.
sub wrong_with {
    my ($pid, $files) = @_;

    if (!runs($pid)) {
        return wait_until(PATIENCE,
            sub { !grep { /busybox/ } @{ processes() } })
            ? () : "left: @{ processes() }";
    }
    return (wait_until(PATIENCE, sub { !runs($pid) || !children($pid) })
            ? () : 'children: ' . children($pid), left_open($pid, $files));
}

my %ended;          # wardens that ended of a fault: call => how many
sub wrong {
    my ($path, $good, $fault) = @_;
    my $pid = warden();
    my $files = $faulty->at_rest($pid, 'warden');
    my $r;

    my $struck = with_fault($pid, $fault, sub { $r = $faulty->ask($path) });
    my @wrong = ($faulty->wrong_answer($r, $good, $fault),
        wrong_with($pid, $files));
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

    try_each_fault($path, \@calls, \@faults,
        sub { wrong($path, $good, $_[0]) });
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
