# SPDX-License-Identifier: Apache-2.0
package IvleJail::Bench::Peers;

# The ways of running a CGI program that are compared, each a web server of
# its own with the same programs at the same URLs: /cgi/static, dynamic,
# python, perl, and /files/1k, 100k, 10m.
#
#   my $peers = IvleJail::Bench::Peers->new(base => 'debian', users => 1000);
#   $peers->start;
#   $peers->server('warm')->url('/cgi/static?10');
#   $peers->stop;
#
# What they run is made by "make bench-tools".  suEXEC wants its programs below
# /var/www, owned by who runs them: "nobody", so that no account is made.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);

use IvleJail::Bench::Server;
use IvleJail::Httpd qw(slurp);
use IvleJail::Stage qw($TOP $INSTANCE $ROOT $USERS base add_user remove_user
    run_quietly write_text);
use IvleJail::Test qw(put_file put_program);

my $WWW = "/var/www/ivlejail-bench-$INSTANCE";
my $JAIL = "$ROOT/bench";           # bubblewrap's home and tmp
my $FILES = "$ROOT/bench-files";
my $MODULES = '/usr/lib/apache2/modules';
my $FIRST_UID = 300000;             # of the users who are there for cold starts
my %SIZES = ('1k' => 1024, '100k' => 100 * 1024, '10m' => 10 * 1024 * 1024);
my %PROGRAMS = (static => 'build/bench/static', dynamic =>
    'build/bench/dynamic', python => 't/bench/cgi.py', perl => 't/bench/cgi.pl');

my @PEERS = qw(cgid suexec bwrap fcgiwrap fcgid warm cold);
my %TITLES = (
    cgid => 'mod_cgid, no jail',
    suexec => 'mod_cgid + suEXEC',
    bwrap => 'mod_cgid + bwrap',
    fcgiwrap => 'mod_proxy_fcgi + fcgiwrap',
    fcgid => 'mod_fcgid + fcgiwrap',
    warm => 'mod_ivlejail, warm',
    cold => 'mod_ivlejail, cold',
);

sub names { return @PEERS }
sub title { return $TITLES{ $_[-1] } }

# base    which base image the jails have
# users   how many there are for cold starts
sub new {
    my ($class, %arg) = @_;
    my $self = bless { %arg, servers => {} }, $class;
    make_programs($WWW);
    make_jail($JAIL);
    make_users($arg{users});
    make_files();
    return $self;
}

# --- what they serve ----------------------------------------------------------

sub copy {
    my ($from, $to, $owner, $group) = @_;
    run_quietly('install', '-m', '0755', '-o', $owner, '-g', $group, $from,
        $to);
}

sub make_programs {
    my ($dir) = @_;
    remove_tree($dir);
    make_path("$dir/cgi", "$dir/bwrap", { mode => 0755 });
    for my $name (keys %PROGRAMS) {
        copy("$TOP/$PROGRAMS{$name}", "$dir/cgi/$name", 'nobody', 'nogroup');
        copy("$TOP/build/bench/bwrap", "$dir/bwrap/$name", 'root', 'root');
    }
    chown scalar(getpwnam 'nobody'), scalar(getgrnam 'nogroup'), "$dir/cgi";
}

# As a user's, but www-data's, as whom bubblewrap runs.
sub make_jail {
    my ($dir) = @_;
    my @owner = (scalar(getpwnam 'www-data'), scalar(getgrnam 'www-data'));
    remove_tree($dir);
    make_path("$dir/home/alice/web", "$dir/tmp", { mode => 0755 });
    copy("$TOP/$PROGRAMS{$_}", "$dir/home/alice/web/$_", 'www-data', 'www-data')
        for keys %PROGRAMS;
    write_text("$dir/home/.passwd", "alice:x:$owner[0]:$owner[1]::/:/bin/sh\n");
    write_text("$dir/home/.group", "alice:x:$owner[1]:\n");
    chown @owner, "$dir/tmp", "$dir/home/alice", "$dir/home/alice/web";
}

# Links to one program: it is their jails that are new.
sub make_users {
    my ($count) = @_;
    put_program('alice', "web/$_", slurp("$TOP/$PROGRAMS{$_}"))
        for keys %PROGRAMS;
    for my $number (1 .. $count) {
        my $home = add_user("cold$number", $FIRST_UID + $number);
        link "$USERS/alice/home/alice/web/static", "$home/web/static"
            or die "$home/web/static: $!";
    }
}

# One file, to which both web servers come by a name of their own.
sub make_files {
    remove_tree($FILES);
    make_path($FILES, { mode => 0755 });
    for my $name (keys %SIZES) {
        my $file = put_file('alice', "files/$name", 'f' x $SIZES{$name});
        link $file, "$FILES/$name" or die "$FILES/$name: $!";
    }
}

# --- their configuration ------------------------------------------------------

sub load { return map { "LoadModule ${_}_module $MODULES/mod_$_.so\n" } @_ }

