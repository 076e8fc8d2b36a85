# SPDX-License-Identifier: Apache-2.0
package IvleJail::Browser;

# A real browser, Debian's chromium without a screen, for what only a browser
# can tell: how a page looks, what its scripts do, which cookies are sent.
#
#   my $browser = IvleJail::Browser->new;
#   $browser->open('http://127.0.0.1:8529/my/x.py', user => 'alice');
#   $browser->phone;                            # or desktop, size(800, 600)
#   is($browser->overflow, 0, 'nothing to scroll sideways');
#   is($browser->js('return document.title'), 'x');
#   my $text = $browser->async('const done = arguments[0];
#       fetch("/y").then(a => a.text()).then(done)');
#   $browser->picture('x-phone');               # build/pictures/x-phone.png
#   $browser->quit;                             # DESTROY does it, too
#
# Every name below .test is 127.0.0.1 to it, and nothing else has an address:
# it asks nobody outside.  Its profile is new, and goes with it.
#
# chromedriver does the work; https://www.w3.org/TR/webdriver2/ says how it
# wants to be asked.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use POSIX qw(setsid);
use Time::HiRes qw(sleep time);

use IvleJail::Httpd qw(password_of runs slurp);
use IvleJail::Stage qw($TOP);

my $DRIVER = '/usr/bin/chromedriver';
my $PICTURES = "$TOP/build/pictures";
my $PATIENCE = 120;     # seconds for one thing, on a busy machine
my @FLAGS = (
    '--headless',
    '--no-sandbox',             # it runs as root here
    '--disable-gpu',
    '--disable-dev-shm-usage',  # which is small in a container
    '--disable-quic',
    '--disable-sync',
    '--disable-extensions',
    '--disable-background-networking',
    '--disable-component-update',
    '--no-first-run',
    '--no-proxy-server',
    '--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, '
        . 'EXCLUDE 127.0.0.1',
);
my $json = JSON::PP->new->utf8->allow_nonref;

# --- beginning and end ------------------------------------------------------

