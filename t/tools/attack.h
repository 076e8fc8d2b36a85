/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack.h - what the attacks on a jail from inside have in common
 *
 * An attack is a function that returns whether it did what it should not be
 * able to do.  Each runs in a process of its own, which may end as it likes.
 * One line each is printed: "HELD name", "BROKEN name", or "HUNG name".
 *
 *   attack_x              as a CGI program in a jail
 *   attack_x supervised   as a child of its own, where there is no warden
 *
 * What to attack is said in the environment (t/security/inside.t).
 */
#ifndef IVLEJAIL_ATTACK_H
#define IVLEJAIL_ATTACK_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ATTACK_PATIENCE = 60, ATTACK_FDS_MAX = 256 };

struct attack {
    const char *name;
    bool (*works)(void);
};

/* Who started this program: the warden, or who stands in for it. */
static pid_t attack_supervisor;

/* A word of the environment; there must be one. */
static inline const char *attack_word(const char *name)
{
    const char *word = getenv(name);

    if (word == NULL) {
        printf("HUNG no %s in the environment\n", name);
        exit(1);
    }
    return word;
}

static inline int attack_number(const char *name)
{
    return (int)strtol(attack_word(name), NULL, 10);
}

/* A path of a process in /proc: the result is good until the next call. */
static inline const char *attack_proc(pid_t pid, const char *name)
{
    static char path[4096];

    (void)snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return path;
}

/* Runs works in a child.  A child that was killed has not got anywhere. */
static inline const char *attack_outcome(bool (*works)(void))
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        (void)alarm(ATTACK_PATIENCE);
        _exit(works() ? 1 : 0);
    }
    if (pid == -1 || waitpid(pid, &status, 0) != pid
        || (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)) {
        return "HUNG";
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 1 ? "BROKEN" : "HELD";
}

static inline void attack_all(const struct attack *attacks, size_t count)
{
    size_t i;

    attack_supervisor = getppid();
    if (getenv("GATEWAY_INTERFACE") != NULL) {
        printf("Content-Type: text/plain\n\n");
    }
    for (i = 0; i < count; i++) {
        (void)fflush(stdout);
        printf("%s %s\n", attack_outcome(attacks[i].works), attacks[i].name);
    }
    (void)fflush(stdout);
}

static inline int attack_main(int argc, char **argv,
                              const struct attack *attacks, size_t count)
{
    if (argc == 2 && strcmp(argv[1], "supervised") == 0) {
        pid_t pid = fork();

        if (pid != 0) {
            return pid == -1 || waitpid(pid, NULL, 0) != pid;
        }
    }
    attack_all(attacks, count);
    return 0;
}

#define ATTACK_COUNT(attacks) (sizeof(attacks) / sizeof((attacks)[0]))

#endif
