# SPDX-License-Identifier: Apache-2.0
# What became of a program, in one word: each is seen in the status, in one
# line of the error log, in the notes of a CustomLog, and on the page of
# IvleJailExplain; and without that, nothing of it is in the answer.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);

use IvleJail::Connection qw(ask request_text);
use IvleJail::Test;

my $USER = 'dave';      # nproc counts what runs as his uid: here alone
my $UID = 79104;
my $port = Apache::Test::vars('port');
my $logs = Apache::Test::vars('t_logs');

my $ANSWER = 'echo Content-Type: text/plain; echo; echo well';

# Verdict, program, status, where the word is a guess what the log says of a
# limit, and what the page says happened.
my @CASES = (
    [ok => $ANSWER, 200],
    [ok => 'echo Status: 404; echo; echo my own words', 404],
    [exit => 'exit 3', 500, undef,
        qr/^ended with exit status 3 and printed no header$/],
    [exit => "$ANSWER; exit 4", 200],
    [signal => 'kill -SEGV $$', 500, undef,
        qr/^was killed by signal 11 \(segmentation fault\) and printed no/],
    [cpu => 'while :; do :; done', 500,
        qr/signal 24, at its limit of CPU time \(IvleJailLimit cpu\)/,
        qr/^used its 1 s of CPU time and printed no header$/],
    [cpu => q(trap '' XCPU; while :; do :; done), 500,
        qr/signal 9, at its limit of CPU time/,
        qr/^used its 1 s of CPU time and /],
    [cpu => q(sh -c 'while :; do :; done'; exit 5), 500,
        qr/exit status 5, it seems at its limit of CPU time/,
        qr/^ended with exit status 5 \(it seems that it used its 1 s of CPU /],
    [memory => q(exec awk 'BEGIN { s = "x"; while (1) s = s s }'), 500,
        qr/it seems at its limit of memory \(IvleJailLimit data\)/,
        qr/ \(it seems that it got no more memory\) and printed no header$/],
    [memory => q(exec awk -v pid=$$ 'BEGIN { s = sprintf("%20000000s", "x")
        system("kill -9 " pid) }'), 500,
        qr/signal 9, it seems at its limit of memory/,
        qr/^was killed by signal 9 \(killed\) \(it seems that it got no more /],
    [fsize => 'exec dd if=/dev/zero of=/tmp/big bs=64k count=32', 500,
        qr/signal 25, at its limit of file size \(IvleJailLimit fsize\)/,
        qr/^wrote more than 1 MiB into a file and printed no header$/],
    [fsize => q(trap '' XFSZ; exec dd if=/dev/zero of=/tmp/big bs=64k count=32),
        500, qr/exit status 1, it seems at its limit of file size/,
        qr/^ended with exit status 1 \(it seems that it wrote more than 1 MiB /],
    [processes => 'for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done', 500,
        qr/it seems at its limit of processes \(IvleJailLimit nproc\)/,
        qr/ \(it seems that it could start no more processes\) and printed no/],
    [wall => 'exec sleep 1000', 504,
        qr/signal 9, at its limit of time \(IvleJailTimeout\)/,
        qr/^did not end within its 1 s and printed no header$/],
    [wall => "$ANSWER; exec sleep 1000", 'cut', qr/at its limit of time/],
    ['no-header' => 'exit 0', 500, undef,
        qr/^ended with exit status 0 and printed no header$/],
    ['no-header' => 'echo Content-Type: text/plain', 500, undef,
        qr/^ended with exit status 0 and printed no complete header$/],
    ['bad-header' => 'echo Hello, world', 500, undef,
        qr/^printed something that is no header$/],
    ['bad-header' => 'echo Transfer-Encoding: chunked; echo', 502, undef,
        qr/^printed a Transfer-Encoding or Trailer header or/],
);

my @FILES = (
    ['not-executable' => "#!/bin/sh\necho\n", 0644, 403, qr/^is not executable/],
    ['no-interpreter' => "#!/no/such/thing\n", 0755, 500,
        qr/^needs an interpreter that cannot be executed: No such file/],
    ['no-interpreter' => "#!/bin/sh\r\necho\r\n", 0755, 500,
        qr/^needs an interpreter whose name ends with a carriage return$/],
    ['no-interpreter' => "echo\n", 0755, 500,
        qr/^needs an interpreter that cannot be executed: Exec format/],
);

# What the page advises: file, its text and mode, and what must be there.
my @ADVICE = (
    ['header.py', 'exit 0', 0755,
        qr{Before anything else, print a header},
        qr{<pre class="code">print\("Content-Type: text/html"\)\nprint\(\)\n<}],
    ['header.pl', 'echo Hello', 0755, qr{>print "Content-Type: text/html\\n\\n";\n<},
        qr{<pre>Hello\n</pre>}],
    ['header.sh', 'exit 0', 0755, qr{>echo "Content-Type: text/html"\necho\n<}],
    ['header', 'exit 0', 0755, qr{>Content-Type: text/html\n<i>an empty line</i>}],
    ['mode.py', 'exit 0', 0644, qr{>chmod \+x /home/$USER/verdicts/mode\.py\n<},
        qr{>#!/usr/bin/python3\n<}],
    ['quiet.sh', 'exit 1', 0755, qr{It does not say why.*>echo here &gt;&amp;2}s],
    ['says', 'echo the reason >&2; exit 1', 0755, qr{begin with its last line}],
    ['crash', 'kill -FPE $$', 0755, qr{a division by zero}],
    ['command', 'frobnicate', 0755, qr{A command is not there}],
    ['cannot', '/etc/passwd', 0755, qr{A command that it calls cannot be exec}],
    ['syntax', 'if', 0755, qr{not written as its language wants it}],
    ['lost', 'cat nothing; exit 1', 0755, qr{A file is not there}],
    ['denied', 'mkdir -p z; chmod 0 z; cat z/x; exit 1', 0755, qr{<code>ls -l</code>}],
    ['readonly', 'echo >/etc/x; exit 1', 0755, qr{in your home directory and in}],
    ['dos', "frobnicate\r\nexit 1", 0755, qr{\A(?!.*A command is not).*Windows}s],
    ['framed', 'echo Status: 101; echo', 0755, qr{Leave that line out}],
    ['cpu', 'while :; do :; done', 0755, qr{a loop that never ends},
        qr{class="hit"><th scope="row">CPU time</th>}],
    ['wall', 'sleep 1000', 0755, qr{All of its answer must be there 1 s after},
        qr{class="hit"><th scope="row">Time</th><td>\d+\.\d+ s</td><td>of 1 s<}],
    ['memory', q(exec awk 'BEGIN { s = "x"; while (1) s = s s }'), 0755,
        qr{It may ask for 64 MiB in all}, qr{class="hit"><th scope="row">Memory}],
    ['fsize', 'exec dd if=/dev/zero of=/tmp/big bs=64k count=32', 0755,
        qr{may be larger than 1 MiB\.}, qr{too large</td><td>of 1 MiB<}],
    ['processes', 'for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done', 0755,
        qr{may have 8 at a time\.}, qr{too many</td><td>of 8<}],
);

# --- one request ------------------------------------------------------------

sub marks {
    return { map { $_ => log_mark("$logs/$_") } qw(error_log verdict_log
        first_log) };
}

# The request's line in the CustomLog, as it is written at its very end.
sub noted {
    my ($marks, $url) = @_;
    my $line;
    wait_until(60, sub {
        ($line) = grep { / \Q$url\E$/ }
            split /\n/, log_since($marks->{verdict_log}) });
    return $line // '';
}

# What the error log says of the request, but for what the program says.
sub logged {
    my ($marks, $line) = @_;
    my ($id) = $line =~ /^(\S+)/;
    return grep { /\[\Q$id\E\]/ && !/ IJ0060: / }
        split /\n/, log_since($marks->{error_log});
}

sub status_of {
    my ($answer) = @_;
    return $answer->{whole} ? $answer->{code} : 'cut';
}

sub words_of {
    my ($answer) = @_;
    my ($words) = $answer->{body} =~ m{<h1>Your program (.*?)</h1>};
    return $words // 'no page';
}

# The request as a whole; returns the answer and the lines about it.
sub told {
    my ($name, $verdict, $place, $file, $status) = @_;
    my $url = "/verdicts/$place/$file";
    my $marks = marks();
    my $answer = ask($port, GET => $url, user => $USER);
    my $line = noted($marks, $url);

    is(status_of($answer), $status, "$name, $place: status");
    like($line, qr/ user=$USER uid=(?:-|$UID) verdict=$verdict /,
        '... verdict in CustomLog');
    return ($answer, $line, logged($marks, $line));
}

sub is_one_line {
    my ($verdict, @lines) = @_;
    my @verdicts = grep { /; verdict / } @lines;

    is(@verdicts, 1, '... one line of the error log') or diag "@lines";
    like($verdicts[0] // '', qr/'\/home\/$USER\S+' of '$USER'.*; verdict $verdict$/,
        '... that has the verdict');
    return $verdicts[0] // '';
}

sub check_program {
    my ($number, $verdict, $text, $status, $limit, $words) = @_;
    my $file = "$verdict$number" . ($status eq 'cut' ? '-cut' : '');

    put_program($USER => "verdicts/$file", "#!/bin/sh\n$text\n");
    my ($answer, $line, @lines)
        = told($file, $verdict, 'off', $file, $status);
    like($line, qr/ uid=$UID .* cpu=\d+ peak=\d+ wall=\d+ /,
        '... and uid and usage');
    $line = is_one_line($verdict, @lines);
    like($line, $limit // qr/^(?!.*limit)/, '... and the limit, if it was one');
    hides($answer, $file);
    check_page($verdict, $file, $status, $words) if $words;
}

sub check_file {
    my ($number, $verdict, $text, $mode, $status, $words) = @_;
    my $file = "$verdict$number";

    put_file($USER => "verdicts/$file", $text, $mode);
    my ($answer, $line, @lines)
        = told($file, $verdict, 'off', $file, $status);
    like($line, qr/ uid=$UID .* cpu=- peak=- wall=- /,
        '... and uid, no usage');
    is_one_line($verdict, @lines);
    hides($answer, $file);
    check_page($verdict, $file, $status, $words);
}

sub hides {
    my ($answer, $file) = @_;
    unlike($answer->{body}, qr/Your program|it seems|limit|stderr|signal|
        exit.status|chmod|interpreter|\Q$file\E/x, '... not in the answer');
}

sub check_page {
    my ($verdict, $file, $status, $words) = @_;
    my ($answer) = told($file, $verdict, 'on', $file, $status);
    like(words_of($answer), $words, '... the page says so');
}

sub check_advice {
    my ($file, $text, $mode, @advice) = @_;
    put_file($USER => "verdicts/$file", "#!/bin/sh\n$text\n", $mode);
    my $answer = ask($port, GET => "/verdicts/on/$file", user => $USER);
    my @missing = grep { $answer->{body} !~ $_ } @advice;
    is(@missing, 0, "$file: advice") or diag "no @missing in $answer->{body}";
    $answer = ask($port, GET => "/verdicts/off/$file", user => $USER);
    is(scalar(grep { $answer->{body} =~ $_ } @advice), 0, '... only if asked');
}

# --- the tests --------------------------------------------------------------

add_user($USER => $UID);
check_program($_ + 1, @{ $CASES[$_] }) for 0 .. $#CASES;
check_file($_ + 1, @{ $FILES[$_] }) for 0 .. $#FILES;

check_advice(@$_) for @ADVICE;

# --- without a limit of its own ---------------------------------------------------

put_program($USER => 'verdicts/lacks',
    "#!/bin/sh\necho MemoryError >&2\nexit 1\n");
my (undef, undef, @said) = told('no limit', 'memory', 'unlimited', 'lacks', 500);
like(is_one_line('memory', @said),
    qr/exit status 1, it seems for want of memory; /,
    '... and no limit is blamed');

# --- where something else answers ----------------------------------------------

told('ErrorDocument elsewhere', 'exit', 'document', 'exit3', 500);
my $lines = marks();
ask($port, GET => '/verdicts/jailed/exit3', user => $USER);
like(noted($lines, '/verdicts/jailed/exit3'), qr/ verdict=ok /,
    'ErrorDocument in a jail: what is logged last');
like(log_since($lines->{first_log}), qr/^exit$/m, '... and first');

# --- no program, no jail, no client ------------------------------------------

my ($answer, $line) = told('no file', '-', 'off', 'missing', 404);
like($line, qr/ cpu=- peak=- wall=- /, '... and no usage');
($answer, $line) = told('no jail', 'no-jail', 'lost', 'ok1', 403);
like($line, qr/ uid=- .* cpu=- peak=- wall=- /, '... and no usage');

put_program($USER => 'verdicts/waits', <<"SH");
#!/bin/sh
$ANSWER
read -r line < ../gate
SH
my $gate = put_gate($USER);
my $marks = marks();
my $waiting = IvleJail::Connection->new($port);
$waiting->send(request_text(GET => '/verdicts/busy/waits', user => $USER));
$waiting->read_some;
told('busy', 'busy', 'busy', 'ok1', 503);
undef $waiting;
$line = noted($marks, '/verdicts/busy/waits');
like($line, qr/ user=$USER uid=$UID verdict=aborted /, 'aborted: verdict in CustomLog');
is_one_line('aborted', logged($marks, $line));

done_testing();
