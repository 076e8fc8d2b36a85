/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy.c - one good policy, and every way in which it can be bad
 *
 * The tests change single lines of the good one.  Each text that is parsed
 * lies in memory of exactly its size, so that the address sanitizer sees a
 * parser that looks beyond its end.
 */
/* LINK: policy.o settings.o parse.o names.o */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "trampoline/policy.h"
#include "trampoline/settings.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const good[] = {
    "ivlejail-policy 1",
    "instance default",
    "httpd 33 34",
    "warden /usr/lib/ivlejail/warden",
    "profile default 9f0c2a11",
    "base /var/lib/ivlejail/bases/teach/20261123T101500",
    "users /var/lib/ivlejail/users",
    "uids 70000 99999",
    "provision off",
    "network none",
    "cgroup off",
    "mount proc /proc - -",
    "mount tmpfs /var/tmp - exec,size=1048576",
    "mount devpts /dev/pts - -",
    "mount bind /srv/data /export/data rw",
    "limit cpu 25 30",
    "limit as unlimited unlimited",
    "limit data 469762048 536870912",
    "limit core 0 0",
    "limit fsize 67108864 75497472",
    "limit nproc 50 50",
    "limit nofile 256 unlimited",
    "max-requests 8 16",
    "idle 60",
    "linger off",
    "memory.max 268435456 on",
    "pids.max max off",
    "cpu.max 50000/100000 on",
    "seccomp 060000000000000006000000ffff0f7f",
    "end"
};

enum {
    LINES = COUNT(good),
    TEXT_MAX = 64 * 1024,
    LINE_PROFILE = 4,           /* from here to the last but one */
    LINE_MOUNT = 11,            /* these may be missing */
    LINE_LIMIT = 15,
    LINE_SECCOMP = 28,
    LINE_END = 29
};

static struct policy policy;
static struct settings settings;
static struct policy_error error;

/*
 * Parses text and the wanted profile's settings, as it lies in memory of its
 * own size.
 */
static bool parse(const char *text, size_t size, const char *profile)
{
    char *copy = malloc(size + 1);
    bool is_good;

    assert_non_null(copy);
    memcpy(copy, text, size);
    copy[size] = 'x';           /* the parser ends it itself */
    memset(&error, 0, sizeof(error));
    is_good = policy_parse(copy, size, profile, &policy, &error)
              && (profile == NULL
                  || settings_parse(&policy.profile, &settings, &error));
    policy.instance = NULL;     /* pointed into the copy */
    free(copy);
    return is_good;
}

static void add_line(char *text, const char *line)
{
    size_t length = strlen(text);
    int n = snprintf(text + length, TEXT_MAX - length, "%s\n", line);

    assert_true(n > 0 && (size_t)n < TEXT_MAX - length);
}

static void add_lines(char *text, size_t first, size_t last)
{
    for (; first <= last; first++) {
        add_line(text, good[first]);
    }
}

/* The good policy with these lines, or none, in place of one. */
static char *with(size_t number, const char *instead)
{
    static char text[TEXT_MAX];
    size_t i;

    text[0] = '\0';
    for (i = 0; i < LINES; i++) {
        if (i != number) {
            add_line(text, good[i]);
        }
        else if (instead != NULL) {
            add_line(text, instead);
        }
    }
    return text;
}

static size_t line_of(const char *key)
{
    size_t i;

    for (i = 0; i < LINES; i++) {
        if (strncmp(good[i], key, strlen(key)) == 0) {
            return i;
        }
    }
    fail_msg("no line '%s'", key);
    return 0;
}

/* That it is refused, with this code and a text that fits in its place. */
static void refused(const char *text, enum code code, const char *what)
{
    if (parse(text, strlen(text), "default")) {
        fail_msg("accepted: %s", what);
    }
    if (error.code != code) {
        fail_msg("%s: code %d, expected %d: %s", what, (int)error.code,
                 (int)code, error.text);
    }
    assert_int_not_equal(strlen(error.text), 0);
    assert_null(strchr(error.text, '\n'));
}

