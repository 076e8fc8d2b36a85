/* SPDX-License-Identifier: Apache-2.0 */
/*
 * values.c - the values of directives, checked
 */
#include "module/values.h"

#include <string.h>

/* The digits at the start of text; returns what follows them, or NULL. */
static const char *digits(const char *text, uint64_t max, uint64_t *value)
{
    const char *c;

    *value = 0;
    for (c = text; *c >= '0' && *c <= '9'; c++) {
        uint64_t digit = (uint64_t)(*c - '0');

        if (digit > max || *value > (max - digit) / 10) {
            return NULL;
        }
        *value = *value * 10 + digit;
    }
    return c == text ? NULL : c;
}

bool value_number(const char *text, uint64_t min, uint64_t max,
                  uint64_t *value)
{
    uint64_t number;
    const char *rest = digits(text, max, &number);

    if (rest == NULL || *rest != '\0' || number < min) {
        return false;
    }
    *value = number;
    return true;
}

static uint64_t factor(char suffix)
{
    switch (suffix) {
    case 'K':
    case 'k':
        return UINT64_C(1) << 10;
    case 'M':
    case 'm':
        return UINT64_C(1) << 20;
    case 'G':
    case 'g':
        return UINT64_C(1) << 30;
    default:
        return 0;
    }
}

static bool size_from(const char *text, uint64_t min, uint64_t *value)
{
    uint64_t number, times = 1;
    const char *rest = digits(text, INT64_MAX, &number);

    if (rest == NULL || number < min) {
        return false;
    }
    if (*rest != '\0') {
        times = factor(*rest);
        if (times == 0 || rest[1] != '\0' || number > INT64_MAX / times) {
            return false;
        }
    }
    *value = number * times;
    return true;
}

bool value_size(const char *text, uint64_t *value)
{
    return size_from(text, 1, value);
}

static bool counts_bytes(enum limit limit)
{
    return limit == LIMIT_AS || limit == LIMIT_DATA || limit == LIMIT_CORE
        || limit == LIMIT_FSIZE;
}

bool value_limit(enum limit limit, const char *text, rlim_t *value)
{
    uint64_t number;

    if (strcmp(text, "unlimited") == 0) {
        *value = RLIM_INFINITY;
        return true;
    }
    if (counts_bytes(limit) ? !size_from(text, 0, &number)
                            : !value_number(text, 0, INT64_MAX, &number)) {
        return false;
    }
    *value = number;
    return true;
}

const char *value_limit_form(enum limit limit)
{
    if (counts_bytes(limit)) {
        return "bytes, with K, M or G behind if you like, or \"unlimited\"";
    }
    return limit == LIMIT_CPU ? "seconds, or \"unlimited\""
                              : "a number, or \"unlimited\"";
}

enum limit value_resource(const char *name)
{
    unsigned int i;

    for (i = 0; i < LIMIT_COUNT; i++) {
        if (strcmp(name, limit_kinds[i].name) == 0) {
            break;
        }
    }
    return (enum limit)i;
}

static bool is_component(const char *s, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f) {
            return false;
        }
    }
    return length > 2 || (length > 0 && strspn(s, ".") < length);
}

bool value_path(const char *text)
{
    while (*text == '/') {
        size_t length = strcspn(++text, "/");

        if (!is_component(text, length)) {
            return false;
        }
        text += length;
        if (*text == '\0') {
            return true;
        }
    }
    return false;
}
