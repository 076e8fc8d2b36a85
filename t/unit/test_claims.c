/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_claims.c - who holds how many of httpd's workers: the limits, with
 * threads and processes that claim at the same time, and what processes held
 * that were killed in the midst of it
 */
/* LINK: module_claims.o names.o */
/* LIBS: -pthread */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "module/claims.h"

enum {
    SIZE = 64,
    LIMIT = 5,
    THREADS = 8,
    ROUNDS = 20000,
    PROCESSES = 20,
    MANY = 100
};

static const claims_limits limits = { LIMIT, LIMIT };

static claims *make(size_t size)
{
    claims *table = mmap(NULL, claims_bytes(size), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(table, MAP_FAILED);
    claims_init(table, size);
    return table;
}

static void destroy(claims *table)
{
    assert_int_equal(munmap(table, claims_bytes(table->size)), 0);
}

/* The claim of somebody else who has the same part of the table. */
static uint64_t word_beside(const char *user, pid_t pid)
{
    uint64_t wanted = claims_word(pid, 0, user), word = wanted;
    char name[32];
    int i;

    for (i = 0; word == wanted || (word ^ wanted) % CLAIMS_PARTS != 0; i++) {
        snprintf(name, sizeof(name), "%s%d", user, i);
        word = claims_word(pid, 0, name);
    }
    return word;
}

static bool everybody_lives(pid_t pid)
{
    (void)pid;
    return true;
}

/* Not those with odd numbers. */
static bool even_ones_live(pid_t pid)
{
    return pid % 2 == 0;
}

static bool runs(pid_t pid)
{
    return kill(pid, 0) == 0;
}

static size_t held(claims *table)
{
    size_t count = 0, i;

    for (i = 0; i < CLAIMS_PARTS * table->size; i++) {
        count += atomic_load(&table->places[i]) != 0;
    }
    return count;
}

static claims_end take(claims *table, uint64_t word, size_t jail, size_t user)
{
    const claims_limits of = { jail, user };
    size_t place;

    return claims_take(table, word, &of, everybody_lives, &place);
}

/* --- limits --- */

static void test_each_limit(void **state)
{
    static const struct {
        claims_end end;
        size_t jail, user;
    } cases[] = {
        { CLAIMS_HELD, 2, 4 },
        { CLAIMS_OVER_JAIL, 1, 4 },
        { CLAIMS_OVER_USER, 2, 3 },
        { CLAIMS_OVER_JAIL, 1, 1 },
        { CLAIMS_OVER_JAIL, 0, 4 }
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        claims *table = make(SIZE);

        /* one in the same jail; another profile; another process */
        take(table, claims_word(10, 1, "alice"), SIZE, SIZE);
        take(table, claims_word(10, 2, "alice"), SIZE, SIZE);
        take(table, claims_word(12, 3, "alice"), SIZE, SIZE);
        take(table, claims_word(10, 1, "bob"), SIZE, SIZE);
        if (take(table, claims_word(10, 1, "alice"), cases[i].jail,
                 cases[i].user) != cases[i].end) {
            fail_msg("case %zu", i);
        }
        assert_int_equal(held(table), cases[i].end == CLAIMS_HELD ? 5 : 4);
        destroy(table);
    }
}

static void test_give_back(void **state)
{
    claims *table = make(SIZE);
    uint64_t word = claims_word(10, 0, "alice");
    size_t places[LIMIT], place, i;

    (void)state;
    for (i = 0; i < LIMIT; i++) {
        assert_int_equal(claims_take(table, word, &limits, everybody_lives,
                                     &places[i]), CLAIMS_HELD);
    }
    assert_int_equal(claims_take(table, word, &limits, everybody_lives,
                                 &place), CLAIMS_OVER_JAIL);
    claims_give_back(table, word, places[2]);
    assert_int_equal(claims_take(table, word, &limits, everybody_lives,
                                 &place), CLAIMS_HELD);
    assert_int_equal(place, places[2]);
    destroy(table);
}

/* What was taken back and given to another one is not theirs any more. */
static void test_give_back_too_late(void **state)
{
    claims *table = make(SIZE);
    uint64_t late = claims_word(11, 0, "alice");
    uint64_t next = word_beside("alice", 12);
    size_t place, same;

    (void)state;
    claims_take(table, late, &limits, everybody_lives, &place);
    claims_forget(table, 11);
    claims_take(table, next, &limits, everybody_lives, &same);
    assert_int_equal(place, same);
    claims_give_back(table, late, place);
    assert_int_equal(held(table), 1);
    destroy(table);
}

static void test_full(void **state)
{
    claims *table = make(3);

    (void)state;
    assert_int_equal(take(table, claims_word(2, 0, "a"), 9, 9),
                     CLAIMS_HELD);
    assert_int_equal(take(table, word_beside("a", 3), 9, 9), CLAIMS_HELD);
    assert_int_equal(take(table, word_beside("a", 5), 9, 9), CLAIMS_HELD);
    assert_int_equal(take(table, claims_word(4, 0, "a"), 9, 9),
                     CLAIMS_FULL);
    destroy(table);
}

static void test_names(void **state)
{
    static const char *const names[] = { "alice", "alicf", "blice", "a", "b",
                                         "a.b", "b.a", "_", "-", "" };
    size_t i, j;

    (void)state;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (j = 0; j < i; j++) {
            assert_true(claims_word(1, 0, names[i])
                        != claims_word(1, 0, names[j]));
        }
        assert_true(claims_word(1, 0, names[i])
                    != claims_word(1, 1, names[i]));
        assert_true(claims_word(1, 0, names[i])
                    != claims_word((1 << 22) - 1, 0, names[i]));
        assert_true(claims_word(1, 0, names[i]) != 0);
    }
}

