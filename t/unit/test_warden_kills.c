/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_warden_kills.c - what the warden ends: programs over a limit, of a
 * client that went, and all that a program leaves behind
 */
/* LINK: rig.o scratch.o wire.o wire_answer.o wire_passed.o wire_socket.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

/* a daemon as in the books; touches "alive" ten times a second */
#define DAEMON "use POSIX; sub daemon {\n" \
    "if (my $p = fork) { waitpid $p, 0; return }\n" \
    "setsid; fork and POSIX::_exit(0);\n" \
    "close STDIN; close STDOUT; close STDERR;\n" \
    "$SIG{$_} = 'IGNORE' for qw(TERM HUP INT CHLD);\n" \
    "for (;;) { open F, '>>alive'; print F '.'; close F;\n" \
    "select undef, undef, undef, 0.1; $_[0]->() if $_[0] } }\n"
#define UNTIL_ALIVE "select undef, undef, undef, 0.02 until -s 'alive';\n"

/* W is a pipe's that all children had and have closed */
#define UNTIL_ALL_CLOSED "close W; <R>;\n"

enum { LONG = 10 * PATIENCE };      /* seconds; as programs sleep */

static struct outcome outcome;

static void start(struct rig *rig, struct client *client, const char *name,
                  uint32_t timeout)
{
    struct wire_request request = rig_request(rig, name);

    request.timeout_seconds = timeout;
    rig_started(rig, client, &request);
}

/* A request that runs until its client is closed. */
static void start_cat(struct rig *rig, struct client *client)
{
    rig_file(rig, "cat", 0755, "#!/bin/cat -\n");
    start(rig, client, "cat", LONG);
}

static void assert_killed(int signal, enum wire_limit limit)
{
    assert_int_equal(outcome.last.kind, WIRE_ENDED);
    assert_true(WIFSIGNALED(outcome.last.wait_status));
    assert_int_equal(WTERMSIG(outcome.last.wait_status), signal);
    assert_int_equal(outcome.last.limit, limit);
}

/* --- abort --- */

static void test_abort(void **state)
{
    struct rig *rig = *state;
    struct client client;

    rig_file(rig, "stubborn", 0755, "#!/bin/sh\n"
             "trap '' TERM HUP INT PIPE\nsleep 600 & sleep 600\n");
    start(rig, &client, "stubborn", LONG);
    assert_true(rig_settles(rig, 4));
    rig_close(&client);
    assert_true(rig_settles(rig, 1));
}

static void test_abort_of_some(void **state)
{
    struct rig *rig = *state;
    struct client clients[4];
    int i;

    for (i = 0; i < 4; i++) {
        start_cat(rig, &clients[i]);
    }
    assert_true(rig_settles(rig, 5));
    rig_close(&clients[1]);
    rig_close(&clients[3]);
    assert_true(rig_settles(rig, 3));
    rig_finish(&clients[0], &outcome);
    rig_finish(&clients[2], &outcome);
    assert_true(rig_settles(rig, 1));
}

/* --- limits --- */

static void test_wall_clock(void **state)
{
    struct rig *rig = *state;
    struct client client;
    double begin = rig_now();

    rig_file(rig, "stubborn", 0755, "#!/bin/sh\n"
             "trap '' TERM HUP INT\nsleep 600 & sleep 600\n");
    start(rig, &client, "stubborn", 1);
    rig_finish(&client, &outcome);
    assert_killed(SIGKILL, WIRE_LIMIT_WALL);
    assert_true(rig_now() - begin >= 1);
    assert_in_range(outcome.last.wall_microseconds, 1000000,
                    PATIENCE * 1000000);
    assert_true(rig_settles(rig, 1));
}

static void assert_over_time(struct client *client)
{
    assert_true(rig_answer(client, &outcome.last) == 0);
    assert_killed(SIGKILL, WIRE_LIMIT_WALL);
    rig_close(client);
}

/* Those with the shorter times, which started last, go first. */
static void test_wall_clocks(void **state)
{
    struct rig *rig = *state;
    struct client clients[3];

    rig_file(rig, "cat", 0755, "#!/bin/cat -\n");
    start(rig, &clients[0], "cat", LONG);
    start(rig, &clients[1], "cat", 2);
    start(rig, &clients[2], "cat", 1);
    assert_over_time(&clients[2]);
    assert_over_time(&clients[1]);
    assert_true(outcome.last.wall_microseconds >= 2000000);
    assert_int_equal(rig_processes(rig), 2);
    rig_close(&clients[0]);
}

