/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.c - starts the program that a request means
 */
#include "start.h"

#include <errno.h>

#include "open.h"
#include "program.h"
#include "request.h"

/* "No such file" is no help to who sees the name of one that is there. */
static enum wire_refusal exec_refusal(const struct found *found, int error)
{
    if (error == ENOENT && found->interpreter == NULL
        && open_has_dos_line(found)) {
        return WIRE_DOS_LINE;
    }
    return find_exec_refusal(found, error);
}

static enum wire_refusal failure_refusal(const struct found *found,
                                         const struct program_failure *failure)
{
    switch (failure->step) {
    case PROGRAM_EXEC:
        return exec_refusal(found, failure->error);
    case PROGRAM_DIRECTORY:
        return find_lookup_refusal(failure->error);
    default:
        return WIRE_CANNOT_START;
    }
}

enum wire_refusal start_found(const struct wire_request *request,
                              const struct found *found, const int *pipes,
                              const struct rlimit *limits, pid_t *pid,
                              int *error)
{
    /* one at a time: execve(2) has copied them when program_start() returns */
    static struct request_words words;
    struct program_failure failure;
    struct program program = { .argv = words.argv, .env = words.env,
                               .directory = found->directory,
                               .pipes = pipes, .limits = limits };

    *error = request_environment(request, found, &words);
    if (*error != 0) {
        return WIRE_BAD_REQUEST;
    }
    request_argv(found, &words);
    program.path = words.argv[0];
    *pid = program_start(&program, &failure);
    if (*pid < 0) {
        *error = failure.error;
        return failure_refusal(found, &failure);
    }
    return WIRE_NOT_REFUSED;
}
