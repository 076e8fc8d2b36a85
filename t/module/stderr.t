# SPDX-License-Identifier: Apache-2.0
# What a program writes to its error output comes to httpd's error log line by
# line, as that program's: it can neither get at the log, nor write a line of
# another form, nor fill it.
use strict;
use warnings;

use Test::More;

use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

use constant {
    LINES_MAX => 200,       # of a request (module/lines.h)
    RATION_MAX => 2000,     # of a user, in a child (module/ration.h)
    PER_SECOND => 5,
};

must_be_root();
install();
base('busybox');

# One child: each has its own ration for a user.
my $httpd = IvleJail::Httpd->new(name => 'se', mpm => 'event',
    config => <<'CONF');
StartServers 1
ServerLimit 1
MaxRequestWorkers 32
IvleJailLimit cpu 60 60
CONF
my $error_log = "$httpd->{dir}/logs/error_log";
my $ANSWER = 'echo Content-Type: text/plain; echo';

my %PROGRAMS = (
    truncates => <<"SH",
$ANSWER
readlink /proc/self/fd/2
for log in /proc/self/fd/2 /proc/\$\$/fd/2 /dev/stderr; do
    : >\$log
    truncate -s 0 \$log
    dd if=/dev/zero of=\$log bs=1 count=1 seek=0
    rm -f \$log
    mv \$log /tmp/moved
    ln -sf /tmp/elsewhere \$log
    chmod 0 \$log
done
SH
    odd => <<"SH",
printf 'NUL \\000 ESC \\033[31m CR \\rover DEL \\177 BS \\010 VT \\013\\n' >&2
printf 'bytes \\377\\376 \\303\\244 \\302\\233 back \\\\ pct %%s%%n\\n' >&2
printf '[Wed Nov 25 20:00:00.000000 2026] [core:emerg] [pid 1] a lie\\n' >&2
printf 'one\\r\\n\\n\\n  two' >&2
$ANSWER
SH
    million => "yes 'a line of the flood' | head -n 1000000 >&2\n$ANSWER\n",
    long => "dd if=/dev/zero bs=65536 count=80 2>/dev/null | tr '\\000' x >&2
        $ANSWER\n",
    many => "yes many | head -n ${\LINES_MAX} >&2\n$ANSWER\n",
    one => "echo one line >&2\n$ANSWER\n",
);

sub get {
    my ($name, $user) = @_;
    return $httpd->get("/my/$name", user => $user // 'alice');
}

# What the log has of a request: all lines since, whatever they are.
sub logged {
    my ($name, $user) = @_;
    my $mark = log_mark($error_log);
    my $answer = get($name, $user);
    wait_until(60, sub { log_since($mark) =~ /IJ0065: .*verdict/ });
    return ($answer, split /\n/, log_since($mark));
}

# Of the program's lines, those of its own; and how many are said to be left
# out.
sub said {
    my ($user, @lines) = @_;
    my ($more) = map { /IJ0066: stderr of '$user': (\d+) more lines/ } @lines;
    return ($more // 0, map { /IJ0060: stderr of '$user': (.*)/ } @lines);
}

for my $user (qw(alice bob)) {
    put_program($user => "web/$_", "#!/bin/sh\n$PROGRAMS{$_}")
        for keys %PROGRAMS;
}
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);

# --- the log is out of reach --------------------------------------------------

my @before = (stat $error_log)[0, 1, 2, 4, 5];
my $text = slurp($error_log);
my ($answer, @lines) = logged('truncates');
like($answer->{content}, qr/^pipe:\[\d+\]\n/, "a program's stderr is a pipe");
is_deeply([(stat $error_log)[0, 1, 2, 4, 5]], \@before,
    'whatever it does to it, the log is the same file');
is(substr(slurp($error_log), 0, length $text), $text,
    '... and has what it had');

# --- each line is the program's -----------------------------------------------

($answer, @lines) = logged('odd');
my (undef, @said) = said('alice', @lines);
is_deeply(\@said, [
    'NUL   ESC \\x1b[31m CR \\rover DEL \\x7f BS \\b VT \\v',
    'bytes \\xff\\xfe \\xc3\\xa4 \\xc2\\x9b back \\\\ pct %s%n',
    '[Wed Nov 25 20:00:00.000000 2026] [core:emerg] [pid 1] a lie',
    'one', '  two'], 'what is not printable is escaped');
is(grep({ !/\A[ -~]*\z/ } @lines), 0, '... in all lines');
my ($id) = map { /\[(\S+)\] \[client \S+\] IJ0065: / } @lines;
my $is_ours = qr/\A\[[^]]+\] \[ivlejail:\w+\] \[pid \d+\] \[\Q$id\E\] \[client [\d.:]+\] IJ\d{4}: /;
is(grep({ !/$is_ours/ } @lines), 0, "... and all have the request's id")
    or diag join "\n", @lines;

# --- and there are not too many -------------------------------------------------

($answer, @lines) = logged('million');
my $more;
($more, @said) = said('alice', @lines);
is("$answer->{status} " . @said . " $more", '200 200 999800',
    'of a million lines the first are logged, the others counted');
($answer, @lines) = logged('long');
($more, @said) = said('alice', @lines);
is("$answer->{status} " . @said . " $more", '200 200 5043',
    'a line of 5 MiB is cut, and so are its pieces counted');
is(grep({ length != 1000 } @said), 0, '... of a bounded length');

my ($total, $left_out) = (0, 0);
my $begin = time;
for (1 .. 15) {
    (undef, @lines) = logged('many');
    ($more, @said) = said('alice', @lines);
    $total += @said;
    $left_out += $more;
}
is($total + $left_out, 15 * LINES_MAX, 'of many requests each line counts');
cmp_ok($total, '<=', RATION_MAX + PER_SECOND * (time - $begin + 2),
    '... but no more are logged than the user has');
cmp_ok($left_out, '>', 0, '... and each of them says how many are not');
(undef, @lines) = logged('one', 'bob');
(undef, @said) = said('bob', @lines);
is("@said", 'one line', 'the lines of others are logged as ever');

$httpd->stop;
done_testing();
