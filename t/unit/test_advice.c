/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_advice.c - how users can put right what was wrong, in the language of
 * the program
 */
/* LINK: module_advice.o module_cause.o module_symptom.o module_tail.o */
/* LINK: module_text.o module_verdict.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "module/advice.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* wait statuses, as of wait(2) */
#define EXIT(status) ((status) << 8)

static char around[200];
static struct tail tail = { .size = sizeof(around), .bytes = around };

static struct verdict a_verdict(enum verdict_kind kind, int wait_status)
{
    struct verdict verdict = {
        .kind = kind,
        .has_ended = true,
        .answer = { .kind = WIRE_ENDED, .wait_status = wait_status },
        .limits = { VERDICT_UNLIMITED, 60, VERDICT_UNLIMITED,
                    VERDICT_UNLIMITED, VERDICT_UNLIMITED, VERDICT_UNLIMITED,
                    VERDICT_UNLIMITED },
        .errors = &tail
    };

    tail.total = 0;
    return verdict;
}

/* The advice, in memory that is used again. */
static const char *advice(struct verdict *verdict, const char *program,
                          const char *interpreter)
{
    static char said[8000];
    struct text text = { .bytes = said, .size = sizeof(said) - 1 };

    verdict_judge(verdict);
    advice_add(&text, verdict, program, interpreter);
    assert_true(text.length < sizeof(said));
    said[text.length] = '\0';
    return said;
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        print_error("not found: %s\nin: %s\n", part, text);
        fail();
    }
}

static void test_extensions(void **state)
{
    (void) state;
    assert_true(advice_has_extension("/home/alice/x.py", ".py"));
    assert_true(advice_has_extension("/home/alice/x.py/more/words", ".py"));
    assert_true(advice_has_extension("/home/x.pyc/x.py", ".py"));
    assert_false(advice_has_extension("/home/alice/x.pyc", ".py"));
    assert_false(advice_has_extension("/home/alice/x", ".py"));
}

static void test_languages(void **state)
{
    static const struct {
        const char *program, *interpreter, *errors, *header;
    } cases[] = {
        { "/x.py", NULL, "", "<pre class=\"code\">print(\"Content-Type: "
          "text/html\")\nprint()\n</pre>" },
        { "/x.pl", NULL, "", ">print \"Content-Type: text/html\\n\\n\";\n<" },
        { "/x.sh", NULL, "", ">echo \"Content-Type: text/html\"\necho\n<" },
        { "/x.php", NULL, "", ">header(\"Content-Type: text/html\");" },
        { "/x", NULL, "", ">Content-Type: text/html\n<i>an empty line</i>" },
        { "/x.cgi", "/usr/bin/perl", "", ">print \"Content-Type" },
        { "/x.cgi", "/usr/bin/python3.11", "", ">print(\"Content-Type" },
        { "/x.cgi", "/bin/bash", "", ">echo \"Content-Type" },
        { "/x.py", "/usr/bin/perl", "", ">print \"Content-Type" },
        { "/x.odd", "/usr/bin/odd", "", ">Content-Type: text/html\n<i>" },
        { "/x", NULL, "Traceback (most recent call last):\n",
          ">print(\"Content-Type" }
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        struct verdict verdict = a_verdict(VERDICT_NO_HEADER, 0);

        tail_feed(&tail, cases[i].errors, strlen(cases[i].errors));
        assert_contains(advice(&verdict, cases[i].program,
                               cases[i].interpreter), cases[i].header);
    }
}

/* No number is told where there is no limit. */
static void test_no_limits(void **state)
{
    static const int signals[] = { SIGXCPU, SIGKILL, SIGXFSZ };
    static const enum wire_limit limits[] = {
        WIRE_LIMIT_CPU, WIRE_LIMIT_WALL, WIRE_LIMIT_FSIZE
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(limits); i++) {
        struct verdict verdict = a_verdict(VERDICT_NO_HEADER, signals[i]);

        verdict.answer.limit = limits[i];
        assert_null(strstr(advice(&verdict, "/x", NULL), "18446744"));
    }
}

/* A failure of a failure is not told. */
static void test_dos_lines(void **state)
{
    static const char errors[] = "x.sh: line 2: ls\r: not found\n";
    struct verdict verdict = a_verdict(VERDICT_NO_HEADER, EXIT(127));

    (void) state;
    assert_contains(advice(&verdict, "/x.sh", NULL), "A command is not there");
    tail_feed(&tail, errors, strlen(errors));
    assert_contains(advice(&verdict, "/x.sh", NULL), "Windows");
    assert_null(strstr(advice(&verdict, "/x.sh", NULL), "command is not"));
}

static void test_refusals(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_REFUSED, 0);
    const char *said;

    (void) state;
    verdict.has_ended = false;
    verdict.answer.kind = WIRE_REFUSED;
    verdict.answer.refusal = WIRE_NOT_EXECUTABLE;
    said = advice(&verdict, "/home/alice/<x>.py", NULL);
    assert_contains(said, "<pre class=\"code\">chmod +x "
                    "/home/alice/&lt;x&gt;.py\n</pre>");
    assert_contains(said, ">#!/usr/bin/python3\n<");
    verdict.answer.refusal = WIRE_NO_INTERPRETER;
    verdict.answer.error = ENOENT;
    said = advice(&verdict, "/x.pl", NULL);
    assert_contains(said, "is not there in the jail");
    assert_contains(said, ">#!/usr/bin/perl\n<");
    verdict.answer.refusal = WIRE_DOS_LINE;
    assert_contains(advice(&verdict, "/x.pl", NULL), "Windows");
    verdict.answer.refusal = WIRE_NO_INTERPRETER;
    verdict.answer.error = EACCES;
    assert_contains(advice(&verdict, "/x.pl", NULL), "cannot be executed");
    verdict.answer.refusal = WIRE_CANNOT_START;
    verdict.answer.error = EAGAIN;
    assert_contains(advice(&verdict, "/x.pl", NULL), "starts processes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_no_limits),
        cmocka_unit_test(test_dos_lines),
        cmocka_unit_test(test_refusals)
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
