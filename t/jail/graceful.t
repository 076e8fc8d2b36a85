# SPDX-License-Identifier: Apache-2.0
#
# graceful.t - a graceful restart loses no request; what was changed holds for
# new jails beside the old ones, which finish and expire; what was broken
# answers 503 and nothing else is harmed

use strict;
use warnings;

use Cwd qw(abs_path);
use Test::More;
use Time::HiRes qw(sleep);

use IvleJail::Client;
use IvleJail::Httpd;
use IvleJail::Load;
use IvleJail::Test;

use constant { RESTARTS => 5, REQUESTS => 50 };

my $COPY = "$BASES/graceful";

# Two profiles, and what the second one has in turn.
sub config {
    my (%other) = @_;
    return "IvleJailIdle 1\n<IvleJailProfile other>\n"
        . join('', map { "    $_ $other{$_}\n" } sort keys %other) . <<'CONF';
</IvleJailProfile>
Use Place other
CONF
}

my $VIEW = <<'SH';
#!/bin/sh
test "$QUERY_STRING" != wait || read -r line < ../gate
echo Content-Type: text/plain
echo
version=original
test ! -e /etc/version || read -r version < /etc/version
echo -n "base $version, files "
ulimit -n
SH

my $httpd = IvleJail::Httpd->new(name => 'graceful', config => config());

sub view {
    my ($path) = @_;
    my $answer = finish(begin($httpd, "$path/view.sh", user => 'alice'));
    my ($line) = $answer->{content} =~ /^(base .*)$/m;
    return $line // "$answer->{status}";
}

# The restart is over when the new children have taken over.
sub restart {
    my $mark = log_mark("$httpd->{dir}/logs/error_log");
    ok($httpd->restart, 'a graceful restart') or diag $httpd->output;
    return $mark;
}

sub reload {
    my (%other) = @_;
    $httpd->write_config(config(%other));
    return restart();
}

sub places {
    my @places = sort map { /^pin (other\@\S+)/ } $httpd->jails('pin');
    return @places;
}

# --- the tests --------------------------------------------------------------

sub wait_for_requests {
    my ($load) = @_;
    my $before = $load->ran;
    ok(wait_until(60, sub { $load->ran >= $before + REQUESTS }),
        REQUESTS . ' more requests');
}

sub check_load {
    my $load = IvleJail::Load->start($httpd, clients => 4,
        users => [qw(alice bob)], pause => sub { 0.01 });
    for (1 .. RESTARTS) {
        wait_for_requests($load);
        restart();
    }
    wait_for_requests($load);
    my $done = $load->stop;
    is_deeply($done->{wrong}, [],
        RESTARTS . ' restarts under load: no request failed, none ran twice');
    diag "$done->{requests} requests";
}

# A change while a program runs in the jail of before.
sub check_change {
    my ($what, $old, $new, %other) = @_;
    my $gate = put_gate('alice');
    my $request = begin($httpd, '/other/view.sh?wait', user => 'alice');
    ok(wait_until(60, sub { places() == 1 }), "$what: a program runs");
    my ($old_place) = places();
    reload(%other);
    is(view('/other'), $new, '... the next one sees the change');
    is(scalar places(), 2, '... in a jail beside the old one');
    open_gate($gate);
    like(finish($request)->{content}, qr/^\Q$old\E$/,
        '... in which the first one ends');
    check_old_expires($old_place);
}

# The old one goes although the new one is used all the time.
sub check_old_expires {
    my ($place) = @_;
    ok(wait_until(60, sub {
        view('/other');
        $httpd->ctl('jail', 'sweep');
        sleep 0.3;
        return !grep { $_ eq $place } places();
    }), '... and the old jail expires');
    is(scalar places(), 1, '... the new one does not');
    is_deeply([grep { m{/\Q$place\E$} }
        glob "/run/ivlejail/$httpd->{instance}/sock/*"], [],
        '... nor is the directory of its socket left');
}

sub check_missing_base {
    my $mark = reload(IvleJailBase => "$BASES/nowhere");
    like(log_since($mark), qr{IJ0021: .*'other'.*503.*'\Q$BASES\E/nowhere'},
        'a missing base: httpd goes on, and says what is wrong');
    $mark = log_mark("$httpd->{dir}/logs/error_log");
    is(view('/other'), 503, '... its profile answers 503');
    like(log_since($mark), qr{IJ0005: .*'other'.*'\Q$BASES\E/nowhere'},
        '... with the reason in the log');
    is(view('/my'), 'base original, files 256', '... the other profile works');
    reload();
    is(view('/other'), 'base original, files 256', '... and so do both, later');
}

# A copy of the base image that can be told from it.
sub make_copy {
    remove_copy();
    run_quietly('cp', '-a', abs_path(base('busybox')), $COPY);
    open(my $out, '>', "$COPY/etc/version") or die "version: $!";
    print {$out} "copy\n";
    close $out or die "version: $!";
}

sub remove_copy {
    run_quietly('rm', '-rf', '--one-file-system', $COPY);
}

must_be_root();
install();
make_copy();
put_program(alice => 'web/view.sh', $VIEW);
IvleJail::Load::put_counter($_) for qw(alice bob);
my $before = leftovers();
ok($httpd->start, 'httpd starts') or diag $httpd->output;
check_load();
check_change('another limit', 'base original, files 256',
    'base original, files 99', IvleJailLimit => 'nofile 99');
check_change('another base image', 'base original, files 99',
    'base copy, files 99', IvleJailLimit => 'nofile 99', IvleJailBase => $COPY);
check_missing_base();
ok($httpd->stop, 'httpd stops');
is_deeply([left_since($before)], [], 'nothing is left');
remove_copy();
done_testing;