static void start_limited(struct rig *rig, int limit, rlim_t soft, rlim_t hard)
{
    rig->setup.limits[limit].rlim_cur = soft;
    rig->setup.limits[limit].rlim_max = hard;
    rig_start(rig);
}

static void test_cpu_soft(void **state)
{
    struct rig *rig = *state;

    start_limited(rig, LIMIT_CPU, 1, 2);
    rig_file(rig, "burn", 0755, "#!/usr/bin/perl\n1 while 1;\n");
    rig_run(rig, "burn", &outcome);
    assert_killed(SIGXCPU, WIRE_LIMIT_CPU);
}

static void test_cpu_hard(void **state)
{
    struct rig *rig = *state;

    start_limited(rig, LIMIT_CPU, 1, 2);
    rig_file(rig, "burn", 0755, "#!/usr/bin/perl\n"
             "$SIG{XCPU} = 'IGNORE'; 1 while 1;\n");
    rig_run(rig, "burn", &outcome);
    assert_killed(SIGKILL, WIRE_LIMIT_CPU);
}

static void test_file_size(void **state)
{
    struct rig *rig = *state;

    start_limited(rig, LIMIT_FSIZE, 100000, 100000);
    rig_file(rig, "fill", 0755, "#!/usr/bin/perl\n"
             "open F, '>big'; print F 'x' x 200_000; close F;\n");
    rig_run(rig, "fill", &outcome);
    assert_killed(SIGXFSZ, WIRE_LIMIT_FSIZE);
}

/* Neither of these is a limit. */
static void test_own_signals(void **state)
{
    struct rig *rig = *state;

    rig->setup.limits[LIMIT_CPU].rlim_cur = 10;
    rig_start(rig);
    rig_file(rig, "suicide", 0755, "#!/bin/sh\nkill -9 $$\n");
    rig_run(rig, "suicide", &outcome);
    assert_killed(SIGKILL, WIRE_LIMIT_NONE);
    rig_file(rig, "ignored", 0755, "#!/bin/sh\n"
             "kill -TERM 1; kill -INT 1; kill -HUP 1; kill -CHLD 1\n"
             "kill -KILL 1; kill -STOP 1; exit 4\n");
    rig_run(rig, "ignored", &outcome);
    assert_int_equal(WEXITSTATUS(outcome.last.wait_status), 4);
}

/* --- what is left behind --- */

static size_t signs_of_life(const struct rig *rig)
{
    return strlen(rig_read(rig, "alive"));
}

static void assert_lives(const struct rig *rig)
{
    size_t before = signs_of_life(rig);
    double end = rig_now() + PATIENCE;

    while (signs_of_life(rig) == before) {
        assert_true(rig_now() < end);
        rig_sleep(0.02);
    }
}

static void test_background_child(void **state)
{
    struct rig *rig = *state;

    rig_file(rig, "leave", 0755, "#!/bin/sh\n"
             "(trap '' TERM HUP; sleep 600) >/dev/null 2>&1 &\nexit 0\n");
    rig_run(rig, "leave", &outcome);
    assert_int_equal(outcome.last.wait_status, 0);
    assert_true(rig_settles(rig, 1));
}

/* It goes also when it keeps the output open: httpd must see its end. */
static void test_background_child_with_output(void **state)
{
    struct rig *rig = *state;

    rig_file(rig, "leave", 0755, "#!/bin/sh\nsetsid sleep 600 &\nsleep 0.2\n");
    rig_run(rig, "leave", &outcome);
    assert_true(rig_settles(rig, 1));
}

static void test_daemon(void **state)
{
    struct rig *rig = *state;

    rig_file(rig, "daemon", 0755, "#!/usr/bin/perl\n" DAEMON
             "daemon();" UNTIL_ALIVE);
    rig_run(rig, "daemon", &outcome);
    assert_true(signs_of_life(rig) > 0);
    assert_true(rig_settles(rig, 1));
}