static void accepted(const char *text, const char *what)
{
    if (!parse(text, strlen(text), "default")) {
        fail_msg("%s: %s", what, error.text);
    }
}

/*** What it takes over ***/

static void check_profile(const struct policy_profile *profile)
{
    const struct rlimit *limits = settings.limits;

    assert_string_equal(profile->name, "default");
    assert_string_equal(profile->generation, "9f0c2a11");
    assert_string_equal(profile->base,
                        "/var/lib/ivlejail/bases/teach/20261123T101500");
    assert_string_equal(profile->users, "/var/lib/ivlejail/users");
    assert_int_equal(profile->uid_min, 70000);
    assert_int_equal(profile->uid_max, 99999);
    assert_int_equal(profile->provision, PROVISION_OFF);
    assert_int_equal(limits[LIMIT_CPU].rlim_cur, 25);
    assert_int_equal(limits[LIMIT_CPU].rlim_max, 30);
    assert_true(limits[LIMIT_AS].rlim_cur == RLIM_INFINITY);
    assert_true(limits[LIMIT_AS].rlim_max == RLIM_INFINITY);
    assert_int_equal(limits[LIMIT_DATA].rlim_cur, 469762048);
    assert_int_equal(limits[LIMIT_DATA].rlim_max, 536870912);
    assert_int_equal(limits[LIMIT_CORE].rlim_max, 0);
    assert_int_equal(limits[LIMIT_FSIZE].rlim_cur, 67108864);
    assert_int_equal(limits[LIMIT_NPROC].rlim_max, 50);
    assert_int_equal(limits[LIMIT_NOFILE].rlim_cur, 256);
    assert_true(limits[LIMIT_NOFILE].rlim_max == RLIM_INFINITY);
    assert_int_equal(settings.max_requests, 8);
    assert_int_equal(settings.queue, 16);
    assert_int_equal(settings.idle_seconds, 60);
    assert_int_equal(profile->network, NETWORK_NONE);
    assert_int_equal(settings.linger, 0);
}

static void check_mounts(const struct policy_profile *profile)
{
    const struct policy_mount *mounts = profile->mounts;

    assert_int_equal(profile->mount_count, 4);
    assert_int_equal(mounts[0].kind, MOUNT_PROC);
    assert_string_equal(mounts[0].target, "/proc");
    assert_null(mounts[0].source);
    assert_int_equal(mounts[1].kind, MOUNT_TMPFS);
    assert_string_equal(mounts[1].target, "/var/tmp");
    assert_true(mounts[1].executable);
    assert_false(mounts[1].writable);
    assert_int_equal(mounts[1].size, 1048576);
    assert_int_equal(mounts[2].kind, MOUNT_DEVPTS);
    assert_false(mounts[2].executable);
    assert_int_equal(mounts[2].size, 0);
    assert_int_equal(mounts[3].kind, MOUNT_BIND);
    assert_string_equal(mounts[3].target, "/srv/data");
    assert_string_equal(mounts[3].source, "/export/data");
    assert_true(mounts[3].writable);
}

static void test_values(void **state)
{
    static const struct sock_filter kill = { 6, 0, 0, 0 };
    static const struct sock_filter allow = { 6, 0, 0, 0x7f0fffff };
    char *text = with(LINES, NULL);

    (void)state;
    assert_true(policy_parse(text, strlen(text), "default", &policy, &error)
                && settings_parse(&policy.profile, &settings, &error));
    assert_string_equal(policy.instance, "default");
    assert_int_equal(policy.httpd_uid, 33);
    assert_int_equal(policy.httpd_gid, 34);
    assert_string_equal(policy.warden, "/usr/lib/ivlejail/warden");
    check_profile(&policy.profile);
    check_mounts(&policy.profile);
    assert_int_equal(settings.filter_count, 2);
    assert_memory_equal(&settings.filter[0], &kill, sizeof(kill));
    assert_memory_equal(&settings.filter[1], &allow, sizeof(allow));
}

