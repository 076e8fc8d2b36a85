# SPDX-License-Identifier: Apache-2.0
#
# limits.t - each limit bites, in a profile where it is low, and lets the same
# program go where it is as documented; and the defaults are so

use strict;
use warnings;

use IO::Select;
use Test::More;

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

use constant { CAROL => 74001, MIB => 1024 * 1024 };

my $HEADER = "#!/bin/sh\necho Content-Type: text/plain\necho\n";
my $CORES_ARE_FILES = slurp('/proc/sys/kernel/core_pattern') =~ m{^[^|/]};

my @CASES = (
    # name, directives of the profile, program, what comes of it there, what
    # comes of it with the defaults (undef: would take too long), log
    ['cpu', 'IvleJailLimit cpu 1 2', 'while :; do :; done',
        'cut', undef, qr/signal \d+, at its limit of CPU time \(IvleJailLim/],
    ['cpu-hard', 'IvleJailLimit cpu 1 2', 'trap "" XCPU; while :; do :; done',
        'cut', undef, qr/signal 9, at its limit of CPU time \(IvleJailLim/],
    ['data', 'IvleJailLimit data 32M',
        'dd if=/proc/version of=/tmp/x bs=64M 2> /dev/null && echo done',
        '200 ', '200 done', qr/exit status 1;/],
    ['as', 'IvleJailLimit as 64M',
        'dd if=/proc/version of=/tmp/x bs=128M 2> /dev/null && echo done',
        '200 ', '200 done', qr/exit status 1;/],
    ['fsize', 'IvleJailLimit fsize 1M',
        'exec dd if=/bin/busybox of=/tmp/big bs=64k 2> /dev/null',
        'cut', '200 ', qr/at its limit of file size \(IvleJailLimit fsize\)/],
    ['nproc', 'IvleJailLimit nproc 10',
        'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; echo done',
        '200 ', '200 done', qr/can't fork: Resource temporarily unavailable/],
    ['nofile', 'IvleJailLimit nofile 11',   # the shell itself has 0, 1, 2, 10
        'exec 3< $0 4< $0 5< $0 6< $0 7< $0 8< $0 9< $0; : < $0; echo done',
        '200 ', '200 done', qr/Too many open files/],
    ['core', 'IvleJailLimit core 64M',
        'cd /tmp; sh -c "kill -SEGV \$\$" 2> /dev/null; ls',
        $CORES_ARE_FILES ? '200 core' : '200 ', '200 ', qr/exit status 0;/],
    ['wall', 'IvleJailTimeout 5', 'exec sleep 1000',
        'cut', undef, qr/signal 9, at its limit of time \(IvleJailTimeout\)/],
);

# In /proc/self/limits; the hard one may be lower where httpd's own is.
my %DEFAULTS = (
    'Max cpu time' => [25, 30],
    'Max file size' => [64 * MIB, 72 * MIB],
    'Max data size' => [448 * MIB, 512 * MIB],
    'Max core file size' => [0, 0],
    'Max processes' => [50, 50],
    'Max open files' => [256, 256],
    'Max address space' => ['unlimited', 'unlimited'],
);

# A profile of this name for requests below /name/; IvleJailTimeout is not
# one of a profile's directives.
sub profile {
    my ($name, $directive) = @_;
    my ($inside, $outside) = $directive =~ /Timeout/ ? ('', $directive)
        : ($directive, '');
    return <<"CONF";
<IvleJailProfile $name>
    $inside
</IvleJailProfile>
Use Place $name
<Location /$name/>
    $outside
</Location>
CONF
}

my $httpd = IvleJail::Httpd->new(name => 'limits', config => join '',
    (map { profile($_->[0], $_->[1]) } @CASES),
    profile('few', 'IvleJailMaxRequests 1 1'),
    profile('hasty', 'IvleJailTimeout 1'));
my $log = "$httpd->{dir}/logs/error_log";

# --- one program --------------------------------------------------------------

# What the client hears; an answer that was cut short before any of it was on
# its way is a 502.
sub run {
    my ($path) = @_;
    unlink glob "$USERS/carol/tmp/*";
    my $answer = finish(begin($httpd, $path, user => 'carol'));
    return 'cut' if $answer->{status} == 502 || !$answer->{whole};
    return $answer->{status} if $answer->{status} != 200;
    return "200 $answer->{content}" =~ s/\n\z//r;
}

sub check_limit {
    my ($name, $directive, $program, $low, $default, $said) = @_;
    my $mark = log_mark($log);
    is(run("/$name/$name.sh"), $low, "$name: $directive");
    like(log_since($mark), $said, '... as the log says');
    is(-s "$USERS/carol/tmp/big", MIB, '... to the byte') if $name eq 'fsize';
    is(run("/my/$name.sh"), $default, '... not with the defaults')
        if defined $default;
}

sub check_timeout {
    my $mark = log_mark($log);
    is(run('/hasty/silent.sh'), 504, 'no header within IvleJailTimeout: 504');
    like(log_since($mark), qr/IJ0065: .*at its limit of time/,
        '... as the log says');
}

sub check_defaults {
    my %found = map { /^(Max .*?) {2,}(\S+) +(\S+)/ ? ($1 => [$2, $3]) : () }
        split /\n/, $httpd->get('/my/defaults.sh', user => 'carol')->{content};
    is_deeply({ map { $_ => $found{$_} } keys %DEFAULTS }, \%DEFAULTS,
        'the defaults');
}

# --- many at a time -----------------------------------------------------------

# The answer that comes first, taken out of the list.
sub first_answer {
    my ($requests) = @_;
    my $select = IO::Select->new(map { $_->{socket} } @$requests);
    my ($socket) = $select->can_read(60) or return { status => 'none' };
    my ($first) = grep { $_->{socket} == $socket } @$requests;
    @$requests = grep { $_ != $first } @$requests;
    return finish($first);
}

# One more than may run and wait.
sub check_requests {
    my ($what, $path, $running, $queue) = @_;
    my $gate = put_gate('carol');
    my $mark = log_mark($log);
    my @requests = map { begin($httpd, "$path/wait.sh", user => 'carol') }
        0 .. $running + $queue;
    my $refused = first_answer(\@requests);
    is($refused->{status}, 503, "$what: one too many gets 503");
    is($refused->{headers}{'retry-after'}, 5, '... with Retry-After');
    like(log_since($mark), qr/IJ0091: too many requests.*IvleJailMaxRequests/,
        '... as the log says');
    ok(wait_until(60, sub {
        $running == grep { / busybox$/ } @{ processes() } }),
        "... while $running run");
    open_gate($gate);
    is_deeply([grep { $_ ne '200 whole' } map { outcome(finish($_)) }
        @requests], [], '... and all others come to their end');
}

must_be_root();
install();
base('busybox');
add_user(carol => CAROL);
put_program(carol => "web/$_->[0].sh", "$HEADER$_->[2]\n") for @CASES;
put_program(carol => 'web/silent.sh', "#!/bin/sh\nexec sleep 1000\n");
put_program(carol => 'web/defaults.sh', "${HEADER}cat /proc/self/limits\n");
put_program(carol => 'web/wait.sh', "#!/bin/sh\nread -r line < ../gate\n"
    . "echo Content-Type: text/plain\necho\n");
ok($httpd->start, 'httpd starts') or diag $httpd->output;
check_limit(@$_) for @CASES;
check_timeout();
check_defaults();
check_requests('IvleJailMaxRequests 1 1', '/few', 1, 1);
check_requests('the default', '/my', 8, 16);
ok($httpd->stop, 'httpd stops');
remove_user('carol');
done_testing;
