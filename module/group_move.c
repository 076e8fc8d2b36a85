/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_move.c - moving processes from one control group to another
 */
#include "module/group_move.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apr_strings.h"

#include "module/group_file.h"

enum { ROUNDS_MAX = 100 };      /* while what is moved goes on forking */

static pid_t parent_of(apr_pool_t *p, pid_t pid)
{
    const char *stat = ij_group_file_text(p, apr_psprintf(p, "/proc/%ld/stat",
                                                          (long)pid));
    const char *end = strrchr(stat, ')');   /* of the name, whatever is in it */

    /* ") S 123 ..." */
    return end != NULL && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10)
                                          : 0;
}

static bool is_ours(apr_pool_t *p, pid_t pid)
{
    while (pid > 1 && pid != getpid()) {
        pid = parent_of(p, pid);
    }
    return pid == getpid();
}

/* Moves what may be moved, once; *moved counts.  Returns 0 or errno. */
static int move_round(apr_pool_t *p, const char *from, const char *to,
                      bool everybody, int *moved)
{
    FILE *processes = fopen(ij_group_file(p, from, "cgroup.procs"), "re");
    char *line = NULL;
    size_t size = 0;
    int rv = 0;

    if (processes == NULL) {
        return errno;
    }
    while (rv == 0 && getline(&line, &size, processes) > 0) {
        if (everybody || is_ours(p, (pid_t)strtol(line, NULL, 10))) {
            rv = ij_group_file_put(p, to, "cgroup.procs", line);
            (*moved)++;
        }
        if (rv == ESRCH) {
            rv = 0;             /* it has ended since */
        }
    }
    free(line);
    fclose(processes);
    return rv;
}

int ij_group_move(apr_pool_t *p, const char *from, const char *to,
                  bool everybody)
{
    int rounds, moved, rv = 0;

    for (rounds = 0; rounds < ROUNDS_MAX && rv == 0; rounds++) {
        moved = 0;
        rv = move_round(p, from, to, everybody, &moved);
        if (moved == 0) {
            break;
        }
    }
    return rv;
}
