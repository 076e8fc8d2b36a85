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
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "creds.h"
#include "mntns.h"
#include "mounts.h"
#include "path.h"
#include "say.h"
#include "setup.h"

enum {
    READY = 1,      /* no exit status of ours */
    GO = 2,
    CHILD_SECONDS = 10,
    FD_ABOVE = 32   /* out of the way of the descriptors of setup.h */
};

static int child_channel;

void launch_open(const struct policy *policy, struct launch *launch)
{
    struct stat st;

    launch->warden = open(policy->warden, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    must(launch->warden >= 0 && fstat(launch->warden, &st) == 0, CODE_WARDEN,
         "'%s'", policy->warden);
    if (!S_ISREG(st.st_mode) || st.st_uid != 0
        || (st.st_mode & (S_IWGRP | S_IWOTH | S_IXOTH)) != S_IXOTH) {
        die(CODE_WARDEN, "'%s'", policy->warden);
    }
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
    int flags = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS
                | (network == NETWORK_NONE ? CLONE_NEWNET : 0);

    creds_use(CAP_SYS_ADMIN);
    must(unshare(flags) == 0, CODE_NAMESPACES, "unshare");
    creds_use_none();
    if (network == NETWORK_NONE) {
        bring_loopback_up();
    }
}

/* A pipe that holds the settings and then ends. */
static int make_setup(const struct policy *policy, const char *user)
{
    const struct policy_profile *profile = &policy->profile;
    struct setup setup = {
        .version = SETUP_VERSION,
        .httpd_uid = policy->httpd_uid,
        .max_requests = profile->max_requests,
        .queue = profile->queue,
        .idle_seconds = profile->idle_seconds,
        .linger = profile->linger,
    };
    int ends[2];

    memcpy(setup.limits, profile->limits, sizeof setup.limits);
    memcpy(setup.user, user, strlen(user));
    must(pipe2(ends, O_CLOEXEC) == 0
         && write(ends[1], &setup, sizeof setup) == (ssize_t)sizeof setup,
         CODE_INTERNAL, "settings");
    (void)close(ends[1]);
    return ends[0];
}

static int move_high(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_ABOVE);

    must(high >= 0, CODE_INTERNAL, "descriptor %d", fd);
    return high;
}

/*
 * Everything is close-on-exec but what dup2 puts in place: the settings,
 * the socket, the pin, and /dev/null, which is not taken from the base.
 */
static void arrange_descriptors(const int wanted[SETUP_FD_COUNT])
{
    int high[SETUP_FD_COUNT];
    int fd;

    for (fd = 0; fd < SETUP_FD_COUNT; fd++) {
        high[fd] = move_high(wanted[fd]);
    }
    for (fd = 0; fd < SETUP_FD_COUNT; fd++) {
        must(dup2(high[fd], fd) == fd, CODE_INTERNAL, "descriptor %d", fd);
    }
}

static void report_death(int status)
{
    const char byte = (char)status;

    (void)!write(child_channel, &byte, 1);
}

static void wait_for_go(void)
{
    const char ready = READY;
    char word = 0;

    if (write(child_channel, &ready, 1) != 1
        || read(child_channel, &word, 1) != 1 || word != GO) {
        _exit(CODE_FORK);       /* the parent has died: it has said why */
    }
}

static _Noreturn void exec_warden(int warden)
{
    char *argv[] = { (char *)"warden", NULL };
    char *envp[] = { NULL };

    (void)execveat(warden, "", argv, envp, AT_EMPTY_PATH);
    die_errno(CODE_EXEC, "execveat");
}

struct child {
    const struct policy *policy;
    const struct identity *identity;
    const struct jail *jail;
    int warden;
    int descriptors[SETUP_FD_COUNT];
};

static _Noreturn void become_warden(const struct child *child)
{
    int warden = move_high(child->warden);

    child_channel = move_high(child_channel);
    say_at_death(report_death);
    say_init("trampoline", move_high(STDERR_FILENO));
    must(setsid() >= 0, CODE_FORK, "setsid");
    mntns_enter(child->jail->ns);
    mounts_make_private(&child->policy->profile);
    arrange_descriptors(child->descriptors);
    creds_drop(child->identity->id);
    creds_filter(&child->policy->profile);
    wait_for_go();
    exec_warden(warden);
}

/* The child has said what was wrong, unless something killed it. */
static _Noreturn void die_with_child(char word)
{
    if (word == 0) {
        die(CODE_FORK, "it was killed, or hangs");
    }
    die_silently((enum code)word);
}

/* One byte from the child; 0 at its end or after CHILD_SECONDS. */
static char hear(const struct launch *launch)
{
    char byte = 0;

    if (read(launch->channel, &byte, 1) != 1) {
        byte = 0;
    }
    return byte;
}

void launch_prepare(const struct policy *policy, const char *user,
                    const struct identity *identity, const struct jail *jail,
                    int listener, struct launch *launch)
{
    const struct child child = {
        policy, identity, jail, launch->warden,
        { launch->null, launch->null, launch->null, listener, jail->hold,
          make_setup(policy, user) }
    };
    const struct timeval limit = { .tv_sec = CHILD_SECONDS };
    int ends[2];
    char word;
    pid_t pid;

    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0
         && setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)
            == 0, CODE_FORK, "socket pair");
    unshare_rest(policy->profile.network);
    pid = fork();
    must(pid >= 0, CODE_FORK, "fork");
    if (pid == 0) {
        child_channel = ends[1];
        become_warden(&child);
    }
    (void)close(ends[1]);
    launch->channel = ends[0];
    word = hear(launch);
    if (word != READY) {
        die_with_child(word);
    }
}

void launch_go(const struct launch *launch)
{
    const char go = GO;
    char word;

    if (send(launch->channel, &go, 1, MSG_NOSIGNAL) != 1) {
        die_with_child(0);
    }
    word = hear(launch);
    if (word != 0) {
        die_with_child(word);
    }
}
