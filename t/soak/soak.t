# SPDX-License-Identifier: Apache-2.0
#
# soak.t - mixed traffic of 50 users while whatever can be killed is killed,
# disks are full, users come and go, and httpd is restarted all the time: no
# answer is wrong, no request runs twice, nothing is left
#
# For as many seconds as IVLEJAIL_SOAK says (120); "make soak": 30 minutes.
# What is asked for and how it is judged is in IvleJail::Traffic, what is done
# to the server and what it may lead to in IvleJail::Faults.

use strict;
use warnings;

use Cwd qw(abs_path);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use IvleJail::Faults;
use IvleJail::Httpd;
use IvleJail::Test;
use IvleJail::Traffic;

use constant {
    SECONDS => $ENV{IVLEJAIL_SOAK} // 120,
    CLIENTS => 64,
    FIRST_UID => 75001,
    WARM => 0.4,            # part of the time in which the parent may grow
    GROWTH => 2048,         # KiB of the parent after that
};

my %uid_of = map { sprintf('user%02d', $_) => FIRST_UID + $_ } 1 .. 50;
my @users = sort keys %uid_of;
my @full = @users[0 .. 7];          # whose homes are small disks of their own
my $BASE = "$BASES/soak";

# A client looks whether its connection is open, and then sends: in between,
# on a busy machine, it may not get to run for longer than the usual 5 s.
my $httpd = IvleJail::Httpd->new(name => 'soak', mpm => 'event',
    config => <<'CONF');
KeepAliveTimeout 60
MaxSpareThreads 256
IvleJailBase ${IJ_ROOT}/bases/soak
IvleJailUidRange 75000 75999
IvleJailIdle 1
IvleJailMaxRequests 16 100
IvleJailLimit nproc 1000
<IvleJailProfile stays>
    IvleJailIdle 30
</IvleJailProfile>
Use Place stays
IvleJailListing On
CONF

# --- the stage --------------------------------------------------------------

# A base image with two generations that can be told apart.
sub make_base {
    remove_base();
    run_quietly('mkdir', '-m', '0755', $BASE);
    for my $version (qw(one two)) {
        run_quietly('cp', '-a', abs_path(base('busybox')), "$BASE/$version");
        open(my $out, '>', "$BASE/$version/etc/version") or die "version: $!";
        print {$out} "$version\n";
        close $out or die "version: $!";
    }
    symlink 'one', "$BASE/current" or die "current: $!";
}

sub remove_base {
    run_quietly('rm', '-rf', '--one-file-system', $BASE);
}

sub make_user {
    my ($user) = @_;
    my ($uid, $home) = ($uid_of{$user}, add_user($user => $uid_of{$user}));
    run_quietly('mount', '-t', 'tmpfs', '-o',
        "mode=0700,uid=$uid,gid=$uid,size=2M", 'soak', $home)
        if grep { $_ eq $user } @full;
    IvleJail::Traffic::put_programs($user, $uid);
}

sub remove_all_users {
    for my $user (@full) {
        my $home = "$USERS/$user/home/$user";
        run_quietly('umount', $home)
            if grep { $_ eq $home } @{ mounts() };
    }
    run_quietly('rm', '-rf', '--one-file-system', map { ("$USERS/$_",
        glob("$USERS/.removed-$_-*"), "$USERS/.uids/$uid_of{$_}") } @users);
}

# --- a sweep every second, in a process of its own --------------------------

sub start_sweeps {
    my $pid = fork() // die "fork: $!";
    return $pid if $pid;
    my ($ends, $parent) = (0, getppid);
    local $SIG{TERM} = sub { $ends = 1 };
    open(my $out, '>', "$httpd->{dir}/logs/sweeps") or die "sweeps: $!";
    while (!$ends && getppid == $parent) {
        my $next = time + 1;
        print {$out} eval { $httpd->ctl('jail', 'sweep') } // "failed: $@";
        sleep $next - time if !$ends && $next > time;
    }
    close $out;
    POSIX::_exit(0);
}

sub end_sweeps {
    my ($pid) = @_;
    my %total;
    kill TERM => $pid;
    waitpid $pid, 0;
    my $text = IvleJail::Httpd::slurp("$httpd->{dir}/logs/sweeps");
    $total{$1} += $2 while $text =~ /(marked|expired|busy) (\d+)/g;
    $total{failed} = [$text =~ /^(failed: .*\n?.*)/mg];
    $total{sweeps} = () = $text =~ /^.*marked/mg;
    return \%total;
}

# --- the judgement ----------------------------------------------------------

# How often each nonce was noted: also in homes that were removed since.
sub noted {
    my %times;
    for my $user (@users) {
        for my $home ("$USERS/$user/home/$user",
                      glob "$USERS/.removed-$user-*/home/$user") {
            open(my $in, '<', "$home/ran") or next;
            $times{"$user $_"}++ for map { chomp; $_ } <$in>;
        }
    }
    return \%times;
}

# What is wrong with a request that was noted so many times: nothing, if it is
# as it should be.
sub fault_of {
    my ($faults, $request, $times) = @_;
    my ($outcome, $kind) = @$request{qw(outcome kind)};
    return 'ran twice' if $times > 1;
    return 'ran for nobody' if $times && !IvleJail::Traffic::is_noted($request)
        && $kind ne 'leave';
    if ($outcome eq 'ok') {
        return $times == 0 && IvleJail::Traffic::is_noted($request)
            ? 'did not run' : '';
    }
    return '' if $outcome eq 'left' && $kind eq 'leave';
    return 'ran unread' if $outcome eq 'unread' && $times
        && !$faults->explains({ %$request, outcome => 'none' });
    return $faults->explains($request) ? '' : 'not explained';
}

