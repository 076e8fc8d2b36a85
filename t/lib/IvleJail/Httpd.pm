# SPDX-License-Identifier: Apache-2.0
package IvleJail::Httpd;

# A private httpd of Debian's make on a loopback port: for tests of starting
# and stopping, which cannot share the one that t/TEST runs, and for t/TEST
# itself, which lets prepare() write the server's directory.
#
#   my $httpd = IvleJail::Httpd->new(name => 'life', config => <<'CONF');
#   IvleJailIdle 1
#   CONF
#   $httpd->start or diag $httpd->output;
#   $httpd->get('/my/hello.sh', user => 'alice');
#   $httpd->graceful;
#   $httpd->stop;

use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use Exporter qw(import);
use File::Path qw(make_path remove_tree);
use HTTP::Tiny;
use MIME::Base64 qw(encode_base64);

use IvleJail::Stage qw($TOP $INSTANCE $ROOT $CTL $TIMOUNT run_quietly);
use IvleJail::Wait;

our @EXPORT_OK = qw(runs password_of htpasswd_of mpm slurp);

my $APACHE2 = '/usr/sbin/apache2';
my $PORT = $ENV{IVLEJAIL_PORT} // 8529;
my @USERS = (qw(alice bob carol dave eve), map { sprintf 'user%02d', $_ } 1..60);