static void test_words(void **state)
{
    char *text;

    (void)state;
    text = with(line_of("provision"), "provision range");
    accepted(text, "provision range");
    assert_int_equal(policy.profile.provision, PROVISION_RANGE);
    text = with(line_of("provision"), "provision system");
    accepted(text, "provision system");
    assert_int_equal(policy.profile.provision, PROVISION_SYSTEM);
    text = with(line_of("network"), "network host");
    accepted(text, "network host");
    assert_int_equal(policy.profile.network, NETWORK_HOST);
    text = with(line_of("linger"), "linger on");
    accepted(text, "linger on");
    assert_int_equal(settings.linger, 1);
    text = with(line_of("cgroup"), "cgroup on");
    accepted(text, "cgroup on");
    assert_int_equal(policy.profile.has_group, 1);
    text = with(line_of("seccomp"), "seccomp off");
    accepted(text, "seccomp off");
    assert_int_equal(settings.filter_count, 0);
    text = with(line_of("mount bind"), "mount bind /d /e -");
    accepted(text, "bind without rw");
    assert_false(policy.profile.mounts[3].writable);
}

/*** Lines that are not there, twice, strange or in another place ***/

static void test_every_key_missing(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < LINES; i++) {
        enum code code = CODE_POLICY_KEY;

        if (i >= LINE_MOUNT && i < LINE_LIMIT) {
            accepted(with(i, NULL), good[i]);
            continue;
        }
        if (i == LINE_SECCOMP || i == LINE_END) {
            code = CODE_POLICY_TRUNCATED;    /* the last of their kind */
        }
        refused(with(i, NULL), code, good[i]);
    }
}

static void test_every_key_twice(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < LINES; i++) {
        char both[1024];

        snprintf(both, sizeof(both), "%s\n%s", good[i], good[i]);
        if (i >= LINE_MOUNT && i < LINE_LIMIT) {
            accepted(with(i, both), both);
            continue;
        }
        refused(with(i, both), i == LINE_END ? CODE_POLICY_TRUNCATED
                                             : CODE_POLICY_KEY, both);
    }
}

/* Every line with one too few and with one too many values. */
static void test_number_of_values(void **state)
{
    size_t i;

    (void)state;
    for (i = 1; i < LINE_END; i++) {
        char line[1024];

        snprintf(line, sizeof(line), "%s more", good[i]);
        refused(with(i, line), CODE_POLICY_VALUE, line);
        snprintf(line, sizeof(line), "%s", good[i]);
        *strrchr(line, ' ') = '\0';
        refused(with(i, line), CODE_POLICY_VALUE, line);
    }
}

static void test_spaces(void **state)
{
    size_t i;

    (void)state;
    for (i = 1; i < LINES; i++) {
        char line[1024];
        const char *space = strrchr(good[i], ' ');
        enum code code = i == LINE_END ? CODE_POLICY_TRUNCATED
                                       : CODE_POLICY_VALUE;

        snprintf(line, sizeof(line), "%s ", good[i]);
        refused(with(i, line), code, line);
        snprintf(line, sizeof(line), " %s", good[i]);
        refused(with(i, line), i == LINE_END ? code : CODE_POLICY_KEY, line);
        if (space != NULL) {
            snprintf(line, sizeof(line), "%.*s %s",
                     (int)(space - good[i]), good[i], space);
            refused(with(i, line), CODE_POLICY_VALUE, line);
        }
    }
}

static void test_unknown_keys(void **state)
{
    size_t i;

    (void)state;
    for (i = 1; i < LINES; i++) {
        char lines[1024];

        snprintf(lines, sizeof(lines), "foo 1\n%s", good[i]);
        refused(with(i, lines), CODE_POLICY_KEY, lines);
        snprintf(lines, sizeof(lines), "\n%s", good[i]);
        refused(with(i, lines), CODE_POLICY_KEY, "an empty line");
        snprintf(lines, sizeof(lines), "# comment\n%s", good[i]);
        refused(with(i, lines), CODE_POLICY_KEY, lines);
    }
    refused(with(line_of("idle"), "idler 60"), CODE_POLICY_KEY, "idler");
    refused(with(line_of("idle"), "idl 60"), CODE_POLICY_KEY, "idl");
    refused(with(line_of("limit as"), "limit rss 1 1"), CODE_POLICY_KEY,
            "limit rss");
}

