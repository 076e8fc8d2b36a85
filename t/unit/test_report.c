/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_report.c - what users are told: the end of their error output, in
 * words, as a page, as an entry of a log
 */
/* LINK: module_tail.o module_text.o module_verdict.o */
/* LINK: module_advice.o module_page.o module_report.o */
/* LINK: module_cause.o module_symptom.o */
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

#include "module/report.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char around[TAIL_MAX];
static struct tail tail = { .size = sizeof(around), .bytes = around };
static char kept[TAIL_MAX];

/* --- the tail --- */

static void feed(const char *bytes, size_t size)
{
    tail_feed(&tail, bytes, size);
}

static void feed_text(const char *text)
{
    feed(text, strlen(text));
}

static void test_short_tail(void **state)
{
    (void) state;
    tail.total = 0;
    assert_int_equal(tail_copy(&tail, kept), 0);
    feed_text("one\ntw");
    feed_text("");
    feed_text("o");
    assert_int_equal(tail_copy(&tail, kept), 7);
    assert_memory_equal(kept, "one\ntwo", 7);
    assert_int_equal(tail.total, 7);
}

/* Numbered lines of ten bytes, in pieces of all sizes. */
static void test_long_tail(void **state)
{
    static char lines[10 * 20000 + 1];
    size_t i, sizes[] = { 1, 7, 4096, TAIL_MAX - 1, TAIL_MAX, TAIL_MAX + 1,
                          sizeof(lines) - 1 }, fed, size;

    (void) state;
    for (i = 0; i < 20000; i++) {
        snprintf(lines + 10 * i, 11, "%08zu.\n", i);
    }
    for (i = 0; i < COUNT(sizes); i++) {
        tail.total = 0;
        for (fed = 0; fed < sizeof(lines) - 1; fed += size) {
            size = sizeof(lines) - 1 - fed;
            size = size < sizes[i] ? size : sizes[i];
            feed(lines + fed, size);
        }
        assert_int_equal(tail.total, sizeof(lines) - 1);
        size = tail_copy(&tail, kept);
        assert_int_equal(size, TAIL_MAX / 10 * 10);
        assert_memory_equal(kept, lines + sizeof(lines) - 1 - size, size);
    }
}

static void test_tail_of_one_line(void **state)
{
    static char line[TAIL_MAX + 10];

    (void) state;
    memset(line, 'x', sizeof(line));
    tail.total = 0;
    feed(line, sizeof(line));
    assert_int_equal(tail_copy(&tail, kept), TAIL_MAX);
    line[sizeof(line) - 1] = '\n';
    feed(line, sizeof(line));
    assert_int_equal(tail_copy(&tail, kept), TAIL_MAX);
    assert_int_equal(kept[TAIL_MAX - 1], '\n');
}

/* --- text --- */

static void assert_shown(const char *bytes, size_t size, const char *plain,
                         const char *html)
{
    char *copy = malloc(size);      /* ends where its memory does */
    char shown[200];
    struct text text = { .bytes = shown, .size = sizeof(shown) };

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    text_add_foreign(&text, TEXT_PLAIN, copy, size);
    assert_int_equal(text.length, strlen(plain));
    assert_memory_equal(shown, plain, text.length);
    text.length = 0;
    text_add_foreign(&text, TEXT_HTML, copy, size);
    assert_int_equal(text.length, strlen(html));
    assert_memory_equal(shown, html, text.length);
    free(copy);
}

