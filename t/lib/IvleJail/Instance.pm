# SPDX-License-Identifier: Apache-2.0
package IvleJail::Instance;

# An instance without httpd: a runtime directory and a keep made by timount,
# a sealed policy written by hand, a busybox base, users, and the trampoline
# installed setuid, called as httpd's User would.  For the tests of what the
# privileged programs do with good and bad input.
#
#   my $i = IvleJail::Instance->new('name');
#   $i->add_user(alice => 70001);
#   my $r = $i->start('alice');         # {status, out, err}
#   my $a = $i->ask($r->{socket}, '/home/alice/x.cgi');
#   $i->finish;                         # stops, removes, checks

use strict;
use warnings;

use Cwd qw(abs_path);
use Fcntl qw(:mode);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use POSIX qw(:sys_wait_h dup2 _exit);
use Test::More;

our $ROOT = abs_path(dirname(__FILE__) . '/../../..');
our ($HTTPD_UID, $HTTPD_GID) = (getpwnam 'www-data')[2, 3];

sub new {
    my ($class, $name) = @_;
    my $self = bless {
        name => $name,
        dir  => "/var/lib/ivlejail-$name",
        run  => "/run/ivlejail/$name",
        before => inventory(),
        pid  => $$,
    }, $class;

    BAIL_OUT('these tests need root') if $> != 0;
    remove_tree($self->{dir});
    mkdir "$self->{dir}", 0755 or BAIL_OUT("mkdir $self->{dir}: $!");
    mkdir "$self->{dir}/$_", 0755 for qw(users bases libexec);
    $self->install;
    $self->build_base;
    $self->timount('start');
    $self->seal;
    return $self;
}

sub install {
    my $self = shift;
    my $to = "$self->{dir}/libexec";

    run_ok('install', '-m', '0711', "$ROOT/trampoline/warden", $to);
    run_ok('install', '-m', '0755', "$ROOT/trampoline/timount", $to);
    run_ok('install', '-g', $HTTPD_GID, '-m', '4750',
           "$ROOT/trampoline/trampoline", $to);
}

sub build_base {
    my $self = shift;

    run_ok("$ROOT/base/build", '--kind', 'busybox', '--bases',
           "$self->{dir}/bases", 'tiny');
    $self->{base} = abs_path("$self->{dir}/bases/tiny/current");
}

# Runs a command that must succeed; its output only when it does not.
sub run_ok {
    my @command = @_;
    my $r = run(sub { exec @command or _exit(127) });

    BAIL_OUT("@command: $r->{err}$r->{out}") if $r->{status} != 0;
    return $r->{out};
}

# Runs code in a child, with stdout and stderr collected.
sub run {
    my $code = shift;
    my ($out, $err) = map { tempfile() } 1, 2;
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null' or _exit(126);
        dup2(fileno $out, 1);
        dup2(fileno $err, 2);
        $code->();
        _exit(126);
    }
    waitpid $pid, 0;
    my $status = $?;
    return { wait => $status, status => $status & 127 ? "signal "
             . ($status & 127) : $status >> 8, out => slurp($out),
             err => slurp($err) };
}

sub tempfile {
    open my $fh, '+>', undef or die "temporary file: $!";
    return $fh;
}

sub slurp {
    my $fh = shift;

    seek $fh, 0, 0;
    local $/;
    return <$fh> // '';
}

sub timount {
    my ($self, @arguments) = @_;

    return run_ok("$self->{dir}/libexec/timount", $self->{name}, @arguments);
}

# The lines of a policy; a hash of changes by key, undef leaves a key out.
sub policy {
    my ($self, %change) = @_;
    my @lines = (
        [ 'ivlejail-policy' => '1' ],
        [ instance => $self->{name} ],
        [ httpd => "$HTTPD_UID $HTTPD_GID" ],
        [ warden => "$self->{dir}/libexec/warden" ],
        [ profile => 'default 0000abcd' ],
        [ base => $self->{base} ],
        [ users => "$self->{dir}/users" ],
        [ uids => '70000 79999' ],
        [ provision => 'off' ],
        [ 'limit cpu' => '25 30' ],
        [ 'limit as' => 'unlimited unlimited' ],
        [ 'limit data' => '469762048 536870912' ],
        [ 'limit core' => '0 0' ],
        [ 'limit fsize' => '67108864 75497472' ],
        [ 'limit nproc' => '50 50' ],
        [ 'limit nofile' => '256 256' ],
        [ 'max-requests' => '8 16' ],
        [ idle => '60' ],
        [ network => 'none' ],
        [ linger => 'off' ],
        [ mount => 'proc /proc - -' ],
        [ seccomp => 'off' ],
    );
    my $text = '';

    for my $line (@lines) {
        my ($key, $value) = @$line;
        $value = $change{$key} if exists $change{$key};
        $text .= "$key $value\n" if defined $value;
    }
    return $text . "end\n";
}