static void test_message_of_an_unknown_key(void **state)
{
    (void)state;
    refused(with(6, "foo bar"), CODE_POLICY_KEY, "foo");
    assert_string_equal(error.text, "line 7: 'foo bar' where 'users' belongs");
}

/*** Values ***/

static void test_bad_values(void **state)
{
    static const char *const lines[] = {
        "instance Default", "instance ../x", "instance 9", "instance a@b",
        "instance aaaaaaaaaaaaaaaaa", "instance default\x01",
        "httpd 0 33", "httpd 33 0", "httpd -1 33", "httpd 4294967295 33",
        "httpd 4294967296 33", "httpd 4294967329 33", "httpd 033 33",
        "httpd +33 33", "httpd 33 33x", "httpd 0x21 33", "httpd www-data 33",
        "httpd 18446744073709551649 33",
        "warden warden", "warden /", "warden //usr/lib/warden",
        "warden /usr/lib/../warden", "warden /usr/./warden", "warden /usr/..",
        "warden /usr/.", "warden /..", "warden /.", "warden /usr/",
        "warden /usr//lib", "warden -", "warden ./warden", "warden /a\tb",
        "profile Default 9f0c2a11", "profile a@b 9f0c2a11",
        "profile default 9f0c2a1", "profile default 9f0c2a111",
        "profile default 9F0C2A11", "profile default ../../..",
        "base bases", "base /a/../b", "users users", "users /var/lib/",
        "uids 0 99999", "uids 999 99999", "uids 70000 69999",
        "uids 70000 4294967295", "uids 70000 4294967296",
        "uids 70000 137438953472", "uids 70000 18446744073709551616",
        "uids a b", "uids 70000 99999999999999999999999999999999999999",
        "provision on", "provision Off", "provision o", "provision offf",
        "limit cpu -1 30", "limit cpu 31 30", "limit cpu unlimited 30",
        "limit cpu 25 18446744073709551615", "limit cpu 025 30",
        "limit cpu 18446744073709551616 18446744073709551616",
        "limit cpu 25 Unlimited", "limit cpu 25 unlimitedd",
        "limit cpu 25s 30s", "limit cpu 2.5 30", "limit cpu x 30",
        "max-requests 0 16", "max-requests 501 16", "max-requests 8 501",
        "max-requests 8 -1", "max-requests 08 1",
        "idle 0", "idle 86401", "idle 60s", "idle 4294967356",
        "network lan", "network None", "network host,none",
        "linger yes", "linger 1", "linger 0",
        "cgroup On", "cgroup 1", "cgroup -",
        "memory.max Max on", "memory.max 1k on", "memory.max -1 on",
        "memory.max 1/ on", "memory.max /1 on", "memory.max 1/1/1 on",
        "memory.max 1 yes", "memory.max 1 -", "pids.max x off",
        "cpu.max max/100000 on", "cpu.max 1,1 on", "cpu.max 1/1x on",
        "mount sysfs /sys - -", "mount proc proc - -", "mount proc / - -",
        "mount proc /proc proc -", "mount proc /proc - rw",
        "mount proc /proc - size=1", "mount proc /proc/../etc - -",
        "mount tmpfs /t - rw", "mount tmpfs /t tmpfs -",
        "mount tmpfs /t - size=0", "mount tmpfs /t - size=",
        "mount tmpfs /t - size=1k", "mount tmpfs /t - size=-1",
        "mount tmpfs /t - size=18446744073709551616",
        "mount tmpfs /t - exec,", "mount tmpfs /t - ,exec",
        "mount tmpfs /t - exec,,size=1", "mount tmpfs /t - exec,-",
        "mount tmpfs /t - suid", "mount devpts /dev/pts - exec",
        "mount bind /d - -", "mount bind /d d -", "mount bind /d / -",
        "mount bind /d /e exec", "mount bind /d /e ro",
        "mount bind /d /e rw,dev", "mount bind /d /e/../f rw",
        "seccomp on", "seccomp 06", "seccomp 060000000000000",
        "seccomp 06000000000000000", "seccomp 060000000000000g",
        "seccomp 06000000FFFF0F7F", "seccomp 060000000000000000",
        "seccomp 06000000000000 0", "seccomp OFF",
        "seccomp 06000000ffff0f7f06000000ffff0f7"
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(lines); i++) {
        char key[32];
        size_t length = strcspn(lines[i], " ");

        if (strncmp(lines[i], "limit ", 6) == 0) {
            length = strlen("limit cpu");
        }
        snprintf(key, sizeof(key), "%.*s", (int)length, lines[i]);
        refused(with(line_of(key), lines[i]), CODE_POLICY_VALUE, lines[i]);
    }
}

