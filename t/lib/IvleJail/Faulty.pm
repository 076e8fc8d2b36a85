# SPDX-License-Identifier: Apache-2.0
package IvleJail::Faulty;

# A private httpd of one child, requests that meet faults, and what is wrong
# with their answers.
#
#   my $faulty = IvleJail::Faulty->new(name => 'faults');
#   my $good = $faulty->ask('/my/what.sh')->{text};
#   my $files = $faulty->at_rest($pid);
#   my $r = $faulty->ask('/my/what.sh');        # under a fault
#   my @wrong = ($faulty->wrong_answer($r, $good, $fault),
#       left_open($pid, $files));
#
# try_each_fault() does so for many faults.

use strict;
use warnings;

use Exporter qw(import);
use Test::More;
use Time::HiRes qw(time);

use IvleJail::Httpd qw(runs);
use IvleJail::Test;

our @EXPORT_OK = qw(difference left_open try_each_fault);

use constant {
    LONG => 45,         # seconds, less than any timeout
    PATIENCE => 60,
    TIMES => 25,        # looks, 20 ms apart
    MANY => 20,         # more that is wrong, nobody reads
};

my $CONFIG = <<'CONF';
StartServers 1
MaxRequestWorkers 1
MaxSpareServers 1
IvleJailExpire 86400
IvleJailIdle 86400
IvleJailLimit nproc 500
CustomLog ${IJ_SERVER}/logs/children %P
<Location /my/>
    IvleJailListing On
    IvleJailTimeout 300
    IvleJailErrorLog /home/%u/error.log
</Location>
CONF

# What a program has and may do, as it sees that itself: the same each time.
my $WHAT = <<'SH';
#!/bin/sh
echo Content-Type: text/plain
echo
id
pwd
ulimit -aS
ulimit -aH
grep -E '^(Cap|NoNewPrivs|Seccomp|Groups|Sig[BIC]|Uid|Gid)' /proc/self/status
for file in /proc/$$/fd/*; do echo "${file##*/}"; done
read -r _ _ _ _ group session _ < /proc/$$/stat
test $$ = "$group" && test $$ = "$session" && echo leads its session
SH

sub new {
    my ($class, %arg) = @_;

    must_be_root();
    install();
    base('busybox');
    put_program(alice => 'web/what.sh', $WHAT);
    put_program(alice => 'web/fails.sh', "#!/bin/sh\necho why >&2\nexit 3\n");
    put_file(alice => 'web/file.txt', "text of a file\n");
    put_file(alice => "web/list/$_", '') for 'a' .. 'e';
    return bless {
        httpd => IvleJail::Httpd->new(name => $arg{name}, mpm => 'prefork',
            config => $CONFIG),
    }, $class;
}

# HTTP::Tiny's answer, with the seconds it took, and a text to compare: of a
# page that lists or explains, what is in it.
sub ask {
    my ($self, $path, %arg) = @_;
    my $begin = time;

    $self->{mark} = log_mark("$self->{httpd}{dir}/logs/error_log");
    my $r = $self->{httpd}->get($path, user => 'alice', %arg);
    $r->{seconds} = time - $begin;
    $r->{text} = join ' ', $r->{status}, $r->{content} =~ /<html/
        ? grep { defined }
            $r->{content} =~ m{<title>(.*?)</title>|href="(.*?)"}g
        : $r->{content};
    return $r;
}

# httpd's child that has served the last request.
sub child {
    my ($self) = @_;
    my $log = IvleJail::Httpd::slurp("$self->{httpd}{dir}/logs/children");
    my ($pid) = $log =~ /(\d+)\n\z/;
    return $pid;
}

# Of a process, what its descriptors are; the same for one like it.
sub open_files {
    my ($pid) = @_;
    return join ' ', sort map { s/:\[\d+\]//r } values %{ descriptors($pid) };
}

# The same when it has settled: a connection is closed after the answer.
sub settled_files {
    my ($pid) = @_;
    my ($files, $times) = ('', 0);

    wait_until(PATIENCE, sub {
        my $now = open_files($pid);
        $times = $now eq $files ? $times + 1 : 0;
        $files = $now;
        return $times > TIMES;
    });
    return $files;
}

# What a process has open when it has nothing to do.  That takes a moment to
# see, so it is looked at once for each, or once for all of a kind.
sub at_rest {
    my ($self, $pid, $kind) = @_;
    return $self->{at_rest}{$kind // $pid} //= settled_files($pid);
}

# What a process has still open after a fault, where that is not what it had at
# rest; or it has ended.
sub left_open {
    my ($pid, $files) = @_;
    return wait_until(PATIENCE,
        sub { !runs($pid) || open_files($pid) eq $files })
        ? () : 'open: ' . open_files($pid);
}

# Where two texts differ.
sub difference {
    my ($got, $good) = @_;
    my @good = split /\n/, $good;
    my ($line) = grep { $_ ne (shift @good // '') } split /\n/, $got;

    return $line // '(too short)';
}

# Where an error number means something: what is forbidden, is.
sub is_error {
    my ($r, $error) = @_;
    return ($r->{status} =~ /^50[023]$/
            || $r->{status} == 403 && $error =~ /^(?:EACCES|EPERM)$/)
        && $r->{content} =~ /<title>$r->{status} /;
}

# A listing says that it is cut; what is forbidden it does not name.
sub is_short_listing {
    my ($r, $error) = @_;
    return $r->{status} == 200 && $r->{content} =~ /<html/
        && ($error eq 'EACCES' || $r->{content} =~ /There is more here/);
}

# The right answer, or an error that the log explains with a code: ours, or,
# where the fault met httpd's own code, httpd's.
sub wrong_answer {
    my ($self, $r, $good, $fault) = @_;
    my @wrong;

    push @wrong, sprintf 'it took %.1f s', $r->{seconds}
        if $r->{seconds} > LONG;
    return @wrong if $r->{text} eq $good
        || is_short_listing($r, $fault->{error});
    push @wrong, 'answer: ' . difference($r->{text}, $good)
        if !is_error($r, $fault->{error});
    my $log = log_since($self->{mark});
    push @wrong, "$r->{status} without a line in the log: $log"
        if $log !~ /\[\w+:\w+\].* (?:IJ|AH)\d{4,5}: /;
    return @wrong;
}

# Two assertions about a request of which some calls (of calls_of()) meet faults:
# try says for each whether it was met, and what was wrong then.
sub try_each_fault {
    my ($name, $calls, $faults, $try) = @_;
    my ($struck, @wrong) = (0);

    for my $fault (@$faults) {
        my ($hit, @these) = $try->($fault);
        push @wrong, @these;
        $struck++ if $hit;
        last if @wrong > MANY;
    }
    diag "$name: $struck of " . @$faults . ' faults in '
        . (map { @$_ } @$calls) . ' calls';
    is_deeply(\@wrong, [], "$name: nothing is wrong after any fault")
        or diag join "\n", @wrong;
    cmp_ok($struck, '>', @$faults / 2, '... and most were met');
}

1;
