# SPDX-License-Identifier: Apache-2.0
#
# sweep_load.t - a sweep every second while four clients come and go: no
# request fails, and none runs twice
#
# Each client goes around among its users, so that a user is away for about
# the second after which a warden ends, and now and then for so long that a
# sweep takes the jail.  The counts at the end say that both happened a lot.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Httpd;
use IvleJail::Load;
use IvleJail::Test;

use constant { SECONDS => 30, LONGEST => 300, CLIENTS => 4, FIRST_UID => 73001,
    REQUESTS => 200, WARDENS => 50, EXPIRED => 10 };

my @users = map { sprintf 'user%02d', $_ } 1 .. 20;

# 20 users and 4 clients: a turn of 0.2 s each is a second for a user.
sub pause {
    return rand() < 0.02 ? 3 : 0.11 + rand 0.07;
}

# For so many seconds; a machine that has other things to do needs more of them.
sub sweep_every_second {
    my ($httpd, $is_enough) = @_;
    my (%total, $second);
    until ($second++ >= SECONDS && $is_enough->(\%total)
           || $second > LONGEST) {
        my $next = time + 1;
        my %count = $httpd->ctl('jail', 'sweep') =~ /(\w+) (\d+)/g;
        $total{$_} += $count{$_} for keys %count;
        sleep $next - time if $next > time;
    }
    return \%total;
}

must_be_root();
install();
base('busybox');
for my $i (0 .. $#users) {
    add_user($users[$i] => FIRST_UID + $i);
    IvleJail::Load::put_counter($users[$i]);
}
my $httpd = IvleJail::Httpd->new(name => 'load', config => "IvleJailIdle 1\n");
ok($httpd->start, 'httpd starts') or diag $httpd->output;
my $load = IvleJail::Load->start($httpd, clients => CLIENTS,
    users => \@users, pause => \&pause);
my $swept = sweep_every_second($httpd, sub {
    $_[0]{expired} > EXPIRED && $load->ran > REQUESTS });
my $done = $load->stop;
is_deeply($done->{wrong}, [], 'no request failed, none ran twice');
cmp_ok($done->{requests}, '>', REQUESTS, 'there were many requests');
cmp_ok($done->{wardens}, '>', WARDENS, '... of wardens that came and went');
cmp_ok($swept->{expired}, '>', EXPIRED, '... in jails that expired');
diag "$done->{requests} requests, $done->{wardens} wardens, "
    . "$swept->{marked} marked, $swept->{expired} expired, "
    . "$swept->{busy} busy";
ok($httpd->stop, 'httpd stops');
remove_user($_) for @users;
done_testing;
