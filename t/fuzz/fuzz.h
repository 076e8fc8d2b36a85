/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - what the fuzz targets have in common
 *
 * A target is given bytes by libFuzzer, hands them to one function that reads
 * what somebody else wrote, and holds the result against what its header
 * promises.  Each lies in memory of exactly its size.
 */
#ifndef IVLEJAIL_FUZZ_H
#define IVLEJAIL_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run: libFuzzer keeps the bytes that led here. */
#define FUZZ_REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            abort(); \
        } \
    } while (0)

/* The bytes in memory of their own, with more behind them; to be freed. */
static inline char *fuzz_copy(const uint8_t *data, size_t size, size_t more)
{
    char *copy = malloc(size + more + 1);

    FUZZ_REQUIRE(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    memset(copy + size, 0, more + 1);
    return copy;
}

#endif
