/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper.c - the programs beside the trampoline, by descriptor
 */
#include "helper.h"

#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "path.h"
#include "say.h"

int helper_open(const char *warden, const char *name)
{
    char directory[PATH_MAX];
    size_t length = (size_t)(strrchr(warden, '/') - warden), culprit;
    struct stat st;
    int parent, fd;

    must(length < sizeof directory, CODE_HELPER, "'%s'", warden);
    memcpy(directory, warden, length);
    directory[length] = '\0';
    parent = path_open_trusted(directory, &culprit);
    must(parent >= 0, CODE_HELPER, "'%.*s'", (int)culprit, directory);
    fd = path_open_beneath(parent, name, O_PATH);
    must(fd >= 0 && fstat(fd, &st) == 0, CODE_HELPER, "'%s/%s'", directory,
         name);
    if (!S_ISREG(st.st_mode) || st.st_uid != 0
        || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        die(CODE_HELPER, "'%s/%s' is not root's alone", directory, name);
    }
    (void)close(parent);
    return fd;
}

void helper_run(const struct policy *policy, const char *name,
                const char *user)
{
    const char *const argv[] = { name, policy->instance,
                                 policy->profile.name, user, NULL };
    int program = helper_open(policy->warden, name);
    char *envp[] = { NULL };
    pid_t pid = fork();
    int status;

    must(pid >= 0, CODE_FORK, "fork");
    if (pid == 0) {
        (void)execveat(program, "", (char *const *)(uintptr_t)argv, envp,
                       AT_EMPTY_PATH);
        die_errno(CODE_HELPER, "execute '%s'", name);
    }
    must(waitpid(pid, &status, 0) == pid, CODE_FORK, "waitpid");
    if (status != 0) {
        die_silently(WIFEXITED(status) ? (enum code)WEXITSTATUS(status)
                                       : CODE_FORK);
    }
}
