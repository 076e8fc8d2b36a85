/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tail.c - the last bytes of an output, however long it is
 */
#include "module/tail.h"

#include <string.h>

/* Copies the piece that ends where the memory does, and what follows. */
static void put(struct tail *tail, const char *data, size_t size)
{
    size_t at = (size_t)(tail->total % tail->size), first = tail->size - at;

    if (first > size) {
        first = size;
    }
    memcpy(tail->bytes + at, data, first);
    memcpy(tail->bytes, data + first, size - first);
    tail->total += size;
}

void tail_feed(struct tail *tail, const char *data, size_t size)
{
    size_t passed = size > tail->size ? size - tail->size : 0;

    tail->total += passed;
    put(tail, data + passed, size - passed);
}

size_t tail_last(const struct tail *tail, char *bytes, size_t max)
{
    size_t kept = tail->total < tail->size ? (size_t)tail->total : tail->size;
    size_t size = kept < max ? kept : max;
    size_t at = (size_t)((tail->total - size) % tail->size);
    size_t first = tail->size - at;

    if (first > size) {
        first = size;
    }
    memcpy(bytes, tail->bytes + at, first);
    memcpy(bytes + first, tail->bytes, size - first);
    return size;
}

size_t tail_copy(const struct tail *tail, char *bytes)
{
    size_t size = tail_last(tail, bytes, tail->size), skip;
    const char *newline;

    if (tail->total <= tail->size) {
        return size;
    }
    newline = memchr(bytes, '\n', size - 1);
    if (newline == NULL) {
        return size;
    }
    skip = (size_t)(newline + 1 - bytes);
    memmove(bytes, newline + 1, size - skip);
    return size - skip;
}
