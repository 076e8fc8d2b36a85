/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tail.c - the last bytes of an output, however long it is
 */
#include "module/tail.h"

#include <string.h>

/* Copies the piece that ends where the memory does, and what follows. */
static void put(struct tail *tail, const char *data, size_t size)
{
    size_t at = (size_t)(tail->total % TAIL_MAX), first = TAIL_MAX - at;

    if (first > size) {
        first = size;
    }
    memcpy(tail->bytes + at, data, first);
    memcpy(tail->bytes, data + first, size - first);
    tail->total += size;
}

void tail_feed(struct tail *tail, const char *data, size_t size)
{
    size_t passed = size > TAIL_MAX ? size - TAIL_MAX : 0;

    tail->total += passed;
    put(tail, data + passed, size - passed);
}

size_t tail_copy(const struct tail *tail, char bytes[TAIL_MAX])
{
    size_t at, skip = 0;
    const char *newline;

    if (tail->total <= TAIL_MAX) {
        memcpy(bytes, tail->bytes, (size_t)tail->total);
        return (size_t)tail->total;
    }
    at = (size_t)(tail->total % TAIL_MAX);
    memcpy(bytes, tail->bytes + at, TAIL_MAX - at);
    memcpy(bytes + TAIL_MAX - at, tail->bytes, at);
    newline = memchr(bytes, '\n', TAIL_MAX - 1);
    if (newline != NULL) {
        skip = (size_t)(newline + 1 - bytes);
        memmove(bytes, newline + 1, TAIL_MAX - skip);
    }
    return TAIL_MAX - skip;
}
