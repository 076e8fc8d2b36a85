/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep.c - what timount does with pins and wardens
 *
 * The kernel decides whether a jail is in use: a warden holds its pin open,
 * and umount2(MNT_EXPIRE) answers EBUSY.  The first call on an unused pin
 * marks it, the next one unmounts it unless a start has opened it meanwhile.
 * Anything that touches a pin, if only with stat(2), clears the mark: so
 * pins are listed with readdir(3) and nothing else here.
 *
 * When a pin is gone its jail is gone.  The files that belonged to it (the
 * pin's own, the socket) are removed under the user's lock, and only if
 * no new pin lies there; looking at a new one clears no mark that counts.
 */
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "creds.h"
#include "entries.h"
#include "groups.h"
#include "layout.h"
#include "mntns.h"
#include "path.h"
#include "say.h"
#include "wardens.h"

enum { END_SECONDS = 5 };       /* for a killed warden to be gone */

/* Without waiting: what is locked is left for the next sweep. */
static bool try_lock(const struct keep *keep, const char *user)
{
    bool locked = keep_lock_range(keep, user, F_OFD_SETLK, F_WRLCK) == 0;

    must(locked || errno == EAGAIN || errno == EACCES, CODE_LOCK, "try");
    return locked;
}

static void unlock(const struct keep *keep, const char *user)
{
    must(keep_lock_range(keep, user, F_OFD_SETLK, F_UNLCK) == 0, CODE_LOCK,
         "unlock");
}

struct walk {
    const struct keep *keep;
    const char *user;           /* only this one's; NULL: all */
    const char *place;
    entries_visitor *visit;             /* for each entry of each place */
    struct sweep_counts *counts;
    unsigned long evicted;
};

static void visit_place(void *context, int dirfd, const char *place)
{
    struct walk *walk = context;

    walk->place = place;
    entries_each(dirfd, place, walk->visit, walk);
}

static void each_pin(struct walk *walk, entries_visitor *visit)
{
    walk->visit = visit;
    entries_each(walk->keep->pins, ".", visit_place, walk);
}

/* The socket of a jail that is gone. */
static void remove_socket(const struct walk *walk, const char *user)
{
    char path[sizeof LAYOUT_SOCK + 1 + KEEP_PLACE_MAX + 1 + NAME_USER_MAX];
    int length = snprintf(path, sizeof path, LAYOUT_SOCK "/%s/%s",
                          walk->place, user);

    must(length > 0 && (size_t)length < sizeof path
         && (unlinkat(walk->keep->run, path, 0) == 0 || errno == ENOENT),
         CODE_RUNDIR, "remove '%s'", path);
}

/*
 * The user's lock is held: a new pin cannot come while we look.  The socket
 * goes first: where that fails, the pin's file leads the next sweep to it.
 * Returns false, and removes nothing, where a pin is mounted.
 */
static bool remove_leftovers(const struct walk *walk, int dirfd,
                             const char *user)
{
    struct statx stx;
    bool there = statx(dirfd, user, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &stx)
                 == 0;

    must(there || errno == ENOENT, CODE_RUNDIR, "the pin of '%s'", user);
    if (!there) {
        return true;
    }
    if ((stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
        return false;
    }
    remove_socket(walk, user);
    must(unlinkat(dirfd, user, 0) == 0, CODE_RUNDIR, "remove the pin of '%s'",
         user);
    return true;
}

static void expire(void *context, int dirfd, const char *user)
{
    struct walk *walk = context;

    must(fchdir(dirfd) == 0, CODE_RUNDIR, "directory of pins");
    if (umount2(user, MNT_EXPIRE | UMOUNT_NOFOLLOW) == 0) {
        walk->counts->expired++;
    }
    else if (errno == EAGAIN) {
        walk->counts->marked++;
        return;
    }
    else if (errno == EBUSY) {
        walk->counts->busy++;
        return;
    }
    else {              /* nothing is mounted there, or evicted just now */
        must(errno == EINVAL || errno == ENOENT, CODE_PIN, "expire '%s'",
             user);
    }
    if (try_lock(walk->keep, user)) {
        /* none is removed where a new one is there */
        (void)remove_leftovers(walk, dirfd, user);
        unlock(walk->keep, user);
    }
}

/* rmdir(2) takes empty ones only. */
static void remove_if_empty(void *context, int dirfd, const char *name)
{
    (void)context;
    (void)unlinkat(dirfd, name, AT_REMOVEDIR);
}

/* Starts make the directories they need under their lock: none may run. */
static void remove_empty_places(const struct keep *keep)
{
    if (!try_lock(keep, NULL)) {
        return;
    }
    entries_each(keep->pins, ".", remove_if_empty, NULL);
    entries_each(keep->run, LAYOUT_SOCK, remove_if_empty, NULL);
    unlock(keep, NULL);
}

/*
 * The group of a jail without a warden: nothing is in it.  A start has the
 * lock from before it makes the group until the warden is in it.
 */
static void remove_empty_group(void *context, int dirfd, const char *name)
{
    const struct keep *keep = context;
    const char *user = groups_user(name);

    if (user != NULL && try_lock(keep, user)) {
        (void)unlinkat(dirfd, name, AT_REMOVEDIR);
        unlock(keep, user);
    }
}

static void remove_empty_groups(const struct keep *keep, int groups)
{
    if (groups >= 0) {
        entries_each(groups, ".", remove_empty_group,
                     (void *)(uintptr_t)keep);
    }
}

void sweep(const struct keep *keep, int groups, struct sweep_counts *counts)
{
    struct walk walk = { .keep = keep, .counts = counts };

    memset(counts, 0, sizeof *counts);
    mntns_enter(keep->ns);
    creds_use(CAP_SYS_ADMIN);
    each_pin(&walk, expire);
    creds_use_none();
    remove_empty_places(keep);
    remove_empty_groups(keep, groups);
    mntns_enter(keep->home);
}

static bool is_wanted(const struct walk *walk, const char *user)
{
    return walk->user == NULL || strcmp(walk->user, user) == 0;
}

static void kill_warden(void *context, int pidfd, int pid, const char *place,
                        const char *user)
{
    (void)context;
    (void)place;
    must(pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0 || errno == ESRCH,
         CODE_PIN, "kill warden %d of '%s'", pid, user);
}

/* PID 1 takes all processes of its jail along before it is gone itself. */
static void await_warden(void *context, int pidfd, int pid, const char *place,
                         const char *user)
{
    struct pollfd process = { .fd = pidfd, .events = POLLIN };
    int ended = poll(&process, 1, END_SECONDS * 1000);

    (void)context;
    must(ended >= 0, CODE_PIN, "wait for warden %d of '%s'", pid, user);
    if (ended == 0) {
        say_warning("warden %d of '%s' in %s was killed but does not end",
                    pid, user, place);
    }
}

/* A warden that does not end holds its pin: so detached, not refused. */
static void unmount_pin(void *context, int dirfd, const char *user)
{
    struct walk *walk = context;

    if (!is_wanted(walk, user)) {
        return;
    }
    creds_use(CAP_SYS_ADMIN);
    must(fchdir(dirfd) == 0
         && (umount2(user, MNT_DETACH | UMOUNT_NOFOLLOW) == 0
             || errno == EINVAL), CODE_PIN, "unmount '%s'", user);
    creds_use_none();
    if (!remove_leftovers(walk, dirfd, user)) {
        die(CODE_PIN, "'%s' is still mounted", user);
    }
    walk->evicted++;
}

/* Kill all, then wait for each: they end side by side. */
static void end_wardens(const struct keep *keep, const char *user)
{
    struct wardens *wardens = wardens_of_keep(keep);

    wardens_each(keep, wardens, user, kill_warden, NULL);
    wardens_each(keep, wardens, user, await_warden, NULL);
    wardens_free(wardens);
}

unsigned long sweep_evict(const struct keep *keep, int groups,
                          const char *user)
{
    struct walk walk = { .keep = keep, .user = user };

    mntns_enter(keep->ns);
    groups_kill(groups, user);
    end_wardens(keep, user);
    each_pin(&walk, unmount_pin);
    groups_remove(groups, user);
    mntns_enter(keep->home);
    return walk.evicted;
}

static void print_line(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static void print_line(const char *format, ...)
{
    char line[128];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < sizeof line) {
        (void)!write(STDOUT_FILENO, line, (size_t)length);
    }
}

static void list_pin(void *context, int dirfd, const char *user)
{
    const struct walk *walk = context;

    (void)dirfd;
    print_line("pin %s %s\n", walk->place, user);
}

static void list_warden(void *context, int pidfd, int pid, const char *place,
                        const char *user)
{
    (void)context;
    (void)pidfd;
    print_line("warden %s %s@%d\n", place, user, pid);
}

void sweep_list(const struct keep *keep)
{
    struct walk walk = { .keep = keep };
    struct wardens *wardens;

    each_pin(&walk, list_pin);
    mntns_enter(keep->ns);
    wardens = wardens_of_keep(keep);
    wardens_each(keep, wardens, NULL, list_warden, NULL);
    wardens_free(wardens);
    mntns_enter(keep->home);
}
