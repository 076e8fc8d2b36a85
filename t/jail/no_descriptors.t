# SPDX-License-Identifier: Apache-2.0
#
# no_descriptors.t - each system call of httpd's child for a request, cold or
# warm, that makes a descriptor, a process or memory, fails for want of them:
# the answer is the right one, or an error that the log explains; nothing is
# left open; and the next request works

use strict;
use warnings;

use Test::More;

use IvleJail::Failures qw(calls_of faults with_fault named);
use IvleJail::Faulty qw(difference left_open try_each_fault);
use IvleJail::Httpd qw(runs);
use IvleJail::Test;

use constant { PATIENCE => 60 };

# Those that make something, and how that fails.
my $MAKES = qr/^(?:socket|socketpair|pipe2?|open|openat2?|memfd_create|dup\d?
    |clone3?|vfork|fork|epoll_create1?|eventfd2?|mmap|brk|connect
    |recvmsg|sendmsg|sendto)$/x;
my %WANT = map { $_ => 1 } qw(EMFILE ENFILE ENOMEM ENOBUFS ETOOMANYREFS
    EAGAIN);

my $faulty = IvleJail::Faulty->new(name => 'nofds');
my $httpd = $faulty->{httpd};

sub evict {
    $httpd->ctl('jail', 'evict', 'alice');
}

# Out of memory, APR ends the process: that is httpd's own way.
sub is_end_of_child {
    my ($r, $fault, $pid) = @_;
    return $fault->{name} =~ /^(?:brk|mmap)$/ && $r->{status} == 599
        && wait_until(PATIENCE, sub { !runs($pid) });
}

sub wrong {
    my ($request, $good, $fault) = @_;
    my $pid = $faulty->child;
    my $files = $faulty->at_rest($pid);     # one may have inherited more
    my $r;

    $request->{before}->();
    my $struck = with_fault($pid, $fault,
        sub { $r = $faulty->ask(@{ $request->{ask} }) });
    my @wrong = left_open($pid, $files);
    push @wrong, $faulty->wrong_answer($r, $good, $fault)
        if !is_end_of_child($r, $fault, $pid);
    my $next = $faulty->ask(@{ $request->{ask} })->{text};
    push @wrong, 'the next one: ' . difference($next, $good)
        if $next ne $good;
    return $struck, map { named($fault) . ": $_" } @wrong;
}

sub check {
    my (%request) = @_;
    my $ask = sub { $faulty->ask(@{ $request{ask} }) };
    my $good = $ask->()->{text};
    die "$request{name}: $good" if $good !~ /^200 /;
    my @calls = calls_of($faulty->child,
        sub { $request{before}->(); $ask->() });
    my @faults = grep { $_->{name} =~ $MAKES && $WANT{ $_->{error} } }
        faults(@calls);

    try_each_fault($request{name}, \@calls, \@faults,
        sub { wrong(\%request, $good, $_[0]) });
}

my $before = leftovers();
$httpd->start or BAIL_OUT($httpd->output);
check(name => 'a program', ask => [ '/my/what.sh' ], before => sub { });
check(name => 'a large request', before => sub { }, ask => [ '/my/what.sh',
    headers => { map { ("X-Large-$_" => 'x' x 8000) } 1 .. 10 } ]);
check(name => 'a file', ask => [ '/my/file.txt' ], before => sub { });
check(name => 'a listing', ask => [ '/my/list/' ], before => sub { });
check(name => 'a cold start', ask => [ '/my/what.sh' ], before => \&evict);
ok($httpd->stop, 'httpd ends');
is_deeply([left_since($before)], [], '... and nothing is left');
done_testing();