static void test_boundaries(void **state)
{
    static const char *const lines[] = {
        "httpd 1 1", "httpd 4294967294 4294967294", "warden /w",
        "warden /.w", "warden /..w", "warden /w.", "warden /.../w",
        "warden /\xc3\xa4/w", "base /a/.b/..c/d..", "uids 1000 1000",
        "uids 1000 4294967294", "limit cpu 0 0", "limit cpu 0 unlimited",
        "limit cpu 18446744073709551614 18446744073709551614",
        "limit cpu 18446744073709551614 unlimited", "limit cpu 30 30",
        "max-requests 1 0", "max-requests 500 500", "idle 1", "idle 86400",
        "mount tmpfs /t - -", "mount tmpfs /t - size=1,exec",
        "mount tmpfs /t - size=18446744073709551615",
        "cgroup on", "memory.max - off", "memory.max max on", "pids.max 0 on",
        "cpu.max 1/1 off"
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(lines); i++) {
        char key[32];

        snprintf(key, sizeof(key), "%.*s", (int)strcspn(lines[i], " "),
                 lines[i]);
        accepted(with(line_of(key), lines[i]), lines[i]);
    }
}

static void test_number_of_mounts(void **state)
{
    char mounts[1024] = "mount proc /proc - -";
    size_t i;

    (void)state;
    for (i = 4; i < POLICY_MOUNTS_MAX; i++) {
        size_t length = strlen(mounts);

        snprintf(mounts + length, sizeof(mounts) - length,
                 "\nmount tmpfs /t%zu - -", i);
    }
    accepted(with(LINE_MOUNT, mounts), "as many mounts as possible");
    assert_int_equal(policy.profile.mount_count, POLICY_MOUNTS_MAX);
    i = strlen(mounts);
    snprintf(mounts + i, sizeof(mounts) - i, "\nmount tmpfs /more - -");
    refused(with(LINE_MOUNT, mounts), CODE_POLICY_VALUE, "one mount too many");
}

static void test_length_of_the_filter(void **state)
{
    static const char one[] = "06000000ffff0f7f";
    static char line[32 * SETTINGS_FILTER_MAX] = "seccomp ";
    size_t i, length = strlen(line);

    (void)state;
    for (i = 0; i < SETTINGS_FILTER_MAX; i++) {
        memcpy(line + length + i * strlen(one), one, sizeof(one));
    }
    accepted(with(LINE_SECCOMP, line), "the longest filter");
    assert_int_equal(settings.filter_count, SETTINGS_FILTER_MAX);
    assert_int_equal(settings.filter[SETTINGS_FILTER_MAX - 1].k,
                     0x7f0fffff);
    memcpy(line + strlen(line), one, sizeof(one));
    refused(with(LINE_SECCOMP, line), CODE_POLICY_VALUE, "a longer filter");
}

/*** Several profiles ***/

