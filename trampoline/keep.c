/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keep.c - an instance's runtime directory, its lock and its keep
 *
 * The keep is the mount namespace in which all pins live.  It is reached by
 * its own pin in the runtime directory, and nobody but root can open that.
 */
#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"
#include "mntns.h"
#include "path.h"
#include "say.h"

int keep_open_part(int dirfd, const char *name, int flags)
{
    int fd = path_open_beneath(dirfd, name, flags);

    must(fd >= 0 || errno == ENOENT, CODE_KEEP, "'%s'", name);
    return fd;
}

bool keep_open_run(struct keep *keep, const char *instance)
{
    const int flags = O_PATH | O_DIRECTORY;
    size_t culprit;
    int top;

    keep->proc = mntns_open_proc();
    keep->home = mntns_open_own(keep->proc);
    top = path_open_trusted(LAYOUT_RUN, &culprit);
    must(top >= 0 || errno == ENOENT, CODE_RUNDIR, "'%.*s'", (int)culprit,
         LAYOUT_RUN);
    keep->run = top < 0 ? -1 : keep_open_part(top, instance, flags);
    return keep->run >= 0;
}

bool keep_open_rest(struct keep *keep)
{
    struct stat st;

    keep->lock = keep_open_part(keep->run, LAYOUT_LOCK, O_RDWR);
    keep->ns = keep_open_part(keep->run, LAYOUT_KEEP, O_RDONLY | O_NONBLOCK);
    must(fstat(keep->run, &st) == 0 && st.st_uid == 0, CODE_RUNDIR, "owner");
    if (keep->lock < 0 || keep->ns < 0 || !mntns_is(keep->ns)) {
        return false;
    }
    mntns_enter(keep->ns);      /* and its root directory */
    keep->pins = keep_open_part(AT_FDCWD, LAYOUT_PINS, O_PATH | O_DIRECTORY);
    mntns_enter(keep->home);
    return keep->pins >= 0;
}

void keep_open(struct keep *keep, const char *instance)
{
    if (!keep_open_run(keep, instance) || !keep_open_rest(keep)) {
        die(CODE_KEEP, "instance '%s'", instance);
    }
}

int keep_lock_range(const struct keep *keep, const char *user, int command,
                      short type)
{
    struct flock range = {
        .l_type = type,
        .l_whence = SEEK_SET,
        .l_start = user == NULL ? 0 : name_lock_offset(user),
        .l_len = user == NULL ? 0 : 1,
    };

    return fcntl(keep->lock, command, &range);
}

/* Only there to end a system call with EINTR. */
static void on_alarm(int number)
{
    (void)number;
}

void keep_lock(const struct keep *keep, const char *user)
{
    /* without SA_RESTART */
    const struct sigaction wake = { .sa_handler = on_alarm };

    must(sigaction(SIGALRM, &wake, NULL) == 0, CODE_LOCK, "time limit");
    (void)alarm(KEEP_LOCK_SECONDS);
    must(keep_lock_range(keep, user, F_OFD_SETLKW, F_WRLCK) == 0, CODE_LOCK,
         "not had in %d s", KEEP_LOCK_SECONDS);
    (void)alarm(0);
}

int keep_make_place(int dirfd, const char *place, mode_t mode)
{
    if (mkdirat(dirfd, place, mode) != 0 && errno != EEXIST) {
        return -1;
    }
    return path_open_beneath(dirfd, place, O_PATH | O_DIRECTORY);
}

void keep_place(char place[KEEP_PLACE_MAX], const char *profile,
                const char *generation)
{
    int length = snprintf(place, KEEP_PLACE_MAX, "%s@%s", profile,
                          generation);

    must(length > 0 && length < KEEP_PLACE_MAX, CODE_INTERNAL, "place");
}
