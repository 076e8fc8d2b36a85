/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hierarchy.c - where a process is among the control groups, by what the
 * kernel says: of version 2, of both versions, in containers
 */
/* LINK: module_hierarchy.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "module/hierarchy.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_groups(void **state)
{
    static const struct {
        const char *text, *group;
    } cases[] = {
        { "0::/\n", "/" },
        { "0::/system.slice/apache2.service\n",
          "/system.slice/apache2.service" },
        { "8:pids:/x\n1:name=systemd:/y\n0::/z\n", "/z" },
        { "0::/z", "/z" },
        { "8:pids:/x\n", NULL }, { "", NULL }, { "0::\n", NULL },
        { "10::/x\n", NULL }, { "8:0::/:/x\n", NULL }
    };
    char group[64];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        if (hierarchy_group(cases[i].text, group, sizeof(group))
            != (cases[i].group != NULL)
            || (cases[i].group != NULL && strcmp(group, cases[i].group) != 0)) {
            fail_msg("'%s'", cases[i].text);
        }
    }
    assert_true(hierarchy_group("0::/abc\n", group, 5));
    assert_false(hierarchy_group("0::/abc\n", group, 4));
}

static void test_directories(void **state)
{
    static const char v2[] = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 "
        "- cgroup2 cgroup2 rw,nsdelegate\n";
    static const char unified[] = "31 24 0:27 / /sys/fs/cgroup/unified rw - "
        "cgroup2 cgroup rw\n";
    static const char docker[] = "32 24 0:28 /docker/ab /sys/fs/cgroup ro - "
        "cgroup2 cgroup rw\n";
    static const struct {
        const char *line, *group, *directory;
    } cases[] = {
        { v2, "/", "/sys/fs/cgroup" },
        { v2, "/a/b.service", "/sys/fs/cgroup/a/b.service" },
        { unified, "/x", "/sys/fs/cgroup/unified/x" },
        { docker, "/docker/ab", "/sys/fs/cgroup" },
        { docker, "/docker/ab/x", "/sys/fs/cgroup/x" },
        { docker, "/docker/abc", NULL }, { docker, "/", NULL },
        { "33 24 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n",
          "/", NULL },
        { "34 24 0:30 / /with\\040space rw - cgroup2 cgroup rw\n", "/", NULL },
        { "35 24 0:31 /.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "/x",
          NULL },
        { "- cgroup2 ", "/", NULL }, { "", "/", NULL }
    };
    char directory[64];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        if (hierarchy_directory(cases[i].line, cases[i].group, directory,
                                sizeof(directory))
            != (cases[i].directory != NULL)
            || (cases[i].directory != NULL
                && strcmp(directory, cases[i].directory) != 0)) {
            fail_msg("'%s' in %s", cases[i].group, cases[i].line);
        }
    }
    assert_false(hierarchy_directory(v2, "/a", directory, 16));
    assert_true(hierarchy_directory(v2, "/a", directory, 17));
}

static void test_words(void **state)
{
    (void)state;
    assert_true(hierarchy_has_word("cpu memory pids\n", "memory"));
    assert_true(hierarchy_has_word("cpu memory pids\n", "pids"));
    assert_true(hierarchy_has_word("cpu\n", "cpu"));
    assert_false(hierarchy_has_word("cpuset cpuacct\n", "cpu"));
    assert_false(hierarchy_has_word("\n", "cpu"));
    assert_false(hierarchy_has_word("", "cpu"));
}

static void test_counts(void **state)
{
    static const char events[] = "low 0\nhigh 1\nmax 8\noom 3\noom_kill 2\n"
        "oom_group_kill 0\n";

    (void)state;
    assert_int_equal(hierarchy_count(events, "oom_kill"), 2);
    assert_int_equal(hierarchy_count(events, "oom"), 3);
    assert_int_equal(hierarchy_count("max 77\n", "max"), 77);
    assert_int_equal(hierarchy_count(events, "kill"), 0);
    assert_int_equal(hierarchy_count("", "max"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_counts)
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
