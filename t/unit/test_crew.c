/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_crew.c - the threads of one child of httpd: what counts as one, who may
 * wait for one, for how long, and who gets it then
 */
/* LINK: module_crew.o module_claims.o names.o */
/* LIBS: -pthread */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "module/crew.h"

enum {
    LIMIT = 3,
    CLIENTS = 30,
    ROUNDS = 50,
    SHORT = 200,                /* milliseconds: a stream that waits in vain, */
    LONG = 60000                /* and one that need not */
};

static const crew_limits limits = { LIMIT, 2 * LIMIT };

/* Connections are told apart by where they are. */
static const char connections[CLIENTS];

static claims_end grant(void *data)
{
    (void)data;
    return CLAIMS_HELD;
}

static claims_end refuse(void *data)
{
    (void)data;
    return CLAIMS_OVER_JAIL;
}

static crew_member make(const char *user, size_t connection, bool is_stream)
{
    return (crew_member){ .word = claims_word(10, 0, user),
                          .connection = &connections[connection],
                          .is_stream = is_stream };
}

static claims_end join(crew_member *member)
{
    return crew_join(member, &limits, LONG, grant, NULL);
}

static long milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

/* --- what counts --- */

static void test_threads(void **state)
{
    crew_member alices[LIMIT + 1], bob = make("bob", 20, false);
    size_t i;

    (void)state;
    for (i = 0; i < LIMIT + 1; i++) {
        alices[i] = make("alice", i, false);
        assert_int_equal(join(&alices[i]), i < LIMIT ? CLAIMS_HELD
                                                     : CLAIMS_OVER_THREADS);
        assert_int_equal(alices[i].is_held, i < LIMIT);
    }
    assert_int_equal(join(&bob), CLAIMS_HELD);
    crew_leave(&alices[0]);
    assert_false(alices[0].is_held);
    assert_int_equal(join(&alices[LIMIT]), CLAIMS_HELD);
    crew_leave(&bob);
    for (i = 1; i < LIMIT + 1; i++) {
        crew_leave(&alices[i]);
    }
}

static void test_refused_elsewhere(void **state)
{
    crew_member member = make("alice", 0, false);
    size_t i;

    (void)state;
    for (i = 0; i < LIMIT + 1; i++) {
        assert_int_equal(crew_join(&member, &limits, LONG, refuse, NULL),
                         CLAIMS_OVER_JAIL);
    }
    assert_int_equal(join(&member), CLAIMS_HELD);
    crew_leave(&member);
}

/* As long as one stream lasts, and whichever it is. */
static void test_connection_is_one_thread(void **state)
{
    crew_member streams[LIMIT], others[LIMIT];
    size_t i;

    (void)state;
    for (i = 0; i < LIMIT; i++) {
        streams[i] = make("alice", 0, true);
        assert_int_equal(join(&streams[i]), CLAIMS_HELD);
    }
    for (i = 0; i < LIMIT; i++) {
        others[i] = make("alice", 1 + i, false);
        assert_int_equal(join(&others[i]), i < LIMIT - 1
                         ? CLAIMS_HELD : CLAIMS_OVER_THREADS);
    }
    for (i = 0; i < LIMIT; i++) {
        assert_int_equal(join(&others[LIMIT - 1]), CLAIMS_OVER_THREADS);
        crew_leave(&streams[i]);
    }
    assert_int_equal(join(&others[LIMIT - 1]), CLAIMS_HELD);
    for (i = 0; i < LIMIT; i++) {
        crew_leave(&others[i]);
    }
}

/* --- waiting --- */

/* Of a user of its own, since they are remembered. */
static void test_in_vain(void **state)
{
    crew_member held[2 * LIMIT], more = make("carol", 1, true);
    long begin = milliseconds();
    size_t i;

    (void)state;
    for (i = 0; i < 2 * LIMIT; i++) {
        held[i] = make("carol", 0, true);
        assert_int_equal(join(&held[i]), CLAIMS_HELD);
    }
    assert_int_equal(crew_join(&more, &limits, SHORT, grant, NULL),
                     CLAIMS_OVER_STREAMS);
    assert_true(milliseconds() - begin >= SHORT);
    begin = milliseconds();
    assert_int_equal(join(&more), CLAIMS_OVER_STREAMS);
    assert_int_equal(crew_join(&more, &limits, LONG, refuse, NULL),
                     CLAIMS_OVER_STREAMS);
    assert_true(milliseconds() - begin < LONG);
    for (i = 0; i < 2 * LIMIT; i++) {
        crew_leave(&held[i]);
    }
}

