/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cause.c - in one word, what became of a request: from how the program
 * ended, what it used, and what it wrote to its error output
 */
/* LINK: module_cause.o module_symptom.o module_tail.o module_text.o */
/* LINK: module_verdict.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "module/verdict.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* wait statuses, as of wait(2) */
#define EXIT(status) ((status) << 8)

enum { MIB = 1024 };    /* in KiB */

static char around[2000];
static struct tail tail = { .size = sizeof(around), .bytes = around };

/* A program that ended, of small use, with limits of 25 s and 64 MiB. */
static struct verdict a_verdict(enum verdict_kind kind, int wait_status)
{
    struct verdict verdict = {
        .kind = kind,
        .has_ended = true,
        .answer = { .kind = WIRE_ENDED, .wait_status = wait_status,
                    .cpu_microseconds = 10000, .peak_kib = 4 * MIB },
        .limits = { .cpu_seconds = 25, .wall_seconds = 60,
                    .data_bytes = 64 << 20, .file_bytes = 1 << 20,
                    .processes = 50 },
        .errors = &tail
    };

    tail.total = 0;
    return verdict;
}

static void assert_cause(struct verdict *verdict, enum cause cause,
                         bool is_sure)
{
    verdict_judge(verdict);
    if (verdict->cause != cause) {
        print_error("%s instead of %s\n", cause_word(verdict->cause),
                    cause_word(cause));
    }
    assert_int_equal(verdict->cause, cause);
    assert_int_equal(verdict->is_sure, is_sure);
}

static void test_output(void **state)
{
    static const struct {
        enum verdict_kind kind;
        enum cause cause;
    } cases[] = {
        { VERDICT_NONE, CAUSE_OK },
        { VERDICT_NO_HEADER, CAUSE_NO_HEADER },
        { VERDICT_HALF_HEADER, CAUSE_NO_HEADER },
        { VERDICT_BAD_HEADER, CAUSE_BAD_HEADER },
        { VERDICT_LARGE_HEADER, CAUSE_BAD_HEADER },
        { VERDICT_BAD_FRAMING, CAUSE_BAD_HEADER },
        { VERDICT_CUT_SHORT, CAUSE_CUT },
        { VERDICT_UNHEARD, CAUSE_ABORTED },
        { VERDICT_REDIRECTED, CAUSE_OK },
        { VERDICT_ENDED, CAUSE_OK }
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        struct verdict verdict = a_verdict(cases[i].kind, 0);

        assert_cause(&verdict, cases[i].cause, true);
    }
}

/* Limits that the warden reports, and ends that need no guess. */
static void test_ends(void **state)
{
    static const struct {
        int wait_status;
        enum wire_limit limit;
        enum cause cause;
    } cases[] = {
        { EXIT(1), WIRE_LIMIT_NONE, CAUSE_EXIT },
        { EXIT(137), WIRE_LIMIT_NONE, CAUSE_EXIT },
        { SIGSEGV, WIRE_LIMIT_NONE, CAUSE_SIGNAL },
        { SIGKILL, WIRE_LIMIT_NONE, CAUSE_SIGNAL },
        { SIGXCPU, WIRE_LIMIT_CPU, CAUSE_CPU },
        { SIGKILL, WIRE_LIMIT_CPU, CAUSE_CPU },
        { SIGXFSZ, WIRE_LIMIT_FSIZE, CAUSE_FSIZE },
        { SIGKILL, WIRE_LIMIT_WALL, CAUSE_WALL }
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        struct verdict verdict = a_verdict(VERDICT_NO_HEADER,
                                           cases[i].wait_status);

        verdict.answer.limit = cases[i].limit;
        assert_cause(&verdict, cases[i].cause, true);
        verdict.kind = VERDICT_ENDED;
        assert_cause(&verdict, cases[i].cause, true);
        verdict.kind = VERDICT_UNHEARD;
        assert_cause(&verdict, CAUSE_ABORTED, true);
    }
}

