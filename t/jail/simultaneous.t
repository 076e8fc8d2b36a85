# SPDX-License-Identifier: Apache-2.0
#
# simultaneous.t - many first requests at the same moment, through several
# children of httpd: of one user, and of many users; one jail and one warden
# for each, and everybody gets an answer
#
# Every program waits at a gate until all of them are there, so they did run
# at the same time, and so one that is missing makes the test fail.

use strict;
use warnings;

use List::Util qw(uniq);
use Test::More;

use IvleJail::Client;
use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

use constant { REQUESTS => 200, USERS => 50, FIRST_UID => 71001 };

# One user may take half of all workers, and most threads of one child: there
# must be as many for all requests, however they are spread over the children.
my $CONFIG = <<'CONF';
StartServers 8
ThreadLimit 240
ThreadsPerChild 240
MaxRequestWorkers 1920
MinSpareThreads 1920
MaxSpareThreads 1920
IvleJailMaxRequests 200 0
IvleJailLimit nproc 500
CustomLog ${IJ_SERVER}/logs/children %P
CONF

my $PROGRAM = <<'SH';
#!/bin/sh
echo >> /home/$REMOTE_USER/came
read -r line < /home/$REMOTE_USER/gate
echo Content-Type: text/plain
echo
echo "$(id -u) $(readlink /proc/self/ns/mnt) $(readlink /proc/self/ns/pid)"
SH

my @users = map { sprintf 'user%02d', $_ } 1 .. USERS;
my %uid_of = (carol => 71000,
    map { $users[$_] => FIRST_UID + $_ } 0 .. $#users);

sub come {
    my (@who) = @_;
    my $count = 0;
    $count += -s "$USERS/$_/home/$_/came" // 0 for @who;
    return $count;
}

sub prepare_user {
    my ($user) = @_;
    put_program($user, 'web/wait.sh', $PROGRAM);
    put_file($user, 'came', '');
    return put_gate($user);
}

# Lets each of the users come so many times at once.
sub check_rush {
    my ($httpd, $what, $times, @who) = @_;
    my @gates = map { prepare_user($_) } @who;
    my @requests = map { my $user = $_; map { begin($httpd, '/my/wait.sh',
        user => $user) } 1 .. $times } @who;
    my $all = wait_until(60, sub { come(@who) == $times * @who });
    ok($all, "$what: all run at the same time") or diag come(@who), ' do';
    check_jails($httpd, $what, @who);
    open_gate($_) for @gates;
    check_answers($what, $times, [@who], map { finish($_) } @requests);
}

sub check_jails {
    my ($httpd, $what, @who) = @_;
    is_deeply([sort map { (split)[2] } $httpd->jails('pin')], [sort @who],
        "$what: one jail for each user");
    is_deeply([sort map { /(\w+)@\d+$/ } $httpd->jails('warden')],
        [sort @who], "$what: one warden for each user");
}

sub check_answers {
    my ($what, $times, $who, @answers) = @_;
    my %said;
    is_deeply([grep { $_ ne '200 whole' } map { outcome($_) } @answers], [],
        "$what: all succeed");
    $said{ $_->{content} }++ for @answers;
    is_deeply([sort map { /^(\d+) / } keys %said],
        [sort map { $uid_of{$_} } @$who],
        "$what: each user sees one mount and one pid namespace");
    is_deeply([uniq values %said], [$times], "$what: ... every time");
}

sub evict {
    my ($httpd, @who) = @_;
    $httpd->ctl('jail', 'evict', $_) for @who;
    is_deeply([$httpd->jails('pin'), $httpd->jails('warden')], [],
        'after an evict there is no jail');
}

sub check_all {
    my ($httpd, $round) = @_;
    check_rush($httpd, "$round, one user", REQUESTS, 'carol');
    evict($httpd, 'carol');
    check_rush($httpd, "$round, many users", 1, @users);
    evict($httpd, @users);
}

must_be_root();
install();
base('busybox');
add_user($_ => $uid_of{$_}) for sort keys %uid_of;

my $httpd = IvleJail::Httpd->new(name => 'rush', config => $CONFIG);
ok($httpd->start, 'httpd starts') or diag $httpd->output;
ok(wait_until(60, sub { (() = $httpd->children) >= 9 }),
    'with eight children and the CGI daemon');
check_all($httpd, $_) for 'first', 'again';
cmp_ok(scalar(uniq split /\n/, slurp("$httpd->{dir}/logs/children")), '>', 2,
    'several children of httpd took part');
ok($httpd->stop, 'httpd stops');
remove_user($_) for keys %uid_of;
done_testing;
