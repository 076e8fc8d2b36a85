/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - runs a helper, for a bounded time
 *
 * With posix_spawn(3): the caller may be large and have threads.  The helper
 * gets an empty environment, /dev/null as its input, signals as they are by
 * default, a session of its own (what the terminal sends to httpd is not for
 * it), and no descriptor above 2.
 */
#ifndef IVLEJAIL_RUN_H
#define IVLEJAIL_RUN_H

#include <sys/types.h>

enum {
    IJ_RUN_OUT = 256,           /* what is kept of a helper's output */
    IJ_RUN_ERR = 1024
};

typedef struct ij_run {
    pid_t pid;                  /* 0 when it has ended and was waited for */
    int status;                 /* as of wait(2) */
    char out[IJ_RUN_OUT];       /* a string; what does not fit is dropped */
    char err[IJ_RUN_ERR];       /* the same: usually one line */
} ij_run;

/*
 * Starts argv[0] with its stdout and stderr where out and err are; -1:
 * /dev/null, or for err where our own is.  Returns 0 or errno.
 */
int ij_run_start(const char *const argv[], int out, int err, pid_t *pid);

/*
 * Runs argv[0] and waits.  Returns 0 when it ended within milliseconds; else
 * errno, ETIMEDOUT among them, and if run->pid is not 0 the caller has to
 * wait for that process some time later.
 */
int ij_run_bounded(const char *const argv[], int milliseconds, ij_run *run);

/* Milliseconds of a clock that nobody sets. */
long long ij_run_clock(void);

#endif