/* What other children hold is seen by asking again and again. */
struct door {
    atomic_int asked;
    atomic_bool is_open;
    _Atomic(const void *) first;        /* that got through */
};

typedef struct visitor {
    pthread_t thread;
    crew_member member;
    struct door *door;
    claims_end end;
} visitor;

static claims_end pass_door(void *data)
{
    visitor *own = data;
    const void *nobody = NULL;

    own->door->asked++;
    if (!own->door->is_open) {
        return CLAIMS_OVER_JAIL;
    }
    atomic_compare_exchange_strong(&own->door->first, &nobody, own);
    return CLAIMS_HELD;
}

static void *visit(void *data)
{
    visitor *own = data;

    own->end = crew_join(&own->member, &limits, LONG, pass_door, own);
    return NULL;
}

static void test_first_comes_first(void **state)
{
    struct door door = { 0 };
    visitor early = { .member = make("alice", 0, true), .door = &door };
    visitor late = { .member = make("alice", 0, true), .door = &door };

    (void)state;
    assert_int_equal(pthread_create(&early.thread, NULL, visit, &early), 0);
    while (door.asked == 0) {
        sched_yield();
    }
    door.is_open = true;
    visit(&late);
    pthread_join(early.thread, NULL);
    assert_int_equal(early.end, CLAIMS_HELD);
    assert_int_equal(late.end, CLAIMS_HELD);
    assert_ptr_equal(door.first, &early);
    crew_leave(&early.member);
    crew_leave(&late.member);
}

/* Another jail of the same user is another queue. */
static void test_other_jail_goes_on(void **state)
{
    struct door door = { 0 };
    visitor waits = { .member = make("alice", 0, true), .door = &door };
    crew_member other = make("alice", 0, true);

    (void)state;
    other.word = claims_word(10, 1, "alice");
    assert_int_equal(pthread_create(&waits.thread, NULL, visit, &waits), 0);
    while (door.asked == 0) {
        sched_yield();
    }
    assert_int_equal(join(&other), CLAIMS_HELD);
    assert_ptr_equal(door.first, NULL);
    door.is_open = true;
    pthread_join(waits.thread, NULL);
    assert_int_equal(waits.end, CLAIMS_HELD);
    crew_leave(&waits.member);
    crew_leave(&other);
}

/* --- many --- */

typedef struct client {
    pthread_t thread;
    atomic_size_t *inside;
    size_t most, refused;
} client;

static void *come_and_go(void *data)
{
    const struct timespec moment = { .tv_nsec = 100000 };
    client *own = data;
    size_t i, now;

    for (i = 0; i < ROUNDS; i++) {
        crew_member member = make("alice", 0, true);

        if (join(&member) != CLAIMS_HELD) {
            own->refused++;
            continue;
        }
        now = atomic_fetch_add(own->inside, 1) + 1;
        own->most = now > own->most ? now : own->most;
        nanosleep(&moment, NULL);
        atomic_fetch_sub(own->inside, 1);
        crew_leave(&member);
    }
    return NULL;
}

/* A page with more than there is room for at a time. */
static void test_all_are_served(void **state)
{
    client clients[CLIENTS];
    atomic_size_t inside = 0;
    size_t i;

    (void)state;
    for (i = 0; i < CLIENTS; i++) {
        clients[i] = (client){ .inside = &inside };
        assert_int_equal(pthread_create(&clients[i].thread, NULL,
                                        come_and_go, &clients[i]), 0);
    }
    for (i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].refused, 0);
        assert_in_range(clients[i].most, 1, 2 * LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_refused_elsewhere),
        cmocka_unit_test(test_connection_is_one_thread),
        cmocka_unit_test(test_in_vain),
        cmocka_unit_test(test_first_comes_first),
        cmocka_unit_test(test_other_jail_goes_on),
        cmocka_unit_test(test_all_are_served)
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
