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
 * no new pin lies there: unlinking a mount point fails with EBUSY.
 */
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "creds.h"
#include "layout.h"
#include "mntns.h"
#include "path.h"
#include "record.h"
#include "say.h"

enum { END_SECONDS = 5 };       /* for a killed warden to be gone */

typedef void visitor(void *context, int dirfd, const char *name);

/* What a directory holds, but for names that begin with a dot. */
static void each_entry(int parent, const char *directory, visitor *visit,
                       void *context)
{
    int fd = path_open_beneath(parent, directory, O_RDONLY | O_DIRECTORY);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (stream == NULL) {
        if (errno == ENOENT) {
            return;             /* removed since it was listed */
        }
        die_errno(CODE_RUNDIR, "cannot list '%s'", directory);
    }
    while ((entry = readdir(stream)) != NULL) {
        if (entry->d_name[0] != '.') {
            visit(context, fd, entry->d_name);
        }
    }
    (void)closedir(stream);
}

struct walk {
    const struct keep *keep;
    const char *user;           /* only this one's; NULL: all */
    const char *place;
    visitor *visit;             /* for each entry of each place */
    struct sweep_counts *counts;
    unsigned long evicted;
};

static void visit_place(void *context, int dirfd, const char *place)
{
    struct walk *walk = context;

    walk->place = place;
    each_entry(dirfd, place, walk->visit, walk);
}

static void each_pin(struct walk *walk, visitor *visit)
{
    walk->visit = visit;
    each_entry(walk->keep->pins, ".", visit_place, walk);
}

static void each_record(struct walk *walk, visitor *visit)
{
    walk->visit = visit;
    each_entry(walk->keep->run, LAYOUT_WARDENS, visit_place, walk);
}

/* The socket of a jail that is gone. */
static void remove_socket(const struct walk *walk, const char *user)
{
    char path[sizeof LAYOUT_SOCK + 1 + KEEP_PLACE_MAX + 1 + NAME_USER_MAX];
    int length = snprintf(path, sizeof path, LAYOUT_SOCK "/%s/%s",
                          walk->place, user);

    if (length < 0 || (size_t)length >= sizeof path) {
        die(CODE_RUNDIR, "'%s/%s' is not a place of ours", walk->place, user);
    }
    if (unlinkat(walk->keep->run, path, 0) != 0 && errno != ENOENT) {
        die_errno(CODE_RUNDIR, "cannot remove '%s'", path);
    }
}

/* The user's lock is held: a new pin cannot come while we look. */
static void remove_leftovers(const struct walk *walk, int dirfd,
                             const char *user)
{
    if (unlinkat(dirfd, user, 0) == 0) {
        remove_socket(walk, user);
    }
    else if (errno != EBUSY && errno != ENOENT) {
        die_errno(CODE_RUNDIR, "cannot remove the pin of user '%s'", user);
    }
}

static void expire(void *context, int dirfd, const char *user)
{
    struct walk *walk = context;

    if (fchdir(dirfd) != 0) {
        die_errno(CODE_RUNDIR, "cannot enter a directory of pins");
    }
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
    else if (errno != EINVAL) {     /* EINVAL: nothing mounted there */
        die_errno(CODE_PIN, "cannot expire the pin of user '%s'", user);
    }
    if (keep_try_lock(walk->keep, user)) {
        remove_leftovers(walk, dirfd, user);
        keep_unlock(walk->keep, user);
    }
}

