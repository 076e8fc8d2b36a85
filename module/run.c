/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - runs a helper, for a bounded time
 *
 * A helper has ended when its pidfd says so, not when its pipes do: what it
 * leaves behind (a warden) might hold them.
 */
#include "module/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What is read of one of the helper's outputs, and what is kept of it. */
struct capture {
    int fd;
    char *text;
    size_t size, length;
};

long long ij_run_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* --- start --- */

static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    int rv;

    sigfillset(&all);
    sigemptyset(&none);
    rv = posix_spawnattr_setsigdefault(attributes, &all);
    if (rv == 0) {
        rv = posix_spawnattr_setsigmask(attributes, &none);
    }
    if (rv == 0) {
        rv = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF
                                                  | POSIX_SPAWN_SETSIGMASK
                                                  | POSIX_SPAWN_SETSID);
    }
    return rv;
}

static int put(posix_spawn_file_actions_t *actions, int fd, int place)
{
    if (fd == -1) {
        return posix_spawn_file_actions_addopen(actions, place, "/dev/null",
                                                O_RDWR, 0);
    }
    return posix_spawn_file_actions_adddup2(actions, fd, place);
}

static int set_files(posix_spawn_file_actions_t *actions, int out, int err)
{
    int rv = put(actions, -1, STDIN_FILENO);

    if (rv == 0) {
        rv = put(actions, out, STDOUT_FILENO);
    }
    if (rv == 0 && err != -1) {
        rv = put(actions, err, STDERR_FILENO);
    }
    if (rv == 0) {
        rv = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    }
    return rv;
}

static int spawn(const char *const argv[], int out, int err,
                 posix_spawn_file_actions_t *actions, pid_t *pid)
{
    char *const no_environment[] = { NULL };
    posix_spawnattr_t attributes;
    int rv = posix_spawnattr_init(&attributes);

    if (rv != 0) {
        return rv;
    }
    rv = set_signals(&attributes);
    if (rv == 0) {
        rv = set_files(actions, out, err);
    }
    if (rv == 0) {
        rv = posix_spawn(pid, argv[0], actions, &attributes,
                         (char *const *)argv, no_environment);
    }
    posix_spawnattr_destroy(&attributes);
    return rv;
}

int ij_run_start(const char *const argv[], int out, int err, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int rv = posix_spawn_file_actions_init(&actions);

    if (rv != 0) {
        return rv;
    }
    rv = spawn(argv, out, err, &actions, pid);
    posix_spawn_file_actions_destroy(&actions);
    return rv;
}

/* --- wait --- */

/* Reads what is there; the pipe is non-blocking.  Closes it at its end. */
static void capture_read(struct capture *capture)
{
    char rest[256];

    for (;;) {
        size_t space = capture->size - 1 - capture->length;
        ssize_t n = space > 0
            ? read(capture->fd, capture->text + capture->length, space)
            : read(capture->fd, rest, sizeof(rest));

        if (n == -1 && errno == EINTR) {
            continue;
        }
        if (n == -1 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            close(capture->fd);
            capture->fd = -1;
            return;
        }
        if (space > 0) {
            capture->length += (size_t)n;
            capture->text[capture->length] = '\0';
        }
    }
}

/* Reads both outputs until the process has ended.  Returns 0 or errno. */
static int watch(int pidfd, struct capture captures[2], int milliseconds)
{
    long long deadline = ij_run_clock() + milliseconds;

    for (;;) {
        struct pollfd fds[] = { { .fd = pidfd, .events = POLLIN },
                                { .fd = captures[0].fd, .events = POLLIN },
                                { .fd = captures[1].fd, .events = POLLIN } };
        long long left = deadline - ij_run_clock();
        int n = poll(fds, 3, left > 0 ? (int)left : 0), i;

        if (n == 0) {
            return ETIMEDOUT;
        }
        if (n == -1 && errno != EINTR) {
            return errno;
        }
        for (i = 0; n > 0 && i < 2; i++) {
            if (captures[i].fd != -1
                && (fds[0].revents != 0 || fds[i + 1].revents != 0)) {
                capture_read(&captures[i]);
            }
        }
        if (n > 0 && fds[0].revents != 0) {
            return 0;
        }
    }
}

static int run_with(const char *const argv[], int milliseconds, ij_run *run,
                    const int out[2], const int err[2],
                    struct capture captures[2])
{
    int rv = ij_run_start(argv, out[1], err[1], &run->pid), pidfd;

    if (rv != 0) {
        run->pid = 0;
        return rv;
    }
    pidfd = pidfd_open(run->pid, 0);
    if (pidfd == -1) {
        return errno;
    }
    rv = watch(pidfd, captures, milliseconds);
    close(pidfd);
    if (rv != 0) {
        return rv;
    }
    if (waitpid(run->pid, &run->status, 0) == -1) {
        rv = errno;
    }
    run->pid = 0;
    return rv;
}

/* A pipe from the helper to us: only our end does not block. */
static int make_pipe(int ends[2])
{
    int rv;

    if (pipe2(ends, O_CLOEXEC) == -1) {
        return errno;
    }
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == -1) {
        rv = errno;
        close(ends[0]);
        close(ends[1]);
        return rv;
    }
    return 0;
}

static int run_between(const char *const argv[], int milliseconds,
                       ij_run *run, const int out[2])
{
    struct capture captures[2] = {
        { .fd = out[0], .text = run->out, .size = sizeof(run->out) },
        { .fd = -1, .text = run->err, .size = sizeof(run->err) }
    };
    int err[2], rv = make_pipe(err), i;

    if (rv == 0) {
        captures[1].fd = err[0];
        rv = run_with(argv, milliseconds, run, out, err, captures);
        close(err[1]);
    }
    for (i = 0; i < 2; i++) {
        if (captures[i].fd != -1) {
            close(captures[i].fd);
        }
    }
    return rv;
}

int ij_run_bounded(const char *const argv[], int milliseconds, ij_run *run)
{
    int out[2], rv;

    memset(run, 0, sizeof(*run));
    rv = make_pipe(out);
    if (rv == 0) {
        rv = run_between(argv, milliseconds, run, out);
        close(out[1]);
    }
    return rv;
}