sub directory {
    my ($dir, @directives) = @_;
    return join "\n", "Alias /cgi/ $dir/", "<Directory $dir>",
        (map { "    $_" } 'Require all granted', @directives),
        "</Directory>", '';
}

sub cgid {
    my ($dir, @directives) = @_;
    return join '', load('cgid'), "ScriptSock \${IJ_SERVER}/logs/cgisock\n",
        directory($dir, 'Options ExecCGI', 'SetHandler cgi-script',
            @directives);
}

sub config_of_cgid {
    return cgid("$WWW/cgi") . "Alias /files/ $FILES/\n"
        . "<Directory $FILES>\n    Require all granted\n</Directory>\n";
}

sub config_of_suexec {
    return join '', load('suexec'), cgid("$WWW/cgi"),
        "SuexecUserGroup nobody nogroup\n";
}

sub config_of_bwrap {
    my ($self) = @_;
    return cgid("$WWW/bwrap", 'SetEnv BENCH_PROGRAMS /home/alice/web',
        'SetEnv BENCH_BASE ' . base($self->{base}),
        "SetEnv BENCH_HOME $JAIL/home", "SetEnv BENCH_TMP $JAIL/tmp");
}

# GENERIC: SCRIPT_FILENAME is a path, which fcgiwrap wants, and PHP does not.
sub config_of_fcgiwrap {
    return join '', load('proxy', 'proxy_fcgi'),
        "ProxyFCGIBackendType GENERIC\n", directory("$WWW/cgi",
        'SetHandler "proxy:unix:${IJ_SERVER}/run/fcgiwrap|fcgi://localhost/"');
}

sub config_of_fcgid {
    return join '', load('fcgid'), "FcgidIPCDir \${IJ_SERVER}/run\n",
        "FcgidProcessTableFile \${IJ_SERVER}/run/table\n",
        "FcgidMaxRequestLen 10485760\n", directory("$WWW/cgi",
            'Options ExecCGI', 'SetHandler fcgid-script',
            'FcgidWrapper /usr/sbin/fcgiwrap virtual');
}

sub ours {
    my ($self, @directives) = @_;
    return join "\n",
        "LoadModule ivlejail_module $ROOT/root/modules/mod_ivlejail.so",
        'IvleJailInstance ${IJ_INSTANCE}',
        "IvleJailTrampoline $ROOT/root/usr/lib/ivlejail/trampoline",
        'IvleJailBase ' . base($self->{base}) =~ s{/current$}{}r,
        "IvleJailUsers $USERS", @directives, '';
}

# As many at a time as the others start.
sub config_of_warm {
    my ($self) = @_;
    return ours($self, 'IvleJailMaxRequests 64 64', 'IvleJailLimit nproc 200',
        'IvleJailAlias /cgi/ /home/%u/web/',
        'IvleJailAlias /files/ /home/%u/files/',
        map { ("<Location $_>", '    IvleJailUser alice public',
            '</Location>') } '/cgi/', '/files/');
}

sub config_of_cold {
    my ($self) = @_;
    my $last = $FIRST_UID + $self->{users};
    return ours($self, "IvleJailUidRange $FIRST_UID $last",
        'IvleJailAliasMatch "^/cgi/([0-9]+)/(.*)" "/home/cold$1/web/$2"',
        '<LocationMatch "^/cgi/(?<NUMBER>[0-9]+)/">',
        '    IvleJailUser "cold%{env:MATCH_NUMBER}" public',
        '</LocationMatch>');
}

# --- starting and stopping ----------------------------------------------------

sub make_server {
    my ($self, $name) = @_;
    my ($number) = grep { $PEERS[$_] eq $name } 0 .. $#PEERS;
    my $server = IvleJail::Bench::Server->new(name => $name,
        port => $number + 1,
        config => $self->can("config_of_$name")->($self));
    make_path("$server->{dir}/run");
    chown scalar(getpwnam 'www-data'), -1, "$server->{dir}/run";
    $server->{helper} = ['fcgiwrap', '-c', 64,
        '-s', "unix:$server->{dir}/run/fcgiwrap"] if $name eq 'fcgiwrap';
    return $server;
}

sub start {
    my ($self, @names) = @_;
    for my $name (@names ? @names : @PEERS) {
        $self->{servers}{$name} = $self->make_server($name);
        $self->{servers}{$name}->start_all;
    }
}

sub server {
    my ($self, $name) = @_;
    return $self->{servers}{$name} // die "no server $name\n";
}

# All jails of the cold one are taken down with it.
sub restart {
    my ($self, $name) = @_;
    my $server = $self->server($name);
    $server->stop or die "$name does not stop\n";
    $server->start_all;
}

sub stop {
    my ($self) = @_;
    $_->stop_all for values %{ $self->{servers} };
    $self->{servers} = {};
    remove_tree($WWW, $JAIL, $FILES);
    remove_user("cold$_") for 1 .. $self->{users};
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->stop if %{ $self->{servers} };
}

1;