static void test_foreign_text(void **state)
{
    static const struct {
        const char *bytes, *plain, *html;
    } cases[] = {
        { "plain text", "plain text", "plain text" },
        { "\ttab", "\ttab", "\ttab" },
        { "<b>&amp;", "<b>&amp;", "&lt;b&gt;&amp;amp;" },
        { "\"'", "\"'", "\"'" },
        { "\x1b[31m", "\\x1b[31m", "<i>\\x1b</i>[31m" },
        { "\n\r\x7f", "\\x0a\\x0d\\x7f",
          "<i>\\x0a</i><i>\\x0d</i><i>\\x7f</i>" },
        { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
        { "\xe2\x82\xac", "\xe2\x82\xac", "\xe2\x82\xac" },
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
        { "\xc2\x9b", "\\x9b", "<i>\\x9b</i>" },
        { "\xe2\x80\xae", "\\u202e", "<i>\\u202e</i>" },
        { "\xe2\x81\xa6", "\\u2066", "<i>\\u2066</i>" },
        /* no UTF-8: alone, cut off, too long a form, surrogate, too large */
        { "\xfc", "\\xfc", "<i>\\xfc</i>" },
        { "\x80<", "\\x80<", "<i>\\x80</i>&lt;" },
        { "\xc3", "\\xc3", "<i>\\xc3</i>" },
        { "\xe2\x82", "\\xe2\\x82", "<i>\\xe2</i><i>\\x82</i>" },
        { "\xc3<", "\\xc3<", "<i>\\xc3</i>&lt;" },
        { "\xc0\xbc", "\\xc0\\xbc", "<i>\\xc0</i><i>\\xbc</i>" },
        { "\xe0\x80\xbc", "\\xe0\\x80\\xbc",
          "<i>\\xe0</i><i>\\x80</i><i>\\xbc</i>" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80",
          "<i>\\xed</i><i>\\xa0</i><i>\\x80</i>" },
        { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
          "<i>\\xf4</i><i>\\x90</i><i>\\x80</i><i>\\x80</i>" },
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        assert_shown(cases[i].bytes, strlen(cases[i].bytes), cases[i].plain,
                     cases[i].html);
    }
    assert_shown("a\0b", 3, "a\\x00b", "a<i>\\x00</i>b");
}

static void test_lines(void **state)
{
    static const struct {
        const char *bytes, *lines;
    } cases[] = {
        { "", "" },
        { "one", "> one\n" },
        { "one\n", "> one\n" },
        { "one\n\ntwo", "> one\n> \n> two\n" },
        { "dos\r\nmac\rx\n\r\n", "> dos\n> mac\\x0dx\n> \n" },
    };
    char shown[100];
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        struct text text = { .bytes = shown, .size = sizeof(shown) };

        text_add_lines(&text, TEXT_PLAIN, "> ", cases[i].bytes,
                       strlen(cases[i].bytes));
        assert_int_equal(text.length, strlen(cases[i].lines));
        assert_memory_equal(shown, cases[i].lines, text.length);
    }
}

static void test_text_without_room(void **state)
{
    char shown[6] = "......";
    struct text text = { .bytes = shown, .size = 5 };

    (void) state;
    text_add(&text, "one");
    text_add(&text, "two");
    text_add(&text, "three");
    assert_memory_equal(shown, "onetw.", 6);
    assert_int_equal(text.length, 11);
}

/* --- verdicts --- */

static struct verdict a_verdict(enum verdict_kind kind)
{
    struct verdict verdict = {
        .kind = kind,
        .has_ended = true,
        .answer = { .kind = WIRE_ENDED, .cpu_microseconds = 1234567,
                    .wall_microseconds = 2000000, .peak_kib = 10 * 1024 + 512
        },
        .limits = { .cpu_seconds = 25, .wall_seconds = 60,
                    .data_bytes = UINT64_C(448) << 20,
                    .file_bytes = 64 << 20 },
        .errors = &tail
    };

    tail.total = 0;
    return verdict;
}

static void assert_says(struct verdict *verdict, const char *words)
{
    char said[200] = "";
    struct text text = { .bytes = said, .size = sizeof(said) - 1 };

    verdict_judge(verdict);
    verdict_add(&text, verdict);
    assert_string_equal(said, words);
}

/* wait statuses, as of wait(2) */
#define EXIT(status) ((status) << 8)

