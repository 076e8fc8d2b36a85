/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lines.c - a program's error output, cut into lines, and how many
 * there may be
 */
/* LINK: module_lines.o module_ration.o */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "module/lines.h"
#include "module/ration.h"

/* What was said, each line in brackets. */
static char said[(LINES_LENGTH + 8) * (LINES_MAX + 8)];

static size_t say_max;

static bool say(void *context, const char *line)
{
    size_t length = strlen(said);

    assert_string_equal(context, "context");
    if (say_max == 0) {
        return false;
    }
    say_max--;
    snprintf(said + length, sizeof(said) - length, "[%s]", line);
    return true;
}

static struct lines fresh(void)
{
    static char context[] = "context";
    struct lines lines = { .say = say, .context = context };

    said[0] = '\0';
    say_max = SIZE_MAX;
    return lines;
}

static void test_cut_anywhere(void **state)
{
    static const char text[] = "one\ntwo\r\n\n\nthree\0and\nlast";
    const size_t size = sizeof(text) - 1;
    size_t at;

    (void)state;
    for (at = 0; at <= size; at++) {
        struct lines lines = fresh();

        lines_feed(&lines, text, at);
        lines_feed(&lines, text + at, size - at);
        assert_string_equal(said, "[one][two][three and]");
        lines_end(&lines);
        assert_string_equal(said, "[one][two][three and][last]");
    }
}

static void test_long_line(void **state)
{
    static char text[LINES_LENGTH + 2];
    struct lines lines = fresh();

    (void)state;
    memset(text, 'x', LINES_LENGTH + 1);
    lines_feed(&lines, text, LINES_LENGTH + 1);
    assert_int_equal(strlen(said), LINES_LENGTH + 2);
    lines_end(&lines);
    assert_string_equal(said + LINES_LENGTH + 2, "[x]");
}

static void test_too_many(void **state)
{
    struct lines lines = fresh();
    size_t i;

    (void)state;
    for (i = 0; i < LINES_MAX + 3; i++) {
        lines_feed(&lines, "a\n", 2);
    }
    lines_end(&lines);
    assert_int_equal(strlen(said), 3 * LINES_MAX);
    assert_int_equal(lines.count, LINES_MAX + 3);
    assert_int_equal(lines.said, LINES_MAX);
}

/* Who is not to say more loses nothing but the line. */
static void test_refused(void **state)
{
    struct lines lines = fresh();

    (void)state;
    say_max = 1;
    lines_feed(&lines, "one\ntwo\nthr", 11);
    say_max = 1;
    lines_feed(&lines, "ee\nfour\n", 8);
    lines_end(&lines);
    assert_string_equal(said, "[one][three]");
    assert_int_equal(lines.count, 4);
    assert_int_equal(lines.said, 2);
}

/* --- rations --- */

static void test_ration(void **state)
{
    const long long second = 1000;
    struct ration ration = { 0 };
    long long now = 1000000;
    int i;

    (void)state;
    for (i = 0; i < RATION_MAX; i++) {
        assert_true(ration_take(&ration, now));
    }
    assert_false(ration_take(&ration, now));
    assert_false(ration_take(&ration, now + second / RATION_PER_SECOND - 1));
    for (i = 1; i <= 3 * RATION_PER_SECOND; i++) {
        assert_true(ration_take(&ration,
                                now + i * second / RATION_PER_SECOND));
        assert_false(ration_take(&ration,
                                 now + i * second / RATION_PER_SECOND));
    }
    now += 100 * second * RATION_MAX;
    for (i = 0; i < RATION_MAX; i++) {
        assert_true(ration_take(&ration, now));
    }
    assert_false(ration_take(&ration, now));
}

/* What comes back in small pieces is not lost. */
static void test_ration_of_little(void **state)
{
    struct ration ration = { .taken = RATION_MAX, .since = 1 };
    int taken = 0;
    long long now;

    (void)state;
    for (now = 1; now <= 10001; now++) {
        taken += ration_take(&ration, now);
    }
    assert_int_equal(taken, 10 * RATION_PER_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_ration),
        cmocka_unit_test(test_ration_of_little)
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
