/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.c - what a directory of the configuration really is
 *
 * The child is a plain fork: it only looks at files and writes what it sees
 * into a pipe, one "errno path" a line.  It lets go of httpd's descriptors
 * first, because a child that hangs may live for hours, and httpd's ports
 * must not be taken as long.  Where it hangs it is killed, and waited for if
 * it can be; if not, httpd's own loop waits for it when it comes home.
 */
#include "module/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apr_strings.h"

#include "module/run.h"
#include "module/values.h"

enum { ANSWER_MAX = IJ_RESOLVE_MAX * (PATH_MAX + 16) };

/* --- in the child --- */

/* Appends "/current" where the base image has generations. */
static int find_base(const char *path, char *base, size_t size)
{
    struct stat st;
    int length = snprintf(base, size, "%s/current", path);

    if (length < 0 || (size_t)length >= size) {
        return ENAMETOOLONG;
    }
    if (lstat(base, &st) == -1) {
        base[strlen(path)] = '\0';
    }
    return 0;
}

static int find(const ij_path *path, char resolved[PATH_MAX])
{
    char base[PATH_MAX];
    struct stat st;
    int rv = path->is_base ? find_base(path->path, base, sizeof(base)) : 0;

    if (rv != 0) {
        return rv;
    }
    if (realpath(path->is_base ? base : path->path, resolved) == NULL
        || stat(resolved, &st) == -1) {
        return errno;
    }
    if (!S_ISDIR(st.st_mode) && !path->may_be_file) {
        return ENOTDIR;
    }
    return value_path(resolved) ? 0 : EINVAL;
}

_Noreturn static void answer(const ij_resolver *resolver)
{
    char line[PATH_MAX + 16], resolved[PATH_MAX];
    int i;

    dup2(resolver->fd, STDIN_FILENO);
    close_range(STDIN_FILENO + 1, ~0U, 0);
    for (i = 0; i < resolver->count; i++) {
        int rv = find(&resolver->paths[i], resolved);
        int length = snprintf(line, sizeof(line), "%d %s\n", rv,
                              rv == 0 ? resolved : "-");

        if (write(STDIN_FILENO, line, (size_t)length) != length) {
            break;
        }
    }
    _exit(0);
}

/* --- in the parent --- */

static void fail(ij_resolver *resolver, int error)
{
    int i;

    for (i = 0; i < resolver->count; i++) {
        resolver->paths[i].error = error;
    }
}

void ij_resolve_start(ij_resolver *resolver, ij_path *paths, int count)
{
    int ends[2];

    *resolver = (ij_resolver){ .paths = paths, .count = count, .fd = -1 };
    fail(resolver, ETIMEDOUT);
    if (pipe2(ends, O_CLOEXEC) == -1) {
        fail(resolver, errno);
        return;
    }
    resolver->fd = ends[1];
    resolver->pid = fork();
    if (resolver->pid == 0) {
        answer(resolver);
    }
    if (resolver->pid == -1) {
        fail(resolver, errno);
        resolver->pid = 0;
    }
    close(ends[1]);
    resolver->fd = ends[0];
}

/* Reads until the child has closed its end, or until the deadline. */
static size_t read_all(int fd, char *text, size_t size, long long deadline)
{
    size_t length = 0;

    while (length < size) {
        struct pollfd in = { .fd = fd, .events = POLLIN };
        long long left = deadline - ij_run_clock();
        int n = poll(&in, 1, left > 0 ? (int)left : 0);
        ssize_t got;

        if (n == -1 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        got = read(fd, text + length, size - length);
        if (got <= 0) {
            break;
        }
        length += (size_t)got;
    }
    return length;
}

/* Takes one "errno path" line for each path, as far as they go. */
static void take(ij_resolver *resolver, apr_pool_t *p, char *text)
{
    char *line, *path;
    int i;

    for (i = 0; i < resolver->count && strchr(text, '\n') != NULL; i++) {
        line = strsep(&text, "\n");
        resolver->paths[i].error = (int)strtol(line, &path, 10);
        if (resolver->paths[i].error == 0) {
            resolver->paths[i].resolved = apr_pstrdup(p, path + 1);
        }
    }
}

void ij_resolve_finish(ij_resolver *resolver, apr_pool_t *p,
                       long long deadline)
{
    char *text;
    size_t length;

    if (resolver->pid != 0) {
        text = apr_palloc(p, ANSWER_MAX + 1);
        length = read_all(resolver->fd, text, ANSWER_MAX, deadline);
        text[length] = '\0';
        take(resolver, p, text);
        kill(resolver->pid, SIGKILL);
        waitpid(resolver->pid, NULL,
                ij_run_clock() < deadline ? 0 : WNOHANG);
    }
    if (resolver->fd != -1) {
        close(resolver->fd);
    }
}
