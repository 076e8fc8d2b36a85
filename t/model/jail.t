# SPDX-License-Identifier: Apache-2.0
# The lock, the pin and the idle exit as a model, gone through by spin in
# every order of their steps: t/model/jail.pml says what is held against it.
# Then one rule of the protocol at a time is left out: spin must notice.
#
#   make model              what CI runs
#   IVLEJAIL_MODEL=long     also three requests with a fault and an eviction
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

use IvleJail::Test;

must_have_program(qw(spin gcc));

my $MODEL = "$TOP/t/model/jail.pml";

# Requests, faults, evictions.
my @WHOLE = ([3, 0, 0], [3, 1, 0], [3, 0, 1], [2, 1, 1], [2, 2, 1]);
push @WHOLE, [3, 1, 1] if ($ENV{IVLEJAIL_MODEL} // '') eq 'long';

# What is left out, and what comes of it.
my %BROKEN = (
    BREAK_LOCK => 'starts that do not wait for each other',
    BREAK_HOLD => 'a start that does not keep the pin open',
    BREAK_IDLE_EXIT => 'an idle warden that leaves with its backlog',
    BREAK_SWEEP_LOCK => 'a sweep that clears away without the lock',
    BREAK_EVICT_LOCK => 'an eviction without the lock',
    BREAK_EVICT_WAIT => 'an eviction that does not wait for the wardens',
);

# What the verifier says of the model with these definitions.
sub verify {
    my @defines = map { "-D$_" } @_;
    my $dir = tempdir(CLEANUP => 1);
    run_quietly('sh', '-c', 'cd "$0" && spin "$@" -a "$IVLEJAIL_PML" &&
        gcc -w -O1 -DSAFETY -DCOLLAPSE -DVECTORSZ=2048 -o pan pan.c',
        $dir, @defines);
    return run_quietly('sh', '-c', 'cd "$0" && ./pan -m1000000', $dir);
}

# "" for a search that was finished without a fault.
sub fault_of {
    my ($said) = @_;
    return $1 if $said =~ /^pan:1: (.*?) \(at depth/m;
    return 'not finished' if $said !~ /^State-vector.* errors: 0$/m
        || $said =~ /not completed|max search depth too small/;
    return '';
}

$ENV{IVLEJAIL_PML} = $MODEL;
for my $sizes (@WHOLE) {
    my ($requests, $faults, $evictions) = @$sizes;
    my $said = verify("REQUESTS=$requests", "FAULTS=$faults",
        "EVICTIONS=$evictions");
    is(fault_of($said), '', "$requests requests, $faults faults, "
        . "$evictions evictions");
    my ($states) = $said =~ /^\s*(\S+) states, stored/m;
    note("$states states");
}
for my $rule (sort keys %BROKEN) {
    like(fault_of(verify('REQUESTS=2', $rule)), qr/assertion violated/,
        "noticed: $BROKEN{$rule}");
}
like(fault_of(verify('REQUESTS=2', 'FAULTS=0', 'EVICTIONS=0',
    'COLD_STARTS_MAX=1')), qr/assertion violated/,
    'noticed: a request that tries one cold start only');

done_testing();
