/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remove.c - "ivlejailctl user remove"
 *
 * A removed user's directory is kept as ".removed-<user>-<uid>-<time>", a
 * name that no request can ask for; the uid stays registered, because there
 * are files of it.  --purge deletes them, and then the uid is free.
 *
 * Deleting is done for root, in a tree that a user has made.  So nothing is
 * followed (no link, no mount) and nothing depends on its shape: instead of
 * going down into a directory in a directory, that one is moved up to the
 * top first, where only root can rename it.  The tree is never more than two
 * levels deep where we are, whatever its depth was.
 */
#include "user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "jail.h"
#include "site.h"
#include "trampoline/layout.h"
#include "trampoline/users.h"

#define REMOVED ".removed-"

/* Somebody writes as fast as we delete: give up. */
enum { REFILLED_MAX = 100 };

/* The name of a kept tree, longer than any that we make. */
typedef char kept_name[sizeof(REMOVED) + NAME_USER_MAX + 48];

/*** Mounts ***/

/* Undoes the \ooo of mountinfo, in place. */
static void unescape(char *s)
{
    char *to = s;

    for (; *s != '\0'; s++, to++) {
        if (s[0] == '\\' && s[1] != '\0' && s[2] != '\0' && s[3] != '\0') {
            *to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 3;
        }
        else {
            *to = *s;
        }
    }
    *to = '\0';
}

/* The mount point in a line of mountinfo: its fifth field. */
static char *mount_point(char *line)
{
    char *field = NULL;
    int i;

    for (i = 0; i < 5; i++) {
        field = strsep(&line, " ");
    }
    if (field != NULL) {
        unescape(field);
    }
    return field;
}

/* Before anything is deleted: what is mounted in there is somebody else's. */
static void require_no_mount(const struct site *site, const char *name)
{
    char prefix[PATH_MAX];
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char *line = NULL;
    size_t size = 0;
    int length = snprintf(prefix, sizeof(prefix), "%s/%s/", site->path, name);

    if (mounts == NULL || length < 0 || (size_t)length >= sizeof(prefix)) {
        fail("cannot read the mounts below '%s/%s': %m", site->path, name);
    }
    while (getline(&line, &size, mounts) != -1) {
        const char *point = mount_point(line);

        if (point != NULL && strncmp(point, prefix, (size_t)length) == 0) {
            fail("'%s' is a mount: nothing was deleted; unmount it, and try "
                 "again", point);
        }
    }
    free(line);
    fclose(mounts);
}

/*** Deleting ***/

static _Noreturn void fail_to_delete(const char *name, int error)
{
    if (error == EXDEV || error == EBUSY) {
        fail("'%s' is a mount: the rest is not deleted; unmount it, and try "
             "again", name);
    }
    fail("cannot delete '%s': %s: see lsattr(1), end what runs as this user, "
         "and try again", name, strerror(error));
}

/* A directory below dirfd, on the same mount, and not through a link. */
static DIR *open_same_mount(int dirfd, const char *name)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV
    };
    int fd = (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
    DIR *directory = fd == -1 ? NULL : fdopendir(fd);

    if (directory == NULL) {
        fail_to_delete(name, errno);
    }
    return directory;
}

/* The next entry but for "." and ".."; NULL: no more. */
static const char *next_name(DIR *directory)
{
    struct dirent *entry;

    do {
        entry = readdir(directory);
    } while (entry != NULL && (strcmp(entry->d_name, ".") == 0
                               || strcmp(entry->d_name, "..") == 0));
    return entry == NULL ? NULL : entry->d_name;
}

struct purge {
    int top;                    /* where everything is moved to */
    unsigned long moved;        /* so many have been */
    unsigned int refilled;      /* directories that were not empty after all */
};

static void move_up(struct purge *purge, int dirfd, const char *name)
{
    char up[32];
    int rv;

    do {
        snprintf(up, sizeof(up), ".up-%lu", purge->moved++);
        rv = renameat(dirfd, name, purge->top, up);
    } while (rv == -1 && (errno == ENOTEMPTY || errno == EEXIST));
    if (rv == -1 && errno != ENOENT) {
        fail_to_delete(name, errno);
    }
}

/* True: gone.  False: it is a directory. */
static bool unlink_file(int dirfd, const char *name)
{
    if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT) {
        return true;
    }
    if (errno != EISDIR) {
        fail_to_delete(name, errno);
    }
    return false;
}

static void empty_directory(struct purge *purge, const char *name)
{
    DIR *directory = open_same_mount(purge->top, name);
    const char *entry;

    while ((entry = next_name(directory)) != NULL) {
        if (!unlink_file(dirfd(directory), entry)) {
            move_up(purge, dirfd(directory), entry);
        }
    }
    closedir(directory);
}

static void remove_directory(struct purge *purge, const char *name)
{
    empty_directory(purge, name);
    if (unlinkat(purge->top, name, AT_REMOVEDIR) == 0) {
        return;
    }
    if (errno != ENOTEMPTY || ++purge->refilled > REFILLED_MAX) {
        fail_to_delete(name, errno);
    }
}

/* One look at all that is there.  False: it was nothing. */
static bool remove_entries(struct purge *purge, DIR *top)
{
    const char *entry;
    bool some = false;

    rewinddir(top);
    while ((entry = next_name(top)) != NULL) {
        some = true;
        if (!unlink_file(purge->top, entry)) {
            remove_directory(purge, entry);
        }
    }
    return some;
}

