/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_listing_page.c - what a warden says of a directory, and the page of it
 */
/* LINK: wire_entry.o module_text.o module_page.o module_listing.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/listing.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char bytes[WIRE_LISTING_MAX];
static size_t size;
static struct wire_entry entries[WIRE_LISTING_MAX / 18];
static size_t count;

static void put(enum wire_entry_type type, const char *name)
{
    const struct wire_entry entry = { .type = type, .name = name };

    size += wire_pack_entry(&entry, bytes + size, sizeof(bytes) - size);
}

/* From memory that ends where the listing does. */
static bool reads(void)
{
    char *exact = malloc(size);
    bool is_good;

    assert_non_null(exact);
    memcpy(exact, bytes, size);
    is_good = listing_read(exact, size, NULL, &count);
    if (is_good) {
        assert_true(listing_read(bytes, size, entries, &count));
    }
    free(exact);
    return is_good;
}

/* --- the order --- */

static void test_order(void **state)
{
    static const char *const names[] = { "b", "a", "B", "A", "Z", "\xc3\xa4",
                                         "10", "9", "a b", "a.b", "a0" };
    static const char *const sorted[] = { "D", "e", "10", "9", "A", "a", "a b",
                                          "a.b", "a0", "B", "b", "Z",
                                          "\xc3\xa4" };
    size_t i;

    (void) state;
    size = 0;
    for (i = 0; i < COUNT(names); i++) {
        put(WIRE_ENTRY_FILE, names[i]);
    }
    put(WIRE_ENTRY_DIRECTORY, "e");
    put(WIRE_ENTRY_DIRECTORY, "D");
    assert_true(reads());
    assert_int_equal(count, COUNT(sorted));
    for (i = 0; i < COUNT(sorted); i++) {
        assert_string_equal(entries[i].name, sorted[i]);
    }
}

/* It does not depend on the order in which they come. */
static void test_order_is_one(void **state)
{
    unsigned int seed = 1;
    int round, i;

    (void) state;
    for (round = 0; round < 50; round++) {
        char names[8][3];

        size = 0;
        for (i = 0; i < 8; i++) {
            snprintf(names[i], sizeof(names[i]), "%c%c", i & 1 ? 'x' : 'X',
                     "aAbB"[i / 2]);
        }
        for (i = 7; i >= 0; i--) {
            int other = (int) (rand_r(&seed) % (unsigned int) (i + 1));

            put(WIRE_ENTRY_FILE, names[other]);
            memcpy(names[other], names[i], sizeof(names[i]));
        }
        assert_true(reads());
        for (i = 0; i < 7; i++) {
            assert_true(strcmp(entries[i].name, entries[i + 1].name) < 0
                        || strcasecmp(entries[i].name,
                                      entries[i + 1].name) < 0);
        }
        assert_string_equal(entries[0].name, "XA");
        assert_string_equal(entries[7].name, "xb");
    }
}

/* --- what is no listing --- */

static void test_wrong_bytes(void **state)
{
    static const char *const names[] = { "..", ".", ".x", "a/b", "/", "" };
    size_t i;

    (void) state;
    size = 0;
    assert_true(listing_read(bytes, 0, NULL, &count));
    assert_int_equal(count, 0);
    for (i = 0; i < COUNT(names); i++) {
        size = 0;
        put(WIRE_ENTRY_FILE, "good");
        put(WIRE_ENTRY_FILE, names[i]);
        assert_false(reads());
    }
    size = 0;
    put(WIRE_ENTRY_FILE, "good");
    assert_true(reads());
    size--;
    assert_false(reads());
    size = 0;
    put((enum wire_entry_type) 'l', "good");
    assert_false(reads());
}

static void test_random_bytes(void **state)
{
    unsigned int seed = 1;
    int i;

    (void) state;
    for (i = 0; i < 20000; i++) {
        size_t j;

        size = (size_t) rand_r(&seed) % 100;
        put(WIRE_ENTRY_FILE, "some");
        for (j = 0; j < 3; j++) {
            bytes[(size_t) rand_r(&seed) % size] = (char) rand_r(&seed);
        }
        (void) reads();
    }
}

/* --- rows --- */

static char shown[2 * LISTING_ROW_MAX];

static const char *row_of(const struct wire_entry *entry)
{
    struct text text = { .bytes = shown, .size = sizeof(shown) - 1 };

    listing_row(&text, entry);
    assert_true(text.length <= LISTING_ROW_MAX);
    shown[text.length] = '\0';
    return shown;
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' is not in: %s", part, text);
    }
}

static void test_rows(void **state)
{
    struct wire_entry file = { WIRE_ENTRY_FILE, 1536, 1790000000, "a&b.txt" };
    struct wire_entry directory = { WIRE_ENTRY_DIRECTORY, 4096, 0, "sub" };

    (void) state;
    assert_string_equal(row_of(&file), "<tr><th scope=\"row\">"
        "<a href=\"a%26b.txt\">a&amp;b.txt</a></th><td>1.5 KiB</td>"
        "<td>2026-09-21 14:13</td></tr>\n");
    assert_string_equal(row_of(&directory), "<tr><th scope=\"row\">"
        "<a href=\"sub/\">sub/</a></th><td></td>"
        "<td>1970-01-01 00:00</td></tr>\n");
}

