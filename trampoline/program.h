/*
 * program.h - starting one program in the jail
 */
#ifndef IVLEJAIL_PROGRAM_H
#define IVLEJAIL_PROGRAM_H

#include <sys/resource.h>
#include <sys/types.h>

#include "limits.h"
#include "wire.h"

struct program {
    const char *path;               /* absolute; argv[0] may differ */
    const char *const *argv;
    const char *const *env;
    const char *directory;          /* its working directory */
    const int *pipes;               /* WIRE_PIPES, its fds 0, 1, 2; all > 2 */
    const struct rlimit *limits;    /* LIMIT_COUNT */
};

enum program_step {                 /* what failed */
    PROGRAM_RUNS = 0,               /* nothing did */
    PROGRAM_FORK,
    PROGRAM_PREPARE,                /* session, descriptors, limits */
    PROGRAM_DIRECTORY,
    PROGRAM_EXEC
};

struct program_failure {
    enum program_step step;
    int error;                      /* errno */
};

/*
 * The limits that can be set: hard limits cannot be raised without
 * privileges, so each is lowered to the caller's own where that is less.
 * Returns 0 or errno.
 */
int program_cap_limits(struct rlimit limits[LIMIT_COUNT]);

/*
 * Starts a program as leader of a session and process group of its own, and
 * returns when it has been executed.  All other descriptors of the caller
 * must be close-on-exec and all its signals at their defaults.
 * Returns the pid, or -1 with *failure set; there is no child left then.
 */
pid_t program_start(const struct program *program,
                    struct program_failure *failure);

#endif
