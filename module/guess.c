/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guess.c - whether a request means a file, by what others like it meant
 */
#include "module/guess.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "trampoline/names.h"

enum {
    PLACES = 4096,              /* for a hash of user and extension each */
    SURE = 2                    /* files one after the other */
};

static _Atomic unsigned char files[PLACES];

static const char *extension_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');

    return dot != NULL ? dot : "";
}

static _Atomic unsigned char *place_of(const char *user, const char *path)
{
    /* FNV-1a of each; 31: so that neither undoes the other */
    uint64_t hash = (uint64_t)name_lock_offset(user)
        + 31 * (uint64_t)name_lock_offset(extension_of(path));

    return &files[hash % PLACES];
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
