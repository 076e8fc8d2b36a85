/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bwrap.c - a CGI program that is another one, started in bubblewrap
 *
 * What an administrator would write as a shell script, without the time that
 * a shell takes.  The jail is as ours: the base image, read-only, and /home
 * and /tmp over it, and a pid namespace.  The program is found under the name
 * that this one was called by.
 */

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BWRAP "/usr/bin/bwrap"

static char *setting(const char *name)
{
    char *value = getenv(name);

    if (value == NULL) {
        fprintf(stderr, "bwrap.c: no %s\n", name);
        exit(1);
    }
    return value;
}

int main(int argc, char **argv)
{
    char program[256];

    if (argc < 1)
        return 1;
    snprintf(program, sizeof program, "%s/%s", setting("BENCH_PROGRAMS"),
             basename(argv[0]));
    execl(BWRAP, BWRAP, "--ro-bind", setting("BENCH_BASE"), "/",
          "--bind", setting("BENCH_HOME"), "/home",
          "--bind", setting("BENCH_TMP"), "/tmp",
          "--unshare-pid", "--die-with-parent", "--", program, (char *)NULL);
    perror(BWRAP);
    return 1;
}
