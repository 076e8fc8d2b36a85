/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.c - opens what is served without a program: a file, or a listing
 *
 * stat(2) has called it a regular file, but the user may put something else
 * in its place at any time.  O_NONBLOCK makes that harmless: the open(2) of a
 * FIFO returns, and so does that of a file under a lease, with EWOULDBLOCK.
 *
 * The warden opens as the user and could show no more than the user may read,
 * if it were not a process itself: /proc/self is another one for it than for
 * the user's programs.  Most of what is there belongs to root, because the
 * warden is not dumpable; but /proc/self/maps and others are for everybody to
 * open and speak of the process that does, and a process always comes at its
 * own descriptors, of which one is the pin.  So nothing of procfs is served,
 * and no namespace.
 */
#include "open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "listing.h"

enum { FIRST_LINE_MAX = 256 };      /* the kernel reads no more of it */

/* Whether it is of that type (S_IFREG...) and a file system's that may be
   served.  Sets *error to 0, or to the errno where it cannot be found out. */
static bool may_be_served(int fd, mode_t type, int *error)
{
    struct statfs fs;
    struct stat st;

    *error = 0;
    if (fstat(fd, &st) != 0 || fstatfs(fd, &fs) != 0) {
        *error = errno;
        return false;
    }
    return (st.st_mode & S_IFMT) == type && fs.f_type != PROC_SUPER_MAGIC
           && fs.f_type != NSFS_MAGIC;
}

/*
 * A script whose execute bit was forgotten: its author wants to know that,
 * and nobody is to read it.  Nor what could be one: sets *error where that
 * cannot be found out.
 */
static bool is_script(int fd, int *error)
{
    char start[2];
    ssize_t size = pread(fd, start, sizeof(start), 0);

    *error = size < 0 ? errno : 0;
    return size == (ssize_t) sizeof(start)
           && memcmp(start, "#!", sizeof(start)) == 0;
}

static enum wire_refusal check_file(int fd, const char *path_info,
                                    int *error)
{
    if (is_script(fd, error)) {
        *error = EACCES;    /* as execve(2) would say */
        return WIRE_NOT_EXECUTABLE;
    }
    if (*error != 0) {
        return WIRE_CANNOT_START;
    }
    if (path_info[0] != '\0') {
        *error = ENOTDIR;
        return WIRE_NOT_FOUND;
    }
    return WIRE_NOT_REFUSED;
}

/* Returns WIRE_NOT_REFUSED and *fd, which is of that type. */
static enum wire_refusal open_safely(const char *path, mode_t type, int *fd,
                                     int *error)
{
    int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;

    *fd = open(path, type == S_IFDIR ? flags | O_DIRECTORY : flags);
    if (*fd < 0) {
        *error = errno;
        return find_lookup_refusal(*error);
    }
    if (!may_be_served(*fd, type, error)) {
        close(*fd);
        return *error != 0 ? WIRE_CANNOT_START : WIRE_FORBIDDEN;
    }
    return WIRE_NOT_REFUSED;
}

static enum wire_refusal open_file(const struct found *found, int *fd,
                                   int *error)
{
    enum wire_refusal refusal = open_safely(found->script, S_IFREG, fd,
                                            error);

    if (refusal != WIRE_NOT_REFUSED) {
        return refusal;
    }
    refusal = check_file(*fd, found->path_info, error);
    if (refusal != WIRE_NOT_REFUSED) {
        close(*fd);
    }
    return refusal;
}

static enum wire_refusal open_listing(const struct found *found, int *fd,
                                      int *error)
{
    int directory;
    enum wire_refusal refusal = open_safely(found->script, S_IFDIR,
                                            &directory, error);

    if (refusal != WIRE_NOT_REFUSED) {
        return refusal;
    }
    *error = listing_make(directory, fd);
    return *error == 0 || *error == EOVERFLOW ? WIRE_NOT_REFUSED
                                              : WIRE_CANNOT_START;
}

enum wire_refusal open_found(const struct found *found, int *fd, int *error)
{
    return found->kind == FIND_DIRECTORY ? open_listing(found, fd, error)
                                         : open_file(found, fd, error);
}

bool open_has_dos_line(const struct found *found)
{
    char line[FIRST_LINE_MAX];
    const char *newline;
    ssize_t size;
    int fd, error;

    if (open_safely(found->script, S_IFREG, &fd, &error)
        != WIRE_NOT_REFUSED) {
        return false;
    }
    size = pread(fd, line, sizeof(line), 0);
    close(fd);
    if (size < 4 || memcmp(line, "#!", 2) != 0) {
        return false;
    }
    newline = memchr(line, '\n', (size_t) size);
    return newline != NULL && newline[-1] == '\r';
}
