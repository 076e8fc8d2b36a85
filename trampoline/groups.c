/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups.c - the control groups of jails (cgroup version 2)
 */
#include "groups.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "entries.h"
#include "layout.h"
#include "names.h"
#include "path.h"
#include "say.h"

enum {
    PAUSE_MILLISECONDS = 10,
    PAUSES_MAX = 500            /* for what was killed to be gone: 5 s */
};

int groups_open(int run)
{
    char path[PATH_MAX];
    ssize_t n = readlinkat(run, LAYOUT_CGROUPS, path, sizeof path - 1);
    size_t culprit;

    if (n < 0) {
        return -1;
    }
    path[n] = '\0';
    return path_open_trusted(path, &culprit);
}

const char *groups_user(const char *name)
{
    const char *at = strrchr(name, '@');

    return at != NULL && name_is_user(at + 1) ? at + 1 : NULL;
}

/* Of which user, or of all; the kernel's own files are there, too. */
static bool is_wanted(const char *name, const char *wanted)
{
    const char *user = groups_user(name);

    return user != NULL && (wanted == NULL || strcmp(user, wanted) == 0);
}

/* Before Linux 5.14 there is no such file: the end of PID 1 has to do. */
static void kill_group(void *context, int dirfd, const char *name)
{
    int group, fd = -1;

    if (!is_wanted(name, context)) {
        return;
    }
    group = path_open_beneath(dirfd, name, O_PATH | O_DIRECTORY);
    if (group >= 0) {
        fd = path_open_beneath(group, "cgroup.kill", O_WRONLY);
        (void)close(group);
    }
    if (fd < 0 ? errno != ENOENT : write(fd, "1", 1) != 1) {
        say_warning("cannot kill what is in '%s': %s", name, strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

void groups_kill(int groups, const char *user)
{
    if (groups >= 0) {
        entries_each(groups, ".", kill_group, (void *)(uintptr_t)user);
    }
}

static void remove_group(void *context, int dirfd, const char *name)
{
    const struct timespec pause = { .tv_nsec = PAUSE_MILLISECONDS * 1000000 };
    int i;

    if (!is_wanted(name, context)) {
        return;
    }
    for (i = 0; i < PAUSES_MAX; i++) {
        if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
            return;
        }
        if (errno != EBUSY) {
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    say_warning("cannot remove the control group '%s': %s", name,
                strerror(errno));
}

void groups_remove(int groups, const char *user)
{
    if (groups >= 0) {
        entries_each(groups, ".", remove_group, (void *)(uintptr_t)user);
    }
}
