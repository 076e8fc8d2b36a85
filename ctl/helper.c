/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper.c - the programs in LIBEXECDIR that do the work for us
 */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "trampoline/path.h"

#ifndef IVLEJAIL_LIBEXECDIR
#define IVLEJAIL_LIBEXECDIR "/usr/lib/ivlejail"
#endif

void helper_init(struct helper *helper, const char *name, const char *beside)
{
    const char *directory = beside == NULL ? IVLEJAIL_LIBEXECDIR : beside;
    size_t culprit, length = strlen(directory);
    int n, fd;

    *helper = (struct helper){ .argc = 0 };
    if (beside != NULL) {
        length = (size_t)(strrchr(beside, '/') - beside);
    }
    n = snprintf(helper->path, sizeof(helper->path), "%.*s", (int)length,
                 directory);
    if (n < 0 || (size_t)n + strlen(name) + 2 > sizeof(helper->path)) {
        fail("the path of '%s' is too long: install it in a shorter one",
             name);
    }
    fd = path_open_trusted(helper->path, &culprit);
    if (fd == -1) {
        fail("cannot trust '%.*s', where '%s' should be: %m: install it as "
             "root, and let only root write there", (int)culprit,
             helper->path, name);
    }
    close(fd);
    snprintf(helper->path + n, sizeof(helper->path) - (size_t)n, "/%s", name);
    helper_add(helper, helper->path);
}

void helper_add(struct helper *helper, const char *argument)
{
    if (helper->argc == HELPER_ARGUMENTS_MAX - 1) {
        abort();    /* the callers' numbers of arguments are fixed */
    }
    helper->argv[helper->argc++] = argument;
}

/* It is not written to, but the prototypes of exec(3) are old ones. */
static char *const *arguments(const struct helper *helper)
{
    return (char *const *)(uintptr_t)helper->argv;
}

static _Noreturn void fail_to_start(const struct helper *helper, int error)
{
    fail("cannot run '%s': %s: is it installed?", helper->path,
         strerror(error));
}

void helper_exec(const struct helper *helper)
{
    fflush(stdout);
    execv(helper->path, arguments(helper));
    fail_to_start(helper, errno);
}

static pid_t start(const struct helper *helper,
                   const posix_spawn_file_actions_t *actions)
{
    pid_t pid;
    int error = posix_spawn(&pid, helper->path, actions, NULL,
                            arguments(helper), environ);

    if (error != 0) {
        fail_to_start(helper, error);
    }
    return pid;
}

static int end(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) == -1) {
        if (errno != EINTR) {
            fail("cannot wait for a helper: %m");
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int helper_run(const struct helper *helper)
{
    fflush(stdout);
    return end(start(helper, NULL));
}

/* Starts it with its standard output going to *output. */
static pid_t start_with_output(const struct helper *helper, FILE **output)
{
    posix_spawn_file_actions_t actions;
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) == -1
        || posix_spawn_file_actions_init(&actions) != 0
        || posix_spawn_file_actions_adddup2(&actions, ends[1],
                                            STDOUT_FILENO) != 0) {
        fail("cannot make a pipe for '%s': %m", helper->path);
    }
    pid = start(helper, &actions);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *output = fdopen(ends[0], "r");
    if (*output == NULL) {
        fail("cannot read from '%s': %m", helper->path);
    }
    return pid;
}

int helper_lines(const struct helper *helper,
                 void (*line)(void *context, char *text), void *context)
{
    FILE *output;
    pid_t pid = start_with_output(helper, &output);
    char *text = NULL;
    size_t size = 0;

    while (getline(&text, &size, output) != -1) {
        text[strcspn(text, "\n")] = '\0';
        line(context, text);
    }
    free(text);
    fclose(output);
    return end(pid);
}