static char *two_profiles(const char *first, const char *second)
{
    static char text[TEXT_MAX];

    text[0] = '\0';
    add_lines(text, 0, LINE_PROFILE - 1);
    add_line(text, first);
    add_lines(text, LINE_PROFILE + 1, LINE_SECCOMP);
    add_line(text, second);
    add_lines(text, LINE_PROFILE + 1, LINE_END);
    return text;
}

static void test_the_wanted_profile(void **state)
{
    static const char *const wanted[] = { "first", "second" };
    static const char *const generation[] = { "00000001", "00000002" };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(wanted); i++) {
        char *text = two_profiles("profile first 00000001",
                                  "profile second 00000002");

        assert_true(policy_parse(text, strlen(text), wanted[i], &policy,
                                 &error));
        assert_string_equal(policy.profile.name, wanted[i]);
        assert_string_equal(policy.profile.generation, generation[i]);
        assert_int_equal(policy.profile.mount_count, 4);
    }
}

static void test_no_such_profile(void **state)
{
    (void)state;
    refused(two_profiles("profile first 00000001", "profile second 00000002"),
            CODE_POLICY_PROFILE, "neither is 'default'");
    assert_string_equal(error.text, "'default'");
}

static void test_only_the_head(void **state)
{
    char *text = with(LINES, NULL);

    (void)state;
    assert_true(parse(text, strlen(text), NULL));
    text = with(line_of("uids"), "uids 0 1");
    assert_false(parse(text, strlen(text), NULL));
    assert_int_equal(error.code, CODE_POLICY_VALUE);
}

static void test_two_of_one_name(void **state)
{
    static char text[TEXT_MAX];

    (void)state;
    refused(two_profiles("profile default 00000001",
                         "profile default 00000002"),
            CODE_POLICY_KEY, "one after the other");
    refused(two_profiles("profile other 00000001", "profile other 00000001"),
            CODE_POLICY_KEY, "one that nobody asked for");
    snprintf(text, sizeof(text), "%s", two_profiles("profile default 00000001",
                                                    "profile b 00000002"));
    text[strlen(text) - strlen("end\n")] = '\0';
    add_lines(text, LINE_PROFILE, LINE_END);
    refused(text, CODE_POLICY_KEY, "another one between");
    accepted(two_profiles("profile default 00000001",
                          "profile default2 00000001"), "a longer name");
}

static void test_errors_in_the_other_profile(void **state)
{
    static char text[TEXT_MAX];
    char *bad;

    (void)state;
    snprintf(text, sizeof(text), "%s",
             two_profiles("profile default 00000001", "profile b 00000002"));
    bad = strstr(strstr(text, "profile b"), "provision off");
    memcpy(bad, "provision 0ff", strlen("provision 0ff"));
    refused(text, CODE_POLICY_VALUE, "bad value in the second");
    snprintf(text, sizeof(text), "%s",
             two_profiles("profile b 00000001", "profile default 00000002"));
    bad = strstr(text, "provision off");
    memcpy(bad, "provision 0ff", strlen("provision 0ff"));
    refused(text, CODE_POLICY_VALUE, "bad value in the first");
}

/*** The text as a whole ***/

static void test_truncated_everywhere(void **state)
{
    static char whole[TEXT_MAX];
    size_t size, length;

    (void)state;
    snprintf(whole, sizeof(whole), "%s",
             two_profiles("profile default 00000001", "profile b 00000002"));
    length = strlen(whole);
    accepted(whole, "all of it");
    for (size = 0; size < length; size++) {
        if (parse(whole, size, "default")) {
            fail_msg("accepted with %zu of %zu bytes", size, length);
        }
        assert_int_equal(error.code, CODE_POLICY_TRUNCATED);
    }
}

static void test_text_after_the_end(void **state)
{
    static const char *const tails[] = {
        "end\n\n", "end\n ", "end\nx", "end\nx\n", "end\nend\n", "end \n",
        "end x\n", "end\r\n", "END\n", "endx\n"
    };
    static char text[TEXT_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(tails); i++) {
        snprintf(text, sizeof(text), "%s%s", with(LINE_END, NULL), tails[i]);
        refused(text, CODE_POLICY_TRUNCATED, tails[i]);
    }
}