static void test_guesses(void **state)
{
    static const struct {
        int wait_status;
        uint64_t cpu_seconds, peak_kib;
        const char *errors;
        enum cause cause;
    } cases[] = {
        { EXIT(1), 0, 0, "MemoryError\n", CAUSE_MEMORY },
        { EXIT(1), 0, 0, "Out of memory!\n", CAUSE_MEMORY },
        { SIGABRT, 0, 0, "  what():  std::bad_alloc\n", CAUSE_MEMORY },
        { EXIT(2), 0, 0, "sh: can't fork: Cannot allocate memory\n",
          CAUSE_MEMORY },
        { EXIT(2), 0, 0, "sh: can't fork: Resource temporarily unavailable\n",
          CAUSE_PROCESSES },
        { EXIT(1), 0, 0, "RuntimeError: can't start new thread\n",
          CAUSE_PROCESSES },
        { EXIT(1), 0, 0, "OSError: [Errno 27] File too large\n", CAUSE_FSIZE },
        { EXIT(153), 0, 0, "", CAUSE_FSIZE },
        { EXIT(152), 0, 0, "", CAUSE_CPU },
        { EXIT(2), 0, 0, "CPU time limit exceeded\n", CAUSE_CPU },
        { EXIT(1), 25, 0, "", CAUSE_CPU },
        { SIGTERM, 26, 0, "", CAUSE_CPU },
        { EXIT(1), 24, 0, "", CAUSE_EXIT },
        { SIGSEGV, 0, 58 * MIB, "", CAUSE_MEMORY },
        { SIGSEGV, 0, 57 * MIB, "", CAUSE_SIGNAL },
        { SIGKILL, 0, 16 * MIB, "", CAUSE_MEMORY },
        { EXIT(137), 0, 16 * MIB, "Killed\n", CAUSE_MEMORY },
        { EXIT(1), 0, 16 * MIB, "a fork: at dinner\nResource temporarily "
          "unavailable\n", CAUSE_EXIT }
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        struct verdict verdict = a_verdict(VERDICT_NO_HEADER,
                                           cases[i].wait_status);
        enum cause cause = cases[i].cause;

        verdict.answer.cpu_microseconds = cases[i].cpu_seconds * 1000000;
        verdict.answer.peak_kib = cases[i].peak_kib;
        tail_feed(&tail, cases[i].errors, strlen(cases[i].errors));
        assert_cause(&verdict, cause, !cause_is_limit(cause));
    }
}

/* Who did well did not fail of what was said. */
static void test_no_guess(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_ENDED, 0);

    (void) state;
    tail_feed(&tail, "MemoryError\n", 12);
    verdict.answer.peak_kib = 64 * MIB;
    assert_cause(&verdict, CAUSE_OK, true);
    verdict.kind = VERDICT_NO_HEADER;
    assert_cause(&verdict, CAUSE_NO_HEADER, true);
    verdict = a_verdict(VERDICT_NO_HEADER, EXIT(1));
    verdict.limits = (struct verdict_limits) {
        VERDICT_UNLIMITED, VERDICT_UNLIMITED, VERDICT_UNLIMITED,
        VERDICT_UNLIMITED, VERDICT_UNLIMITED, VERDICT_UNLIMITED,
        VERDICT_UNLIMITED
    };
    verdict.answer.peak_kib = UINT64_MAX;
    verdict.answer.cpu_microseconds = UINT64_MAX;
    assert_cause(&verdict, CAUSE_EXIT, true);
}

