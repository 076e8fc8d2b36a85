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
use IvleJail::Stage qw($TOP $ROOT $USERS $TRAMPOLINE $TIMOUNT base add_user
    remove_user run_quietly);
use IvleJail::Test qw(put_program put_file);

my $MODULES = '/usr/lib/apache2/modules';
my $FIRST_UID = 400000;
my $PLAIN = "$ROOT/own";            # the same programs, without a jail

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

# dirs: how many more have a directory and nothing else
sub new {
    my ($class, %arg) = @_;
    my $self = bless { %arg, made => 0, http => HTTP::Tiny->new(timeout => 60,
        proxy => undef, http_proxy => undef) }, $class;
    remove_tree($PLAIN);
    make_path($PLAIN, { mode => 0755 });
    run_quietly('install', '-m', '0755', "$TOP/build/bench/static", $PLAIN);
    put_text("$PLAIN/1k", 'f' x 1024);
    $self->add_users($arg{users});
    $self->{server} = IvleJail::Bench::Server->new(name => $arg{name},
        port => $arg{port}, config => config($arg{limit} // $arg{users},
            $arg{config} // ''));
    return $self;
}

sub put_text {
    my ($file, $text) = @_;
    open(my $out, '>', $file) or die "$file: $!";
    print {$out} $text;
    close $out or die "$file: $!";
}

# Links to one file: it is the users that are many.
sub add_users {
    my ($self, $count) = @_;
    for my $number ($self->{made} + 1 .. $count) {
        my $home = add_user("user$number", $FIRST_UID + $number);
        for (['static', "$PLAIN/static"], ['1k', "$PLAIN/1k"]) {
            link $_->[1], "$home/web/$_->[0]" or die "$home/web/$_->[0]: $!";
        }
    }
    $self->{made} = $count if $count > $self->{made};
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

sub stop {
    my ($self) = @_;
    my $server = delete $self->{server} or return;
    $server->stop_all;
    remove_tree($PLAIN);
    run_quietly('sh', '-c', 'cd "$1" && rm -rf --one-file-system user[0-9]*',
        'sh', $USERS);
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->stop;
}

1;
