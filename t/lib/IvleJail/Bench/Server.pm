# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Server;

# A web server that is measured: IvleJail::Httpd with the configuration that
# all of them have (t/bench/httpd.conf), in a control group of its own.
#
#   my $server = IvleJail::Bench::Server->new(name => 'cgid', port => 1,
#       config => "LoadModule cgid_module ...\n");
#   $server->start_all;                 # dies when it does not serve
#   my $mark = $server->{group}->mark;
#   ...
#   $server->stop_all;
#
# helper   a command that runs beside it, in the same group, as www-data

use strict;
use warnings;

use parent 'IvleJail::Httpd';

use IvleJail::Bench::Group;
use IvleJail::Httpd;
use IvleJail::Stage qw($TOP $INSTANCE);

sub new {
    my ($class, %arg) = @_;
    my $self = $class->SUPER::new(%arg, name => "b$arg{name}", mpm => 'event');
    $self->{helper} = $arg{helper};
    $self->{group} = IvleJail::Bench::Group->new(
        "ivlejail-bench-$INSTANCE-$arg{name}");
    return $self;
}

sub write_config {
    my ($self) = @_;
    $self->write_file('conf/httpd.conf', $self->defines
        . IvleJail::Httpd::slurp("$TOP/t/bench/httpd.conf")
        . $self->{config});
}

sub start_all {
    my ($self) = @_;
    my @wrapper = $self->{group}->wrapper;
    $self->start_helper(@wrapper) if $self->{helper};
    $self->start(@wrapper) or die "$self->{instance}: ", $self->output;
}

sub start_helper {
    my ($self, @wrapper) = @_;
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        setpgrp;
        open STDIN, '<', '/dev/null';
        exec @wrapper, 'setpriv', '--reuid', 'www-data', '--regid', 'www-data',
            '--clear-groups', '--', @{ $self->{helper} };
        die "$self->{helper}[0]: $!";
    }
    $self->{helper_pid} = $pid;
}

# Its own children do not end with it.
sub stop_helper {
    my ($self) = @_;
    my $pid = delete $self->{helper_pid} or return;
    kill TERM => -$pid;
    waitpid $pid, 0;
}

sub stop_all {
    my ($self) = @_;
    $self->stop;
    $self->stop_helper;
    $self->{group}->remove;
}

sub url {
    my ($self, $path) = @_;
    return "http://127.0.0.1:$self->{port}$path";
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->stop_all if $self->{group};
}

1;
