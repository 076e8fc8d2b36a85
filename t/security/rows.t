# SPDX-License-Identifier: Apache-2.0
#
# rows.t - failures of setuid helpers, sandboxes and web servers that have
# happened, and where it is shown that this one does not fail so
#
# Each row has the case, the rule that avoids it, and what shows that the rule
# is kept: a test here, or the words of a test in another file.  Those must be
# there, so that no row can lose its test unnoticed.  The same holds for each
# file that doc/security.md names.

use strict;
use warnings;

use Test::More;

use IvleJail::Httpd;
use IvleJail::Instance;

use constant { ALICE => 76001, ALICE2 => 76002 };

my $TOP = $IvleJail::Instance::ROOT;

# --- looking at a start -------------------------------------------------------

my $i = IvleJail::Instance->new('trows');
$i->add_user(alice => ALICE);
$i->add_user(alice2 => ALICE2);
my $trace = "$i->{dir}/trace";
my $started = $i->start('alice', as_root => 1, wrap => [ 'strace', '-f', '-s',
    '300', '-b', 'execve', '-o', $trace ]);
my @calls = grep { !/ENOENT/ } IvleJail::Instance::lines_of($trace);
my ($begin) = grep { $calls[$_] =~ /close_range\(3/ } 0 .. $#calls;
my ($warden) = $i->warden_pids;

# Calls of the start, after it has begun to be itself, that match.
sub calls_that {
    my ($pattern) = @_;
    return [ grep { /$pattern/ } @calls[$begin .. $#calls] ];
}

sub text_of {
    my ($file) = @_;
    return IvleJail::Httpd::slurp("$TOP/$file");
}

sub sources {
    my @patterns = @_;
    return { map { substr($_, 1 + length $TOP) => IvleJail::Httpd::slurp($_) }
        map { glob "$TOP/$_" } @patterns };
}

# Names of sources whose text, without comments, matches.
sub sources_with {
    my ($pattern, @files) = @_;
    my $sources = sources(@files);
    return [ grep { $sources->{$_} =~ s{/\*.*?\*/}{}gsr =~ $pattern }
        sort keys %$sources ];
}

my @HELPERS = qw(trampoline/*.c trampoline/*.h);

# --- the tests of this file -----------------------------------------------------

sub whole_names {
    is_deeply([ $i->not_started($i->start('alice2'), 'alice2') ], [],
        'a user whose name begins with another one\'s');
    is($i->output_of('alice2', 'ls /home'), "alice2\n", '... has an own home');
    is_deeply([ $i->not_refused($i->start('alic'), 'CODE_USER_UNKNOWN') ], [],
        '... and half a name is nobody');
}

sub resolved_at_once {
    my $paths = calls_that(qr{openat2\(});
    cmp_ok(@$paths, '>=', 5, 'directories are opened with openat2');
    is_deeply([ grep { !/RESOLVE_NO_SYMLINKS/ } @$paths ], [],
        '... and never through a symbolic link');
}

sub nothing_in_tmp {
    is_deeply(calls_that(qr{^\d+ \w+\([^"]*"/(?:tmp|var/tmp|dev/shm)\b}), [],
        'a start uses no directory that everybody can write to');
}

sub no_shell {
    my $executed = calls_that(qr/exec\w*\(/);
    is(scalar @$executed, 1, 'a start executes one program');
    like($executed->[0], qr/execveat\(\d+, "", \["warden"\], /,
        '... the warden, by descriptor');
    is_deeply(sources_with(qr/\b(?:system|popen|execlp|execvp)\s*\(/, @HELPERS),
        [], '... and no helper has a call that would start a shell');
}

sub no_lookups {
    is_deeply(calls_that(qr{"/(?:etc|usr|lib)\b}), [],
        'a start reads nothing below /etc, /usr and /lib');
}

sub no_overlay {
    is_deeply(calls_that(qr/overlay/), [], 'a start makes no overlay');
    is_deeply(sources_with(qr/overlay/, @HELPERS), [], '... nor could it');
}

sub no_shared_memory {
    is_deeply(sources_with(qr/ap_scoreboard|ap_get_scoreboard|shm_open/,
        'trampoline/*.c', 'module/instance.c', 'module/seal.c'), [],
        'nothing that runs as root looks at memory that children can write');
}

sub helper_out_of_sight {
    my $r = $i->start('alice');
    is($i->ask($r->{socket}, $i->add_program('alice', 'x', "#!/bin/sh\n"
        . "head -c4 /proc/self/exe | tail -c3\n"
        . "for f in exe maps fd/ root/; do head -c1 /proc/1/\$f; done\n"))->{out},
        'ELF', 'nothing of the warden can be read in /proc');
    is(sprintf('%04o', (stat "$i->{dir}/libexec/warden")[2] & 07777), '0711',
        '... nor its file');
    is((stat "/proc/$warden/exe")[4], 0, '... which belongs to root');
}

sub no_policy_inside {
    is($i->output_of('alice', 'ls -A /run'), '',
        'the policy is in no jail');
}

sub never_without {
    is_deeply([ $i->not_refused($i->start('alice', wrap =>
        [ 'setpriv', '--no-new-privs' ]), 'CODE_NO_NEW_PRIVS') ], [],
        'a start that cannot be as it should is none');
}

# --- the rows -------------------------------------------------------------------

# Number, case, rule; then tests: code, or a file and words in it.
my @ROWS = (
    [ 1, 'suexec: a race between looking and using',
      'open once, act on descriptors', \&resolved_at_once,
      't/trampoline/refusals.t' => 'is a symbolic link' ],
    [ 2, 'suexec: /srv/www2 passes for /srv/www',
      'no prefixes of paths: whole names in a directory', \&whole_names,
      't/unit/test_names.c' => 'name_is_user' ],
    [ 3, 'suexec: ids from its arguments',
      'the owner of the home, in a range of the policy',
      't/trampoline/refusals.t' => 'a uid below the range',
      't/security/caller.t' => 'for the user: ' ],
    [ 4, 'httpd: root trusts memory that children write',
      'root believes root-owned files and the kernel', \&no_shared_memory,
      't/tools/attack_paths.c' => '"inherited shared memory"' ],
    [ 5, 'php-fpm: the same, out of bounds', 'as 4', \&no_shared_memory ],
    [ 6, 'php-fpm: O_NONBLOCK on what is shared',
      'no open file description is shared: pipes, whose other ends stay',
      't/jail/view.t' => 'descriptors are pipes' ],
    [ 7, 'Passenger: chown by a path that was swapped',
      'chown by descriptor, in root-owned directories',
      't/trampoline/faults.t' => "'fchownat'",
      't/trampoline/provision.t' => 'a torn provisioning is finished' ],
    [ 8, 'Passenger: predictable temporary names',
      'no state in /tmp', \&nothing_in_tmp ],
    [ 9, 'Passenger: a header that becomes a trusted variable',
      'identity from the login, never from a header',
      't/module/auth.t' => "'X-Remote-User' => 'alice'" ],
    [ 10, 'nginx-cgi: REMOTE_USER without a login',
      'a satisfied Require, or "public"',
      't/module/auth.t' => 'IJ0002: no authenticated user for ',
      't/conf/auth.conf.in' => 'SetEnv REMOTE_USER alice' ],
    [ 11, 'httpoxy: a header that becomes HTTP_PROXY',
      'the environment is made from a list',
      't/module/variables.t' => 'no HTTP_PROXY',
      't/jail/view.t' => "Proxy => 'http://evil/'" ],
    [ 12, 'mod_ruid2: root can be regained',
      'everything is dropped for good, and that is tried',
      't/trampoline/faults.t' => "'uid 0 comes back'",
      't/tools/attack_privileges.c' => '"another uid or gid"' ],
    [ 13, 'bubblewrap: privileged while it can be traced',
      'nobody reaches it while it is root',
      't/security/caller.t' => 'a start that runs cannot be reached' ],
    [ 14, 'bubblewrap: set up by a process of the user\'s',
      'set up as root; the user\'s uid comes last',
      't/security/caller.t' => "'traced'",
      't/trampoline/neighbours.t' => 'the own warden: ' ],
    [ 15, 'TIOCSTI into the caller\'s terminal',
      'a session of its own, pipes, and the filter',
      't/tools/attack_privileges.c' => '"TIOCSTI"',
      't/security/caller.t' => 'a controlling terminal' ],
    [ 16, 'dropping groups gives access', 'exactly the home\'s group',
      't/trampoline/inside.t' => 'no supplementary group',
      't/trampoline/faults.t' => "'groups are left'" ],
    [ 17, 'runc: the helper\'s program written through /proc/self/exe',
      'the warden is not dumpable, and no jail has its file',
      \&helper_out_of_sight,
      't/tools/attack_paths.c' => '"the supervisor\'s program, written"' ],
    [ 18, 'runc: a mount\'s target swapped for a link',
      'targets exist in a read-only base that is root\'s', \&resolved_at_once,
      't/trampoline/refusals.t' => 'a base whose /$point is a link' ],
    [ 19, 'runc: a leaked directory, a working directory outside',
      'all is closed but 0 to 2, the directory is the root',
      't/tools/attack_paths.c' => '"an inherited directory"',
      't/tools/attack_paths.c' => '"a working directory outside"',
      't/security/caller.t' => ' descriptors of the root' ],
    [ 20, 'runc: traversal again', 'as 1', \&resolved_at_once ],
    [ 21, 'LXC: a link of the container diverts mounts', 'as 18',
      't/trampoline/refusals.t' => 'no target of a bind mount' ],
    [ 22, 'snap-confine: a hard link finds its companions beside itself',
      'the warden\'s path is the policy\'s',
      't/security/caller.t' => 'a hard link of root\\\'s beside another warden',
      't/trampoline/refusals.t' => 'a policy with a second name' ],
    [ 23, 'snap-confine: a race in a directory that users reach',
      'nothing is prepared in any directory', \&nothing_in_tmp,
      't/security/inside.t' => 'cold starts while directories are swapped' ],
    [ 24, 'snap-confine: a cleaner removes what is trusted',
      'nothing that is cleaned by age; owners are checked', \&nothing_in_tmp,
      't/trampoline/refusals.t' => "runtime directories of httpd's User" ],
    [ 25, 'pam_namespace: mounts over a path of the user\'s',
      'users own the ends of paths only',
      't/trampoline/refusals.t' => "above the users directory",
      't/security/inside.t' => '... and none of root' ],
    [ 26, 'pam_namespace: blocked by what the user put there',
      'directories only, time limits',
      't/trampoline/refusals.t' => 'a policy that is a fifo',
      't/trampoline/lock.t' => 'not too early' ],
    [ 27, 'firejail: asked for links, then used', 'as 1',
      \&resolved_at_once ],
    [ 28, 'firejail: a tmpfs wherever the caller wants',
      'callers name no mount points',
      't/security/caller.t' => 'an option: ',
      't/trampoline/refusals.t' => "' arguments', 'CODE_USAGE'" ],
    [ 29, 'firejail: a word of the user in bash -c', 'no shell', \&no_shell ],
    [ 30, 'firejail: a race in an overlay', 'no overlays', \&no_overlay ],
    [ 31, 'firejail: a sandbox that is none is joined',
      'a jail is a pin in the keep, where nobody else comes',
      't/trampoline/refusals.t' => 'another kind of namespace for a keep',
      't/security/caller.t' => 'as root of user and mount namespaces' ],
    [ 32, 'firejail: the policy can be written inside',
      'the policy is outside, root\'s, and in no jail', \&no_policy_inside,
      't/trampoline/refusals.t' => "a policy of httpd's User" ],
    [ 33, 'firejail: a hostile environment',
      'static, cleared first, no locale, no lookups', \&no_lookups,
      't/trampoline/caller.t' => 'a hostile environment',
      't/security/caller.t' => 'a huge hostile environment' ],
    [ 34, 'Judge0: the host writes through a link in the box',
      'no root writes in a user\'s directories',
      't/ctl.t' => '... and not what a link to a file leads to',
      't/module/errorlog.t' => 'IvleJailErrorLog' ],
    [ 35, 'Judge0: the network is on if nothing is said',
      'none is the default',
      't/module/policy.t' => 'few directives are sealed with the defaults',
      't/tools/attack_neighbours.c' => '"a way to the network"' ],
    [ 36, 'isolate: mounts as root go past permissions',
      'directories are opened as the user',
      't/trampoline/faults.t' => "'setfsuid'",
      't/module/hostile.t' => 'fd=directory' ],
    [ 37, 'nsjail: flags that failed are only logged',
      'flags are read back, and a start fails',
      't/trampoline/faults.t' => 'flags that did not take',
      't/trampoline/readonly.t' => 'nothing else' ],
    [ 38, 'CageFS: without a cage on errors', 'never without',
      \&never_without, 't/module/refusals.t' => 'the program has run',
      't/trampoline/faults.t' => '$r->{executed} = ' ],
);

# --- all of it --------------------------------------------------------------------

sub check_row {
    my ($number, $case, $rule, @shown) = @_;
    cmp_ok(@shown, '>', 0, 'something shows it');
    while (@shown) {
        my $shown = shift @shown;
        if (ref $shown) {
            $shown->();
            next;
        }
        my $words = shift @shown;
        ok(-f "$TOP/$shown" && index(text_of($shown), $words) >= 0,
            "$shown: $words");
    }
}

is($started->{status}, 0, 'a start that is looked at') or BAIL_OUT('strace');
is_deeply([ map { $_->[0] } @ROWS ], [ 1 .. 38 ], 'all rows are there');
for my $row (@ROWS) {
    subtest "$row->[0]. $row->[1]: $row->[2]" => sub { check_row(@$row) };
}

subtest 'doc/security.md: each file that it names is there' => sub {
    my %named = map { $_ => 1 } text_of('doc/security.md') =~
        m{\b((?:t|conf|doc|module|trampoline|tools)/[\w./*-]+\.\w+)}g;
    cmp_ok(keys %named, '>', 20, 'it names many');
    ok(scalar(grep { -f } glob "$TOP/$_"), $_) for sort keys %named;
    my @promises = text_of('doc/security.md') =~ /^\| (?!promise)(\w.*)\|$/mg;
    cmp_ok(@promises, '>', 15, 'it promises much');
    is_deeply([ grep { !m{\bt/[\w/.]+\w} } @promises ], [],
        '... and each promise names a test');
};

$i->finish;
done_testing;
