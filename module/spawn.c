/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.c - cold start: a warden for a user that has none
 *
 * The trampoline runs once per cold start.  It is told three names and
 * answers with the socket's path, or with a reason and an exit status out of
 * trampoline/code.h.  It is ours, but its answer is looked at like anybody's:
 * the path must be the one that the three names make, with a generation.
 *
 * The first requests of a user tend to come in a bunch (a page and all that
 * is on it).  They must not start a trampoline each, so each child of httpd
 * has a list of the cold starts under way, and who finds theirs in it waits.
 */
#include "module/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"

#include "trampoline/code.h"
#include "trampoline/names.h"

enum {
    COLD_MILLISECONDS = 15000,  /* longer than the trampoline waits for its
                                   lock */
    LATE_MAX = 64               /* trampolines that did not end in time */
};

typedef struct ij_start {
    struct ij_start *next;
    const ij_jail *jail;
    ij_cold *cold;
    unsigned int waiting;       /* threads that will take the result */
    bool is_done;
} ij_start;

/* Of this child of httpd. */
static struct {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *done;
    ij_start *starts;
    pid_t late[LATE_MAX];
    size_t late_count;
} spawner;

apr_status_t ij_spawn_child_init(apr_pool_t *pchild)
{
    apr_status_t rv = apr_thread_mutex_create(&spawner.mutex,
                                              APR_THREAD_MUTEX_DEFAULT,
                                              pchild);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    spawner.starts = NULL;
    spawner.late_count = 0;
    return apr_thread_cond_create(&spawner.done, pchild);
}

/* --- the trampoline's answer --- */

/* What a program of ours that failed with this exit status means. */
static int http_status_of(int status)
{
    switch (status) {
#define CODE_CASE(symbol, exit_status, http, text) \
    case symbol: \
        return http;
    CODE_TABLE(CODE_CASE)
#undef CODE_CASE
    default:
        return HTTP_SERVICE_UNAVAILABLE;
    }
}

/* Takes "/run/ivlejail/I/sock/P@GGGGGGGG/U\n" and nothing else. */
static bool take_path(const ij_jail *jail, const char *answer, ij_cold *cold)
{
    char generation[NAME_GENERATION_LEN + 1] = "";
    const char *at = strchr(answer, '@');
    int length;

    if (at == NULL) {
        return false;
    }
    snprintf(generation, sizeof(generation), "%s", at + 1);
    if (!name_is_generation(generation)) {
        return false;
    }
    length = snprintf(cold->path, sizeof(cold->path),
                      IJ_JAIL_SOCKET, jail->instance, jail->profile,
                      generation, jail->user);
    return length > 0 && (size_t)length < sizeof(cold->path)
        && strncmp(answer, cold->path, (size_t)length) == 0
        && strcmp(answer + length, "\n") == 0;
}

/* It says why it fails; if it could not, its end has to do. */
static void take_failure(const ij_run *run, ij_cold *cold)
{
    bool is_signal = WIFSIGNALED(run->status);

    cold->status = is_signal ? HTTP_SERVICE_UNAVAILABLE
                             : http_status_of(WEXITSTATUS(run->status));
    memcpy(cold->said, run->err, sizeof(cold->said));
    if (is_signal || cold->said[0] == '\0') {
        snprintf(cold->said, sizeof(cold->said), "trampoline: %s %d",
                 is_signal ? "signal" : "exit status",
                 is_signal ? WTERMSIG(run->status)
                           : WEXITSTATUS(run->status));
    }
}

static void take_answer(const ij_jail *jail, const ij_run *run, ij_cold *cold)
{
    if (!WIFEXITED(run->status) || WEXITSTATUS(run->status) != CODE_OK) {
        take_failure(run, cold);
        return;
    }
    cold->status = HTTP_OK;
    memcpy(cold->said, run->err, sizeof(cold->said));
    if (!take_path(jail, run->out, cold)) {
        cold->error = EPROTO;
        cold->status = HTTP_INTERNAL_SERVER_ERROR;
    }
}

/* --- processes that did not end in time --- */

static void wait_for_late(void)
{
    size_t i = 0;

    while (i < spawner.late_count) {
        if (waitpid(spawner.late[i], NULL, WNOHANG) == 0) {
            i++;
        }
        else {
            spawner.late[i] = spawner.late[--spawner.late_count];
        }
    }
}

/* One too many stays a zombie until this child of httpd ends. */
static void remember_late(pid_t pid)
{
    apr_thread_mutex_lock(spawner.mutex);
    wait_for_late();
    if (spawner.late_count < LATE_MAX) {
        spawner.late[spawner.late_count++] = pid;
    }
    apr_thread_mutex_unlock(spawner.mutex);
}

/* --- one at a time --- */

static void run_trampoline(const char *trampoline, const ij_jail *jail,
                           ij_cold *cold)
{
    const char *const argv[] = { trampoline, jail->instance, jail->profile,
                                 jail->user, NULL };
    ij_run run;
    int rv = ij_run_bounded(argv, COLD_MILLISECONDS, &run);

    memset(cold, 0, sizeof(*cold));
    if (run.pid != 0) {
        remember_late(run.pid);
    }
    if (rv != 0) {
        cold->error = rv;
        cold->status = HTTP_SERVICE_UNAVAILABLE;
        return;
    }
    take_answer(jail, &run, cold);
}

static ij_start *find_start(const ij_jail *jail)
{
    ij_start *start = spawner.starts;

    while (start != NULL
           && (strcmp(start->jail->user, jail->user) != 0
               || strcmp(start->jail->profile, jail->profile) != 0)) {
        start = start->next;
    }
    return start;
}

static void remove_start(const ij_start *start)
{
    ij_start **link = &spawner.starts;

    while (*link != start) {
        link = &(*link)->next;
    }
    *link = start->next;
}

/* With the mutex held.  The start is on its owner's stack: see do_start(). */
static void share_start(ij_start *start, ij_cold *cold)
{
    start->waiting++;
    while (!start->is_done) {
        apr_thread_cond_wait(spawner.done, spawner.mutex);
    }
    *cold = *start->cold;
    start->waiting--;
    apr_thread_cond_broadcast(spawner.done);
}

/* With the mutex held, but not while the trampoline runs. */
static void do_start(const char *trampoline, const ij_jail *jail,
                     ij_cold *cold)
{
    ij_start start = { .next = spawner.starts, .jail = jail, .cold = cold };

    wait_for_late();
    spawner.starts = &start;
    apr_thread_mutex_unlock(spawner.mutex);

    run_trampoline(trampoline, jail, cold);

    apr_thread_mutex_lock(spawner.mutex);
    remove_start(&start);
    start.is_done = true;
    apr_thread_cond_broadcast(spawner.done);
    while (start.waiting > 0) {
        apr_thread_cond_wait(spawner.done, spawner.mutex);
    }
}

void ij_spawn(const char *trampoline, const ij_jail *jail, ij_cold *cold)
{
    ij_start *start;

    apr_thread_mutex_lock(spawner.mutex);
    start = find_start(jail);
    if (start != NULL) {
        share_start(start, cold);
    }
    else {
        do_start(trampoline, jail, cold);
    }
    apr_thread_mutex_unlock(spawner.mutex);
}
