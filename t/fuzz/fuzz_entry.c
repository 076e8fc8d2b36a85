/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_entry.c - the entries of a directory listing, as httpd reads them
 */
/* LINK: wire_entry.o */
#include "fuzz.h"

#include "trampoline/wire.h"

static void check_entry(const struct wire_entry *entry, const char *bytes,
                        size_t length)
{
    char *again = fuzz_copy(NULL, 0, length);

    FUZZ_REQUIRE(entry->type == WIRE_ENTRY_DIRECTORY
                 || entry->type == WIRE_ENTRY_FILE);
    FUZZ_REQUIRE(entry->size <= INT64_MAX);
    FUZZ_REQUIRE(entry->name[0] != '\0' && entry->name[0] != '.');
    FUZZ_REQUIRE(strchr(entry->name, '/') == NULL);
    FUZZ_REQUIRE(wire_pack_entry(entry, again, length) == length);
    FUZZ_REQUIRE(memcmp(again, bytes, length) == 0);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *listing = fuzz_copy(data, size, 0);
    struct wire_entry entry;
    size_t at = 0, length;

    while ((length = wire_unpack_entry(listing + at, size - at, &entry))
           > 0) {
        FUZZ_REQUIRE(length <= size - at);
        check_entry(&entry, listing + at, length);
        at += length;
    }
    free(listing);
    return 0;
}
