/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.c - directories by descriptor, never by name twice
 */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int path_open_beneath(int dirfd, const char *path, int flags)
{
    struct open_how how = {
        /* O_PATH with O_NOFOLLOW would open a link instead of refusing it */
        .flags = (unsigned int)((flags & ~O_NOFOLLOW) | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
                   | RESOLVE_NO_MAGICLINKS
    };

    return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

/* Goes one component down from dirfd, which is closed. */
static int descend(int dirfd, const char *name)
{
    int fd = path_open_beneath(dirfd, name, O_PATH | O_DIRECTORY);
    int error = errno;
    struct stat st;

    close(dirfd);
    if (fd != -1 && (fstat(fd, &st) == -1 || st.st_uid != 0
                     || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
        close(fd);
        fd = -1;
        error = EPERM;
    }
    errno = error;
    return fd;
}

int path_open_trusted(const char *path, size_t *culprit_length)
{
    char copy[PATH_MAX], *rest = copy + 1;
    int fd;

    *culprit_length = strlen(path);
    if (path[0] != '/' || *culprit_length >= sizeof(copy)) {
        errno = EINVAL;
        return -1;
    }
    memcpy(copy, path, *culprit_length + 1);
    *culprit_length = 1;
    fd = descend(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), ".");
    while (fd != -1 && rest != NULL && *rest != '\0') {
        const char *name = strsep(&rest, "/");

        *culprit_length = (size_t)(name - copy) + strlen(name);
        fd = descend(fd, name);
    }
    return fd;
}