static void test_versions(void **state)
{
    static const struct {
        const char *line;
        enum code code;
    } firsts[] = {
        { "ivlejail-policy 2",          CODE_POLICY_NEWER },
        { "ivlejail-policy 0",          CODE_POLICY_NEWER },
        { "ivlejail-policy 10",         CODE_POLICY_NEWER },
        { "ivlejail-policy 01",         CODE_POLICY_NEWER },
        { "ivlejail-policy one",        CODE_POLICY_NEWER },
        { "ivlejail-policy",            CODE_POLICY_VALUE },
        { "ivlejail-policy 1 1",        CODE_POLICY_VALUE },
        { "ivlejail-policy 1 ",         CODE_POLICY_VALUE },
        { "ivlejail-policies 1",        CODE_POLICY_KEY },
        { "\xef\xbb\xbfivlejail-policy 1", CODE_POLICY_KEY }
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(firsts); i++) {
        refused(with(0, firsts[i].line), firsts[i].code, firsts[i].line);
    }
    /* a later version may be of any other form */
    refused("ivlejail-policy 2\n{}", CODE_POLICY_NEWER, "another form");
}

/* Each byte of the text in turn becomes each control character. */
static void test_control_characters(void **state)
{
    size_t i, length = strlen(with(LINES, NULL));

    (void)state;
    for (i = 0; i < length; i++) {
        int c;

        for (c = 0; c <= 0x7f; c = c == 0x1f ? 0x7f : c + 1) {
            char *text = with(LINES, NULL);

            if (c == '\n') {
                continue;
            }
            text[i] = (char)c;
            if (parse(text, length, "default")) {
                fail_msg("accepted with %#x at %zu", (unsigned int)c, i);
            }
        }
    }
}

/* No text may do more than be refused; the sanitizers watch. */
static void test_random_changes(void **state)
{
    static const char bytes[] = "\n -,/0159afpx\xff";
    size_t length = strlen(with(LINES, NULL));
    unsigned int round;

    (void)state;
    srandom(1);
    for (round = 0; round < 200000; round++) {
        char *text = with(LINES, NULL);
        int changes = 1 + (int)(random() % 4);

        while (changes-- > 0) {
            text[(size_t)random() % length] =
                bytes[(size_t)random() % strlen(bytes)];
        }
        if (!parse(text, length, "default")) {
            assert_int_not_equal(error.code, CODE_OK);
            assert_true(memchr(error.text, '\0', sizeof(error.text)) != NULL);
        }
    }
}

/*** The file ***/

static char directory[64];
static int directory_fd;

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/run/test_policy.XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return directory_fd == -1 ? -1 : 0;
}

static int remove_directory(void **state)
{
    (void)state;
    /* a test that failed left its own */
    (void)unlinkat(directory_fd, "policy", 0);
    (void)unlinkat(directory_fd, "policy", AT_REMOVEDIR);
    (void)unlinkat(directory_fd, "other", 0);
    close(directory_fd);
    return rmdir(directory);
}

static void write_policy(const char *name, const char *text, size_t size,
                         mode_t mode)
{
    int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, text, size), size);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void good_file(mode_t mode)
{
    char *text = with(LINES, NULL);

    write_policy("policy", text, strlen(text), mode);
}

static enum code read_policy(const char *instance, const char *profile)
{
    memset(&error, 0, sizeof(error));
    if (policy_read(directory_fd, instance, profile, &policy, &error)) {
        return CODE_OK;
    }
    assert_int_not_equal(strlen(error.text), 0);
    return error.code;
}

/* What is there is read, with this result, and removed. */
static void read_is(enum code code)
{
    assert_int_equal(read_policy("default", "default"), code);
    assert_int_equal(unlinkat(directory_fd, "policy", 0), 0);
}

