# SPDX-License-Identifier: Apache-2.0
#
# bench.t - the benchmarks still work: every web server that is compared
# answers as it should, the results are complete, and nothing is left
#
# Times are not looked at.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(all);
use Scalar::Util qw(looks_like_number);
use Test::More;

use IvleJail::Bench::Figures qw(summary ratio);
use IvleJail::Bench::Peers;
use IvleJail::Bench::Plan qw(bars figures);
use IvleJail::Bench::Wrk qw(measure);
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

my $OUTPUT = "$TOP/build/bench/tiny";

sub check_statistics {
    is_deeply(summary(5, 1, 3), { median => 3, min => 1, max => 5,
        rounds => [5, 1, 3] }, 'the median of three');
    is(summary(4, 1, 3, 2)->{median}, 2.5, '... and of four');
    is(summary(undef), undef, '... and of nothing');
    is_deeply(ratio([20, 10, 90], [10, 10, 10])->{rounds}, [2, 1, 9],
        'a ratio is one of each round');
    is(eval { ratio([1, 2], [1]) }, undef, '... of all rounds');
}

# ours: requests per second in one row, where mod_cgid has 100.
sub judgement {
    my ($ours) = @_;
    my ($bar) = bars([{ id => 'static-10-0-8', title => '', figures => {
        warm => { rps => summary($ours) }, cgid => { rps => summary(100) } } }]);
    return $bar->{met};
}

sub check_bars {
    is(judgement(125), 1, 'a bar that is reached is met');
    is(judgement(124), 0, '... and one that is not is missed');
}

sub check_refusal {
    my $httpd = IvleJail::Httpd->new(name => 'bench', port => 9);
    ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);
    my $url = "http://127.0.0.1:$httpd->{port}";
    ok(measure(url => "$url/", clients => 1, seconds => 0.1)->{requests},
        'wrk measures answers');
    eval { measure(url => "$url/none", clients => 1, seconds => 0.1) };
    like($@, qr/answers with an error/, '... and no errors');
    ok($httpd->stop, 'httpd stops');
}

sub is_summary {
    my ($summary, $rounds) = @_;
    return ref $summary eq 'HASH'
        && @{ $summary->{rounds} } == $rounds
        && all { looks_like_number($_) } @$summary{qw(median min max)};
}

# Peak memory is unknown where the kernel does not count it.
sub check_row {
    my ($row, $rounds) = @_;
    for my $peer (@{ $row->{peers} }) {
        my $of = $row->{figures}{$peer};
        is_deeply([grep { !is_summary($of->{$_}, $rounds) }
            grep { $_ ne 'peak' || $of->{$_} } figures()], [],
            "$row->{title}: $peer was measured");
    }
}

sub check_result {
    my $result = decode_json(slurp("$OUTPUT.json"));
    is($result->{plan}, 'tiny', 'the results are JSON');
    my %peers = map { $_ => 1 } map { @{ $_->{peers} } } @{ $result->{rows} };
    is_deeply([sort keys %peers], [sort(IvleJail::Bench::Peers::names())],
        '... of all that is compared');
    check_row($_, $result->{rounds}) for @{ $result->{rows} };
    cmp_ok(scalar @{ $result->{bars} }, '>', 4, '... judged by the bars');
}

sub check_pictures {
    like(slurp("$OUTPUT.svg"), qr/<svg.*mod_ivlejail, warm.*<\/svg>/s,
        'there is a chart');
    like(slurp("$OUTPUT.png"), qr/\A\x89PNG\r\n.*IEND....\z/s, '... or two');
}

must_be_root();
must_have_program(qw(wrk gnuplot bwrap fcgiwrap));
install();
unlink map { "$OUTPUT.$_" } qw(json txt svg png);
my $before = leftovers();
check_statistics();
check_bars();
check_refusal();
my $text = run_quietly("$TOP/t/bench/bench", 'tiny');
like($text, qr/^(?:met|MISSED) .*requests\/s, static C, 10 B, 8 clients/m,
    'ratios are printed');
check_result();
check_pictures();
is_deeply([left_since($before)], [], 'nothing is left');
is_deeply([glob "/sys/fs/cgroup{,/*}/ivlejail-bench-$INSTANCE* "
    . "/var/www/ivlejail-bench-$INSTANCE*"], [], '... nor outside of our places');
done_testing;
