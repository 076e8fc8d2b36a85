/*
 * helper.h - the programs beside the trampoline, by descriptor
 */
#ifndef IVLEJAIL_HELPER_H
#define IVLEJAIL_HELPER_H

#include "policy.h"

/*
 * Opens (O_PATH) the program of that name in the directory of the sealed
 * warden.  It must be a regular file of root's that nobody else can write,
 * in a path that is root's alone; dies with CODE_HELPER otherwise.
 */
int helper_open(const char *warden, const char *name);

/*
 * Runs it with instance, profile and user as arguments and no environment,
 * and waits for its end.  Returns normally if it ends well; else dies as it
 * did, silently.
 */
void helper_run(const struct policy *policy, const char *name,
                const char *user);

#endif
