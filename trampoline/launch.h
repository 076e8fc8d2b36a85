/*
 * launch.h - the process that becomes the warden
 */
#ifndef IVLEJAIL_LAUNCH_H
#define IVLEJAIL_LAUNCH_H

#include <sys/types.h>

#include "identity.h"
#include "jail.h"
#include "policy.h"

struct launch {
    pid_t pid;
    int channel;    /* to the child: its status, our word to go on */
};

/* The warden's program; root's, unwritable, to be executed by descriptor. */
int launch_open_warden(const struct policy *policy);

/*
 * New pid, ipc, uts and network namespaces, and in them PID 1: it enters the
 * jail, drops everything and waits.  Returns when it has; dies with what it
 * died with.
 */
void launch_prepare(const struct policy *policy, const char *user,
                    const struct identity *identity, const struct jail *jail,
                    int warden, int listener, struct launch *launch);

/* Lets it execute the warden; dies with CODE_EXEC if that fails. */
void launch_go(const struct launch *launch);

#endif
