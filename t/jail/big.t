# SPDX-License-Identifier: Apache-2.0
#
# big.t - 2 GiB of output, of upload and of a file, and a client that does not
# read: neither httpd nor the warden keeps any of it

use strict;
use warnings;

use IO::Select;
use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

use constant {
    MIB => 1 << 20,
    BIG => 2 << 30,         # bytes
    SLOW => 200,            # MiB
    HELD => 64,             # MiB at most, by the kernel: two sockets, a pipe
    GROWTH => 8192,         # KiB at most, of a process
    PATIENCE => 300,
};

my $httpd = IvleJail::Httpd->new(name => 'big', config => <<'CONF');
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
Protocols h2c http/1.1
StartServers 1
ServerLimit 1
MaxRequestWorkers 32
MinSpareThreads 1
MaxSpareThreads 32
# httpd allows 1 GiB if it is not told otherwise
LimitRequestBody 0
Timeout 300
RequestReadTimeout body=0
IvleJailLimit cpu unlimited
IvleJailLimit nproc 500
IvleJailLimit fsize unlimited
IvleJailTimeout 600
CustomLog ${IJ_SERVER}/logs/children %P
CONF
my $home = "$USERS/alice/home/alice";

my $COUNT = BIG / 65536;
my %PROGRAMS = (
    output => <<"SH",
echo Content-Type: application/octet-stream
echo
exec dd if=/dev/zero bs=64k count=\${QUERY_STRING:-$COUNT} 2>/dev/null
SH
    input => <<'SH',
echo Content-Type: text/plain
echo
exec dd of=/dev/null bs=64k iflag=fullblock 2>&1
SH
    # says how far it has come, in MiB
    slow => <<"SH",
echo Content-Type: application/octet-stream
echo
for i in \$(seq ${\SLOW}); do
    dd if=/dev/zero bs=64k count=16 2>/dev/null
    echo \$i >../progress.new && mv ../progress.new ../progress
done
SH
);

# --- memory -------------------------------------------------------------------

# KiB of one kind: VmRSS is now, VmHWM the most there was.
sub memory {
    my ($pid, $kind) = @_;
    my ($kib) = slurp("/proc/$pid/status") =~ /^$kind:\s+(\d+) kB$/m;
    return $kib;
}

# The most there was begins anew.
sub forget_peak {
    my ($pid) = @_;
    open(my $out, '>', "/proc/$pid/clear_refs") or die "clear_refs: $!";
    print {$out} '5';
    close $out or die "clear_refs: $!";
}

sub serving_child {
    my ($pid) = slurp("$httpd->{dir}/logs/children") =~ /(\d+)\n\z/;
    return $pid;
}

sub warden {
    my ($pid) = map { /\@(\d+)$/ } $httpd->jails('warden');
    return $pid;
}

# Does something and looks at what that takes.
sub check_memory {
    my ($what, $code) = @_;
    my %pids = (httpd => serving_child(), warden => warden());
    my %before;
    for my $name (sort keys %pids) {
        forget_peak($pids{$name});
        $before{$name} = memory($pids{$name}, 'VmRSS');
    }
    my $start = time;
    $code->();
    my $seconds = time - $start;
    for my $name (sort keys %pids) {
        my $peak = memory($pids{$name}, 'VmHWM');
        cmp_ok($peak - $before{$name}, '<', GROWTH,
            "... the memory of $name does not grow");
        diag sprintf '%s: %s %d KiB before, %d at most, %d after; %.1f s',
            $what, $name, $before{$name}, $peak,
            memory($pids{$name}, 'VmRSS'), $seconds;
    }
}

# --- clients --------------------------------------------------------------------

# What it was told to write of the answer.
sub curl {
    my (@words) = @_;
    my $path = pop @words;
    return eval { run_quietly('curl', '-s', '--noproxy', '*', '--max-time',
        PATIENCE, '-u', 'alice:' . password_of('alice'), @words,
        "http://127.0.0.1:$httpd->{port}$path") } // $@;
}

# Its status and its bytes.
sub got {
    my (@words) = @_;
    return curl('-o', '/dev/null', '-w', '%{http_code} %{size_download}',
        @words);
}

sub download {
    my ($bytes, @options) = @_;
    my $count = $bytes / 65536;
    is(got(@options, "/my/output.sh?$count"), "200 $bytes",
        "$bytes bytes of output" . (@options ? " (@options)" : ''));
}

sub make_sparse {
    my ($file, $bytes) = @_;
    open(my $out, '>', $file) or die "$file: $!";
    truncate $out, $bytes or die "truncate: $!";
    close $out;
}

sub download_file {
    my ($bytes) = @_;
    my $file = put_file(alice => 'web/file', '');
    make_sparse($file, $bytes);
    is(got('/my/file'), "200 $bytes", "a file of $bytes bytes");
    unlink $file;
}

sub upload {
    my ($bytes, @options) = @_;
    my $file = "$httpd->{dir}/upload";
    make_sparse($file, $bytes);
    my $count = $bytes / 65536;
    like(curl('-T', $file, @options, '/my/input.sh'), qr/^$count\+0 records in/,
        "$bytes bytes of upload" . (@options ? " (@options)" : ''));
    unlink $file;
}

# MiB
sub progress {
    return int(eval { slurp("$home/progress") } // 0);
}

# How far the program has come when it does not come any further.
sub stand_still {
    my ($last, $same) = (-1, 0);
    wait_until(PATIENCE, sub {
        my $now = progress();
        $same = $now == $last ? $same + 1 : 0;
        $last = $now;
        return $same == 50;     # times 20 ms
    });
    return $last;
}

# Reads some MiB; false at the end.
sub take {
    my ($request, $mib) = @_;
    my $left = $mib * MIB;
    while ($left > 0) {
        my $n = sysread $request->{socket}, my $data, $left or return 0;
        $left -= $n;
        $request->{tail} = substr(($request->{tail} // '') . $data, -5);
    }
    return 1;
}

sub read_slowly {
    my $request = begin($httpd, '/my/slow.sh', user => 'alice');
    for my $read (0, 40, 80) {
        take($request, 40) if $read;
        my $made = stand_still();
        cmp_ok($made, '<=', $read + HELD, "client has read $read MiB of "
            . SLOW . ": the program has made $made");
    }
    1 while take($request, 10);
    is($request->{tail}, "0\r\n\r\n", '... and gets all of it, later');
    is(progress(), SLOW, '... as much as was made');
}

must_be_root();
must_have_program('curl');
install();
base('busybox');
unlink "$home/progress";
put_program(alice => "web/$_.sh", "#!/bin/sh\n$PROGRAMS{$_}")
    for sort keys %PROGRAMS;
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);
for my $version ([], ['--http2-prior-knowledge']) {     # until it is warm
    download(64 * MIB, @$version);
    upload(64 * MIB, @$version);
}
download_file(64 * MIB);
check_memory('2 GiB of output', sub { download(BIG) });
check_memory('2 GiB of upload', sub { upload(BIG) });
check_memory('2 GiB of a file', sub { download_file(BIG) });
check_memory('256 MiB of unknown length', sub {
    upload(256 * MIB, '-H', 'Transfer-Encoding: chunked') });
check_memory('256 MiB each over HTTP/2', sub {
    download(256 * MIB, '--http2-prior-knowledge');
    upload(256 * MIB, '--http2-prior-knowledge');
});
check_memory('a slow client', \&read_slowly);
ok($httpd->stop, 'httpd stops');
done_testing();