static void delete_tree(const struct site *site, const char *name)
{
    DIR *top = open_same_mount(site->users, name);
    struct purge purge = { .top = dirfd(top) };

    while (remove_entries(&purge, top)) {
        /* until nothing moved up any more */
    }
    closedir(top);
    if (unlinkat(site->users, name, AT_REMOVEDIR) == -1) {
        fail_to_delete(name, errno);
    }
}

/*** Kept trees ***/

/* Whether a directory is what is kept of a user, and of which uid. */
static bool is_kept(const char *name, const char *user, uid_t *uid)
{
    char prefix[sizeof(kept_name)], *end;
    unsigned long number;

    snprintf(prefix, sizeof(prefix), REMOVED "%s-", user);
    if (strncmp(name, prefix, strlen(prefix)) != 0) {
        return false;
    }
    name += strlen(prefix);
    number = strtoul(name, &end, 10);
    *uid = (uid_t)number;
    return end != name && *end == '-' && end[1] != '\0'
        && end[1 + strspn(end + 1, "0123456789")] == '\0';
}

static DIR *list_users(const struct site *site)
{
    int fd = openat(site->users, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd == -1 ? NULL : fdopendir(fd);

    if (directory == NULL) {
        fail("cannot list '%s': %m", site->path);
    }
    return directory;
}

/* Finds one of what is kept of a user; with uid 0 of any uid. */
static bool find_kept(const struct site *site, const char *user, uid_t uid,
                      kept_name found)
{
    DIR *directory = list_users(site);
    const char *name;
    bool is_found = false;
    uid_t its;

    while (!is_found && (name = next_name(directory)) != NULL) {
        is_found = is_kept(name, user, &its) && (uid == 0 || its == uid);
        if (is_found) {
            snprintf(found, sizeof(kept_name), "%s", name);
        }
    }
    closedir(directory);
    return is_found;
}

/* Only when no file of this uid is left, another user may get it. */
static void free_uid(const struct site *site, const char *user, uid_t uid)
{
    kept_name other;
    char entry[32];

    if (uid == 0 || find_kept(site, user, uid, other)) {
        return;
    }
    snprintf(entry, sizeof(entry), LAYOUT_UIDS "/%u", uid);
    /* registering it again only tells whose it is */
    if (users_register(site->users, user, uid) != 0) {
        return;
    }
    if (unlinkat(site->users, entry, 0) == -1) {
        fail("cannot free the uid %u: %m: remove '%s/%s'", uid, site->path,
             entry);
    }
}

static void purge_kept(const struct site *site, const char *user,
                       const char *name)
{
    uid_t uid = 0;

    require_no_mount(site, name);
    (void)is_kept(name, user, &uid);
    delete_tree(site, name);
    free_uid(site, user, uid);
}

/*** The command ***/

/* Out of the way, in one step.  False: there is no such user. */
static bool keep_tree(const struct site *site, const char *user,
                      kept_name name)
{
    char home[2 * NAME_USER_MAX + 16];
    long long now = (long long)time(NULL);
    struct stat st;
    uid_t uid = 0;
    int rv;

    snprintf(home, sizeof(home), "%s/" LAYOUT_HOME "/%s", user, user);
    if (fstatat(site->users, home, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        uid = st.st_uid;
    }
    do {    /* the second time in one second is as if in the next one */
        snprintf(name, sizeof(kept_name), REMOVED "%s-%u-%lld", user, uid,
                 now++);
        rv = renameat(site->users, user, site->users, name);
    } while (rv == -1 && (errno == ENOTEMPTY || errno == EEXIST));
    if (rv == -1 && errno != ENOENT) {
        fail("cannot rename '%s/%s': %m: if it is a mount, unmount it",
             site->path, user);
    }
    return rv == 0;
}

static void evict(const struct site *site, const char *user)
{
    struct helper timount;

    if (!site->runs) {
        return;
    }
    jail_timount(&timount, site->instance, "evict", user);
    if (helper_run(&timount) != 0) {
        fail("'%s' cannot get new jails any more, but there may be old ones: "
             "try \"ivlejailctl jail evict %s\"", user, user);
    }
}

/* The name of a user who is there: what is kept after this.  Else any. */
static bool take_away(const struct site *site, const char *user,
                      const struct options *options, kept_name name)
{
    bool there;

    if (options->purge) {
        require_no_mount(site, user);
    }
    site_lock(site, user);
    there = keep_tree(site, user, name);
    site_unlock(site);
    if (!there && !(options->purge && find_kept(site, user, 0, name))) {
        fail("no user '%s' in '%s': see \"ivlejailctl user list\"", user,
             site->path);
    }
    return there;
}

/*
 * The user goes first and the jails then, so that no request makes another
 * one in between.
 */
int user_remove(const struct options *options, char **operands)
{
    const char *user = operands[0];
    struct site site;
    kept_name name;
    bool was_there;

    site_require_name(user);
    site_open(&site, options);
    was_there = take_away(&site, user, options, name);
    evict(&site, user);
    if (!options->purge) {
        printf("removed %s; the files are kept in %s/%s\n", user, site.path,
               name);
        return 0;
    }
    do {
        purge_kept(&site, user, name);
    } while (!was_there && find_kept(&site, user, 0, name));
    printf("removed %s and all files\n", user);
    return 0;
}