static void test_words_for_an_end(void **state)
{
    static const struct {
        enum verdict_kind kind;
        int wait_status;
        enum wire_limit limit;
        const char *words;
    } cases[] = {
        { VERDICT_NO_HEADER, EXIT(1), WIRE_LIMIT_NONE,
          "ended with exit status 1 and printed no header" },
        { VERDICT_NO_HEADER, 0, WIRE_LIMIT_NONE,
          "ended with exit status 0 and printed no header" },
        { VERDICT_NO_HEADER, SIGSEGV, WIRE_LIMIT_NONE,
          "was killed by signal 11 (segmentation fault) and printed no "
          "header" },
        { VERDICT_NO_HEADER, SIGIO, WIRE_LIMIT_NONE,
          "was killed by signal 29 (I/O possible) and printed no header" },
        { VERDICT_NO_HEADER, 100, WIRE_LIMIT_NONE,
          "was killed by signal 100 and printed no header" },
        { VERDICT_NO_HEADER, SIGXCPU, WIRE_LIMIT_CPU,
          "used its 25 s of CPU time and printed no header" },
        { VERDICT_NO_HEADER, SIGKILL, WIRE_LIMIT_WALL,
          "did not end within its 60 s and printed no header" },
        { VERDICT_NO_HEADER, SIGXFSZ, WIRE_LIMIT_FSIZE,
          "wrote more than 64 MiB into a file and printed no header" },
        { VERDICT_HALF_HEADER, 0, WIRE_LIMIT_NONE,
          "ended with exit status 0 and printed no complete header" },
        { VERDICT_BAD_HEADER, 0, WIRE_LIMIT_NONE,
          "printed something that is no header" },
        { VERDICT_BAD_HEADER, EXIT(1), WIRE_LIMIT_NONE,
          "ended with exit status 1 and printed something that is no "
          "header" },
        { VERDICT_BAD_FRAMING, 0, WIRE_LIMIT_NONE,
          "printed a Transfer-Encoding or Trailer header or a status below "
          "200, which are the web server's to send" },
        { VERDICT_LARGE_HEADER, 0, WIRE_LIMIT_NONE,
          "printed a header that is larger than 64 KiB or 200 lines, or a "
          "line of it that is larger than 8 KiB" },
        { VERDICT_CUT_SHORT, SIGTERM, WIRE_LIMIT_NONE,
          "was killed by signal 15 (terminated) and had not printed all of "
          "its answer" },
        { VERDICT_UNHEARD, 0, WIRE_LIMIT_NONE,
          "was not heard to its end by the client" },
        { VERDICT_REDIRECTED, 0, WIRE_LIMIT_NONE, "redirected" },
        { VERDICT_ENDED, 0, WIRE_LIMIT_NONE, "answered" },
        { VERDICT_NONE, 0, WIRE_LIMIT_NONE, "was not heard to its end" },
        { VERDICT_ENDED, EXIT(3), WIRE_LIMIT_NONE,
          "ended with exit status 3" },
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        struct verdict verdict = a_verdict(cases[i].kind);

        verdict.answer.wait_status = cases[i].wait_status;
        verdict.answer.limit = cases[i].limit;
        assert_says(&verdict, cases[i].words);
    }
}

static void test_words_for_no_end(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_NO_HEADER);

    (void) state;
    verdict.has_ended = false;
    assert_says(&verdict, "lost its jail and printed no header");
    verdict.still_runs = true;
    assert_says(&verdict, "did not end and printed no header");
    verdict.kind = VERDICT_UNHEARD;
    assert_says(&verdict, "was not heard to its end by the client");
    verdict.kind = VERDICT_NONE;
    assert_says(&verdict, "was not heard to its end");
}

static void test_words_without_limits(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_NO_HEADER);

    (void) state;
    verdict.limits = (struct verdict_limits) {
        VERDICT_UNLIMITED, VERDICT_UNLIMITED, VERDICT_UNLIMITED,
        VERDICT_UNLIMITED, VERDICT_UNLIMITED, VERDICT_UNLIMITED,
        VERDICT_UNLIMITED
    };
    verdict.answer.wait_status = SIGKILL;
    verdict.answer.limit = WIRE_LIMIT_CPU;
    assert_says(&verdict, "used up its CPU time and printed no header");
}

static void test_words_for_a_refusal(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_REFUSED);

    (void) state;
    verdict.answer = (struct wire_answer) { .kind = WIRE_REFUSED,
                                            .refusal = WIRE_NOT_EXECUTABLE,
                                            .error = EACCES };
    assert_says(&verdict, "is not executable (chmod +x would make it so), "
                "and files of its extension have no interpreter");
    verdict.answer.refusal = WIRE_NO_INTERPRETER;
    verdict.answer.error = ENOENT;
    assert_says(&verdict, "needs an interpreter that cannot be executed: No "
                "such file or directory");
    verdict.answer.error = 4000;
    assert_says(&verdict, "needs an interpreter that cannot be executed");
}

static void test_news(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_ENDED);

    (void) state;
    assert_false(verdict_is_news(&verdict));
    feed_text("x");
    assert_true(verdict_is_news(&verdict));
    tail.total = 0;
    assert_false(verdict_is_news(&verdict));
    verdict.answer.wait_status = EXIT(1);
    assert_true(verdict_is_news(&verdict));
    verdict.has_ended = false;
    assert_false(verdict_is_news(&verdict));
    verdict.kind = VERDICT_CUT_SHORT;
    assert_true(verdict_is_news(&verdict));
    assert_false(verdict_is_failure(&verdict));
    verdict.kind = VERDICT_NO_HEADER;
    assert_true(verdict_is_news(&verdict));
    assert_true(verdict_is_failure(&verdict));
    verdict = a_verdict(VERDICT_NONE);
    assert_false(verdict_is_news(&verdict));
}

/* --- the page --- */