/* --- the dead --- */

static void test_dead_are_buried(void **state)
{
    claims *table = make(SIZE);
    size_t place, i;

    (void)state;
    for (i = 0; i < LIMIT; i++) {
        claims_take(table, claims_word((pid_t)(10 + i), 0, "alice"), &limits,
                    everybody_lives, &place);
        claims_take(table, claims_word((pid_t)(10 + i), 0, "bob"), &limits,
                    everybody_lives, &place);
    }
    assert_int_equal(claims_take(table, claims_word(20, 0, "alice"), &limits,
                                 even_ones_live, &place), CLAIMS_HELD);
    assert_int_equal(held(table), 2 * LIMIT - 2 + 1);   /* bob's stay */
    destroy(table);
}

/* Of whomever, where there is no place at all. */
static void test_full_of_dead(void **state)
{
    claims *table = make(2);
    size_t place;

    (void)state;
    take(table, claims_word(11, 0, "alice"), 9, 9);
    take(table, claims_word(12, 0, "alice"), 9, 9);
    assert_int_equal(claims_take(table, word_beside("alice", 14), &limits,
                                 even_ones_live, &place), CLAIMS_HELD);
    assert_int_equal(held(table), 2);
    destroy(table);
}

static void test_forget(void **state)
{
    claims *table = make(SIZE);

    (void)state;
    take(table, claims_word(11, 0, "alice"), 9, 9);
    take(table, claims_word(12, 0, "bob"), 9, 9);
    take(table, claims_word(11, 3, "carol"), 9, 9);
    claims_forget(table, 11);
    assert_int_equal(held(table), 1);
    destroy(table);
}

/* --- at the same time --- */

typedef struct work {
    claims *table;
    uint64_t word;
    atomic_int *inside;         /* those that hold a claim of this user */
    int most;                   /* that were seen */
    size_t taken;
} work;

