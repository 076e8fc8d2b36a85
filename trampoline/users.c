/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users.c - the directories of a user, and who the user is
 *
 * Root does this with CAP_CHOWN but without CAP_DAC_* and CAP_FOWNER, as the
 * owner of everything above a user's own two directories.  So a mode is set
 * before the owner changes, and the name of a new user's directory is one
 * that no request can ask for until all of it is there.
 */
#include "users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"
#include "names.h"

static const struct users_identity root = { 0, 0 };

/*
 * Makes a directory, or takes back the one that an interrupted attempt gave
 * away already.  Returns a descriptor, or -1 with errno.
 */
static int make_dir(int dirfd, const char *name, struct users_identity owner,
                    mode_t mode)
{
    int fd;

    if (mkdirat(dirfd, name, 0700) == -1
        && (errno != EEXIST
            || fchownat(dirfd, name, 0, 0, AT_SYMLINK_NOFOLLOW) == -1)) {
        return -1;
    }
    fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) {
        return -1;
    }
    if (fchmod(fd, mode) == -1 || fchown(fd, owner.uid, owner.gid) == -1) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int make_leaf(int dirfd, const char *name, struct users_identity owner)
{
    int fd = make_dir(dirfd, name, owner, 0700);

    return fd == -1 ? -1 : close(fd);
}

/* A root-owned file, on the disk before the user's name is. */
static int make_file(int dirfd, const char *name, const char *text)
{
    ssize_t size = (ssize_t)strlen(text);
    int fd = openat(dirfd, name,
                    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    0644);
    int error;
    bool good;

    if (fd == -1) {
        return -1;
    }
    errno = EIO;    /* a short write sets none */
    good = write(fd, text, (size_t)size) == size && fchmod(fd, 0644) == 0
        && fsync(fd) == 0;
    error = errno;
    close(fd);
    errno = error;
    return good ? 0 : -1;
}

/* What the jail's /etc/passwd and /etc/group are links to. */
static int make_accounts(int homefd, const char *user, struct users_identity id)
{
    char passwd[256], group[128];

    snprintf(passwd, sizeof(passwd),
             "root:x:0:0:root:/:/bin/sh\n"
             "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
             "%s:x:%u:%u::/home/%s:/bin/sh\n", user, id.uid, id.gid, user);
    snprintf(group, sizeof(group), "root:x:0:\nnogroup:x:65534:\n%s:x:%u:\n",
             user, id.gid);
    if (make_file(homefd, LAYOUT_PASSWD, passwd) == -1) {
        return -1;
    }
    return make_file(homefd, LAYOUT_GROUP, group);
}

/* Everything below the user's directory.  Returns 0, or -1 with errno. */
static int make_tree(int topfd, const char *user, struct users_identity id)
{
    int homefd = make_dir(topfd, LAYOUT_HOME, root, 0755);
    int error = 0;

    if (homefd == -1) {
        return -1;
    }
    if (make_accounts(homefd, user, id) == -1
        || make_leaf(homefd, user, id) == -1
        || make_leaf(topfd, LAYOUT_TMP, id) == -1) {
        error = errno;
    }
    close(homefd);
    errno = error;
    return error == 0 ? 0 : -1;
}

int users_make(int usersfd, const char *user, struct users_identity id)
{
    char hidden[NAME_USER_MAX + 8];
    struct stat st;
    int topfd, error = 0;

    if (fstatat(usersfd, user, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        return EEXIST;
    }
    snprintf(hidden, sizeof(hidden), ".new-%s", user);
    topfd = make_dir(usersfd, hidden, root, 0755);
    if (topfd == -1) {
        return errno;
    }
    /* a user's directory is never empty, so it is never replaced */
    if (make_tree(topfd, user, id) == -1
        || renameat(usersfd, hidden, usersfd, user) == -1) {
        error = errno;
    }
    close(topfd);
    return error == ENOTEMPTY ? EEXIST : error;
}

int users_register(int usersfd, const char *user, uid_t uid)
{
    char name[32], owner[NAME_USER_MAX + 1];
    ssize_t n;

    snprintf(name, sizeof(name), LAYOUT_UIDS "/%u", uid);
    if ((mkdirat(usersfd, LAYOUT_UIDS, 0755) == -1 && errno != EEXIST)
        || (symlinkat(user, usersfd, name) == -1 && errno != EEXIST)) {
        return errno;
    }
    n = readlinkat(usersfd, name, owner, sizeof(owner));
    if (n == -1) {
        return errno;
    }
    return (size_t)n == strlen(user) && memcmp(owner, user, (size_t)n) == 0
        ? 0 : EEXIST;
}

int users_allocate(int usersfd, const char *user, uid_t min, uid_t max,
                   struct users_identity *id)
{
    uint64_t count = (uint64_t)max - min + 1, i;
    uint64_t start = (uint64_t)name_lock_offset(user);

    for (i = 0; i < count; i++) {
        uid_t uid = min + (uid_t)((start + i) % count);
        int error = uid == USERS_NOBODY ? EEXIST
                                        : users_register(usersfd, user, uid);

        if (error == 0) {
            id->uid = uid;
            id->gid = uid;
        }
        if (error != EEXIST) {
            return error;
        }
    }
    return ENOSPC;
}
