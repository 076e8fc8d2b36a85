/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - which process is a warden, so that it can be ended later
 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "say.h"

enum {
    STAT_MAX = 1024,
    START_MAX = 24,             /* 64 bits in decimal, and the NUL */
    FIELDS_BEFORE_START = 19    /* between ")" and field 22 of proc(5) stat */
};

void record_name(char name[RECORD_NAME_MAX], const char *user, pid_t pid)
{
    int length = snprintf(name, RECORD_NAME_MAX, "%s@%d", user, (int)pid);

    if (length < 0 || length >= RECORD_NAME_MAX) {
        die(CODE_INTERNAL, "name of a record too long");
    }
}

bool record_parse_name(const char *name, char user[NAME_USER_MAX + 1],
                       pid_t *pid)
{
    const char *at = strchr(name, '@');
    const char *digit;
    int32_t value = 0;

    if (at == NULL || at - name > NAME_USER_MAX || at[1] == '\0'
        || strlen(at + 1) > 9) {
        return false;
    }
    for (digit = at + 1; *digit >= '0' && *digit <= '9'; digit++) {
        value = value * 10 + (*digit - '0');
    }
    memcpy(user, name, (size_t)(at - name));
    user[at - name] = '\0';
    *pid = value;
    return *digit == '\0' && value > 1 && name_is_user(user);
}

static ssize_t read_small(int dirfd, const char *name, char *text, size_t size)
{
    int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n = -1;

    if (fd >= 0) {
        n = read(fd, text, size - 1);
        (void)close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    return n;
}

/* The command in field 2 may hold anything, but ")" comes last. */
static bool read_start(int proc, pid_t pid, char start[START_MAX])
{
    char path[32], text[STAT_MAX];
    const char *field;
    size_t length;
    int i;

    (void)snprintf(path, sizeof path, "%d/stat", (int)pid);
    if (read_small(proc, path, text, sizeof text) <= 0
        || (field = strrchr(text, ')')) == NULL) {
        return false;
    }
    field++;
    for (i = 0; i < FIELDS_BEFORE_START && *field == ' '; i++) {
        field += 1 + strcspn(field + 1, " ");
    }
    length = strspn(field + 1, "0123456789");
    if (*field != ' ' || length == 0 || length >= START_MAX) {
        return false;
    }
    memcpy(start, field + 1, length);
    start[length] = '\0';
    return true;
}

bool record_write(int dirfd, const char *name, int proc, pid_t pid)
{
    char start[START_MAX];
    ssize_t length;
    int fd, error;

    if (!read_start(proc, pid, start)) {
        errno = ESRCH;
        return false;
    }
    /* a record of the same name is an ended process's */
    fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
                | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    length = write(fd, start, strlen(start));
    error = errno;
    (void)close(fd);
    if (length != (ssize_t)strlen(start)) {
        (void)unlinkat(dirfd, name, 0);
        errno = error;
        return false;
    }
    return true;
}

/* The pidfd first: after it, the pid cannot change hands unnoticed. */
int record_open_process(int dirfd, const char *name, int proc, pid_t pid)
{
    char recorded[START_MAX], start[START_MAX];
    int fd = pidfd_open(pid, 0);

    if (fd >= 0
        && (read_small(dirfd, name, recorded, sizeof recorded) <= 0
            || !read_start(proc, pid, start)
            || strcmp(recorded, start) != 0)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}
