# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Instructions;

# How many instructions httpd executes for a request: valgrind's callgrind
# counts, and writes down what it has counted whenever httpd begins to read
# the next request.  Each request has a connection of its own, which httpd
# closes: on one that is kept it would begin to read once more.
#
#   my $counts = instructions($server, '/a', '/b');     # {'/a' => 12345, ...}
#
# The server is stopped for it, and runs once more as one process.  undef:
# there is no valgrind, or it does not understand this httpd.

use strict;
use warnings;

use Exporter qw(import);
use File::Path qw(make_path remove_tree);
use HTTP::Tiny;

use IvleJail::Bench::Figures qw(median);
use IvleJail::Httpd qw(slurp);
use IvleJail::Stage qw($TOP);

our @EXPORT_OK = qw(instructions);

my $EACH = 11;              # requests; the first makes a jail
my $PATIENCE = 60;

# httpd's child writes as www-data.
sub start_below_valgrind {
    my ($server, $dir) = @_;
    my $pid = fork() // die "fork: $!";
    return $pid if $pid;
    $ENV{LD_PRELOAD} = "$TOP/build/bench/preload.so";
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', "$dir/log";
    open STDERR, '>&', \*STDOUT;
    exec 'valgrind', '--tool=callgrind', "--callgrind-out-file=$dir/counts",
        '--dump-before=ap_read_request', $server->command('-X');
    exit 127;
}

# In the order in which they were written.
sub counts_of {
    my ($dir) = @_;
    my @files = sort { ($a =~ /(\d+)$/)[0] <=> ($b =~ /(\d+)$/)[0] }
        glob "$dir/counts.*";
    return map { slurp($_) =~ /^summary: (\d+)/m ? $1 : () } @files;
}

sub instructions {
    my ($server, @paths) = @_;
    my $dir = "$server->{dir}/counts";
    my %counts;
    $server->stop;
    remove_tree($dir);
    make_path($dir, { mode => 0777 });
    chmod 01777, $dir;
    my $pid = start_below_valgrind($server, $dir);
    my $runs = $server->wait_until($PATIENCE,
        sub { $server->get('/')->{status} != 599 });
    my $http = HTTP::Tiny->new(keep_alive => 0, proxy => undef,
        http_proxy => undef);
    for my $path ($runs ? @paths : ()) {
        $http->get($server->url($path)) for 1 .. $EACH + 1;
    }
    kill TERM => $pid;
    waitpid $pid, 0;
    # one process has no parent that ends what it has started
    $server->start;
    $server->stop;
    return if !$runs;
    # before the first of them: the start, and what has waited for it
    my @all = counts_of($dir);
    splice @all, 0, -($EACH + 1) * @paths;
    for my $path (@paths) {
        my @own = splice @all, 0, $EACH + 1;
        $counts{$path} = median(@own[1 .. $EACH]);
    }
    return \%counts;
}

1;