sub seal {
    my ($self, %change) = @_;

    $self->write_policy($self->policy(%change));
}

sub write_policy {
    my ($self, $text) = @_;
    my $new = "$self->{run}/policy.new";

    open my $fh, '>', $new or die "$new: $!";
    print $fh $text;
    close $fh or die "$new: $!";
    chmod 0644, $new;
    rename $new, "$self->{run}/policy" or die "rename: $!";
}

sub add_user {
    my ($self, $user, $uid, $gid) = @_;
    my $top = "$self->{dir}/users/$user";

    $gid //= $uid;
    mkdir $_, 0755 for $top, "$top/home";
    for my $leaf ("$top/home/$user", "$top/tmp") {
        mkdir $leaf, 0700;
        chown $uid, $gid, $leaf;
    }
    spew("$top/home/.passwd", "$user:x:${uid}:${gid}::/home/$user:/bin/sh\n");
    spew("$top/home/.group", "$user:x:${gid}:\n");
}

sub spew {
    my ($path, $text) = @_;

    open my $fh, '>', $path or die "$path: $!";
    print $fh $text;
    close $fh or die "$path: $!";
}

# An executable of the user's in the user's home.
sub add_program {
    my ($self, $user, $name, $text) = @_;
    my $path = "$self->{dir}/users/$user/home/$user/$name";
    my ($uid, $gid) = (stat "$self->{dir}/users/$user/home/$user")[4, 5];

    spew($path, $text);
    chown $uid, $gid, $path;
    chmod 0755, $path;
    return "/home/$user/$name";
}

# Drops to httpd's User in a child.
sub become_httpd {
    $( = $HTTPD_GID;
    $) = "$HTTPD_GID $HTTPD_GID";
    POSIX::setgid($HTTPD_GID);
    POSIX::setuid($HTTPD_UID);
}

# Starts the trampoline as httpd's User; options: before (code, in the child,
# after the change of user), as_root, program, arguments, wrap (argv before).
sub start {
    my ($self, $user, %option) = @_;
    my @argv = @{ $option{arguments}
                  // [ $self->{name}, $option{profile} // 'default', $user ] };
    my $program = $option{program} // "$self->{dir}/libexec/trampoline";
    my $r = run(sub {
        become_httpd() unless $option{as_root};
        $option{before}->() if $option{before};
        exec @{ $option{wrap} // [] }, $program, @argv or _exit(125);
    });

    ($r->{socket}) = $r->{out} =~ m{\A(/run/ivlejail/\S+)\n\z};
    ($r->{code}) = $r->{err} =~ /\b(IJ\d{4})\b/;
    return $r;
}

# Has a warden run a program; {status, out, err, answers}.
sub ask {
    my ($self, $socket, $filename, @env) = @_;
    my $answers = tempfile();
    my $r = run(sub {
        dup2(fileno $answers, 20);
        become_httpd();
        exec "$ROOT/build/t/ask", $socket, $filename, @env or _exit(125);
    });

    $r->{answers} = slurp($answers);
    return $r;
}

# What there is in the world that a test could leave behind.
sub inventory {
    my %seen;

    open my $mounts, '<', '/proc/self/mountinfo' or die "mountinfo: $!";
    $seen{"mount " . (split)[4]}++ while <$mounts>;
    for my $stat (glob '/proc/[0-9]*/stat') {
        open my $fh, '<', $stat or next;
        # a zombie has ended: that init has not looked yet is not our affair
        (<$fh> // '') =~ /\((warden|trampoline|timount)\) [^Z]/ or next;
        $seen{"process $1"}++;
    }
    $seen{"file $_"}++ for glob '/run/ivlejail/* /run/ivlejail/*/*';
    return \%seen;
}

# Names of what is there now and was not there at the beginning.
sub left {
    my $self = shift;
    my $now = inventory();

    return sort grep { $now->{$_} > ($self->{before}{$_} // 0) } keys %$now;
}

sub pins {
    my $self = shift;

    return grep { /^pin / } split /\n/, $self->timount('list');
}

sub wardens {
    my $self = shift;

    return grep { /^warden / } split /\n/, $self->timount('list');
}

sub finish {
    my $self = shift;

    $self->timount('stop');
    remove_tree($self->{dir});
    $self->{finished} = 1;
    is_deeply([ $self->left ], [], 'nothing is left behind');
}

sub DESTROY {
    my $self = shift;

    return if $self->{finished} || $self->{pid} != $$;
    local ($?, $@);
    system "$self->{dir}/libexec/timount", $self->{name}, 'stop';
    remove_tree($self->{dir});
}

1;
