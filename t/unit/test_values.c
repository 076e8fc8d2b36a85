/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_values.c - the values of directives
 */
/* LINK: module_values.o limits.o */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "module/values.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
        uint64_t value;
    } cases[] = {
        { "5", true, 5 }, { "10", true, 10 }, { "4", false, 0 },
        { "11", false, 0 }, { "", false, 0 }, { "-5", false, 0 },
        { "+5", false, 0 }, { " 5", false, 0 }, { "5 ", false, 0 },
        { "5x", false, 0 }, { "0x5", false, 0 },
        { "18446744073709551621", false, 0 }    /* 5 and 2^64 */
    };
    uint64_t value = 0;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        if (value_number(cases[i].text, 5, 10, &value) != cases[i].is_good
            || (cases[i].is_good && value != cases[i].value)) {
            fail_msg("'%s'", cases[i].text);
        }
    }
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;             /* 0: refused */
    } cases[] = {
        { "1", 1 }, { "1K", 1024 }, { "2k", 2048 }, { "64M", 64 << 20 },
        { "2G", UINT64_C(2) << 30 }, { "0", 0 }, { "0M", 0 }, { "M", 0 },
        { "1MB", 0 }, { "1.5G", 0 }, { "1 M", 0 }, { "-1M", 0 }, { "", 0 },
        { "1T", 0 }, { "17179869184G", 0 }      /* 2^64 */
    };
    uint64_t value = 0;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        if (value_size(cases[i].text, &value) != (cases[i].value != 0)
            || (cases[i].value != 0 && value != cases[i].value)) {
            fail_msg("'%s'", cases[i].text);
        }
    }
}

static void test_limits(void **state)
{
    rlim_t value = 0;

    (void)state;
    assert_int_equal(value_resource("cpu"), LIMIT_CPU);
    assert_int_equal(value_resource("nofile"), LIMIT_NOFILE);
    assert_int_equal(value_resource("CPUs"), LIMIT_COUNT);
    assert_int_equal(value_resource(""), LIMIT_COUNT);
    assert_true(value_limit(LIMIT_AS, "unlimited", &value));
    assert_true(value == RLIM_INFINITY);
    assert_true(value_limit(LIMIT_DATA, "448M", &value));
    assert_int_equal(value, 448 << 20);
    assert_true(value_limit(LIMIT_CPU, "25", &value));
    assert_int_equal(value, 25);
    assert_false(value_limit(LIMIT_CPU, "25M", &value));
    assert_false(value_limit(LIMIT_NPROC, "50K", &value));
    assert_false(value_limit(LIMIT_DATA, "much", &value));
}

static void test_paths(void **state)
{
    static const char *const good[] = { "/a", "/a/b", "/a/.b", "/a/b..c" };
    static const char *const bad[] = {
        "", "/", "a", "a/b", "/a/", "//a", "/a//b", "/a/./b", "/a/../b",
        "/..", "/a b", "/a\nb", "/a\tb", "/a\x7f"
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(good); i++) {
        if (!value_path(good[i])) {
            fail_msg("'%s' refused", good[i]);
        }
    }
    for (i = 0; i < COUNT(bad); i++) {
        if (value_path(bad[i])) {
            fail_msg("'%s' taken", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_paths)
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
