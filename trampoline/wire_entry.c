/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_entry.c - the form of a directory listing
 *
 * Entries back to back, in no order, each: a byte for its type, size and
 * mtime (8 bytes each, not aligned), the name with its NUL.
 */
#include "wire.h"

#include <limits.h>
#include <string.h>

enum {
    AT_SIZE = 1,
    AT_MTIME = AT_SIZE + 8,
    AT_NAME = AT_MTIME + 8
};

size_t wire_pack_entry(const struct wire_entry *entry, char *buffer,
                       size_t size)
{
    size_t length = AT_NAME + strlen(entry->name) + 1;

    if (length > size) {
        return 0;
    }
    buffer[0] = (char) entry->type;
    memcpy(buffer + AT_SIZE, &entry->size, sizeof(entry->size));
    memcpy(buffer + AT_MTIME, &entry->mtime, sizeof(entry->mtime));
    memcpy(buffer + AT_NAME, entry->name, length - AT_NAME);
    return length;
}

/* One that leads out of the directory, or that is never listed, is none. */
static bool is_name(const char *name, size_t length)
{
    return length > 0 && length <= NAME_MAX && name[0] != '.'
           && memchr(name, '/', length) == NULL;
}

size_t wire_unpack_entry(const char *buffer, size_t size,
                         struct wire_entry *entry)
{
    const char *name = buffer + AT_NAME, *nul;
    struct wire_entry unpacked;

    if (size <= AT_NAME
        || (buffer[0] != WIRE_ENTRY_DIRECTORY
            && buffer[0] != WIRE_ENTRY_FILE)) {
        return 0;
    }
    nul = memchr(name, '\0', size - AT_NAME);
    if (nul == NULL || !is_name(name, (size_t) (nul - name))) {
        return 0;
    }
    unpacked.type = (enum wire_entry_type) buffer[0];
    memcpy(&unpacked.size, buffer + AT_SIZE, sizeof(unpacked.size));
    memcpy(&unpacked.mtime, buffer + AT_MTIME, sizeof(unpacked.mtime));
    unpacked.name = name;
    if (unpacked.size > INT64_MAX) {
        return 0;
    }
    *entry = unpacked;
    return (size_t) (nul + 1 - buffer);
}