static void *claim_and_give_back(void *data)
{
    work *own = data;
    size_t place;
    int i, now;

    for (i = 0; i < ROUNDS; i++) {
        if (claims_take(own->table, own->word, &limits, everybody_lives,
                        &place) == CLAIMS_HELD) {
            now = atomic_fetch_add(own->inside, 1) + 1;
            own->most = now > own->most ? now : own->most;
            own->taken++;
            if (i % 8 == 0) {
                sched_yield();      /* while it is held */
            }
            atomic_fetch_sub(own->inside, 1);
            claims_give_back(own->table, own->word, place);
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    claims *table = make(SIZE);
    pthread_t threads[THREADS];
    work works[THREADS];
    atomic_int inside = 0;
    size_t taken = 0, i;

    (void)state;
    for (i = 0; i < THREADS; i++) {
        works[i] = (work){ .table = table, .inside = &inside,
                           .word = claims_word((pid_t)(10 + i % 2), 0,
                                               "alice") };
        assert_int_equal(pthread_create(&threads[i], NULL,
                                        claim_and_give_back, &works[i]), 0);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_in_range(works[i].most, 0, LIMIT);
        taken += works[i].taken;
    }
    assert_true(taken > ROUNDS);
    assert_int_equal(held(table), 0);
    destroy(table);
}

/* In a child, until it is killed. */
static void claim_for_ever(claims *table)
{
    size_t place;
    uint64_t word = claims_word(getpid(), 0, "alice");

    for (;;) {
        if (claims_take(table, word, &limits, runs, &place) == CLAIMS_HELD) {
            claims_give_back(table, word, place);
        }
    }
}

/* Whatever they were killed at, the whole limit can be had afterwards. */
static void test_killed_processes(void **state)
{
    const struct timespec moment = { .tv_nsec = 1000000 };
    claims *table = make(SIZE);
    size_t place, i;
    int round;

    (void)state;
    for (round = 0; round < PROCESSES; round++) {
        pid_t pids[3];

        for (i = 0; i < 3; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                claim_for_ever(table);
            }
        }
        nanosleep(&moment, NULL);
        for (i = 0; i < 3; i++) {
            kill(pids[i], SIGKILL);
            assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
        }
    }
    for (i = 0; i < LIMIT; i++) {
        assert_int_equal(claims_take(table, claims_word(getpid(), 0, "alice"),
                                     &limits, runs, &place), CLAIMS_HELD);
    }
    assert_int_equal(claims_take(table, claims_word(getpid(), 0, "alice"),
                                 &limits, runs, &place), CLAIMS_OVER_JAIL);
    destroy(table);
}

/* --- cost --- */

static double microseconds_each(size_t size, size_t busy)
{
    const claims_limits wide = { size, size };
    claims *table = make(size);
    struct timespec from, to;
    char name[32];
    size_t place, i;

    for (i = 0; i < busy; i++) {
        snprintf(name, sizeof(name), "user%zu", i);
        claims_take(table, claims_word(10, 0, name), &wide, everybody_lives,
                    &place);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (i = 0; i < ROUNDS; i++) {
        uint64_t word = claims_word(11, 0, "alice");

        claims_take(table, word, &wide, everybody_lives, &place);
        claims_give_back(table, word, place);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    destroy(table);
    return ((double)(to.tv_sec - from.tv_sec) * 1e9
            + (double)(to.tv_nsec - from.tv_nsec)) / ROUNDS / 1e3;
}

/* A figure to read, and a bound that only another kind of work would break. */
static void test_cost(void **state)
{
    static const size_t sizes[] = { 400, 5000 };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        double few = microseconds_each(sizes[i], MANY);
        double all = microseconds_each(sizes[i], sizes[i] - 1);

        print_message("%zu places: %.2f us with %d claims held, %.2f us with "
                      "all but one\n", sizes[i], few, MANY, all);
        assert_true(few < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_limit),
        cmocka_unit_test(test_give_back),
        cmocka_unit_test(test_give_back_too_late),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_dead_are_buried),
        cmocka_unit_test(test_full_of_dead),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_killed_processes),
        cmocka_unit_test(test_cost)
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
