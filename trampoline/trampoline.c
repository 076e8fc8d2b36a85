/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trampoline.c - makes a user's jail and becomes the warden in it
 *
 * Setuid root; started by a child of httpd, once per cold start:
 *
 *   trampoline <instance> <profile> <user>
 *
 * Trusted: the policy that httpd's root parent has sealed, and the ownership
 * of directories that root alone can write to.  From the caller: nothing but
 * the three arguments.  So whoever has taken over httpd's User can start any
 * user's jail, which is what httpd does, and nothing else.
 *
 *   caller ---exec---> trampoline: sanitise, become root alone, check
 *                          |       lock the user; somebody listens: done
 *                          |       find the pinned jail, or make one
 *                          |
 *                          +--fork--> PID 1 of the jail: enters it, drops
 *                          |             everything, waits
 *                          | pin and socket (the first things that
 *                          |             anybody else can see)
 *                          +---GO---> executes the warden
 *   caller <---line--- the socket's path
 *
 * MUST: do each step or die; nothing is tried again and nothing is skipped.
 * MUST: leave nothing behind when it dies before the pin, and take back what
 *       it has published when it dies later.
 * MUST NOT: run or open anything that the caller or a user can choose.
 *
 * A line on stdout is the socket's path; one on stderr is an error with the
 * code of code.h, which is also the exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "arguments.h"
#include "creds.h"
#include "helper.h"
#include "identity.h"
#include "jail.h"
#include "keep.h"
#include "launch.h"
#include "layout.h"
#include "names.h"
#include "policy.h"
#include "publish.h"
#include "sanitise.h"
#include "say.h"

/* Without the setuid bit's effect nothing below can work: say which it is. */
static void require_setuid(void)
{
    if (geteuid() != 0) {
        die(prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1
            ? CODE_NO_NEW_PRIVS : CODE_NOT_SETUID, "effective uid %u",
            geteuid());
    }
}

/* The uids that were built in are the outer bound; the policy chooses one. */
static uid_t require_built_in_caller(void)
{
    static const uid_t allowed[] = { 0, TRAMPOLINE_UIDS };
    uid_t caller = getuid();
    size_t i;

    for (i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        if (caller == allowed[i]) {
            return caller;
        }
    }
    die(CODE_CALLER, "uid %u is not built in", caller);
}

static void take_over_from_caller(void)
{
    sanitise_environment();
    sanitise_signals();
    creds_take_root();
    creds_keep(CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_SETUID, CAP_SETGID,
               CAP_SETPCAP, CAP_CHOWN, CAP_NET_ADMIN, CAP_SYS_NICE,
               CAP_SYS_RESOURCE);
    sanitise_resources();
}

static void require_sealed_caller(const struct policy *policy, uid_t caller)
{
    if (caller != 0 && caller != policy->httpd_uid) {
        die(CODE_CALLER, "uid %u, where httpd runs as %u", caller,
            policy->httpd_uid);
    }
}

static void start(const struct policy *policy, const struct keep *keep,
                  const char *user)
{
    struct identity identity;
    struct launch launch;
    struct jail jail;
    int listener = publish_make_socket();

    identity_find(policy, user, &identity);
    launch_open(policy, &launch);
    if (policy->profile.has_group != 0) {
        helper_run(policy, "cgroup", user);     /* this process is in it now */
    }
    jail_find_or_make(keep, policy, user, &identity, &jail);
    launch_prepare(policy, user, &identity, &jail, listener, &launch);
    publish(&jail, listener);
    launch_go(&launch);
}

int main(int argc, char **argv)
{
    static struct policy policy;
    struct arguments arguments;
    struct keep keep;
    uid_t caller;

    say_init("trampoline", STDERR_FILENO);
    sanitise_descriptors();
    require_setuid();
    caller = require_built_in_caller();
    arguments_read(argc, argv, &arguments);
    take_over_from_caller();
    keep_open(&keep, arguments.instance);
    arguments_read_policy(&arguments, keep.run, &policy);
    require_sealed_caller(&policy, caller);
    keep_lock(&keep, arguments.user);
    publish_open(&keep, &policy, arguments.user);
    if (!publish_is_answered()) {
        start(&policy, &keep, arguments.user);
    }
    publish_announce(arguments.instance);
    return 0;
}
