# SPDX-License-Identifier: Apache-2.0
package IvleJail::Sweeper;

# timount under faults: every system call of one of its commands, from its
# trace, is made to fail in each way it can.  There are alice, whose jail is
# in use, and bob.
#
#   my $sweeper = IvleJail::Sweeper->new('name');
#   $sweeper->each_call_fails(name => 'evict', arguments => [ 'evict', 'bob' ],
#       before => sub { $sweeper->have('bob') },
#       done => sub { $sweeper->wrong_without('bob', 1) },
#       after => sub { ... });      # what is wrong after one more command
#   $sweeper->finish;
#
# Of every run, exit status and line are right, and a command that says that it
# did its work (done: what is wrong then) has done it.

use strict;
use warnings;

use Test::More;

use IvleJail::Failures qw(calls faults wrap named);
use IvleJail::Instance;

use constant { ALICE => 76001, BOB => 76002, MANY => 10,
    PATIENCE => IvleJail::Instance::PATIENCE };

my %by_status = map { $_->{status} => 1 } values %{
    IvleJail::Instance::codes() };

sub new {
    my ($class, $name) = @_;
    my $self = bless { i => IvleJail::Instance->new($name), warden => {} },
        $class;

    $self->{i}->add_user(alice => ALICE);
    $self->{i}->add_user(bob => BOB);
    $self->{i}->seal(idle => 3600);
    return $self;
}

sub instance { return $_[0]{i} }

# {status, out, err} of timount.
sub timount {
    my ($self, $arguments, %option) = @_;
    my $i = $self->{i};

    return IvleJail::Instance::run(sub {
        $option{before}->() if $option{before};
        exec @{ $option{wrap} // [] }, "$i->{dir}/libexec/timount",
            $i->{name}, @$arguments or POSIX::_exit(125);
    });
}

# --- what there is ----------------------------------------------------------

sub warden_of {
    my ($self, $user) = @_;
    return "@{[ grep { / \Q$user\E@/ } $self->{i}->wardens ]}";
}

sub have {
    my ($self, $user) = @_;
    $self->{i}->start($user);
    $self->{warden}{$user} = $self->warden_of($user);
}

# A jail that nobody is in.
sub have_unused {
    my ($self, $user) = @_;
    $self->have($user);
    my ($pid) = $self->{warden}{$user} =~ /\@(\d+)$/ or return;
    kill KILL => $pid;
    IvleJail::Instance::wait_until(PATIENCE,
        sub { IvleJail::Instance::has_ended($pid) });
}

# alice's jail is as it was.
sub wrong_with_alice {
    my ($self) = @_;
    my $i = $self->{i};
    my $pins = grep { $_->[4] =~ m{/alice$} } $i->keep_mounts;

    return ($pins == 1 ? () : "alice has $pins pins",
        $self->warden_of('alice') eq $self->{warden}{alice} ? ()
            : 'alice lost her warden',
        map { "alice: $_" } $i->not_started($i->start('alice'), 'alice'));
}

# Processes that run the warden of this instance, in a jail or not.
sub running {
    my ($self) = @_;
    my $warden = "$self->{i}{dir}/libexec/warden";

    return grep { !IvleJail::Instance::has_ended($_) }
        map { (readlink("$_/exe") // '') eq $warden ? m{(\d+)$} : () }
        glob '/proc/[0-9]*';
}

# Nothing is left of a user's, and as many wardens run as are said.
sub wrong_without {
    my ($self, $user, $wardens) = @_;
    my $i = $self->{i};

    # one that was killed takes a moment
    IvleJail::Instance::wait_until(PATIENCE,
        sub { $wardens == (() = $self->running) });
    return map { "${user}'s is not gone: $_" }
        (grep { m{/\Q$user\E$} } $i->sockets,
            map { $_->[4] } $i->keep_mounts),
        $wardens == (() = $self->running) ? () : 'its warden';
}

# Wardens that no evict and no stop would find.
sub unknown_wardens {
    my ($self) = @_;
    my $list = $self->timount([ 'list' ])->{out};
    my @unknown;

    IvleJail::Instance::wait_until(PATIENCE, sub {
        @unknown = grep { $list !~ /\@$_$/m } $self->running;
        !@unknown });
    return map { "warden $_ runs, and nobody knows it" } @unknown;
}

# --- one fault --------------------------------------------------------------

# loading: before main there is nobody to say it in our form.
sub wrong_with_status {
    my ($r, $loading) = @_;

    return if $r->{status} eq '0' || $loading;
    return if $by_status{ $r->{status} }
        && $r->{err} =~ /\Atimount: IJ2\d+: [^\n]+\n\z/;
    return "exit status $r->{status}: $r->{err}";
}

sub wrong {
    my ($self, $command, $fault, $loading) = @_;

    $command->{before}->();
    my $r = $self->timount($command->{arguments}, wrap => [ wrap($fault) ]);
    my @wrong = eval {
        (wrong_with_status($r, $loading),
         $r->{status} eq '0' && $command->{done}
             ? map { "exit status 0, but $_" } $command->{done}->($fault) : (),
         $command->{after}->());
    };
    push @wrong, $@ if $@;
    return map { named($fault) . ": $_" } @wrong;
}

# A walk through /proc that may not look at one of the processes.
sub denials {
    my @names = @_;
    my ($walk) = grep { $names[$_ - 1] eq 'pidfd_open' } 1 .. @names or return;
    my $nth = 0;

    return grep { $_->{number} > $walk }
        map { { who => 0, number => $_, name => 'openat', nth => ++$nth,
            error => 'EACCES' } }
        grep { $names[$_ - 1] eq 'openat' } 1 .. @names;
}

sub each_call_fails {
    my ($self, %command) = @_;
    my @calls = calls(sub {
        my ($before, $wrap) = @_;
        $command{before}->();
        $self->timount($command{arguments}, before => $before,
            wrap => $wrap);
        $command{after}->();
    });
    my ($main) = grep { $calls[0][$_ - 1] eq 'fcntl' } 1 .. @{ $calls[0] };
    # without a stderr there is nowhere to say it
    my @faults = grep { !($_->{name} eq 'fcntl' && $_->{nth} <= 3) }
        faults(@calls), denials(@{ $calls[0] });
    my @wrong;

    for my $fault (@faults) {
        push @wrong, $self->wrong(\%command, $fault,
            $fault->{number} < $main);
        last if @wrong > MANY;
    }

    diag "$command{name}: " . @faults . ' faults in ' . @{ $calls[0] }
        . ' calls';
    is_deeply(\@wrong, [], "$command{name}: each call fails in each way")
        or diag join "\n", @wrong;
}

sub finish {
    my ($self) = @_;
    $self->timount([ 'start' ]);
    $self->{i}->finish;
}

1;