sub mpm { return $ENV{IVLEJAIL_MPM} // 'event' }

# Not a secret: everybody in the test's htpasswd has one of this form.
sub password_of {
    my ($user) = @_;
    return "$user-secret";
}

# The text of a file for AuthUserFile.
sub htpasswd_of {
    my @users = @_;
    return join '', map { "$_:{SHA}" . sha1_base64(password_of($_)) . "=\n" }
        @users;
}

# name     instance is "<IVLEJAIL_INSTANCE>-<name>", unless instance is given
# port     counted from IVLEJAIL_PORT, which t/TEST's own server has
# config   goes after stock.conf
# users    who else may log in
sub new {
    my ($class, %arg) = @_;
    my $name = $arg{name} // die 'name?';
    my $self = bless {
        instance => $arg{instance} // "$INSTANCE-$name",
        port => $PORT + ($arg{port} // 1),
        mpm => $arg{mpm} // mpm(),
        dir => "$ROOT/httpd-$name",
        config => $arg{config} // '',
        users => $arg{users},
        output => '',
    }, $class;
    $self->clear_away(!defined $arg{instance});
    $self->prepare;
    $self->write_config;
    return $self;
}

# What a test that was killed has left; an instance that is shared with another
# server is that one's.
sub clear_away {
    my ($self, $is_own) = @_;
    $self->stop;
    run_quietly($TIMOUNT, $self->{instance}, 'stop')
        if $is_own && -x $TIMOUNT && -d "/run/ivlejail/$self->{instance}";
}

sub prepare {
    my ($self) = @_;
    remove_tree($self->{dir}) if !$self->{keep};
    make_path(map { "$self->{dir}/$_" } qw(conf logs htdocs));
    $self->write_file('htdocs/index.html', "welcome\n");
    $self->write_file('conf/htpasswd',
        htpasswd_of(@USERS, @{ $self->{users} // [] }));
}

sub write_file {
    my ($self, $name, $text) = @_;
    open(my $out, '>', "$self->{dir}/$name") or die "$name: $!";
    print {$out} $text;
    close $out or die "$name: $!";
}

# What stock.conf wants to know, as directives.
sub defines {
    my ($self) = @_;
    return join '', map { "Define $_->[0] $_->[1]\n" } (
        [IJ_ROOT => $ROOT], [IJ_INSTANCE => $self->{instance}],
        [IJ_SERVER => $self->{dir}], [IJ_PORT => $self->{port}],
        [IJ_MPM => $self->{mpm}]);
}

sub write_config {
    my ($self, $config) = @_;
    $self->{config} = $config if defined $config;
    $self->write_file('conf/httpd.conf', $self->defines
        . slurp("$TOP/t/conf/stock.conf") . $self->{config});
}

sub command {
    my ($self, @more) = @_;
    return ($APACHE2, '-d', $self->{dir}, '-f', "$self->{dir}/conf/httpd.conf",
        @more);
}

# Runs httpd with more arguments and keeps what it prints.
sub control {
    my ($self, @more) = @_;
    return $self->run_command($self->command(@more));
}

sub run_command {
    my ($self, @command) = @_;
    my $file = "$self->{dir}/logs/output";
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $file;
        open STDERR, '>&', \*STDOUT;
        exec @command or die "$command[0]: $!";
    }
    waitpid $pid, 0;
    $self->{output} = slurp($file);
    return $? == 0;
}

# What the last command printed, and what the error log says.
sub output { return $_[0]->{output} . $_[0]->error_log }

sub configtest { return $_[0]->control('-t') }

# True when it serves.  A wrapper is a command that httpd is started through.
sub start {
    my ($self, @wrapper) = @_;
    $self->run_command(@wrapper, $self->command('-k', 'start')) or return 0;
    return $self->wait_until(120, sub {
        $self->pid && $self->get('/')->{status} != 599 });
}

sub graceful {
    my ($self) = @_;
    return $self->control('-k', 'graceful');
}

# The same, when it is over: meanwhile httpd may forget what else it is told.
sub restart {
    my ($self) = @_;
    my $count = () = $self->error_log =~ /resuming normal/g;
    return $self->graceful && $self->wait_until(120, sub {
        $count < (() = $self->error_log =~ /resuming normal/g) });
}

# True when the parent is gone.
sub stop {
    my ($self) = @_;
    my $pid = $self->pid or return 1;
    kill TERM => $pid;
    return $self->wait_until(120, sub { !runs($pid) });
}

# Of the running parent, or 0.  A number in a file may be another's by now.
sub pid {
    my ($self) = @_;
    my $pid = eval { slurp("$self->{dir}/logs/httpd.pid") } // '';
    my $command = eval { slurp('/proc/' . int($pid || 0) . '/cmdline') } // '';
    return $command =~ /\0\Q$self->{dir}\E\0/ ? int $pid : 0;
}

sub children {
    my ($self) = @_;
    my $pid = $self->pid or return;
    return map { m{^/proc/(\d+)/} && stat_of($1)->{ppid} == $pid ? $1 : () }
        glob '/proc/[0-9]*/stat';
}

# A process's parent and state; zeros when it is gone.
sub stat_of {
    my ($pid) = @_;
    my $stat = eval { slurp("/proc/$pid/stat") } // '';
    my ($state, $ppid) = $stat =~ /\) (\S) (\d+) /;
    return { state => $state // '', ppid => $ppid // 0 };
}

# Not one that only waits for init to take notice, which may take a while.
sub runs {
    my ($pid) = @_;
    return stat_of($pid)->{state} =~ /^[^ZX]/;
}

# ivlejailctl on this instance; its output.
sub ctl {
    my ($self, @words) = @_;
    return run_quietly($CTL, @words, '--instance', $self->{instance});
}

# What there is of jails: ("pin <place> <user>", "warden <place> <user>@<pid>").
sub jails {
    my ($self, $kind) = @_;
    return grep { /^$kind / } split /\n/, $self->ctl('jail', 'list');
}

# user: with this user's password.  Returns HTTP::Tiny's answer.
sub get {
    my ($self, $path, %arg) = @_;
    return $self->request('GET', $path, %arg);
}

sub request {
    my ($self, $method, $path, %arg) = @_;
    my %headers = %{ $arg{headers} // {} };
    if ($arg{user}) {
        $headers{Authorization} = 'Basic ' . encode_base64(
            "$arg{user}:" . ($arg{password} // password_of($arg{user})), '');
    }
    return HTTP::Tiny->new(timeout => $arg{timeout} // 60, proxy => undef,
        http_proxy => undef)->request($method,
        "http://127.0.0.1:$self->{port}$path",
        { headers => \%headers,
          defined $arg{content} ? (content => $arg{content}) : () });
}

sub error_log {
    my ($self) = @_;
    return eval { slurp("$self->{dir}/logs/error_log") } // '';
}

sub slurp {
    my ($file) = @_;
    open(my $in, '<', $file) or die "$file: $!";
    local $/;
    return scalar(<$in>) // '';
}

sub wait_until {
    my ($self, $seconds, $condition) = @_;
    return IvleJail::Wait::wait_until($seconds, $condition, 0.05);
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->stop if $self->{port};
}

1;
