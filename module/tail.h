/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tail.h - the last bytes of an output, however long it is
 */
#ifndef IVLEJAIL_TAIL_H
#define IVLEJAIL_TAIL_H

#include <stddef.h>
#include <stdint.h>

enum { TAIL_MAX = 64 * 1024 };

struct tail {
    uint64_t total;             /* bytes that were fed; 0 at first */
    size_t size;                /* of what is kept: TAIL_MAX at most */
    char *bytes;                /* the last size of them, going round */
};

void tail_feed(struct tail *tail, const char *data, size_t size);

/* Copies the last bytes, max at most, in order; returns how many. */
size_t tail_last(const struct tail *tail, char *bytes, size_t max);

/*
 * Copies what is kept to bytes, where there must be room for tail->size, and
 * returns its size.  Where more was fed it begins with a whole line, if there
 * is one.
 */
size_t tail_copy(const struct tail *tail, char *bytes);

#endif
