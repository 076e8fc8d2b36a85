/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.c - the process that becomes the warden
 *
 * Parent and child talk over a close-on-exec socket pair:
 *
 *   child                                   parent
 *     enters the jail, drops, verifies
 *     READY                            ->
 *                                             publishes pin and socket
 *                                      <-   GO
 *     execveat(warden): end of file    ->     announces the jail
 *
 * A child that dies says why on stderr and sends its exit status; a parent
 * that dies closes its end, and the child follows.
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "become.h"
#include "creds.h"
#include "helper.h"
#include "mntns.h"
#include "mounts.h"
#include "say.h"

enum { CHILD_SECONDS = 10, LINE_SECONDS = 2 };

void launch_open(const struct policy *policy, struct launch *launch)
{
    launch->warden = helper_open(policy->warden, "warden");
    launch->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    must(launch->null >= 0, CODE_INTERNAL, "'/dev/null'");
}

/* The interface "lo" is down in a new network namespace. */
static void bring_loopback_up(void)
{
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 && errno == EAFNOSUPPORT) {
        return;                     /* a kernel without IPv4 */
    }
    creds_use(CAP_NET_ADMIN);
    must(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0, CODE_NAMESPACES,
         "loopback interface");
    creds_use_none();
    (void)close(fd);
}

static void unshare_rest(enum policy_network network)
{
    int flags = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP
                | (network == NETWORK_NONE ? CLONE_NEWNET : 0);

    creds_use(CAP_SYS_ADMIN);
    must(unshare(flags) == 0, CODE_NAMESPACES, "unshare");
    creds_use_none();
    if (network == NETWORK_NONE) {
        bring_loopback_up();
    }
}

/* PID 1 of the jail, until there is no privilege left. */
static _Noreturn void run_child(const struct become *become, int jail,
                                struct users_identity id)
{
    become_report_death(become->channel);
    must(setsid() >= 0, CODE_FORK, "setsid");
    mntns_enter(jail);
    mounts_make_private(&become->policy->profile);
    creds_drop(id);
    become_warden(become);
}

/* What the child says next; its end is 0.  Else it has said why on stderr. */
static void expect(const struct launch *launch, char wanted)
{
    struct pollfd end = { .fd = launch->channel, .events = POLLIN };
    char word = 0;
    ssize_t n = TEMP_FAILURE_RETRY(read(launch->channel, &word, 1));

    must(n >= 0, CODE_FORK, "it hangs");
    if (n == 0 && wanted != 0) {
        die(CODE_FORK, "it was killed");
    }
    if (word != wanted) {
        /* it says why, then ends: if it can write, within a moment */
        (void)poll(&end, 1, LINE_SECONDS * 1000);
        die_silently((enum code)word);
    }
}

void launch_prepare(const struct policy *policy, const char *user,
                    const struct identity *identity, const struct jail *jail,
                    int listener, struct launch *launch)
{
    const struct timeval limit = { .tv_sec = CHILD_SECONDS };
    struct become become = { policy, user, -1, launch->warden, launch->null,
                             listener, jail->hold };
    int ends[2];
    pid_t pid;

    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0
         && setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)
            == 0, CODE_FORK, "socket pair");
    launch->channel = ends[0];
    become.channel = ends[1];
    unshare_rest(policy->profile.network);
    pid = fork();
    must(pid >= 0, CODE_FORK, "fork");
    if (pid == 0) {
        (void)close(ends[0]);       /* else we never hear that it is closed */
        run_child(&become, jail->ns, identity->id);
    }
    (void)close(ends[1]);
    expect(launch, BECOME_READY);
}

void launch_go(const struct launch *launch)
{
    const char go = BECOME_GO;

    must(send(launch->channel, &go, 1, MSG_NOSIGNAL) == 1, CODE_FORK,
         "it was killed");
    expect(launch, 0);
}
