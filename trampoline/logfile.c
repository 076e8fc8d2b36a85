/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logfile.c - the user's own error log
 *
 * The path is the administrator's, but all that lies there is the user's, who
 * may put a FIFO, a device or a link to anything in its place.  The warden
 * writes as the user and could do no more harm than the user can, if it were
 * not for two things.  It must not block, because it is needed for other
 * requests: hence O_NONBLOCK, which a FIFO without a reader and a file under
 * a lease answer with an error at once.  And the warden is a process itself:
 * a link into /proc/self leads somewhere else for it than for the user.  What
 * is there belongs to root, because the warden is not dumpable, so a file
 * that is not our own is refused.
 */
#include "logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns a descriptor and *size, or -1 with errno. */
static int open_log(const char *path, off_t *size)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC
                        | O_NOCTTY, 0600), error = 0;
    struct stat st;

    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) != 0) {
        error = errno;
    }
    else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
        error = EPERM;
    }
    if (error != 0) {
        close(fd);
        errno = error;
        return -1;
    }
    *size = st.st_size;
    return fd;
}

/* Returns whether it was; else errno says why not. */
static bool put_aside(const char *path)
{
    char old[PATH_MAX];
    int length = snprintf(old, sizeof(old), "%s.old", path);

    if (length < 0 || (size_t) length >= sizeof(old)) {
        errno = ENAMETOOLONG;
        return false;
    }
    return rename(path, old) == 0;
}

static int open_with_room(const char *path, size_t length)
{
    off_t size;
    int fd = open_log(path, &size);

    if (fd < 0 || size <= LOGFILE_MAX - (off_t) length) {
        return fd;
    }
    close(fd);
    return put_aside(path) ? open_log(path, &size) : -1;
}

int logfile_append(const char *path, const char *text)
{
    size_t length = strlen(text);
    int fd = open_with_room(path, length), error = 0;
    ssize_t written;

    if (fd < 0) {
        return errno;
    }
    /* at once, so that two wardens of a user do not mix their entries */
    written = write(fd, text, length);
    if (written < 0) {
        error = errno;
    }
    else if ((size_t) written != length) {
        error = ENOSPC;
    }
    close(fd);
    return error;
}
