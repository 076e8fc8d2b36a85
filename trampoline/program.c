/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.c - starting one program in the jail
 *
 * vfork(2): the child borrows the warden's memory and the warden waits until
 * it has executed the program or given up.  So the child makes system calls
 * only and changes nothing but *failure: that is how its errno comes back,
 * which no exit status could tell from the program's own.
 */
#include "program.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int program_cap_limits(struct rlimit limits[LIMIT_COUNT])
{
    size_t i;

    for (i = 0; i < LIMIT_COUNT; i++) {
        struct rlimit own;

        if (getrlimit(limit_kinds[i].resource, &own) != 0) {
            return errno;
        }
        if (limits[i].rlim_max > own.rlim_max) {
            limits[i].rlim_max = own.rlim_max;
        }
        if (limits[i].rlim_cur > limits[i].rlim_max) {
            limits[i].rlim_cur = limits[i].rlim_max;
        }
    }
    return 0;
}

/* A session of its own: the leader can neither leave its process group nor
   lead another one, so killing the group always reaches it. */
static int prepare(const struct program *program)
{
    sigset_t none;
    int i;

    if (setsid() < 0) {
        return -1;
    }
    for (i = 0; i < WIRE_PIPES; i++) {
        if (dup2(program->pipes[i], i) < 0) {
            return -1;
        }
    }
    for (i = 0; i < LIMIT_COUNT; i++) {
        if (setrlimit(limit_kinds[i].resource, &program->limits[i]) != 0) {
            return -1;
        }
    }
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

static enum program_step run(const struct program *program)
{
    if (prepare(program) != 0) {
        return PROGRAM_PREPARE;
    }
    if (chdir(program->directory) != 0) {
        return PROGRAM_DIRECTORY;
    }
    execve(program->path, (char *const *) program->argv,
           (char *const *) program->env);
    return PROGRAM_EXEC;
}

static _Noreturn void be_child(const struct program *program,
                               volatile struct program_failure *failure)
{
    failure->step = run(program);
    failure->error = errno;
    _exit(127);
}

pid_t program_start(const struct program *program,
                    struct program_failure *failure)
{
    volatile struct program_failure *shared = failure;
    pid_t pid;

    shared->step = PROGRAM_RUNS;
    pid = vfork();
    if (pid == 0) {
        be_child(program, shared);
    }
    if (pid < 0) {
        shared->step = PROGRAM_FORK;
        shared->error = errno;
        return -1;
    }
    if (shared->step != PROGRAM_RUNS) {
        (void) waitpid(pid, NULL, 0);   /* it is a zombie already */
        return -1;
    }
    return pid;
}