static void test_orphaned_while_running(void **state)
{
    struct rig *rig = *state;
    struct client client;

    rig_file(rig, "daemon", 0755, "#!/usr/bin/perl\n" DAEMON
             "daemon(); <STDIN>;\n");
    start(rig, &client, "daemon", LONG);
    assert_true(rig_settles(rig, 3));
    assert_lives(rig);
    rig_finish(&client, &outcome);
    assert_true(rig_settles(rig, 1));
}

/* It may be another's that runs: it dies when the last of those ended. */
static void test_daemon_beside_others(void **state)
{
    struct rig *rig = *state;
    struct client first, second, third;

    start_cat(rig, &first);
    start_cat(rig, &second);
    rig_file(rig, "daemon", 0755, "#!/usr/bin/perl\n" DAEMON
             "daemon();" UNTIL_ALIVE);
    rig_run(rig, "daemon", &outcome);
    start_cat(rig, &third);
    assert_true(rig_settles(rig, 5));
    rig_finish(&first, &outcome);
    assert_lives(rig);
    assert_int_equal(rig_processes(rig), 4);
    rig_finish(&second, &outcome);
    assert_true(rig_settles(rig, 2));
    rig_finish(&third, &outcome);
    assert_true(rig_settles(rig, 1));
}

/* A child of a running request's group is no stray when its parent ends. */
static void test_orphan_in_group(void **state)
{
    struct rig *rig = *state;
    struct client first, second, third;

    rig_file(rig, "parent", 0755, "#!/bin/sh\n"
             "sh -c 'while :; do echo . >>alive; sleep 0.1; done &'\n"
             "read line\n");
    start_cat(rig, &first);
    start(rig, &second, "parent", LONG);
    rig_finish(&first, &outcome);
    start_cat(rig, &third);
    rig_finish(&third, &outcome);
    assert_lives(rig);
    rig_finish(&second, &outcome);
    assert_true(rig_settles(rig, 1));
}

static const char forking[] = "#!/usr/bin/perl\n" DAEMON
    "daemon(sub { fork and POSIX::_exit(0); POSIX::setsid() });\n"
    UNTIL_ALIVE;

static void test_forking_daemon(void **state)
{
    struct rig *rig = *state;

    rig_file(rig, "daemon", 0755, "%s", forking);
    rig_run(rig, "daemon", &outcome);
    assert_true(rig_settles(rig, 1));
}

/* As fast as it can, several of them. */
static void test_forking_daemons_in_a_hurry(void **state)
{
    struct rig *rig = *state;
    int i;

    rig_file(rig, "hurry", 0755, "#!/usr/bin/perl\nuse POSIX;\n"
             "for (1 .. 5) { if (!fork) { setsid; close STDIN;\n"
             "close STDOUT; close STDERR;\n"
             "for (;;) { fork and POSIX::_exit(0); setsid } } }\n"
             "select undef, undef, undef, 0.1;\n");
    for (i = 0; i < 10; i++) {
        rig_run(rig, "hurry", &outcome);
        assert_true(rig_settles(rig, 1));
    }
}

/*
 * Requests overlap without end, and the daemon has a new pid at every look:
 * the warden makes itself a quiet moment, in which all requests are served.
 */
static void test_forking_daemon_under_load(void **state)
{
    struct rig *rig = *state;
    struct client clients[2];
    double end = rig_now() + PATIENCE;
    bool died = false;
    int i = 0;

    rig_file(rig, "daemon", 0755, "%s", forking);
    start_cat(rig, &clients[0]);
    rig_run(rig, "daemon", &outcome);
    assert_lives(rig);
    while (!died && rig_now() < end) {
        struct wire_request request = rig_request(rig, "cat");
        size_t before = signs_of_life(rig);

        i = 1 - i;
        rig_accepted(rig, &clients[i], &request);
        rig_sleep(0.2);
        rig_finish(&clients[1 - i], &outcome);
        assert_int_equal(outcome.last.wait_status, 0);
        assert_int_equal(outcome.last.kind, WIRE_ENDED);
        died = signs_of_life(rig) == before;
    }
    rig_finish(&clients[i], &outcome);
    assert_true(died);
    assert_true(rig_settles(rig, 1));
}

