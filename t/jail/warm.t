# SPDX-License-Identifier: Apache-2.0
#
# warm.t - a request to a jail that is there runs no privileged code: httpd
# executes nothing at all, where a cold one has it execute the trampoline;
# what the cold one costs more; and that the warden does little for each

use strict;
use warnings;

use List::Util qw(max min);
use POSIX qw(uname);
use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

use constant { WARM => 100, COLD => 25, PARALLEL => 10, COUNTED => 50 };

my $PROGRAM = <<'SH';
#!/bin/sh
echo Content-Type: text/plain
echo
echo hello
SH

# No sweep of httpd's own may come in between.
my $httpd = IvleJail::Httpd->new(name => 'warm',
    config => "IvleJailExpire 86400\nIvleJailMaxRequests 20\n");

sub hello {
    my ($times) = @_;
    return grep { "$_->{status} $_->{content}" eq "200 hello\n" }
        at_once($httpd, map { ['/my/hello.sh', user => 'alice'] } 1 .. $times);
}

# --- what httpd executes ----------------------------------------------------

# strace on processes; options: more of its arguments.
sub trace {
    my ($file, $options, @all) = @_;
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        open STDERR, '>', "$file.messages" or die "messages: $!";
        exec 'strace', @$options, '-e', 'signal=none', '-o', $file,
            map { ('-p', $_) } @all;
    }
    wait_until(60, sub { @all == grep { is_traced($_, $pid) } @all })
        or die 'strace does not attach';
    return $pid;
}

sub is_traced {
    my ($pid, $tracer) = @_;
    my $status = eval { slurp("/proc/$pid/status") } // '';
    return $status =~ /^TracerPid:\s*$tracer$/m;
}

sub end_trace {
    my ($pid) = @_;
    kill INT => $pid;
    waitpid $pid, 0;
}

# The programs that were executed: the warden by its descriptor.
sub executed {
    my ($file) = @_;
    return [slurp($file) =~ /\bexecve(?:at\(\d+, |\()"([^"]*)"/g];
}

sub check_execution {
    my $file = "$httpd->{dir}/logs/strace";
    my $answers = 0;
    is(scalar hello(1), 1, 'alice has a jail');
    my $tracer = trace($file, ['-f', '-e', 'trace=execve,execveat'],
        $httpd->pid, $httpd->children);
    $answers += hello(PARALLEL) for 1 .. WARM / PARALLEL;
    is($answers, WARM, WARM . ' warm requests under strace');
    $httpd->ctl('jail', 'evict', 'alice');
    is(scalar hello(1), 1, '... and a cold one');
    end_trace($tracer);
    is_deeply(executed($file), [$TRAMPOLINE, '', '/home/alice/web/hello.sh'],
        '... which alone had httpd execute anything');
}

# --- what the warden does ---------------------------------------------------

sub warden {
    my ($pid) = run_quietly($TIMOUNT, $httpd->{instance}, 'list')
        =~ /^warden \S+ alice@(\d+)/m or die "no warden\n";
    return $pid;
}

# How often it makes each system call for so many requests, one by one.
sub calls_for {
    my ($path) = @_;
    my $file = "$httpd->{dir}/logs/strace";
    my %calls;
    $httpd->get($path, user => 'alice');
    my $tracer = trace($file, [], warden());
    $httpd->get($path, user => 'alice') for 1 .. COUNTED;
    end_trace($tracer);
    $calls{$_}++ for slurp($file) =~ /^(\w+)\(/mg;
    return %calls;
}

# Some more than what we saw: it may come before the request does, and ask twice.
sub check_calls {
    my ($what, $path, $bound, %expected) = @_;
    my %calls = calls_for($path);
    my $total = 0;
    $total += $_ for values %calls;
    diag sprintf '%s: %.1f system calls of the warden', $what,
        $total / COUNTED;
    cmp_ok($total, '<', ($bound + 1) * COUNTED,
        "$what costs the warden at most $bound system calls")
        or diag join ', ', map { "$_: $calls{$_}" } sort keys %calls;
    is($calls{$_} // 0, $expected{$_} * COUNTED, "... of $_ $expected{$_}")
        for sort keys %expected;
}

# --- when it gets a processor -----------------------------------------------

# In nanoseconds; undef before Linux 6.6.
sub slice_of {
    my ($pid) = @_;
    return (slurp("/proc/$pid/sched") =~ /^se\.slice\s*:\s*(\d+)/m)[0];
}

sub slices_can_be_set {
    my ($version, $patch) = (uname())[2] =~ /^(\d+)\.(\d+)/;
    return $version > 6 || $version == 6 && $patch >= 12;
}

sub children_of {
    my ($pid) = @_;
    return split ' ', slurp("/proc/$pid/task/$pid/children");
}

# A program that waits has been executed: its slice is its own.
sub check_turns {
    my $gate = put_gate('alice');
    my $request = begin($httpd, '/my/wait.sh', user => 'alice');
    my ($warden, @programs) = warden();
    wait_until(60, sub { @programs = grep {
        slurp("/proc/$_/cmdline") =~ /wait/ } children_of($warden) });
    my $ours = slice_of($$);
    is(slice_of($warden), slices_can_be_set() ? 100_000 : $ours,
        'where slices can be set, the warden has short ones');
    is(slice_of($programs[0]), $ours, '... and its programs have not');
    open_gate($gate);
    is(finish($request)->{content}, "go\n", '... of which this was one');
}

# --- what it costs ----------------------------------------------------------

# Milliseconds.
sub time_one {
    my $start = time;
    hello(1);
    return 1000 * (time - $start);
}

sub median {
    my (@times) = sort { $a <=> $b } @_;
    return $times[@times / 2];
}

sub report_times {
    my (@cold, @warm);
    for (1 .. COLD) {
        $httpd->ctl('jail', 'evict', 'alice');
        push @cold, time_one();
        push @warm, map { time_one() } 1 .. 4;
    }
    diag sprintf 'cold minus warm: %.1f ms (medians: %.1f and %.1f ms; '
        . 'cold %.1f to %.1f)', median(@cold) - median(@warm), median(@cold),
        median(@warm), min(@cold), max(@cold);
}

must_be_root();
must_have_program('strace');
install();
base('busybox');
put_program(alice => 'web/hello.sh', $PROGRAM);
put_file(alice => 'web/hello.txt', "hello\n");
put_program(alice => 'web/wait.sh', <<'SH');
#!/bin/sh
read -r line < ../gate
printf 'Content-Type: text/plain\n\ngo\n'
SH
ok($httpd->start, 'httpd starts') or diag $httpd->output;
check_execution();
check_turns();
check_calls('a program', '/my/hello.sh', 22, newfstatat => 1, openat => 0,
    vfork => 1, sendto => 3);
check_calls('a file', '/my/hello.txt', 19, newfstatat => 2, openat => 1,
    vfork => 0, sendto => 0, sendmsg => 1);
report_times();
ok($httpd->stop, 'httpd stops');
done_testing;