# Options: flags (a list, more for chromium).
sub new {
    my ($class, %arg) = @_;
    my $self = bless { dir => tempdir('ivlejail-XXXXXX', TMPDIR => 1),
        http => HTTP::Tiny->new(timeout => $PATIENCE, proxy => undef,
            http_proxy => undef) }, $class;
    $self->start_keeper;
    $self->{driver} = 'http://127.0.0.1:' . port_in("$self->{dir}/driver.log")
        . '/session';
    $self->start_session(@{ $arg{flags} // [] });
    return $self->desktop;
}

# The keeper ends the browser and removes its directory when it is told to, or
# when nobody has the other end of its pipe: also when the test was killed.
sub start_keeper {
    my ($self) = @_;
    pipe(my $wait, $self->{alive}) or die "pipe: $!";
    $self->{pid} = fork() // die "fork: $!";
    return if $self->{pid};
    close $self->{alive};
    setsid();
    CORE::open STDIN, '<', '/dev/null';
    CORE::open STDOUT, '>', "$self->{dir}/driver.log";
    CORE::open STDERR, '>&', \*STDOUT;
    $self->start_driver;
    sysread $wait, my $nothing, 1;
    end_processes(grep { $_ != $$ } processes_of($$));
    remove_tree($self->{dir});
    POSIX::_exit(0);
}

sub start_driver {
    my ($self) = @_;
    my $pid = fork();
    POSIX::_exit(127) if !defined $pid;
    return if $pid;
    @ENV{qw(HOME TMPDIR XDG_CONFIG_HOME XDG_CACHE_HOME)} = ($self->{dir}) x 4;
    delete $ENV{$_} for grep { /_proxy\z/i } keys %ENV;
    { exec $DRIVER, '--port=0' }
    POSIX::_exit(127);
}

# The driver chooses one, and says so.
sub port_in {
    my ($log) = @_;
    my $end = time + $PATIENCE;
    my $text = '';
    while (time < $end) {
        $text = eval { slurp($log) } // '';
        return $1 if $text =~ /successfully on port (\d+)/;
        sleep 0.02;
    }
    die "$DRIVER does not start:\n$text";
}

sub start_session {
    my ($self, @more) = @_;
    my $session = $self->ask(POST => '', { capabilities => { alwaysMatch => {
        timeouts => { script => $PATIENCE * 1000,
            pageLoad => $PATIENCE * 1000 },
        'goog:chromeOptions' => { args => [@FLAGS,
            "--user-data-dir=$self->{dir}/profile", @more] },
    } } });
    $self->{session} = "/$session->{sessionId}";
}

sub quit {
    my ($self) = @_;
    my $keeper = delete $self->{pid} or return;
    eval { $self->ask(DELETE => $self->{session}) } if $self->{session};
    local $SIG{PIPE} = 'IGNORE';
    syswrite $self->{alive}, "end\n";
    waitpid $keeper, 0;
}

sub end_processes {
    my @processes = @_;
    my $end = time + $PATIENCE;
    kill KILL => @processes;
    sleep 0.02 while time < $end && grep { runs($_) } @processes;
}

# Session is the fourth field behind the name.
sub processes_of {
    my ($session) = @_;
    my @found;
    for my $file (glob '/proc/[0-9]*/stat') {
        my ($pid) = $file =~ /(\d+)/;
        my $stat = eval { slurp($file) } // next;
        push @found, $pid if $stat =~ /\) \S+ \d+ \d+ \Q$session\E /;
    }
    return @found;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->quit;
}

# --- asking the driver ------------------------------------------------------

# Its answer's value; dies of an error, with what the driver says.
sub ask {
    my ($self, $method, $path, $data) = @_;
    my $answer = $self->{http}->request($method, "$self->{driver}$path",
        { headers => { 'Content-Type' => 'application/json' },
          $data ? (content => $json->encode($data)) : () });
    my $value = eval { $json->decode($answer->{content})->{value} };
    return $value if $answer->{success};
    die ref $value ? "browser: $value->{error}: $value->{message}\n"
        : "browser: $answer->{status} $answer->{content}\n";
}

sub session {
    my ($self, $method, $path, $data) = @_;
    return $self->ask($method, "$self->{session}/$path", $data);
}

# What WebDriver has no word for: a command of the DevTools protocol.
sub devtools {
    my ($self, $command, %arg) = @_;
    return $self->session(POST => 'goog/cdp/execute',
        { cmd => $command, params => \%arg });
}

# --- what a person does -----------------------------------------------------

# user: logs in with this user's password, where the page asks for it.
sub open {
    my ($self, $url, %arg) = @_;
    if (defined $arg{user}) {
        my $login = "$arg{user}:" . ($arg{password} // password_of($arg{user}));
        $url =~ s{//}{//$login\@};
    }
    $self->session(POST => 'url', { url => $url });
    return $self;
}

# In CSS pixels.  A mobile screen lays out as the page's viewport says.
sub size {
    my ($self, $width, $height, $is_mobile) = @_;
    @$self{qw(width height is_mobile)} = ($width, $height, $is_mobile);
    $self->devtools('Emulation.setDeviceMetricsOverride', width => $width,
        height => $height, deviceScaleFactor => $is_mobile ? 2 : 1,
        mobile => $is_mobile ? JSON::PP::true : JSON::PP::false);
    return $self;
}

sub desktop { return $_[0]->size(1280, 800, 0) }
sub phone { return $_[0]->size(390, 844, 1) }

# How much wider than the screen the page is.  (A phone zooms out until it is
# not, so that innerWidth says nothing.)
sub overflow {
    my ($self) = @_;
    my $width = $self->js('return document.documentElement.scrollWidth');
    return $width > $self->{width} ? $width - $self->{width} : 0;
}

# Light is what it starts with.
sub dark {
    my ($self, $is_dark) = @_;
    $self->devtools('Emulation.setEmulatedMedia', features => [{
        name => 'prefers-color-scheme', value => $is_dark ? 'dark' : 'light' }]);
    return $self;
}

sub url { return $_[0]->session(GET => 'url') }
sub source { return $_[0]->session(GET => 'source') }
sub title { return $_[0]->session(GET => 'title') }

# The text as it is seen.
sub text { return $_[0]->js('return document.body.innerText') }

# The body of a function, in the page; arguments[0], ... are the values.
sub js {
    my ($self, $script, @values) = @_;
    return $self->session(POST => 'execute/sync',
        { script => $script, args => \@values });
}

# The last of the arguments is a function: the result is what it is called
# with.
sub async {
    my ($self, $script, @values) = @_;
    return $self->session(POST => 'execute/async',
        { script => $script, args => \@values });
}

# The whole page, also what must be scrolled to; the file's path.  The screen
# is made as high as the page: DevTools' captureBeyondViewport does the same,
# but now and then the next change of size is never answered then.
sub picture {
    my ($self, $name) = @_;
    my @size = @$self{qw(width height is_mobile)};
    my $height = $self->js('return document.documentElement.scrollHeight');
    $self->size($size[0], $height, $size[2]) if $height > $size[1];
    my $png = $self->session(GET => 'screenshot');
    $self->size(@size) if $height > $size[1];
    make_path($PICTURES);
    my $file = "$PICTURES/$name.png";
    CORE::open(my $out, '>:raw', $file) or die "$file: $!";
    print {$out} decode_base64($png);
    close $out or die "$file: $!";
    return $file;
}

1;