/* Background children in the group of overlapping requests make no pause. */
static void test_no_pause_for_groups(void **state)
{
    struct rig *rig = *state;
    struct client clients[2];
    int i;

    rig_file(rig, "leave", 0755, "#!/bin/sh\n"
             "sleep 600 >/dev/null 2>&1 &\nread line\n");
    start(rig, &clients[0], "leave", LONG);
    for (i = 1; i < 20; i++) {
        struct client *next = &clients[i % 2], *last = &clients[1 - i % 2];

        /* STARTED: it did not wait for a quiet moment */
        start(rig, next, "leave", LONG);
        rig_finish(last, &outcome);
        assert_int_equal(outcome.last.wait_status >> 8, 1);
        assert_true(rig_settles(rig, 3));
    }
    rig_finish(&clients[1], &outcome);
    assert_true(rig_settles(rig, 1));
}

static void test_many_daemons(void **state)
{
    struct rig *rig = *state;
    struct client first, second;

    rig_file(rig, "daemons", 0755, "#!/usr/bin/perl\nuse POSIX;\n"
             "pipe R, W;\n"
             "for (1 .. 300) { if (!fork) { setsid; close STDIN;\n"
             "close STDOUT; close STDERR; close W; sleep 600; exit } }\n"
             UNTIL_ALL_CLOSED);
    start_cat(rig, &first);
    rig_run(rig, "daemons", &outcome);
    start_cat(rig, &second);
    assert_true(rig_settles(rig, 303));
    rig_finish(&first, &outcome);
    /* more than there is room to remember; the rest when all have ended */
    assert_true(rig_processes(rig) < 303);
    rig_finish(&second, &outcome);
    assert_true(rig_settles(rig, 1));
}

/* Its subreaper, not the warden, gets the orphans: it must not matter. */
static void test_subreaper(void **state)
{
    struct rig *rig = *state;
    struct client other;

    rig_file(rig, "reaper", 0755, "#!/usr/bin/perl\nuse POSIX;\n"
             "pipe R, W;\n"
             "if (!fork) { setsid; syscall 157, 36, 1, 0, 0, 0;\n"
             "close STDIN; close STDOUT; close STDERR;\n"
             "for (1 .. 5) { if (!fork) { setsid; fork; close W;\n"
             "sleep 600 } } close W; sleep 600 }\n" UNTIL_ALL_CLOSED);
    start_cat(rig, &other);
    rig_run(rig, "reaper", &outcome);
    assert_int_equal(rig_processes(rig), 13);
    rig_finish(&other, &outcome);
    assert_true(rig_settles(rig, 1));
}

static void test_linger(void **state)
{
    struct rig *rig = *state;
    struct client client;

    rig->setup.linger = 1;
    rig->setup.idle_seconds = 1;
    rig_file(rig, "daemon", 0755, "#!/usr/bin/perl\n" DAEMON
             "daemon(); system 'sleep 600 &';" UNTIL_ALIVE);
    rig_start_serving(rig, &client, "daemon");
    rig_finish(&client, &outcome);
    /* the child in the group goes, the daemon stays, the warden with it */
    assert_true(rig_settles(rig, 2));
    rig_sleep(2.5);
    assert_lives(rig);
    rig_file(rig, "kill", 0755, "#!/bin/sh\nkill -9 -1\n");
    rig_run(rig, "kill", &outcome);
    assert_int_equal(rig_wait(rig), 0);
}

#define STARTED(f) cmocka_unit_test_setup_teardown(f, rig_make_started, \
                                                   rig_remove)
#define MADE(f) cmocka_unit_test_setup_teardown(f, rig_make, rig_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED(test_abort),
        STARTED(test_abort_of_some),
        STARTED(test_wall_clock),
        STARTED(test_wall_clocks),
        MADE(test_cpu_soft),
        MADE(test_cpu_hard),
        MADE(test_file_size),
        MADE(test_own_signals),
        STARTED(test_background_child),
        STARTED(test_background_child_with_output),
        STARTED(test_daemon),
        STARTED(test_orphaned_while_running),
        STARTED(test_daemon_beside_others),
        STARTED(test_orphan_in_group),
        STARTED(test_forking_daemon),
        STARTED(test_forking_daemons_in_a_hurry),
        STARTED(test_forking_daemon_under_load),
        STARTED(test_no_pause_for_groups),
        STARTED(test_many_daemons),
        STARTED(test_subreaper),
        MADE(test_linger),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
