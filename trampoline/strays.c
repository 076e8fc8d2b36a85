/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strays.c - processes that outlive the request that started them
 */
#include "strays.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any of these only makes the next sweep ask for a quiet moment. */
enum { STRAYS_MAX = 256, ENDED_MAX = 64 };

struct stray {
    pid_t pid;
    uint64_t seen;          /* requests below this number ran at that time */
};

static int children_fd = -1;
static struct stray strays[STRAYS_MAX];
static size_t stray_count;

/* groups killed since the last sweep: their members are about to be reaped */
static pid_t ended[ENDED_MAX];
static size_t ended_count;

/* since when there have been strays at every sweep, as a request's number */
static uint64_t unsettled_since;

int strays_init(void)
{
    children_fd = open("/proc/self/task/1/children", O_RDONLY | O_CLOEXEC);
    return children_fd < 0 ? errno : 0;
}

void strays_clear(void)
{
    stray_count = 0;
    ended_count = 0;
    unsettled_since = 0;
}

/* ESRCH, that nobody is left, is the usual case here and below. */
void strays_kill_group(pid_t leader)
{
    (void) kill(-leader, SIGKILL);
    if (ended_count < ENDED_MAX) {
        ended[ended_count++] = leader;
    }
}

void strays_forget(pid_t pid)
{
    size_t i;

    for (i = 0; i < stray_count; i++) {
        if (strays[i].pid == pid) {
            strays[i] = strays[--stray_count];
            return;
        }
    }
}

/* No process can start while the kernel goes through all of them. */
void strays_kill_all(void)
{
    (void) kill(-1, SIGKILL);
    strays_clear();
}

static bool is_group_of_request(pid_t group,
                                const struct strays_request *running,
                                size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (running[i].pid == group) {
            return true;
        }
    }
    for (i = 0; i < ended_count; i++) {
        if (ended[i] == group) {
            return true;
        }
    }
    return false;
}

/* When it was first seen, which may be now. */
static uint64_t first_seen(pid_t pid, uint64_t next)
{
    size_t i;

    for (i = 0; i < stray_count; i++) {
        if (strays[i].pid == pid) {
            return strays[i].seen;
        }
    }
    if (stray_count < STRAYS_MAX) {
        strays[stray_count].pid = pid;
        strays[stray_count++].seen = next;
    }
    return next;
}

static uint64_t oldest(const struct strays_request *running, size_t count)
{
    uint64_t least = UINT64_MAX;
    size_t i;

    for (i = 0; i < count; i++) {
        if (running[i].number < least) {
            least = running[i].number;
        }
    }
    return least;
}

struct sweep {
    const struct strays_request *running;
    size_t count;
    uint64_t oldest, next;
    bool any;               /* a stray was seen */
    bool spared;            /* and one was left alive */
};

static void look_at(struct sweep *sweep, pid_t pid)
{
    pid_t group = getpgid(pid);

    if (group < 0
        || is_group_of_request(group, sweep->running, sweep->count)) {
        return;
    }
    sweep->any = true;
    if (first_seen(pid, sweep->next) > sweep->oldest) {
        sweep->spared = true;
        return;
    }
    /* its session holds nothing but its descendants, so its group does */
    (void) kill(-group, SIGKILL);
    (void) kill(pid, SIGKILL);
}

/*
 * Parses what is complete of "12 34 56 ..."; returns how many bytes that
 * were.
 */
static size_t look_at_list(struct sweep *sweep, const char *text)
{
    const char *at = text;
    char *end;
    long pid;

    for (;;) {
        pid = strtol(at, &end, 10);
        if (end == at || *end != ' ') {
            return (size_t) (at - text);
        }
        look_at(sweep, (pid_t) pid);
        at = end + 1;
    }
}

static void look_at_children(struct sweep *sweep)
{
    char text[4096 + 1];
    size_t done = 1;
    off_t at = 0;
    ssize_t n;

    while (done > 0) {
        n = pread(children_fd, text, sizeof(text) - 1, at);
        if (n <= 0) {
            return;
        }
        text[n] = '\0';
        done = look_at_list(sweep, text);
        at += (off_t) done;
    }
}

bool strays_sweep(const struct strays_request *running, size_t count,
                  uint64_t next)
{
    struct sweep sweep = { .running = running, .count = count, .next = next,
                           .oldest = oldest(running, count) };

    look_at_children(&sweep);
    ended_count = 0;
    if (!sweep.any) {
        unsettled_since = 0;
        return false;
    }
    if (unsettled_since == 0) {
        unsettled_since = next;
    }
    /*
     * All requests that ran then have ended, and still there are strays that
     * are too new to be killed: those of new requests, or those of old ones
     * that fork away from us.
     */
    return sweep.spared && unsettled_since <= sweep.oldest;
}
