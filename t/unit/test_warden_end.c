/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_warden_end.c - how a warden begins and ends: no request that could
 * connect is lost
 */
/* LINK: rig.o scratch.o wire.o wire_answer.o wire_passed.o wire_socket.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

enum { SETUP_REFUSED = 100 };       /* CODE_INTERNAL */

static struct outcome outcome;

static int make_impatient(void **state)
{
    struct rig *rig;

    if (rig_make(state) != 0) {
        return -1;
    }
    rig = *state;
    rig->setup.idle_seconds = 1;
    rig_file(rig, "ok", 0755, "#!/bin/sh\necho ok\n");
    rig_file(rig, "short", 0755, "#!/bin/sh\nsleep 0.2\necho ok\n");
    rig_file(rig, "cat", 0755, "#!/bin/cat -\n");
    return 0;
}

static void assert_ok(void)
{
    assert_int_equal(outcome.last.kind, WIRE_ENDED);
    assert_int_equal(outcome.last.wait_status, 0);
    assert_string_equal(outcome.out, "ok\n");
}

static void assert_exits(struct rig *rig, int code)
{
    int status = rig_wait(rig);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

static struct client held;

/* A warden that is not idle until let_go(). */
static void start(struct rig *rig)
{
    rig_start_serving(rig, &held, "cat");
}

/* Its idle time begins. */
static void let_go(void)
{
    rig_finish(&held, &outcome);
    assert_int_equal(outcome.last.kind, WIRE_ENDED);
    assert_int_equal(outcome.last.wait_status, 0);
}

/* Asks, as the trampoline does, until nobody listens.  Somebody is always
   there who has connected and said nothing. */
static void await_refusal(const struct rig *rig)
{
    struct client probes[2];
    double end = rig_now() + PATIENCE;
    int rv = rig_connect(rig, &probes[0]), i = 0;

    while (rv == 0) {
        assert_true(rig_now() < end);
        rig_sleep(0.05);
        rv = rig_connect(rig, &probes[1 - i]);
        rig_close(&probes[i]);
        i = 1 - i;
    }
    assert_int_equal(rv, ECONNREFUSED);
}

/* --- idle --- */

static void test_idle(void **state)
{
    struct rig *rig = *state;
    struct client client;
    double begin;

    start(rig);
    begin = rig_now();
    let_go();
    assert_exits(rig, 0);
    assert_true(rig_now() - begin >= 1);
    assert_int_equal(rig_connect(rig, &client), ECONNREFUSED);
}

static void test_idle_counts_from_the_last_request(void **state)
{
    struct rig *rig = *state;
    double begin;

    start(rig);
    rig_run(rig, "ok", &outcome);
    assert_ok();
    rig_sleep(1.3);
    begin = rig_now();
    let_go();
    assert_exits(rig, 0);
    assert_true(rig_now() - begin >= 1);
}

/* Neither those that only ask nor those that say nothing are requests. */
static void test_idle_in_spite_of_probes(void **state)
{
    struct rig *rig = *state;

    start(rig);
    let_go();
    await_refusal(rig);
    assert_exits(rig, 0);
}

static void test_silent_peer_at_the_end(void **state)
{
    struct rig *rig = *state;
    struct client silent;

    start(rig);
    assert_int_equal(rig_connect(rig, &silent), 0);
    let_go();
    assert_exits(rig, 0);
    rig_close(&silent);
}

/* How often it has gone to sleep: proc(5). */
static unsigned long sleeps_of(const struct rig *rig)
{
    static const char name[] = "\nvoluntary_ctxt_switches:";
    char path[64], text[4096] = "";
    const char *at;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/status", (int) rig->warden);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    at = strstr(text, name);
    assert_non_null(at);
    return strtoul(at + strlen(name), NULL, 10);
}

/* It does not wake up for something that is far away. */
static void test_far_away(void **state)
{
    struct rig *rig = *state;
    unsigned long before;

    rig->setup.idle_seconds = UINT32_MAX;
    rig_start(rig);
    rig_run(rig, "ok", &outcome);
    assert_true(rig_is_in(rig, SYS_epoll_wait));
    before = sleeps_of(rig);
    rig_sleep(1);
    assert_int_equal(sleeps_of(rig), before);
    assert_int_equal(waitpid(rig->warden, NULL, WNOHANG), 0);
}

/* --- no request is lost --- */

enum { CROWD = 60 };

static struct client crowd[CROWD];

static void crowd_sends(struct rig *rig, const char *name)
{
    struct wire_request request = rig_request(rig, name);
    int i;

    for (i = 0; i < CROWD; i++) {
        assert_int_equal(rig_connect(rig, &crowd[i]), 0);
        assert_int_equal(rig_send(&crowd[i], &request), 0);
    }
}

/* Returns how many were busy. */
static int crowd_is_served(void)
{
    int busy = 0, i;

    for (i = 0; i < CROWD; i++) {
        rig_finish(&crowd[i], &outcome);
        if (outcome.last.kind == WIRE_REFUSED) {
            assert_int_equal(outcome.last.refusal, WIRE_BUSY);
            busy++;
        }
        else {
            assert_ok();
        }
    }
    return busy;
}

/* Starts strace, which holds the warden at its shutdown(2); its pid. */
static pid_t hold(const struct rig *rig, const char *where)
{
    char pid[16], inject[64];
    pid_t tracer;
    int ready[2];
    char byte;

    snprintf(pid, sizeof(pid), "%d", (int) rig->warden);
    snprintf(inject, sizeof(inject), "inject=shutdown:%s=%d000000", where,
             10 * PATIENCE);
    assert_int_equal(pipe(ready), 0);
    tracer = fork();
    if (tracer == 0) {
        /* "strace: Process ... attached", then what it traces */
        dup2(ready[1], STDERR_FILENO);
        execlp("strace", "strace", "-p", pid, "-e", "trace=shutdown", "-e",
               inject, (char *) NULL);
        _exit(127);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    fcntl(ready[0], F_DUPFD, 50);       /* or writing to it would end it */
    close(ready[0]);
    return tracer;
}

/* The warden goes on where it is. */
static void end_hold(pid_t tracer)
{
    assert_int_equal(kill(tracer, SIGTERM), 0);
    assert_int_equal(waitpid(tracer, NULL, 0), tracer);
}

/* They connect after it decided to end, and before nobody can any more. */
static void test_before_shutdown(void **state)
{
    struct rig *rig = *state;
    pid_t tracer;

    rig->setup.max_requests = 2;
    rig->setup.queue = 100;
    start(rig);
    tracer = hold(rig, "delay_enter");
    let_go();
    assert_true(rig_is_in(rig, SYS_shutdown));
    crowd_sends(rig, "ok");
    end_hold(tracer);
    assert_int_equal(crowd_is_served(), 0);
    assert_exits(rig, 0);
}

/* The same with fewer slots than clients: each gets an answer. */
static void test_before_shutdown_busy(void **state)
{
    struct rig *rig = *state;
    pid_t tracer;
    int busy;

    rig->setup.max_requests = 2;
    rig->setup.queue = 3;
    start(rig);
    tracer = hold(rig, "delay_enter");
    let_go();
    assert_true(rig_is_in(rig, SYS_shutdown));
    crowd_sends(rig, "short");
    end_hold(tracer);
    busy = crowd_is_served();
    assert_in_range(busy, 1, CROWD - 5);
    assert_exits(rig, 0);
}

static void test_after_shutdown(void **state)
{
    struct rig *rig = *state;
    pid_t tracer;

    start(rig);
    tracer = hold(rig, "delay_exit");
    let_go();
    await_refusal(rig);
    assert_int_equal(waitpid(rig->warden, NULL, WNOHANG), 0);
    end_hold(tracer);
    assert_exits(rig, 0);
}

/* Stopped while its idle time runs; again where we were too late for that. */
static void start_and_stop_idle(struct rig *rig)
{
    double begin;

    do {
        rig_kill(rig);
        start(rig);
        begin = rig_now();
        let_go();
        assert_int_equal(kill(rig->warden, SIGSTOP), 0);
    } while (rig_now() - begin >= 1);
}

/* It did not run in time, and finds both: clients, and that it was idle. */
static void test_late_wake_up(void **state)
{
    struct rig *rig = *state;

    rig->setup.queue = 100;
    start_and_stop_idle(rig);
    crowd_sends(rig, "ok");
    rig_sleep(1);
    assert_int_equal(kill(rig->warden, SIGCONT), 0);
    assert_int_equal(crowd_is_served(), 0);
    assert_exits(rig, 0);
}

/* A connection that was there, with its request only after the shutdown. */
static void test_late_request(void **state)
{
    struct rig *rig = *state;
    struct wire_request request = rig_request(rig, "ok");
    struct client client;
    pid_t tracer;

    start(rig);
    tracer = hold(rig, "delay_enter");
    let_go();
    assert_true(rig_is_in(rig, SYS_shutdown));
    assert_int_equal(rig_connect(rig, &client), 0);
    end_hold(tracer);
    await_refusal(rig);
    assert_int_equal(rig_send(&client, &request), 0);
    rig_finish(&client, &outcome);
    assert_ok();
    assert_exits(rig, 0);
}

/* Returns whether a warden was there; it must have served us then. */
static bool is_served(const struct rig *rig)
{
    int rv = rig_serve(rig, "ok");

    if (rv != 0 && rv != ECONNREFUSED && rv != ENOENT) {
        _exit(1);
    }
    return rv == 0;
}

/*
 * A client that comes, with all others, about when the warden ends: too early
 * at first, and too late at last, which on a busy machine is later.
 */
static _Noreturn void hammer(const struct rig *rig, unsigned int seed,
                             double begin, double end)
{
    double next = begin;
    int round;

    for (round = 0; next < end; round++) {
        rig_sleep(next - rig_now() + (rand_r(&seed) % 10000) / 1e6);
        while (!is_served(rig)) {
            rig_sleep(0.001);
            if (rig_now() > end + PATIENCE) {
                _exit(2);
            }
        }
        next += 1 + 0.03 * round;
    }
    _exit(0);
}

static void test_hammering(void **state)
{
    enum { CLIENTS = 4, SECONDS = 8 };
    struct rig *rig = *state;
    double begin = rig_now();
    int ends = 0, served = 0, status, i;
    pid_t pid;

    rig_start(rig);
    for (i = 0; i < CLIENTS; i++) {
        if (fork() == 0) {
            hammer(rig, (unsigned int) i, begin, begin + SECONDS);
        }
    }
    while (served < CLIENTS) {
        pid = waitpid(-1, &status, 0);
        assert_int_equal(status, 0);
        if (pid == rig->warden) {
            ends++;
            rig_start(rig);
        }
        else {
            served++;
        }
    }
    print_message("# ended %d times\n", ends);
    assert_true(ends > 0);
}

/* --- other ends --- */

/*
 * Out of descriptors (0..7 are its own, 8 is cat's connection) it serves what
 * it has and ends.
 */
static void test_no_descriptors(void **state)
{
    struct rig *rig = *state;
    struct wire_request request = rig_request(rig, "cat");
    struct wire_answer answer;
    struct client cat, client;
    int rv;

    rig->setup.idle_seconds = 60;
    rig_start(rig);
    rig_started(rig, &cat, &request);
    rig_file(rig, "starve", 0755, "#!/bin/sh\n"
             "exec prlimit --pid 1 --nofile=9:9\n");
    rig_run(rig, "starve", &outcome);
    assert_int_equal(outcome.last.wait_status, 0);
    assert_int_equal(rig_connect(rig, &client), 0);
    rv = rig_answer(&client, &answer);
    assert_int_equal(rv, ECONNRESET);
    assert_int_equal(rig_connect(rig, &client), ECONNREFUSED);
    assert_int_equal(write(cat.in, "hello", 5), 5);
    rig_finish(&cat, &outcome);
    assert_non_null(strstr(outcome.out, "hello"));
    assert_int_equal(outcome.last.wait_status, 0);
    assert_exits(rig, 0);
}

static void test_killed(void **state)
{
    struct rig *rig = *state;
    struct wire_answer answer;

    start(rig);
    assert_int_equal(kill(rig->warden, SIGTERM), 0);
    rig_sleep(0.2);
    assert_int_equal(waitpid(rig->warden, NULL, WNOHANG), 0);
    assert_int_equal(kill(rig->warden, SIGKILL), 0);
    assert_int_equal(rig_wait(rig), SIGKILL);
    assert_int_equal(rig_answer(&held, &answer), ECONNRESET);
    rig_close(&held);
}

/* --- beginnings --- */

static void test_setups(void **state)
{
    struct rig *rig = *state;
    const struct setup good = rig->setup;
    struct client client;
    struct setup bad[] = { good, good, good, good, good, good, good, good };
    size_t i;

    bad[0].version++;
    bad[1].max_requests = 0;
    bad[2].max_requests = SETUP_REQUESTS_MAX + 1;
    bad[3].queue = SETUP_REQUESTS_MAX + 1;
    bad[4].idle_seconds = 0;
    bad[5].linger = 2;
    memset(bad[6].user, 'a', sizeof(bad[6].user));
    bad[7].user[0] = '\0';
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        rig->setup = bad[i];
        rig_start(rig);
        assert_exits(rig, SETUP_REFUSED);
    }
    rig->setup = good;
    rig->setup.max_requests = SETUP_REQUESTS_MAX;
    rig->setup.queue = SETUP_REQUESTS_MAX;
    rig_start_serving(rig, &client, "ok");
    rig_finish(&client, &outcome);
    assert_ok();
}

/* Others of the same uid can neither trace it nor read its memory. */
static void test_not_dumpable(void **state)
{
    struct rig *rig = *state;
    char path[64];
    struct stat st;

    start(rig);
    snprintf(path, sizeof(path), "/proc/%d/mem", (int) rig->warden);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 0);
    rig_file(rig, "read", 0755, "#!/bin/cat /proc/1/maps\n");
    rig_run(rig, "read", &outcome);
    assert_non_null(strstr(outcome.err, "Permission denied"));
    let_go();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_impatient, rig_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_idle),
        TEST(test_idle_counts_from_the_last_request),
        TEST(test_idle_in_spite_of_probes),
        TEST(test_silent_peer_at_the_end),
        TEST(test_far_away),
        TEST(test_before_shutdown),
        TEST(test_before_shutdown_busy),
        TEST(test_after_shutdown),
        TEST(test_late_wake_up),
        TEST(test_late_request),
        TEST(test_hammering),
        TEST(test_no_descriptors),
        TEST(test_killed),
        TEST(test_setups),
        TEST(test_not_dumpable),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