/* What the kernel counted in the jail's control group meanwhile. */
static void test_events(void **state)
{
    static const char no_fork[] = "sh: can't fork: Resource temporarily "
        "unavailable\n";
    struct verdict verdict = a_verdict(VERDICT_NO_HEADER, SIGKILL);

    (void) state;
    verdict.events.kills = 1;
    verdict.events.shortages = 1;
    assert_cause(&verdict, CAUSE_MEMORY, true);
    assert_true(cause_is_of_jail(&verdict));
    verdict = a_verdict(VERDICT_NO_HEADER, EXIT(128 + SIGKILL));
    verdict.events.kills = 1;
    verdict.events.shortages = 1;
    assert_cause(&verdict, CAUSE_MEMORY, true);
    verdict = a_verdict(VERDICT_NO_HEADER, EXIT(1));
    verdict.events.kills = 2;
    assert_cause(&verdict, CAUSE_MEMORY, false);
    verdict.answer.wait_status = 0;
    assert_cause(&verdict, CAUSE_NO_HEADER, true);

    verdict = a_verdict(VERDICT_NO_HEADER, EXIT(2));
    verdict.events.refusals = 1;
    assert_cause(&verdict, CAUSE_PROCESSES, false);
    tail_feed(&tail, no_fork, strlen(no_fork));
    assert_cause(&verdict, CAUSE_PROCESSES, true);
    assert_true(cause_is_of_jail(&verdict));
    verdict.events.refusals = 0;
    assert_cause(&verdict, CAUSE_PROCESSES, false);
    assert_false(cause_is_of_jail(&verdict));
}

/* The machine, or httpd's service, was short of memory, and not the jail. */
static void test_events_of_others(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_NO_HEADER, SIGKILL);

    (void) state;
    verdict.events.kills = 1;
    assert_cause(&verdict, CAUSE_MEMORY, false);
    assert_false(cause_is_of_jail(&verdict));
}

/* Who was killed for the time it took was not killed for memory. */
static void test_events_and_limits(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_NO_HEADER, SIGKILL);

    (void) state;
    verdict.events.kills = 1;
    verdict.events.shortages = 1;
    verdict.answer.limit = WIRE_LIMIT_WALL;
    assert_cause(&verdict, CAUSE_WALL, true);
    assert_false(cause_is_of_jail(&verdict));
}

static void test_no_end(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_CUT_SHORT, 0);

    (void) state;
    verdict.has_ended = false;
    assert_cause(&verdict, CAUSE_NO_JAIL, true);
    verdict.still_runs = true;
    assert_cause(&verdict, CAUSE_CUT, true);
    verdict.is_late = true;
    assert_cause(&verdict, CAUSE_WALL, true);
    verdict.kind = VERDICT_NO_HEADER;
    assert_cause(&verdict, CAUSE_WALL, true);
    verdict.kind = VERDICT_BAD_HEADER;
    assert_cause(&verdict, CAUSE_BAD_HEADER, true);
    verdict.has_ended = true;
    verdict.answer.wait_status = SIGPIPE;
    assert_cause(&verdict, CAUSE_BAD_HEADER, true);
    verdict.answer.limit = WIRE_LIMIT_CPU;
    assert_cause(&verdict, CAUSE_CPU, true);
}

static void test_refusals(void **state)
{
    static const struct {
        enum wire_refusal refusal;
        int error;
        enum cause cause;
    } cases[] = {
        { WIRE_BUSY, 0, CAUSE_BUSY },
        { WIRE_BAD_REQUEST, EPROTO, CAUSE_NO_JAIL },
        { WIRE_NOT_FOUND, ENOENT, CAUSE_NONE },
        { WIRE_FORBIDDEN, EACCES, CAUSE_NONE },
        { WIRE_NOT_EXECUTABLE, EACCES, CAUSE_NOT_EXECUTABLE },
        { WIRE_NO_INTERPRETER, ENOENT, CAUSE_NO_INTERPRETER },
        { WIRE_DOS_LINE, ENOENT, CAUSE_NO_INTERPRETER },
        { WIRE_CANNOT_START, EAGAIN, CAUSE_PROCESSES },
        { WIRE_CANNOT_START, ENOMEM, CAUSE_MEMORY },
        { WIRE_CANNOT_START, EMFILE, CAUSE_NO_JAIL }
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        struct verdict verdict = a_verdict(VERDICT_REFUSED, 0);

        verdict.answer.kind = WIRE_REFUSED;
        verdict.answer.refusal = cases[i].refusal;
        verdict.answer.error = (uint32_t) cases[i].error;
        verdict.has_ended = false;
        assert_cause(&verdict, cases[i].cause, true);
    }
}

