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

static void test_groups(void **state)
{
    static const struct {
        enum group_key key;
        const char *text, *period;
        const char *sealed;         /* NULL: refused */
    } cases[] = {
        { GROUP_MEMORY, "256M", NULL, "268435456" },
        { GROUP_MEMORY, "16M", NULL, "16777216" },
        { GROUP_MEMORY, "16777215", NULL, NULL },
        { GROUP_MEMORY, "max", NULL, "max" },
        { GROUP_MEMORY, "max", "1", NULL },
        { GROUP_MEMORY, "50%", NULL, NULL },
        { GROUP_MEMORY, "256M", "1", NULL },
        { GROUP_PIDS, "4", NULL, "4" }, { GROUP_PIDS, "3", NULL, NULL },
        { GROUP_PIDS, "4194304", NULL, "4194304" },
        { GROUP_PIDS, "4194305", NULL, NULL },
        { GROUP_PIDS, "4K", NULL, NULL },
        { GROUP_CPU, "50000", "100000", "50000/100000" },
        { GROUP_CPU, "50000", NULL, "50000/100000" },
        { GROUP_CPU, "1000000000", "1000000", "1000000000/1000000" },
        { GROUP_CPU, "50%", NULL, "50000/100000" },
        { GROUP_CPU, "1%", NULL, "1000/100000" },
        { GROUP_CPU, "250%", NULL, "250000/100000" },
        { GROUP_CPU, "0%", NULL, NULL }, { GROUP_CPU, "%", NULL, NULL },
        { GROUP_CPU, "50%%", NULL, NULL }, { GROUP_CPU, "50%", "1000", NULL },
        { GROUP_CPU, "999", NULL, NULL }, { GROUP_CPU, "1000", "999", NULL },
        { GROUP_CPU, "1000", "1000001", NULL }, { GROUP_CPU, "", NULL, NULL }
    };
    char sealed[VALUE_GROUP_MAX];
    size_t i;

    (void)state;
    assert_int_equal(value_group_key("memory.max"), GROUP_MEMORY);
    assert_int_equal(value_group_key("cpu.max"), GROUP_CPU);
    assert_int_equal(value_group_key("cpu"), GROUP_KEYS);
    for (i = 0; i < COUNT(cases); i++) {
        bool is_good = value_group(cases[i].key, cases[i].text,
                                   cases[i].period, sealed);

        if (is_good != (cases[i].sealed != NULL)
            || (is_good && strcmp(sealed, cases[i].sealed) != 0)) {
            fail_msg("'%s'", cases[i].text);
        }
    }
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
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_paths)
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
