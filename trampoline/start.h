/*
 * start.h - starts the program that a request means
 */
#ifndef IVLEJAIL_START_H
#define IVLEJAIL_START_H

#include <sys/resource.h>
#include <sys/types.h>

#include "find.h"

/*
 * found->kind is FIND_PROGRAM; pipes and limits are as in program.h.  Returns
 * WIRE_NOT_REFUSED and *pid, or why it does not run, with *error.
 */
enum wire_refusal start_found(const struct wire_request *request,
                              const struct found *found, const int *pipes,
                              const struct rlimit *limits, pid_t *pid,
                              int *error);

#endif