/* The words are an interface. */
static void test_words(void **state)
{
    static const char *const words[] = {
        "ok", "exit", "signal", "cpu", "memory", "fsize", "processes", "wall",
        "no-header", "bad-header", "not-executable", "no-interpreter", "cut",
        "aborted", "busy", "no-jail"
    };
    size_t i;

    (void) state;
    assert_null(cause_word(CAUSE_NONE));
    assert_int_equal(CAUSE_COUNT, COUNT(words) + 1);
    for (i = 0; i < COUNT(words); i++) {
        assert_string_equal(cause_word((enum cause) (i + 1)), words[i]);
    }
}

/* --- symptoms --- */

static void test_symptoms(void **state)
{
    static const struct {
        const char *errors;
        unsigned int symptoms;
    } cases[] = {
        { "", 0 },
        { "all is well\n", 0 },
        { "x.sh: line 2: frobnicate: not found\n", SYMPTOM_COMMAND },
        { "x: line 2: frobnicate: command not found\n", SYMPTOM_COMMAND },
        { "x.sh: line 3: echo\r: not found\n",
          SYMPTOM_COMMAND | SYMPTOM_DOS_LINES },
        { "env: 'python3\\r': No such file or directory\n",
          SYMPTOM_MISSING | SYMPTOM_DOS_LINES },
        { "  File \"/home/alice/web/x.py\", line 1\n    print('x'\n"
          "SyntaxError: '(' was never closed\n",
          SYMPTOM_SYNTAX | SYMPTOM_PYTHON },
        { "syntax error at x.pl line 3, near \"}\"\n", SYMPTOM_SYNTAX },
        { "x.sh: line 4: syntax error: unterminated quoted string\n",
          SYMPTOM_SYNTAX },
        { "Can't locate JSON.pm in @INC (you may\n", SYMPTOM_MODULE },
        { "Can't locate it\n in @INC\n", 0 },
        { "Traceback (most recent call last):\nModuleNotFoundError: x\n",
          SYMPTOM_MODULE | SYMPTOM_PYTHON },
        { "cat: x: Permission denied\n", SYMPTOM_DENIED },
        { "touch: /etc/x: Read-only file system\n", SYMPTOM_READ_ONLY },
        { "x: No space left on device", SYMPTOM_SPACE },
        { "x: Too many open files", SYMPTOM_FILES },
        { "x: Network is unreachable", SYMPTOM_NETWORK }
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        size_t size = strlen(cases[i].errors);
        char *copy = malloc(size);      /* ends where its memory does */

        assert_non_null(copy);
        memcpy(copy, cases[i].errors, size);
        if (symptoms_in(copy, size) != cases[i].symptoms) {
            print_error("%s", cases[i].errors);
        }
        assert_int_equal(symptoms_in(copy, size), cases[i].symptoms);
        free(copy);
    }
}

/* They are found however the output came, and only in its end. */
static void test_symptoms_in_pieces(void **state)
{
    static const char words[] = "one line\nMemoryError\n";
    size_t at, i;

    (void) state;
    for (at = 0; at < sizeof(words); at++) {
        struct verdict verdict = a_verdict(VERDICT_NO_HEADER, EXIT(1));

        for (i = 0; i < 300; i++) {
            tail_feed(&tail, "other words\n", 12);
        }
        tail_feed(&tail, words, at);
        tail_feed(&tail, words + at, sizeof(words) - 1 - at);
        assert_cause(&verdict, CAUSE_MEMORY, false);
        for (i = 0; i < 300; i++) {
            tail_feed(&tail, "other words\n", 12);
        }
        assert_cause(&verdict, CAUSE_EXIT, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_guesses),
        cmocka_unit_test(test_no_guess),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_events_of_others),
        cmocka_unit_test(test_events_and_limits),
        cmocka_unit_test(test_no_end),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_symptoms),
        cmocka_unit_test(test_symptoms_in_pieces)
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