static struct report report_on(struct verdict *verdict)
{
    struct report report = {
        .verdict = verdict, .status = "500 Internal Server Error",
        .program = "/home/alice/web/<x>.py", .method = "GET",
        .url = "/my/x.py?a=<b>", .time = "2026-01-31T12:59:59Z",
        .id = "ab&cd", .errors = kept,
        .errors_size = tail_copy(verdict->errors, kept)
    };

    verdict_judge(verdict);
    return report;
}

/* In memory of exactly its size, with a NUL. */
static char *page_of(const struct report *report)
{
    size_t size = report_page(report, NULL, 0);
    char *exact = malloc(size), *page = malloc(size + 1);

    assert_non_null(exact);
    assert_non_null(page);
    assert_int_equal(report_page(report, exact, size), size);
    memcpy(page, exact, size);
    page[size] = '\0';
    free(exact);
    return page;
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        print_error("not found: %s\nin: %s\n", part, text);
        fail();
    }
}

static void test_page(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_NO_HEADER);
    struct report report;
    char *page;

    (void) state;
    verdict.answer.wait_status = EXIT(1);
    feed_text("Traceback <most recent>:\n  \x1b[1mError\xff\n");
    report = report_on(&verdict);
    page = page_of(&report);
    assert_contains(page, "<title>500 Internal Server Error</title>");
    assert_contains(page, "<h1>Your program ended with exit status 1 and "
                    "printed no header</h1>");
    assert_contains(page, "<code>/home/alice/web/&lt;x&gt;.py</code>");
    assert_contains(page, "<pre>Traceback &lt;most recent&gt;:\n  "
                    "<i>\\x1b</i>[1mError<i>\\xff</i>\n</pre>");
    assert_contains(page, ">CPU time</th><td>1.23 s</td><td>of 25 s<");
    assert_contains(page, ">Time</th><td>2.00 s</td><td>of 60 s<");
    assert_contains(page, "<td>10.5 MiB</td><td>of 448 MiB data<");
    assert_contains(page, "request <code>ab&amp;cd</code>");
    assert_null(strstr(page, "class=\"hit\""));
    assert_null(strstr(page, "line at fault"));
    assert_null(strstr(page, "://"));
    free(page);
}

static void test_page_of_a_limit(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_BAD_HEADER);
    struct report report;
    char *page;

    (void) state;
    verdict.answer.wait_status = SIGXCPU;
    verdict.answer.limit = WIRE_LIMIT_CPU;
    verdict.limits.data_bytes = VERDICT_UNLIMITED;
    strncpy(verdict.line, "<p>\x01", sizeof(verdict.line) - 1);
    report = report_on(&verdict);
    page = page_of(&report);
    assert_contains(page, "<h1>Your program used its 25 s of CPU time");
    assert_contains(page, "<pre>&lt;p&gt;<i>\\x01</i>\n</pre>");
    assert_contains(page, "<tr class=\"hit\"><th scope=\"row\">CPU time<");
    assert_contains(page, "<td>no limit</td>");
    assert_contains(page, "wrote nothing to its error output");
    free(page);
}

static void test_page_of_a_refusal(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_REFUSED);
    struct report report;
    char *page;

    (void) state;
    verdict.has_ended = false;
    verdict.answer = (struct wire_answer) { .kind = WIRE_REFUSED,
                                            .refusal = WIRE_NO_INTERPRETER,
                                            .error = ENOENT };
    report = report_on(&verdict);
    page = page_of(&report);
    assert_contains(page, "an interpreter that cannot be executed: No such");
    assert_null(strstr(page, "<table"));
    assert_null(strstr(page, "stderr"));
    free(page);
}

/* Bytes that grow most, as many as are kept. */
static void test_page_of_the_most(void **state)
{
    static char bytes[2 * TAIL_MAX];
    struct verdict verdict = a_verdict(VERDICT_NO_HEADER);
    struct report report;
    char *page;

    (void) state;
    memset(bytes, '\x01', sizeof(bytes));
    feed(bytes, sizeof(bytes));
    report = report_on(&verdict);
    page = page_of(&report);
    assert_true(strlen(page) > 11 * TAIL_MAX);
    assert_true(strlen(page) < 11 * TAIL_MAX + 10000);
    assert_contains(page, "This is the end of it: 64 of 128 KiB.");
    free(page);
}

/* --- the entry --- */

static char entry[REPORT_ENTRY_MAX];