sub judge {
    my ($faults, @requests) = @_;
    my ($noted, @wrong) = (noted());
    for my $request (@requests) {
        my $times = delete $noted->{"$request->{user} $request->{nonce}"};
        $times //= 0;
        my $fault = fault_of($faults, $request, $times) or next;
        push @wrong, sprintf '%s %s %s, %.3f to %.3f: %s, %s, ran %d times',
            @$request{qw(user kind nonce begin end outcome)}, $fault, $times;
    }
    push @wrong, map { "nobody asked for $_" } sort keys %$noted;
    return @wrong;
}

# What has changed in the parent from after its first restarts to the end.
sub check_parent {
    my ($faults, $start) = @_;
    my @samples = grep { $_->{at} >= $start + WARM * SECONDS }
        @{ $faults->{samples} };
    my @early = splice @samples, 0, @samples / 2;
    my ($files, $more_files) = map { usual('descriptors', @$_) }
        \@early, \@samples;
    my ($memory, $more_memory) = map { usual('memory', @$_) }
        \@early, \@samples;
    cmp_ok($more_files, '<=', $files, "httpd's parent opens no more files");
    cmp_ok($more_memory, '<=', $memory + GROWTH, '... takes no more memory');
    diag "the parent: $files descriptors, later $more_files; "
        . "$memory KiB, later $more_memory";
}

# The median: in a restart it has closed some and opened others for a moment.
sub usual {
    my ($what, @samples) = @_;
    my @sorted = sort { $a <=> $b } map { $_->{$what} } @samples;
    return $sorted[$#sorted / 2] // 0;
}

sub check_all_work {
    my @broken;
    for my $user (@users) {
        for my $profile (qw(my stays)) {
            my $answer = $httpd->get("/$profile/count.sh?last", user => $user);
            push @broken, "$profile $user: $answer->{status}"
                if $answer->{content} !~ /\A$user $uid_of{$user} last /;
        }
    }
    is_deeply(\@broken, [], 'after it, all users are served');
}

# In so much time, chance leaves none of them out.
sub check_enough {
    my ($faults, $swept, @requests) = @_;
    return if SECONDS < 60;
    cmp_ok(scalar @requests, '>', 10 * SECONDS, 'there were many requests');
    cmp_ok($swept->{expired}, '>', SECONDS / 4, '... in jails that expired');
    is_deeply([grep { !$faults->{count}{$_} } $faults->kinds], [],
        '... and faults of all kinds');
}

# --- figures ----------------------------------------------------------------

sub figures {
    my ($faults, $swept, @requests) = @_;
    my %outcomes;
    $outcomes{ "$_->{kind} $_->{outcome}" =~ s/wrong \d+\K.*//r }++
        for @requests;
    my @times = sort { $a <=> $b } map { $_->{end} - $_->{begin} }
        grep { $_->{kind} eq 'count' && $_->{outcome} eq 'ok' } @requests;
    my %wardens = map { $_->{warden} ? ("$_->{user} $_->{warden}" => 1) : () }
        @requests;
    diag sprintf '%d requests in %d s', scalar @requests, SECONDS;
    diag "    $outcomes{$_} $_" for sort keys %outcomes;
    diag 'disturbances: ' . join ', ', map { "$faults->{count}{$_} $_" }
        sort keys %{ $faults->{count} };
    diag sprintf '%d sweeps: %d marked, %d expired, %d busy; %d cold starts '
        . 'or more', map({ $_ // 0 } @$swept{qw(sweeps marked expired busy)}),
        scalar keys %wardens;
    diag sprintf 'a program answers in %.0f ms (p50), %.0f ms (p99)',
        map { 1000 * ($times[$_ * $#times] // 0) } 0.5, 0.99;
}

# --- all of it --------------------------------------------------------------

sub soak {
    my $start = time;
    my $sweeps = start_sweeps();
    my $traffic = IvleJail::Traffic->start($httpd, clients => CLIENTS,
        users => \%uid_of, profiles => [qw(my stays)]);
    my $faults = IvleJail::Faults->new($httpd, users => \%uid_of,
        full => \@full, base => $BASE, generations => [qw(one two)]);
    $faults->turn while time < $start + SECONDS;
    $faults->end;
    my @requests = $traffic->stop;
    my $swept = end_sweeps($sweeps);
    my @wrong = judge($faults, @requests);
    is(scalar @wrong, 0, 'no answer is wrong, no request ran twice, and '
        . 'whatever was not answered was disturbed');
    diag $_ for @wrong > 40 ? @wrong[0 .. 39] : @wrong;
    is_deeply($swept->{failed}, [], 'no sweep failed');
    check_parent($faults, $start);
    check_enough($faults, $swept, @requests);
    figures($faults, $swept, @requests);
}

must_be_root();
install();
remove_all_users();
make_base();
my $before = leftovers();
make_user($_) for @users;
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);
soak();
check_all_work();
ok($httpd->stop, 'httpd stops');
remove_all_users();
is_deeply([left_since($before)], [], 'nothing is left');
remove_base();
done_testing;
