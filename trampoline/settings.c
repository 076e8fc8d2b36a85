/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.c - the part of a profile that only warden and cgroup obey
 */
#include "settings.h"

#include <stddef.h>
#include <string.h>

#include "parse.h"

#define AT(member) offsetof(struct settings, member)

static const char *const switches[] = { "off", "on", NULL };

/* "-", "max", or a number and perhaps "/" and another one. */
static bool is_group_value(const char *s)
{
    size_t first = strspn(s, "0123456789"), second;

    if (strcmp(s, "-") == 0 || strcmp(s, "max") == 0) {
        return true;
    }
    second = s[first] == '/' ? 1 + strspn(s + first + 1, "0123456789") : 0;
    return first > 0 && second != 1 && s[first + second] == '\0';
}

static const struct parse_row rows[] = {
#define LIMIT_ROW(symbol, name, resource) \
    { "limit " name, \
      { { PARSE_LIMIT, AT(limits[symbol].rlim_cur), 0, 0, 0, 0 }, \
        { PARSE_LIMIT, AT(limits[symbol].rlim_max), 0, 0, 0, 0 } } },
    LIMIT_TABLE(LIMIT_ROW)
#undef LIMIT_ROW
    { "max-requests",
      { { PARSE_NUMBER, AT(max_requests), 0, 1, SETTINGS_REQUESTS_MAX, 0 },
        { PARSE_NUMBER, AT(queue), 0, 0, SETTINGS_REQUESTS_MAX, 0 } } },
    { "idle",
      { { PARSE_NUMBER, AT(idle_seconds), 0, 1, SETTINGS_IDLE_MAX, 0 } } },
    { "linger", { { PARSE_WORD, AT(linger), 0, 0, 0, switches } } },
#define GROUP_ROW(symbol, key, controller) \
    { key, \
      { { PARSE_NAME, AT(group[symbol].value), is_group_value, 0, 0, 0 }, \
        { PARSE_WORD, AT(group[symbol].is_kept), 0, 0, 0, switches } } },
    GROUP_TABLE(GROUP_ROW)
#undef GROUP_ROW
};

static bool check_limits(struct parser *p, const struct settings *settings)
{
    size_t i;

    for (i = 0; i < LIMIT_COUNT; i++) {
        if (settings->limits[i].rlim_cur > settings->limits[i].rlim_max) {
            return parse_bad_value(p, "soft limit above hard limit");
        }
    }
    return true;
}

/* Bytes in hexadecimal, as they lie in memory. */
static bool read_hex(const char *s, unsigned char *bytes)
{
    static const char digits[] = "0123456789abcdef";
    const char *high, *low;

    for (; *s != '\0'; s += 2) {
        high = strchr(digits, s[0]);
        low = strchr(digits, s[1]);
        if (high == NULL || low == NULL) {
            return false;
        }
        *bytes++ = (unsigned char)((high - digits) << 4 | (low - digits));
    }
    return true;
}

static bool read_filter(struct parser *p, struct settings *settings)
{
    const size_t digits = 2 * sizeof settings->filter[0];
    size_t length;

    settings->filter_count = 0;
    if (!parse_take(p, "seccomp", 1)) {
        return false;
    }
    if (strcmp(p->value[0], "off") == 0) {
        return true;
    }
    length = strlen(p->value[0]);
    if (length % digits != 0 || length / digits > SETTINGS_FILTER_MAX
        || !read_hex(p->value[0], (unsigned char *)settings->filter)) {
        return parse_bad_value(p, p->value[0]);
    }
    settings->filter_count = length / digits;
    return true;
}

bool settings_parse(const struct policy_profile *profile,
                    struct settings *settings, struct policy_error *error)
{
    struct parser parser = { .error = error, .next = profile->settings,
                             .end = profile->settings_end,
                             .line = profile->settings_line };

    return parse_rows(&parser, rows, sizeof rows / sizeof *rows, settings)
           && check_limits(&parser, settings)
           && read_filter(&parser, settings)
           && (parser.next == parser.end
               || parse_fail(error, CODE_POLICY_KEY, "line %u: one too many",
                             parser.line + 1));
}
