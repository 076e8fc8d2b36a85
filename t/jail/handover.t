# SPDX-License-Identifier: Apache-2.0
#
# handover.t - who starts while another httpd of the same instance ends may
# lock a pid file that nobody else will ever find: then it does not start
#
# The test stands in for the one that ends.  The other one is stopped between
# its opening of the pid file and its lock.

use strict;
use warnings;

use File::Path qw(make_path);
use Test::More;

use IvleJail::Httpd qw(slurp);
use IvleJail::Stage qw(write_text);
use IvleJail::Test;

use constant PATIENCE => 60;

must_be_root();
must_have_program('strace');
install();
base('busybox');

my $before = leftovers();
my $httpd = IvleJail::Httpd->new(name => 'hand');
my $pid_file = "/run/ivlejail/$httpd->{instance}.pid";

# In the background: strace(1) ends when httpd does.
sub begin_start {
    my $pid = fork() // die "fork: $!";
    return $pid if $pid;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', "$httpd->{dir}/logs/output";
    open STDERR, '>&', \*STDOUT;
    exec 'strace', '-f', '-o', "$httpd->{dir}/logs/trace", '-P', $pid_file,
        '-e', 'trace=openat', '-e', 'inject=openat:signal=STOP:when=1',
        $httpd->command('-k', 'start') or die "strace: $!";
}

# Who has the pid file open, and is about to lock it or only asks whose it is.
sub openers {
    my ($to_write) = @_;
    my @found;
    for my $pid (map { m{(\d+)} } glob '/proc/[0-9]*') {
        my $files = descriptors($pid);
        my ($fd) = grep { $files->{$_} eq $pid_file } keys %$files or next;
        my $info = eval { slurp("/proc/$pid/fdinfo/$fd") } // '';
        push @found, $pid if $info =~ /^flags:\s+\d+([02])$/m
            && !!$1 == $to_write;
    }
    return @found;
}

# Whoever asks whose it is goes on.
sub next_opener {
    kill CONT => openers(0);
    return (openers(1))[0];
}

make_path('/run/ivlejail', { mode => 0755 });
write_text($pid_file, '');
my $starter = begin_start();
my $next;
ok(wait_until(PATIENCE, sub { $next = next_opener() }),
    'the next httpd has opened the pid file') or BAIL_OUT($httpd->output);
unlink $pid_file or die "$pid_file: $!";
# it may be about to stop
my $said = qr/IJ0022: another httpd, which ran .*, has just ended: start this/;
ok(wait_until(PATIENCE, sub { kill CONT => $next; $httpd->error_log =~ $said }),
    '... and says that it is a pid file no more') or $httpd->stop;
waitpid $starter, 0;
is($httpd->pid, 0, '... and has not started');
is_deeply([left_since($before)], [], '... and nothing is left');

ok($httpd->start, 'started again, it does') or diag $httpd->output;
like(slurp($pid_file), qr/\A@{[$httpd->pid]}\n\z/,
    '... and has a pid file');
ok($httpd->stop, 'it stops');
ok(-d '/run/ivlejail', 'what all instances share stays for them');
is_deeply([left_since($before)], [], '... and nothing else is left');
done_testing();
