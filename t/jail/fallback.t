# SPDX-License-Identifier: Apache-2.0
#
# fallback.t - where the kernel has no controllers for the limits of whole
# jails, httpd says once, when it starts, which ones fall back to
# IvleJailLimit, and those hold; "httpd -t" and doctor say it, too

use strict;
use warnings;

use Test::More;

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

use constant CAROL => 76001;

my $PROGRAM = <<'SH';
#!/bin/sh
echo Content-Type: text/plain
echo
grep -E 'processes|data size' /proc/self/limits
cat /proc/self/cgroup
SH

# What every machine has: nothing at all is to be seen.
my @HIDDEN = ('unshare', '-m', 'sh', '-c',
    'mount -t tmpfs none /sys/fs/cgroup && exec "$@"', 'sh');

my $httpd = IvleJail::Httpd->new(name => 'fallback', config => <<'CONF');
IvleJailCgroup memory.max 256M
IvleJailCgroup pids.max 64
IvleJailLimit nproc 40
IvleJailLimit data 32M
<IvleJailProfile other>
    IvleJailCgroup cpu.max 50%
</IvleJailProfile>
CONF
my $name = $httpd->{instance};

# What is said, each thing once: key => what holds instead.
sub announced {
    my ($text) = @_;
    my %of;
    for (split /\n/, $text) {
        /IJ0155: IvleJailCgroup (\S+) falls back to (\w+ \w+), / or next;
        push @{ $of{$1} }, $2;
        like($_, qr/: mount -t cgroup2/, "$1: with the remedy");
    }
    return \%of;
}

my $ALL = { 'memory.max' => ['IvleJailLimit data'],
    'pids.max' => ['IvleJailLimit nproc'],
    'cpu.max' => ['IvleJailLimit cpu'] };

must_be_root();
must_have_program(qw(unshare mount));
install();
base('busybox');
add_user(carol => CAROL);
put_program(carol => 'web/limits.sh', $PROGRAM);

ok($httpd->run_command(@HIDDEN, $httpd->command('-t')),
    'the configuration is right');
is_deeply(announced($httpd->{output}), $ALL, '... what falls back is foretold');

ok($httpd->start(@HIDDEN), 'httpd starts') or diag $httpd->output;
is_deeply(announced($httpd->error_log), $ALL, '... and says it once for each');
for (1, 2) {
    my $answer = finish(begin($httpd, '/my/limits.sh', user => 'carol'));
    like($answer->{content}, qr/processes +40 +40 /, 'IvleJailLimit nproc holds');
    like($answer->{content}, qr/data size +33554432 /, '... and data');
    like($answer->{content}, qr{^0::/$}m, '... and no group is seen')
        if -e '/proc/self/cgroup' && slurp('/proc/self/cgroup') =~ /^0::/m;
}
is_deeply(announced($httpd->error_log), $ALL, '... no request says it again');
my $policy = in_namespace_of($httpd->pid, 'cat',
    "/run/ivlejail/$name/policy");
like($policy, qr/^memory\.max 268435456 off$/m, 'it is sealed as not kept');
unlike($policy, qr/^cgroup on$/m, '... so that no start looks for groups');
my $said = eval { $httpd->ctl('doctor') } // $@;
like($said, qr/^warning limits: profile 'default': IvleJailCgroup $_ .*restart/m,
    "doctor warns that $_ is not kept") for qw(memory\.max pids\.max);
like($said, qr/^warning limits: profile 'other': IvleJailCgroup cpu\.max /m,
    '... of each profile');
ok($httpd->stop, 'httpd stops');
remove_user('carol');
done_testing;
