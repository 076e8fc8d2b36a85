/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enter.c - the running instance
 *
 * Which process is httpd's parent is not read from the pid file: the kernel
 * is asked who has it locked.  A number in a file outlives its process and
 * may be another's by now; a lock ends with the process, and only who may
 * write to the file can have it locked for writing, and that is root.
 */
#include "enter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "trampoline/layout.h"
#include "trampoline/path.h"

/* Returns a descriptor of LAYOUT_RUN, or -1: no instance was ever started. */
static int open_run(void)
{
    size_t culprit;
    int fd = path_open_trusted(LAYOUT_RUN, &culprit);

    if (fd == -1 && errno != ENOENT) {
        fail("'%.*s' is not a directory of root that only root can write to "
             "(%m): find out why, and set it right", (int)culprit, LAYOUT_RUN);
    }
    return fd;
}

/* Returns a descriptor, or -1: there is none. */
static int open_pid_file(const char *instance)
{
    char name[NAME_INSTANCE_MAX + sizeof(".pid")];
    struct stat st;
    int run = open_run(), fd;

    if (run == -1) {
        return -1;
    }
    snprintf(name, sizeof(name), "%s.pid", instance);
    fd = path_open_beneath(run, name, O_RDONLY | O_NONBLOCK);
    close(run);
    if (fd == -1 && errno == ENOENT) {
        return -1;
    }
    if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)
        || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        fail("'" LAYOUT_RUN "/%s' is not a file that only root can write to: "
             "find out why, remove it, and restart httpd", name);
    }
    return fd;
}

/*
 * The process that has the file locked for writing; 0: none.  Asked as a
 * reader, so that only a writer is in the way: everybody can lock a file for
 * reading that everybody can read, and have a namespace ready for us.
 */
static pid_t lock_owner(int fd)
{
    struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

    if (fcntl(fd, F_GETLK, &lock) == -1) {
        fail("cannot ask who has the pid file in " LAYOUT_RUN " locked: %m");
    }
    if (lock.l_type == F_UNLCK) {
        return 0;
    }
    if (lock.l_pid <= 0) {
        fail("httpd runs in a PID namespace that cannot be seen from here: "
             "run ivlejailctl in its container");
    }
    return lock.l_pid;
}

pid_t enter_find(const char *instance)
{
    int file = open_pid_file(instance);
    pid_t pid = 0;

    if (file != -1) {
        pid = lock_owner(file);
        close(file);
    }
    return pid;
}

bool enter_instance(const char *instance)
{
    int file = open_pid_file(instance), process;
    pid_t pid = file == -1 ? 0 : lock_owner(file);

    if (pid == 0) {
        return false;
    }
    process = pidfd_open(pid, 0);
    /* if it has the lock still, its pid was not given to another one */
    if (process == -1 || lock_owner(file) != pid) {
        fail("httpd (pid %d) is just ending: try again", (int)pid);
    }
    if (setns(process, CLONE_NEWNS) == -1) {
        fail("cannot enter the mount namespace of httpd (pid %d): %m: run "
             "this as root with all capabilities", (int)pid);
    }
    close(process);
    close(file);
    return true;
}

void enter_running_instance(const char *instance)
{
    if (!enter_instance(instance)) {
        fail("no httpd runs the instance '%s': start it, or name another one "
             "with --instance", instance);
    }
}

int enter_run_directory(const char *instance)
{
    int run = open_run();
    int fd = path_open_beneath(run, instance, O_PATH | O_DIRECTORY);

    if (fd == -1) {
        fail("cannot open '" LAYOUT_RUN "/%s' of the running httpd: %m: "
             "restart it", instance);
    }
    close(run);
    return fd;
}

const char *enter_meaning(enum code code)
{
    switch (code) {
#define CODE_MEANING(symbol, status, http, text) case symbol: return text;
    CODE_TABLE(CODE_MEANING)
#undef CODE_MEANING
    default:
        return "";
    }
}

void enter_read_policy(const char *instance, const char *profile,
                       struct policy *policy)
{
    struct policy_error error;
    int run = enter_run_directory(instance);

    if (!policy_read(run, instance, profile, policy, &error)) {
        fail("cannot use the sealed policy of the instance '%s': %s: %s",
             instance, error.text, enter_meaning(error.code));
    }
    close(run);
}
