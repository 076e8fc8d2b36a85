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

/* Passes a descriptor on if it is root's alone; else closes it. */
static int keep_if_trusted(int fd)
{
    struct stat st;
    int error = 0;

    if (fd == -1) {
        return -1;
    }
    if (fstat(fd, &st) == -1) {
        error = errno;
    }
    else if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        error = EPERM;
    }
    if (error != 0) {
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Goes one component down from dirfd, which is closed. */
static int descend(int dirfd, const char *component, size_t length)
{
    char name[NAME_MAX + 1];
    int fd, error;

    if (length == 0 || length > NAME_MAX) {
        close(dirfd);
        errno = length == 0 ? EINVAL : ENAMETOOLONG;
        return -1;
    }
    memcpy(name, component, length);
    name[length] = '\0';
    fd = path_open_beneath(dirfd, name, O_PATH | O_DIRECTORY);
    error = errno;
    close(dirfd);
    errno = error;
    return keep_if_trusted(fd);
}

int path_open_trusted(const char *path, size_t *culprit_length)
{
    const char *component = path + 1;
    int fd;

    *culprit_length = strlen(path);
    if (path[0] != '/') {
        errno = EINVAL;
        return -1;
    }
    *culprit_length = 1;
    fd = keep_if_trusted(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    while (fd != -1 && *component != '\0') {
        size_t length = strcspn(component, "/");

        *culprit_length = (size_t)(component - path) + length;
        fd = descend(fd, component, length);
        component += length;
        if (*component == '/') {
            component++;
        }
    }
    return fd;
}
