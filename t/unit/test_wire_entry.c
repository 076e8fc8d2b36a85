/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wire_entry.c - the form of a listing: what is not right is refused
 */
/* LINK: wire_entry.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "trampoline/wire.h"

enum { AT_SIZE = 1, AT_NAME = 17 };     /* as wire_entry.c has them */

static const struct wire_entry sample = {
    .type = WIRE_ENTRY_FILE, .size = 12345, .mtime = 1234567890,
    .name = "a file.txt"
};

/* A copy that ends where its memory does, for the address sanitizer. */
static size_t unpack_copy(const char *bytes, size_t size,
                          struct wire_entry *entry)
{
    char *copy = malloc(size == 0 ? 1 : size);
    size_t length;

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    length = wire_unpack_entry(copy, size, entry);
    free(copy);
    return length;
}

static void test_round_trip(void **state)
{
    static const struct wire_entry entries[] = {
        { WIRE_ENTRY_FILE, 0, 0, "x" },
        { WIRE_ENTRY_DIRECTORY, INT64_MAX, INT64_MAX, "a\nb\x01\xff\"<" },
        { WIRE_ENTRY_FILE, 1, INT64_MIN, "x.ht" },
    };
    enum { COUNT = sizeof(entries) / sizeof(entries[0]) };
    struct wire_entry entry;
    char buffer[256];
    size_t used = 0, at = 0, i;

    (void) state;
    for (i = 0; i < COUNT; i++) {
        used += wire_pack_entry(&entries[i], buffer + used,
                                sizeof(buffer) - used);
    }
    for (i = 0; i < COUNT; i++) {
        size_t length = wire_unpack_entry(buffer + at, used - at, &entry);

        assert_int_equal(length, AT_NAME + strlen(entries[i].name) + 1);
        assert_int_equal(entry.type, entries[i].type);
        assert_int_equal(entry.size, entries[i].size);
        assert_int_equal(entry.mtime, entries[i].mtime);
        assert_string_equal(entry.name, entries[i].name);
        at += length;
    }
    assert_int_equal(at, used);
    assert_int_equal(wire_unpack_entry(buffer + at, 0, &entry), 0);
}

static void test_no_room(void **state)
{
    size_t length = AT_NAME + strlen(sample.name) + 1, n;
    char *buffer = malloc(length);

    (void) state;
    assert_non_null(buffer);
    for (n = 0; n < length; n++) {
        assert_int_equal(wire_pack_entry(&sample, buffer, n), 0);
    }
    assert_int_equal(wire_pack_entry(&sample, buffer, length), length);
    free(buffer);
}

static void test_truncated_anywhere(void **state)
{
    char buffer[256];
    size_t length = wire_pack_entry(&sample, buffer, sizeof(buffer)), n;
    struct wire_entry entry;

    (void) state;
    for (n = 0; n < length; n++) {
        assert_int_equal(unpack_copy(buffer, n, &entry), 0);
    }
    assert_int_equal(unpack_copy(buffer, length, &entry), length);
}

static void test_names(void **state)
{
    static const char *const wrong[] = {
        "", ".", "..", ".hidden", ".htaccess", "/", "/etc", "a/b", "a/",
        "../x"
    };
    struct wire_entry entry = sample;
    char buffer[512], name[NAME_MAX + 2];
    size_t i, size;

    (void) state;
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        entry.name = wrong[i];
        size = wire_pack_entry(&entry, buffer, sizeof(buffer));
        assert_int_equal(unpack_copy(buffer, size, &entry), 0);
    }
    memset(name, 'x', sizeof(name) - 1);
    name[NAME_MAX + 1] = '\0';
    entry.name = name;
    size = wire_pack_entry(&entry, buffer, sizeof(buffer));
    assert_int_equal(unpack_copy(buffer, size, &entry), 0);
    name[NAME_MAX] = '\0';
    size = wire_pack_entry(&entry, buffer, sizeof(buffer));
    assert_int_equal(unpack_copy(buffer, size, &entry), size);
}

static void test_values(void **state)
{
    static const char types[] = { '\0', 'l', 'F', 'D', '\xff', 'e', 'g' };
    const uint64_t sizes[] = { (uint64_t) INT64_MAX + 1, UINT64_MAX };
    struct wire_entry entry;
    char buffer[256];
    size_t length = wire_pack_entry(&sample, buffer, sizeof(buffer)), i;

    (void) state;
    for (i = 0; i < sizeof(types); i++) {
        buffer[0] = types[i];
        assert_int_equal(unpack_copy(buffer, length, &entry), 0);
    }
    buffer[0] = WIRE_ENTRY_DIRECTORY;
    assert_int_equal(unpack_copy(buffer, length, &entry), length);
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memcpy(buffer + AT_SIZE, &sizes[i], sizeof(sizes[i]));
        assert_int_equal(unpack_copy(buffer, length, &entry), 0);
    }
}

/* The sanitizers judge; the seed is fixed, so that a failure comes again. */
static void test_random_bytes(void **state)
{
    unsigned int seed = 1, taken = 0;
    struct wire_entry entry;
    int i;

    (void) state;
    for (i = 0; i < 200000; i++) {
        size_t size = (size_t) rand_r(&seed) % 64, j, length;
        char bytes[64] = { 0 };

        for (j = 0; j < size; j++) {
            bytes[j] = (char) rand_r(&seed);
        }
        bytes[0] = rand_r(&seed) % 2 ? WIRE_ENTRY_FILE : bytes[0];
        bytes[8] = 0;
        length = unpack_copy(bytes, size, &entry);
        assert_in_range(length, 0, size);
        taken += length != 0;
    }
    assert_in_range(taken, 1, 199999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_truncated_anywhere),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_random_bytes),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
