# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Own;

# A web server with our module alone, for what is measured of it by itself.
#
#   my $own = IvleJail::Bench::Own->new(name => 'micro', port => 20,
#       users => 100, config => "IvleJailIdle 600\n");
#   my $seconds = $own->timed('/none/17/static?10');    # user17's jail
#   $own->start_jail('default', 'user17');              # without a request
#   $own->sweep;                # {marked, expired, busy, seconds}
#   $own->stop;
#
# /none/N/ and /host/N/ are in the jails of userN, whose profiles differ in
# IvleJailNetwork; /cgi/ and /files/ are mod_cgid's and httpd's own.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use HTTP::Tiny;
use Time::HiRes qw(time);

use IvleJail::Bench::Server;
use IvleJail::Httpd qw(slurp);
use IvleJail::Stage qw($TOP $ROOT $TRAMPOLINE $TIMOUNT base
    run_quietly write_text);

my $MODULES = '/usr/lib/apache2/modules';
my $FIRST_UID = 400000;
my $PLAIN = "$ROOT/own";            # the same programs, without a jail
my $USERS = "$ROOT/own-users";      # a tmpfs: their number is no disk's

sub config {
    my ($users, $more) = @_;
    my $base = base('busybox') =~ s{/current$}{}r;
    my $last = $FIRST_UID + $users;
    return <<"CONF" . $more;
LoadModule cgid_module $MODULES/mod_cgid.so
ScriptSock \${IJ_SERVER}/logs/cgisock
LoadModule ivlejail_module $ROOT/root/modules/mod_ivlejail.so
IvleJailInstance \${IJ_INSTANCE}
IvleJailTrampoline $ROOT/root/usr/lib/ivlejail/trampoline
IvleJailBase $base
IvleJailUsers $USERS
IvleJailUidRange $FIRST_UID $last
<IvleJailProfile none>
</IvleJailProfile>
<IvleJailProfile host>
    IvleJailNetwork host
</IvleJailProfile>
IvleJailAliasMatch "^/(?:none|host)/[0-9]+/(.*)" "/home/%u/web/\$1"
<LocationMatch "^/(?:none|host)/(?<NUMBER>[0-9]+)/">
    IvleJailUser "user%{env:MATCH_NUMBER}" public
</LocationMatch>
<Location /none/>
    IvleJailUse none
</Location>
<Location /host/>
    IvleJailUse host
</Location>
Alias /plain/ $PLAIN/
<Directory $PLAIN>
    Require all granted
</Directory>
<Location /plain/static>
    Options ExecCGI
    SetHandler cgi-script
</Location>
CONF
}

# users: how many are made at once; limit: how many there will ever be
sub new {
    my ($class, %arg) = @_;
    my $self = bless { %arg, made => 0, http => HTTP::Tiny->new(timeout => 60,
        proxy => undef, http_proxy => undef) }, $class;
    make_places();
    $self->add_users($arg{users});
    $self->{server} = IvleJail::Bench::Server->new(name => $arg{name},
        port => $arg{port}, config => config($arg{limit} // $arg{users},
            $arg{config} // ''));
    return $self;
}

sub make_places {
    remove_places();        # of one that was killed
    make_path($PLAIN, $USERS, { mode => 0755 });
    run_quietly('mount', '-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', $USERS);
    make_path("$USERS/.files", { mode => 0755 });
    for my $dir ($PLAIN, "$USERS/.files") {
        run_quietly('install', '-m', '0755', "$TOP/build/bench/static", $dir);
        write_text("$dir/1k", 'f' x 1024);
    }
}

sub remove_places {
    remove_tree($PLAIN);
    return if !-d $USERS;
    run_quietly('umount', '-l', $USERS) if slurp('/proc/mounts') =~ / \Q$USERS\E /;
    rmdir $USERS or die "$USERS: $!";
}

# As IvleJail::Stage makes one, without a process for each: there may be tens
# of thousands.  Their programs are links to one file.
sub add_user {
    my ($number) = @_;
    my ($user, $uid) = ("user$number", $FIRST_UID + $number);
    my $top = "$USERS/$user";
    my $home = "$top/home/$user";
    for my $dir ($top, "$top/home", $home, "$home/web", "$top/tmp") {
        mkdir $dir, 0755 or die "$dir: $!";
    }
    write_text("$top/home/.passwd",
        "$user:x:$uid:$uid:$user:/home/$user:/bin/sh\n");
    write_text("$top/home/.group", "$user:x:$uid:\n");
    for my $name (qw(static 1k)) {
        link "$USERS/.files/$name", "$home/web/$name" or die "$home/web/$name: $!";
    }
    chown $uid, $uid, $home, "$home/web", "$top/tmp";
}

sub add_users {
    my ($self, $last) = @_;
    add_user($_) for $self->{made} + 1 .. $last;
    $self->{made} = $last;
}

# Who has a directory, and nothing in it.
sub add_directories {
    my ($self, $count) = @_;
    for (1 .. $count) {
        mkdir "$USERS/user-$_", 0755 or die "$USERS/user-$_: $!";
    }
}

sub start { return $_[0]->{server}->start_all }

# How long a request takes that must be answered with 200.
sub timed {
    my ($self, $path) = @_;
    my $start = time;
    my $answer = $self->{http}->get($self->{server}->url($path));
    my $seconds = time - $start;
    die "$path: $answer->{status}\n", $self->{server}->error_log
        if $answer->{status} != 200;
    return $seconds;
}

sub trampoline {
    my ($self, $profile, $user) = @_;
    return ($TRAMPOLINE, $self->{server}{instance}, $profile, $user);
}

sub start_jail {
    my ($self, @names) = @_;
    return run_quietly($self->trampoline(@names)) =~ m{^(/\S+)\n\z} ? $1
        : die "no jail of @names\n";
}

sub sweep {
    my ($self) = @_;
    my $start = time;
    my $counts = run_quietly($TIMOUNT, $self->{server}{instance}, 'sweep');
    return { seconds => time - $start, $counts =~ /(\w+) (\d+)/g };
}

# Where the unjailed programs are; and a user's own, as the host sees it.
sub place { return $PLAIN }
sub program { return "$USERS/$_[1]/home/$_[1]/web/static" }

# In a process that only uses it and does not end it.
sub forget {
    my ($self) = @_;
    $self->{is_another} = 1;
    $self->{server}{port} = 0;
    $self->{server}{group} = undef;
}

sub stop {
    my ($self) = @_;
    return if $self->{is_another};
    my $server = delete $self->{server} or return;
    $server->stop_all;
    remove_places();
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->stop;
}

1;