static void test_names(void **state)
{
    static const struct {
        const char *name, *url, *html;
    } cases[] = {
        { "-a._~Z9", "-a._~Z9", "-a._~Z9" },
        { "a b", "a%20b", "a b" },
        { "100%", "100%25", "100%" },
        { "a;b?c#d", "a%3Bb%3Fc%23d", "a;b?c#d" },
        { "javascript:alert(1)", "javascript%3Aalert%281%29",
          "javascript:alert(1)" },
        { "\"onclick=\"", "%22onclick%3D%22", "\"onclick=\"" },
        { "<b>'&amp;", "%3Cb%3E%27%26amp%3B", "&lt;b&gt;'&amp;amp;" },
        { "gr\xc3\xbc\xc3\x9f", "gr%C3%BC%C3%9F", "gr\xc3\xbc\xc3\x9f" },
        { "\xff\n", "%FF%0A", "<i>\\xff</i><i>\\x0a</i>" },
        { "\xe2\x80\xae" "cod.exe", "%E2%80%AEcod.exe",
          "<i>\\u202e</i>cod.exe" },
        { "\\", "%5C", "\\" },
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        const struct wire_entry entry = { .type = WIRE_ENTRY_FILE,
                                          .name = cases[i].name };
        char link[200];

        snprintf(link, sizeof(link), "<a href=\"%s\">%s</a>", cases[i].url,
                 cases[i].html);
        assert_contains(row_of(&entry), link);
    }
}

static void test_sizes(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        { 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.0 KiB" },
        { 1536, "1.5 KiB" }, { 1048575, "1023.9 KiB" },
        { 1048576, "1.0 MiB" }, { 5ULL << 30, "5.0 GiB" },
        { INT64_MAX, "7.9 EiB" }, { UINT64_MAX, "15.9 EiB" },
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        const struct wire_entry entry = { .type = WIRE_ENTRY_FILE, .name = "x",
                                          .size = cases[i].bytes };
        char cell[50];

        snprintf(cell, sizeof(cell), "<td>%s</td>", cases[i].text);
        assert_contains(row_of(&entry), cell);
    }
}

static void test_times(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        { -1, "<td>1969-12-31 23:59</td>" },
        { 253402300799, "<td>9999-12-31 " }, { 253402300800, "<td></td></tr" },
        { -62167219200, "<td>0000-01-01 " }, { -62167219201, "<td></td></tr" },
        { INT64_MAX, "<td></td></tr" }, { INT64_MIN, "<td></td></tr" },
    };
    size_t i;

    (void) state;
    for (i = 0; i < COUNT(cases); i++) {
        const struct wire_entry entry = { .type = WIRE_ENTRY_FILE, .name = "x",
                                          .mtime = cases[i].seconds };

        assert_contains(row_of(&entry), cases[i].text);
    }
}

/* The longest name, of what grows most. */
static void test_longest_row(void **state)
{
    char name[NAME_MAX + 1] = "";
    const struct wire_entry entry = { WIRE_ENTRY_DIRECTORY, 0, 0, name };

    (void) state;
    memset(name, '\x01', NAME_MAX);
    (void) row_of(&entry);
}

/* --- the page --- */

static const char *page_of(const struct listing *listing)
{
    struct text text = { .bytes = shown, .size = sizeof(shown) - 1 };
    size_t i;

    listing_begin(&text, listing);
    for (i = 0; i < listing->count; i++) {
        listing_row(&text, &listing->entries[i]);
    }
    listing_end(&text, listing);
    assert_true(text.length < sizeof(shown));
    shown[text.length] = '\0';
    return shown;
}

static void test_page(void **state)
{
    struct listing listing = { .path = "/my/<b>/", .entries = entries };
    const char *page;

    (void) state;
    page = page_of(&listing);
    assert_contains(page, "<title>/my/&lt;b&gt;/</title>");
    assert_contains(page, "<h1>/my/&lt;b&gt;/</h1>");
    assert_contains(page, "There is nothing here.");
    assert_null(strstr(page, "../"));
    assert_null(strstr(page, "<table"));
    assert_null(strstr(page, "more here"));

    size = 0;
    put(WIRE_ENTRY_FILE, "x");
    put(WIRE_ENTRY_DIRECTORY, "y");
    assert_true(reads());
    listing.has_parent = true;
    listing.is_cut = true;
    listing.count = count;
    page = page_of(&listing);
    assert_contains(page, "<a href=\"../\">Parent directory</a>");
    assert_contains(page, "these are 2 entries of it");
    assert_true(strstr(page, ">y/</a>") < strstr(page, ">x</a>"));
    assert_null(strstr(page, "nothing here"));
    assert_null(strstr(page, "://"));
    assert_null(strstr(page, "<script"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_order_is_one),
        cmocka_unit_test(test_wrong_bytes),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_longest_row),
        cmocka_unit_test(test_page),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
