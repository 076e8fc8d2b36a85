/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site.c - the users directory that a command works on
 */
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "enter.h"
#include "trampoline/layout.h"
#include "trampoline/path.h"

enum {
    DEFAULT_UID_MIN = 70000,    /* as IvleJailUidRange */
    DEFAULT_UID_MAX = 99999,
    LOCK_SECONDS = 15           /* longer than a trampoline may take */
};

static int lock_fd = -1;        /* the instance's lock file, once locked */

static void open_users(struct site *site, const char *path)
{
    size_t culprit;

    site->path = path;
    site->users = path_open_trusted(path, &culprit);
    if (site->users == -1) {
        fail("cannot use '%.*s' of the users directory '%s': %m: it must be "
             "a directory that only root can write to", (int)culprit, path,
             path);
    }
}

/* A path on the command line is one of our own namespace: before entering. */
void site_open(struct site *site, const struct options *options)
{
    memset(site, 0, sizeof(*site));
    site->instance = options->instance;
    site->uid_min = DEFAULT_UID_MIN;
    site->uid_max = DEFAULT_UID_MAX;
    if (options->users != NULL) {
        open_users(site, options->users);
    }
    site->runs = enter_instance(options->instance);
    if (options->users != NULL) {
        return;
    }
    if (!site->runs) {
        open_users(site, LAYOUT_DEFAULT_USERS);
        return;
    }
    enter_read_policy(options->instance,
                      options->profile != NULL ? options->profile
                                               : DEFAULT_PROFILE,
                      &site->policy);
    site->sealed = true;
    site->uid_min = site->policy.profile.uid_min;
    site->uid_max = site->policy.profile.uid_max;
    open_users(site, site->policy.profile.users);
}

void site_lock(const struct site *site, const char *user)
{
    const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
    struct flock byte = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET,
        .l_start = name_lock_offset(user), .l_len = 1
    };
    int run, tries = LOCK_SECONDS * 10;

    if (!site->runs) {
        return;
    }
    run = enter_run_directory(site->instance);
    lock_fd = path_open_beneath(run, LAYOUT_LOCK, O_RDWR);
    if (lock_fd == -1) {
        fail("cannot open the lock of the instance '%s': %m: restart httpd",
             site->instance);
    }
    close(run);
    while (fcntl(lock_fd, F_OFD_SETLK, &byte) == -1) {
        if (errno != EAGAIN && errno != EACCES) {
            fail("cannot lock '%s': %m", user);
        }
        if (tries-- == 0) {
            fail("a jail of '%s' is being started and that does not end: "
                 "look for a hung file server, and try again", user);
        }
        nanosleep(&pause, NULL);
    }
}

void site_unlock(const struct site *site)
{
    if (site->runs) {
        close(lock_fd);
    }
}

void site_require_name(const char *user)
{
    if (!name_is_user(user)) {
        fail_usage("'%s' cannot be a user's name: [a-z0-9_.-], at most %d "
                   "bytes, without '..' and not beginning with [.-]", user,
                   NAME_USER_MAX);
    }
}
