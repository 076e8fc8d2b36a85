# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Wrk;

# wrk for part of a second or more.
#
#   my $result = measure(url => 'http://127.0.0.1:8529/cgi/static?10',
#       clients => 8, seconds => 0.5, body => 0);
#   # {requests, seconds, bytes, p50, p99: ms}
#
# Dies of a request that was not answered with 2xx: then whatever was measured
# was something else.

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use JSON::PP;
use POSIX qw(SIGINT);
use Time::HiRes qw(sleep);

use IvleJail::Httpd qw(slurp);
use IvleJail::Stage qw($TOP);

our @EXPORT_OK = qw(measure);

my $LONGER = 600;       # seconds: than anybody measures

# users: "@" in the URL is one of so many, each time the next.
# On a busy machine nothing may be answered in a short time.
sub measure {
    my (%arg) = @_;
    for my $seconds (map { $_ * $arg{seconds} } 1, 3, 10, 30) {
        my $result = result($arg{url}, run_wrk(%arg, seconds => $seconds));
        return $result if $result->{requests};
    }
    die "$arg{url}: no answer\n";
}

# Whether it would die of SIGINT no more.
sub has_begun {
    my ($pid) = @_;
    my %status = slurp("/proc/$pid/status") =~ /^(\w+):\s*(\S+)$/mg;
    return $status{Name} eq 'wrk'
        && hex(substr $status{SigCgt}, -1) & 1 << (SIGINT - 1);
}

# It takes whole seconds only, but prints its results at SIGINT; not yet, when
# it has just started.
sub run_wrk {
    my (%arg) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        $SIG{INT} = 'DEFAULT';
        exec 'wrk', '-t', 1, '-c', $arg{clients}, '-d', $LONGER, '--timeout',
            60, '-s', "$TOP/t/bench/wrk.lua", $arg{url}, '--',
            $arg{body} // 0, $arg{users} // 0;
        die "wrk: $!";
    }
    sleep 0.01 until has_begun($pid) || IO::Select->new($out)->can_read(0);
    sleep $arg{seconds};
    my ($text, $select) = ('', IO::Select->new($out));
    do { kill INT => $pid } until $select->can_read(0.2)
        && !sysread $out, $text, 65536, length $text;
    close $out or die "wrk $arg{url}: failed: $text";
    return $text;
}

sub result {
    my ($url, $text) = @_;
    my ($line) = $text =~ /^(\{.*\})$/m or die "wrk $url: $text";
    my $raw = decode_json($line);
    die "$url: $raw->{refused} answers with an error, $raw->{failed} without "
        . "one, of $raw->{requests}\n" if $raw->{refused} || $raw->{failed};
    return { requests => $raw->{requests}, seconds => $raw->{us} / 1e6,
        bytes => $raw->{bytes}, p50 => $raw->{p50} / 1000,
        p99 => $raw->{p99} / 1000 };
}

1;