static void forget_if_ended(void *context, int dirfd, const char *name)
{
    const struct walk *walk = context;
    char user[NAME_USER_MAX + 1];
    int process = -1;
    pid_t pid;

    if (record_parse_name(name, user, &pid)) {
        process = record_open_process(dirfd, name, walk->keep->proc, pid);
    }
    if (process >= 0) {
        (void)close(process);
    }
    else if (unlinkat(dirfd, name, 0) != 0 && errno != ENOENT) {
        die_errno(CODE_RUNDIR, "cannot remove the record '%s'", name);
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
    if (!keep_try_lock(keep, NULL)) {
        return;
    }
    each_entry(keep->pins, ".", remove_if_empty, NULL);
    each_entry(keep->run, LAYOUT_SOCK, remove_if_empty, NULL);
    each_entry(keep->run, LAYOUT_WARDENS, remove_if_empty, NULL);
    keep_unlock(keep, NULL);
}

void sweep(const struct keep *keep, struct sweep_counts *counts)
{
    struct walk walk = { .keep = keep, .counts = counts };

    memset(counts, 0, sizeof *counts);
    mntns_enter(keep->ns);
    creds_use(CAP_SYS_ADMIN);
    each_pin(&walk, expire);
    creds_use_none();
    each_record(&walk, forget_if_ended);
    remove_empty_places(keep);
    mntns_enter(keep->home);
}

static bool is_wanted(const struct walk *walk, const char *user)
{
    return walk->user == NULL || strcmp(walk->user, user) == 0;
}

/* A pidfd of the record's warden, or -1: ended, or not wanted. */
static int open_warden(const struct walk *walk, int dirfd, const char *name)
{
    char user[NAME_USER_MAX + 1];
    pid_t pid;

    if (!record_parse_name(name, user, &pid) || !is_wanted(walk, user)) {
        return -1;
    }
    return record_open_process(dirfd, name, walk->keep->proc, pid);
}

static void kill_warden(void *context, int dirfd, const char *name)
{
    int process = open_warden(context, dirfd, name);

    if (process >= 0) {
        creds_use(CAP_KILL);
        (void)pidfd_send_signal(process, SIGKILL, NULL, 0); /* or just ended */
        creds_use_none();
        (void)close(process);
    }
}

/* PID 1 takes all processes of its jail along before it is gone itself. */
static void await_warden(void *context, int dirfd, const char *name)
{
    struct pollfd process = { .fd = open_warden(context, dirfd, name),
                              .events = POLLIN };

    if (process.fd >= 0) {
        if (poll(&process, 1, END_SECONDS * 1000) != 1) {
            say_warning("the warden '%s' has been killed but does not end",
                        name);
        }
        (void)close(process.fd);
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
    if (fchdir(dirfd) != 0
        || (umount2(user, MNT_DETACH | UMOUNT_NOFOLLOW) != 0
            && errno != EINVAL)) {
        die_errno(CODE_PIN, "cannot unmount the pin of user '%s'", user);
    }
    creds_use_none();
    remove_leftovers(walk, dirfd, user);
    walk->evicted++;
}

unsigned long sweep_evict(const struct keep *keep, const char *user)
{
    struct walk walk = { .keep = keep, .user = user };

    each_record(&walk, kill_warden);
    each_record(&walk, await_warden);
    each_record(&walk, forget_if_ended);
    mntns_enter(keep->ns);
    each_pin(&walk, unmount_pin);
    mntns_enter(keep->home);
    return walk.evicted;
}

static void print_line(const char *kind, const char *place, const char *name)
{
    char line[128];
    int length = snprintf(line, sizeof line, "%s %s %s\n", kind, place, name);

    if (length > 0 && (size_t)length < sizeof line) {
        (void)!write(STDOUT_FILENO, line, (size_t)length);
    }
}

static void list_pin(void *context, int dirfd, const char *user)
{
    const struct walk *walk = context;

    (void)dirfd;
    print_line("pin", walk->place, user);
}

static void list_record(void *context, int dirfd, const char *name)
{
    const struct walk *walk = context;
    int process = open_warden(walk, dirfd, name);

    if (process >= 0) {
        (void)close(process);
        print_line("warden", walk->place, name);
    }
}

void sweep_list(const struct keep *keep)
{
    struct walk walk = { .keep = keep };

    each_pin(&walk, list_pin);
    each_record(&walk, list_record);
}
