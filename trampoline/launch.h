/*
 * launch.h - the process that becomes the warden
 */
#ifndef IVLEJAIL_LAUNCH_H
#define IVLEJAIL_LAUNCH_H

#include "identity.h"
#include "jail.h"
#include "policy.h"

struct launch {
    int warden;     /* its program, to be executed by descriptor */
    int null;       /* /dev/null */
    int channel;    /* to the child: its status, our word to go on */
};

/*
 * Opens what is not to be found in the jail, while we are not in it.  The
 * warden's program must be root's and writable by nobody else.
 */
void launch_open(const struct policy *policy, struct launch *launch);

/*
 * New pid, ipc, uts, cgroup and network namespaces, and in them PID 1: it
 * enters the jail, drops everything and waits.  Returns when it has; dies with
 * what it died with.
 */
void launch_prepare(const struct policy *policy, const char *user,
                    const struct identity *identity, const struct jail *jail,
                    int listener, struct launch *launch);

/* Lets it execute the warden; dies with CODE_EXEC if that fails. */
void launch_go(const struct launch *launch);

#endif
