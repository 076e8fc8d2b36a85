/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lines.c - a program's error output, cut into lines
 */
/* LINK: module_lines.o */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "module/lines.h"

/* What was said, each line in brackets. */
static char said[(LINES_LENGTH + 8) * (LINES_MAX + 8)];

static void say(void *context, const char *line)
{
    size_t length = strlen(said);

    assert_string_equal(context, "context");
    snprintf(said + length, sizeof(said) - length, "[%s]", line);
}

static struct lines fresh(void)
{
    static char context[] = "context";
    struct lines lines = { .say = say, .context = context };

    said[0] = '\0';
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_too_many)
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
