/* SPDX-License-Identifier: Apache-2.0 */
/*
 * values.c - the values of directives, checked
 */
#include "module/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    PERIOD_MIN = 1000,          /* microseconds, as the kernel takes them */
    PERIOD_MAX = 1000000,
    PERIOD_DEFAULT = 100000,
    QUOTA_MAX = 1000000000,
    PERCENT_MAX = 1000000,      /* ten thousand processors */
    MEMORY_MIN = 16 << 20,      /* a start and a warden take a few MiB */
    TASKS_MIN = 4,              /* two at a start, a warden and a program */
    TASKS_MAX = 4194304         /* PID_MAX_LIMIT of the kernel */
};

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

enum group_key value_group_key(const char *name)
{
    static const char *const names[GROUP_KEYS] = {
#define GROUP_NAME(symbol, key, controller) [symbol] = (key),
        GROUP_TABLE(GROUP_NAME)
#undef GROUP_NAME
    };
    unsigned int i;

    for (i = 0; i < GROUP_KEYS && strcmp(name, names[i]) != 0; i++) {
    }
    return (enum group_key)i;
}

/* "150%" of one processor, in each tenth of a second. */
static bool percentage(const char *text, uint64_t *quota)
{
    const char *rest = digits(text, PERCENT_MAX, quota);

    *quota *= PERIOD_DEFAULT / 100;
    return rest != NULL && strcmp(rest, "%") == 0 && *quota > 0;
}

/* As cpu.max of the kernel, or a percentage. */
static bool cpu_value(const char *text, const char *period,
                      char sealed[VALUE_GROUP_MAX])
{
    uint64_t quota, length = PERIOD_DEFAULT;

    if (!(period == NULL && percentage(text, &quota))
        && (!value_number(text, PERIOD_MIN, QUOTA_MAX, &quota)
            || (period != NULL
                && !value_number(period, PERIOD_MIN, PERIOD_MAX, &length)))) {
        return false;
    }
    (void)snprintf(sealed, VALUE_GROUP_MAX, "%" PRIu64 "/%" PRIu64, quota,
                   length);
    return true;
}

bool value_group(enum group_key key, const char *text, const char *period,
                 char sealed[VALUE_GROUP_MAX])
{
    uint64_t number;

    if (strcmp(text, "max") == 0) {
        (void)snprintf(sealed, VALUE_GROUP_MAX, "%s", text);
        return period == NULL;
    }
    if (key == GROUP_CPU) {
        return cpu_value(text, period, sealed);
    }
    if (period != NULL
        || !(key == GROUP_MEMORY
             ? size_from(text, 1, &number) && number >= MEMORY_MIN
             : value_number(text, TASKS_MIN, TASKS_MAX, &number))) {
        return false;
    }
    (void)snprintf(sealed, VALUE_GROUP_MAX, "%" PRIu64, number);
    return true;
}

const char *value_group_form(enum group_key key)
{
    switch (key) {
    case GROUP_MEMORY:
        return "as memory.max bytes, with K, M or G behind if you like, at "
               "least 16M, or \"max\"";
    case GROUP_PIDS:
        return "as pids.max a number from 4 to 4194304, or \"max\"";
    default:
        return "as cpu.max \"QUOTA PERIOD\" in microseconds (from 1000, the "
               "period to 1000000), a percentage of one processor, or "
               "\"max\"";
    }
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
