/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guess.c - whether a request means a file, by what others like it meant
 */
#include "module/guess.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

enum {
    PLACES = 4096,              /* for a hash of user and extension each */
    SURE = 2                    /* files one after the other */
};

static _Atomic unsigned char files[PLACES];

/* FNV-1a, with the NUL as the end of what is hashed. */
static uint64_t add_hash(uint64_t hash, const char *text)
{
    const uint64_t prime = 0x100000001b3;

    do {
        hash = (hash ^ (unsigned char)*text) * prime;
    } while (*text++ != '\0');
    return hash;
}

static const char *extension_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');

    return dot != NULL ? dot : "";
}

static _Atomic unsigned char *place_of(const char *user, const char *path)
{
    uint64_t hash = add_hash(0xcbf29ce484222325, user);

    return &files[add_hash(hash, extension_of(path)) % PLACES];
}

bool guess_is_file(const char *user, const char *path)
{
    return atomic_load_explicit(place_of(user, path), memory_order_relaxed)
        >= SURE;
}

void guess_learn(const char *user, const char *path, bool is_file)
{
    _Atomic unsigned char *place = place_of(user, path);
    unsigned char before = atomic_load_explicit(place, memory_order_relaxed);
    unsigned char now = 0;

    if (is_file) {
        now = before < SURE ? (unsigned char)(before + 1) : before;
    }
    if (now != before) {
        atomic_store_explicit(place, now, memory_order_relaxed);
    }
}