static void test_good_files(void **state)
{
    static const mode_t modes[] = { 0644, 0600, 0400, 0755 };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(modes); i++) {
        good_file(modes[i]);
        read_is(CODE_OK);
        assert_string_equal(policy.profile.generation, "9f0c2a11");
    }
}

static void test_missing_file(void **state)
{
    (void)state;
    assert_int_equal(read_policy("default", "default"), CODE_POLICY_MISSING);
    assert_string_equal(error.text,
                        "instance 'default': No such file or directory");
}

static void test_owner_and_mode(void **state)
{
    static const mode_t modes[] = { 0664, 0646, 0666, 0620, 0602 };
    size_t i;

    (void)state;
    good_file(0644);
    assert_int_equal(fchownat(directory_fd, "policy", 33, 0, 0), 0);
    read_is(CODE_POLICY_OWNER);
    good_file(0644);
    assert_int_equal(fchownat(directory_fd, "policy", 0, 33, 0), 0);
    read_is(CODE_OK);
    for (i = 0; i < COUNT(modes); i++) {
        good_file(modes[i]);
        read_is(CODE_POLICY_WRITABLE);
    }
}

static void test_other_kinds_of_file(void **state)
{
    char *text = with(LINES, NULL);

    (void)state;
    write_policy("other", text, strlen(text), 0644);
    assert_int_equal(symlinkat("other", directory_fd, "policy"), 0);
    read_is(CODE_POLICY_OWNER);
    assert_int_equal(linkat(directory_fd, "other", directory_fd, "policy", 0),
                     0);
    read_is(CODE_POLICY_OWNER);
    assert_int_equal(unlinkat(directory_fd, "other", 0), 0);
    assert_int_equal(mkfifoat(directory_fd, "policy", 0600), 0);
    read_is(CODE_POLICY_OWNER);
    assert_int_equal(mkdirat(directory_fd, "policy", 0700), 0);
    assert_int_equal(read_policy("default", "default"), CODE_POLICY_OWNER);
    assert_int_equal(unlinkat(directory_fd, "policy", AT_REMOVEDIR), 0);
}

static void test_other_instance(void **state)
{
    (void)state;
    good_file(0644);
    assert_int_equal(read_policy("other", "default"), CODE_POLICY_VALUE);
    assert_int_equal(read_policy("defaul", "default"), CODE_POLICY_VALUE);
    assert_int_equal(read_policy("default", "none"), CODE_POLICY_PROFILE);
    read_is(CODE_OK);
}

/* The largest size is read to its end, one byte more is refused. */
static void test_size(void **state)
{
    static char big[POLICY_SIZE_MAX + 2];

    (void)state;
    memset(big, 'x', sizeof(big));
    write_policy("policy", big, POLICY_SIZE_MAX + 1, 0644);
    read_is(CODE_POLICY_VALUE);
    write_policy("policy", big, POLICY_SIZE_MAX, 0644);
    read_is(CODE_POLICY_TRUNCATED);
    write_policy("policy", "", 0, 0644);
    read_is(CODE_POLICY_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_every_key_missing),
        cmocka_unit_test(test_every_key_twice),
        cmocka_unit_test(test_number_of_values),
        cmocka_unit_test(test_spaces),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_message_of_an_unknown_key),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_boundaries),
        cmocka_unit_test(test_number_of_mounts),
        cmocka_unit_test(test_length_of_the_filter),
        cmocka_unit_test(test_the_wanted_profile),
        cmocka_unit_test(test_no_such_profile),
        cmocka_unit_test(test_only_the_head),
        cmocka_unit_test(test_two_of_one_name),
        cmocka_unit_test(test_errors_in_the_other_profile),
        cmocka_unit_test(test_truncated_everywhere),
        cmocka_unit_test(test_text_after_the_end),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_random_changes),
        cmocka_unit_test(test_good_files),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_owner_and_mode),
        cmocka_unit_test(test_other_kinds_of_file),
        cmocka_unit_test(test_other_instance),
        cmocka_unit_test(test_size)
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
