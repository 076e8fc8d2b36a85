# SPDX-License-Identifier: Apache-2.0
#
# warm.t - a request to a jail that is there runs no privileged code: httpd
# executes nothing at all, where a cold one has it execute the trampoline;
# and what the cold one costs more

use strict;
use warnings;

use List::Util qw(max min);
use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

use constant { WARM => 100, COLD => 25, PARALLEL => 10 };

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

# strace on httpd and its children, and on whatever they start.
sub trace {
    my ($file) = @_;
    my @all = ($httpd->pid, $httpd->children);
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        open STDERR, '>', "$file.messages" or die "messages: $!";
        exec 'strace', '-f', '-e', 'trace=execve,execveat', '-e',
            'signal=none', '-o', $file, map { ('-p', $_) } @all;
    }
    wait_until(10, sub { @all == grep { is_traced($_, $pid) } @all })
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
    my $tracer = trace($file);
    $answers += hello(PARALLEL) for 1 .. WARM / PARALLEL;
    is($answers, WARM, WARM . ' warm requests under strace');
    $httpd->ctl('jail', 'evict', 'alice');
    is(scalar hello(1), 1, '... and a cold one');
    end_trace($tracer);
    is_deeply(executed($file), [$TRAMPOLINE, '', '/home/alice/web/hello.sh'],
        '... which alone had httpd execute anything');
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
ok($httpd->start, 'httpd starts') or diag $httpd->output;
check_execution();
report_times();
ok($httpd->stop, 'httpd stops');
done_testing;
