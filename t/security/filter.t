# SPDX-License-Identifier: Apache-2.0
#
# filter.t - what programs need works under the filter of IvleJailSeccomp: a
# compiler, make, threads, git and perl, of the host's own, which are bound into
# the jail; and those of a real base image are in t/real
#
# libc starts threads and programs with clone3(2), which the filter answers
# with ENOSYS, so that it falls back.

use strict;
use warnings;

use Cwd qw(abs_path);
use Test::More;

use IvleJail::Httpd;
use IvleJail::Test;

my $BASE = "$BASES/filter";

must_be_root();
must_have_program(qw(gcc make git perl));
install();

# The directories that the host's programs and libraries are in.
sub make_base {
    remove_base();
    run_quietly('cp', '-a', abs_path(base('busybox')), $BASE);
    for my $link (grep { -l } glob '/lib*') {
        symlink readlink $link, "$BASE$link" or die "$BASE$link: $!";
    }
    symlink '/proc/self/mounts', "$BASE/etc/mtab";
}

sub remove_base {
    run_quietly('rm', '-rf', '--one-file-system', $BASE);
}

my $THREADS = <<'C';
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static void *add(void *sum) { ++*(int *)sum; return 0; }
int main(void)
{
    char *argv[] = { "true", 0 };
    pthread_t thread;
    pid_t pid;
    int sum = 1, status = 1;
    if (pthread_create(&thread, 0, add, &sum) == 0) {
        pthread_join(thread, 0);
    }
    if (posix_spawn(&pid, "/bin/true", 0, 0, argv, environ) == 0) {
        waitpid(pid, &status, 0);
    }
    printf("sum %d, status %d\n", sum, status);
    return nice(1) == -1;
}
C

my @PROGRAMS = (
    [ 'gcc, and threads and programs started by what it compiles',
      'gcc -O2 -pthread -o threads threads.c && ./threads',
      qr/\Asum 2, status 0\n\z/ ],
    [ 'make with jobs', q(printf 'all: a b\na b:\n\t@echo made $@\n' >Makefile; )
        . 'make -s -j2 | sort', qr/\Amade a\nmade b\n\z/ ],
    [ 'git', 'rm -rf repository; git init -q repository; cd repository; '
        . 'echo x >file; git add file; git -c user.name=a -c user.email=a@b '
        . 'commit -qm message; git gc -q; git log --format=%s',
      qr/\Amessage\n\z/ ],
    [ 'perl, which forks', q(perl -e 'print `echo forked`; pipe R, W; )
        . q(if (!fork) { print W "piped\n"; exit } close W; print <R>'),
      qr/\Aforked\npiped\n\z/ ],
);

my $httpd = IvleJail::Httpd->new(name => 'filter', config => <<"CONF");
IvleJailBase $BASE
IvleJailMount bind /usr source=/usr
IvleJailLimit nproc 500
CONF

# Of a shell script in alice's home.
sub output_of {
    my ($command) = @_;
    put_program(alice => 'web/run.sh', <<"SH");
#!/bin/sh
echo Content-Type: text/plain
echo
exec 2>&1
export HOME=/home/alice
cd /home/alice
$command
SH
    return $httpd->get('/my/run.sh', user => 'alice')->{content};
}

make_base();
put_file(alice => 'threads.c', $THREADS);
ok($httpd->start, 'httpd starts') or BAIL_OUT($httpd->output);
is(output_of('grep Seccomp: /proc/self/status'), "Seccomp:\t2\n",
    'programs have a filter');
for my $case (@PROGRAMS) {
    my ($name, $command, $said) = @$case;
    like(output_of($command), $said, $name);
}
ok($httpd->stop, 'httpd stops');
remove_base();
done_testing;
