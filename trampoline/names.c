/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.c - the forms of the names that cross trust boundaries
 *
 * The letters are spelled out: isalpha(3) and friends ask the locale, and a
 * locale is something that a caller can choose.
 */
#include "names.h"

#include <stddef.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* min to max bytes out of bytes, and the first of them out of first */
static bool is_made_of(const char *s, const char *first, const char *bytes,
                       size_t min, size_t max)
{
    size_t length = strspn(s, bytes);

    return s[length] == '\0' && length >= min && length <= max
        && strchr(first, s[0]) != NULL;
}

static bool is_word(const char *s, size_t max)
{
    return is_made_of(s, LETTERS, LETTERS DIGITS "-", 1, max);
}

bool name_is_user(const char *s)
{
    return is_made_of(s, LETTERS DIGITS "_", LETTERS DIGITS "_.-", 1,
                      NAME_USER_MAX)
        && strstr(s, "..") == NULL;
}

bool name_is_instance(const char *s)
{
    return is_word(s, NAME_INSTANCE_MAX);
}

bool name_is_profile(const char *s)
{
    return is_word(s, NAME_PROFILE_MAX);
}

bool name_is_generation(const char *s)
{
    return is_made_of(s, DIGITS "abcdef", DIGITS "abcdef",
                      NAME_GENERATION_LEN, NAME_GENERATION_LEN);
}

int64_t name_lock_offset(const char *user)
{
    const uint64_t prime = 0x100000001b3, places = (UINT64_C(1) << 62) - 1;
    uint64_t hash = 0xcbf29ce484222325;

    for (; *user != '\0'; user++) {
        hash = (hash ^ (unsigned char)*user) * prime;
    }
    return (int64_t)(hash % places) + 1;
}
