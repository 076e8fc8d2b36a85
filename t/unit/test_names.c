/* SPDX-License-Identifier: Apache-2.0 */
/* test_names.c - which names pass, and where a name's lock is */
/* LINK: names.o */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "trampoline/names.h"

#define A8 "aaaaaaaa"
#define A16 A8 A8
#define A32 A16 A16

enum { USER = 1, INSTANCE = 2, PROFILE = 4, GENERATION = 8 };

enum { WORDS = INSTANCE | PROFILE, ANY = USER | WORDS };

static const struct {
    const char *name;
    int is;                     /* which checks it passes */
} names[] = {
    { "",               0 },
    { "a",              ANY },
    { "alice",          ANY },
    { "0",              USER },
    { "007",            USER },
    { "_www",           USER },
    { "_",              USER },
    { "a_b",            USER },
    { "a.b",            USER },
    { "a.",             USER },
    { "a-b",            ANY },
    { "a-",             ANY },
    { "a0",             ANY },
    { "root",           ANY },
    { ".",              0 },
    { "..",             0 },
    { ".uids",          0 },
    { "a..b",           0 },
    { "a..",            0 },
    { "-a",             0 },
    { "--help",         0 },
    { "Alice",          0 },
    { "aliCe",          0 },
    { "a/b",            0 },
    { "/",              0 },
    { "a@b",            0 },
    { "a b",            0 },
    { " a",             0 },
    { "a\n",            0 },
    { "a\t",            0 },
    { "a\x7f",          0 },
    { "a:b",            0 },
    { "a%",             0 },
    { "\xc3\xa9",       0 },    /* letters in some locale */
    { "a\xe9",          0 },
    { "9f0c2a11",       USER | GENERATION },
    { "00000000",       USER | GENERATION },
    { "abcdef01",       ANY | GENERATION },
    { "ffffffff",       ANY | GENERATION },
    { "fffffffg",       ANY },
    { "FFFFFFFF",       0 },
    { "9f0c2a1",        USER },
    { "9f0c2a111",      USER },
    { "9f0c2a1-",       USER },
    { A16,              ANY },
    { A16 "a",          USER },
    { A32,              USER },
    { A32 "a",          0 },
    { A32 A32 A32 A32,  0 }
};

static int what_is(const char *name)
{
    return (name_is_user(name) ? USER : 0)
        | (name_is_instance(name) ? INSTANCE : 0)
        | (name_is_profile(name) ? PROFILE : 0)
        | (name_is_generation(name) ? GENERATION : 0);
}

static void test_forms(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int is = what_is(names[i].name);

        if (is != names[i].is) {
            fail_msg("'%s': %#x, expected %#x", names[i].name,
                     (unsigned int)is, (unsigned int)names[i].is);
        }
    }
}

/* Every byte, at the start of a user's name and within it. */
static void test_every_byte_of_a_user(void **state)
{
    static const char within[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";
    int c;

    (void)state;
    for (c = 1; c < 256; c++) {
        char first[] = { (char)c, 'x', '\0' };
        char second[] = { 'x', (char)c, '\0' };
        int may_be_within = strchr(within, c) != NULL;
        int may_be_first = may_be_within && c != '.' && c != '-';

        if (name_is_user(first) != may_be_first
            || name_is_user(second) != may_be_within) {
            fail_msg("byte %#x", (unsigned int)c);
        }
    }
}

/* From another implementation of FNV-1a, reduced to [1, 2^62). */
static void test_lock_offsets(void **state)
{
    (void)state;
    assert_int_equal(name_lock_offset("alice"), INT64_C(1192093510721878281));
    assert_int_equal(name_lock_offset("bob"), INT64_C(21748447695211093));
    assert_int_equal(name_lock_offset("a"), INT64_C(3414815163700866191));
}

static void test_lock_offsets_are_in_range(void **state)
{
    char name[16];
    unsigned int i;

    (void)state;
    for (i = 0; i < 100000; i++) {
        int64_t offset;

        snprintf(name, sizeof(name), "u%u", i);
        offset = name_lock_offset(name);
        assert_true(offset >= 1);
        assert_true(offset < INT64_C(1) << 62);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_every_byte_of_a_user),
        cmocka_unit_test(test_lock_offsets),
        cmocka_unit_test(test_lock_offsets_are_in_range)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