static void test_entry(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_ENDED);
    struct report report;

    (void) state;
    verdict.answer.wait_status = EXIT(3);
    feed_text("one\n2026-01-31T12:59:59Z - GET /: a lie\n");
    report = report_on(&verdict);
    report_entry(&report, entry);
    assert_string_equal(entry, "2026-01-31T12:59:59Z ab&cd GET "
                        "/my/x.py?a=<b>: ended with exit status 3 (CPU 1.23 "
                        "s, time 2.00 s, memory 10.5 MiB)\n    one\n"
                        "    2026-01-31T12:59:59Z - GET /: a lie\n");
}

static void test_entry_of_a_hostile_client(void **state)
{
    static char url[5000];
    struct verdict verdict = a_verdict(VERDICT_ENDED);
    struct report report;

    (void) state;
    memset(url, '\n', sizeof(url) - 1);
    verdict.has_ended = false;
    report = report_on(&verdict);
    report.method = "G\x1b\nT";
    report.url = url;
    report_entry(&report, entry);
    assert_contains(entry, " G\\x1b\\x0aT \\x0a\\x0a");
    assert_contains(entry, "\\x0a...: answered\n");
    assert_int_equal(strchr(entry, '\n') - entry, strlen(entry) - 1);
    assert_in_range(strlen(entry), 4000, 4200);
}

/* Of long error output the last lines, of one long line its beginning. */
static void test_entries_of_the_most(void **state)
{
    static char line[TAIL_MAX];
    struct verdict verdict = a_verdict(VERDICT_ENDED);
    struct report report;
    int i;

    (void) state;
    for (i = 0; i < 10000; i++) {
        snprintf(line, sizeof(line), "%08d.\n", i);
        feed(line, 10);
    }
    report = report_on(&verdict);
    report_entry(&report, entry);
    assert_contains(entry, ")\n    ...\n    0000");
    assert_string_equal(entry + strlen(entry) - 14, "    00009999.\n");
    assert_in_range(strlen(entry), REPORT_ERRORS_MAX - 14,
                    REPORT_ERRORS_MAX + 200);
    tail.total = 0;
    memset(line, '\x01', sizeof(line));
    feed(line, sizeof(line));
    report = report_on(&verdict);
    report_entry(&report, entry);
    assert_int_equal(strlen(entry), REPORT_ENTRY_MAX - 1);
    assert_int_equal(entry[REPORT_ENTRY_MAX - 2], '\n');
}

/* It fits into a message, with the longest path that there is. */
static void test_entry_fits(void **state)
{
    (void) state;
    assert_true(REPORT_ENTRY_MAX + WIRE_HEADER_SIZE + 4096
                <= WIRE_MESSAGE_MAX);
}

/* --- any bytes --- */

/* No bytes get out of the tags that they are put between. */
static void test_random_bytes(void **state)
{
    struct verdict verdict = a_verdict(VERDICT_ENDED);
    unsigned int seed = 1;
    char bytes[64];
    int i;

    (void) state;
    for (i = 0; i < 20000; i++) {
        char shown[64 * 11], *tag;
        struct text text = { .bytes = shown, .size = sizeof(shown) };
        size_t size = (size_t) rand_r(&seed) % sizeof(bytes), j;

        for (j = 0; j < size; j++) {
            bytes[j] = (char) rand_r(&seed);
        }
        feed(bytes, size);
        text_add_foreign(&text, TEXT_HTML, bytes, size);
        assert_true(text.length < sizeof(shown));
        shown[text.length] = '\0';
        assert_int_equal(strlen(shown), text.length);
        for (tag = strchr(shown, '<'); tag != NULL;
             tag = strchr(tag + 1, '<')) {
            assert_true(strncmp(tag, "<i>\\", 4) == 0
                        || strncmp(tag, "</i>", 4) == 0);
        }
    }
    {
        struct report report = report_on(&verdict);

        report_entry(&report, entry);
        free(page_of(&report));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_tail),
        cmocka_unit_test(test_long_tail),
        cmocka_unit_test(test_tail_of_one_line),
        cmocka_unit_test(test_foreign_text),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_text_without_room),
        cmocka_unit_test(test_words_for_an_end),
        cmocka_unit_test(test_words_for_no_end),
        cmocka_unit_test(test_words_without_limits),
        cmocka_unit_test(test_words_for_a_refusal),
        cmocka_unit_test(test_news),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_page_of_a_limit),
        cmocka_unit_test(test_page_of_a_refusal),
        cmocka_unit_test(test_page_of_the_most),
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_entry_of_a_hostile_client),
        cmocka_unit_test(test_entries_of_the_most),
        cmocka_unit_test(test_entry_fits),
        cmocka_unit_test(test_random_bytes),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
