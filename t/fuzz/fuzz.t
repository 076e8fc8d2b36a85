# SPDX-License-Identifier: Apache-2.0
# Each fuzz target on its corpus, and for some time beyond it.
#
#   make fuzz FUZZ_RUNS=10000000        for longer
#
# What libFuzzer finds is in build/fuzz/<target>-crash-...; "<target> FILE"
# does it again.  What it has learned goes to build/fuzz/<target>.corpus; to
# keep it: build/fuzz/<target> -merge=1 t/fuzz/corpus/<target> that directory.
use strict;
use warnings;

use File::Basename qw(basename);
use File::Path qw(make_path);
use Test::More;

use IvleJail::Test;

my $RUNS = $ENV{IVLEJAIL_FUZZ_RUNS} // 20_000;
my $SECONDS_PER_INPUT = 60;
my $MEMORY_MIB = 1024;

# Bytes of an input: beyond them there is only more of the same.
my %LENGTH = (fuzz_policy => 4096, fuzz_names => 80, fuzz_text => 300);

my @targets = map { basename($_, '.c') } glob "$TOP/t/fuzz/fuzz_*.c";
cmp_ok(scalar @targets, '>', 0, 'there are targets');
for my $target (@targets) {
    my $program = "$TOP/build/fuzz/$target";
    my $learned = "$program.corpus";
    make_path($learned);
    my $said = eval { run_quietly($program, "-runs=$RUNS",
        '-max_len=' . ($LENGTH{$target} // 1024), "-rss_limit_mb=$MEMORY_MIB",
        "-timeout=$SECONDS_PER_INPUT", "-artifact_prefix=$program-",
        $learned, "$TOP/t/fuzz/corpus/$target") } // $@;
    like($said, qr/^#\d+\s+DONE\b/m, $target) or diag $said;
    note("$1 runs") if $said =~ /^#(\d+)\s+DONE/m;
}

done_testing();
