/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.c - the forms of the names that cross trust boundaries
 *
 * The ranges are spelled out: isalpha(3) and friends ask the locale, and a
 * locale is something that a caller can choose.
 */
#include "names.h"

#include <stddef.h>
#include <string.h>

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* [a-z][a-z0-9-]{0,max-1} */
static bool is_word(const char *s, size_t max)
{
    size_t i;

    if (!is_lower(s[0])) {
        return false;
    }
    for (i = 1; s[i] != '\0'; i++) {
        if (i == max || !(is_lower(s[i]) || is_digit(s[i]) || s[i] == '-')) {
            return false;
        }
    }
    return true;
}

static bool is_user_byte(char c)
{
    return is_lower(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
}

bool name_is_user(const char *s)
{
    size_t i;

    if (s[0] == '.' || s[0] == '-') {
        return false;
    }
    for (i = 0; s[i] != '\0'; i++) {
        if (i == NAME_USER_MAX || !is_user_byte(s[i])) {
            return false;
        }
    }
    return i > 0 && strstr(s, "..") == NULL;
}

bool name_is_instance(const char *s)
{
    return is_word(s, NAME_INSTANCE_MAX);
}

bool name_is_profile(const char *s)
{
    return is_word(s, NAME_PROFILE_MAX);
}

bool name_is_app(const char *s)
{
    return is_word(s, NAME_APP_MAX);
}

bool name_is_generation(const char *s)
{
    size_t i;

    for (i = 0; s[i] != '\0'; i++) {
        if (i == NAME_GENERATION_LEN
            || !(is_digit(s[i]) || (s[i] >= 'a' && s[i] <= 'f'))) {
            return false;
        }
    }
    return i == NAME_GENERATION_LEN;
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
