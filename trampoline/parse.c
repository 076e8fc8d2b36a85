/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse.c - lines of "key value..." in a fixed order
 */
#include "parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* A text that is too long is cut: it is for people. */
bool parse_fail(struct policy_error *error, enum code code,
                const char *format, ...)
{
    va_list arguments;

    error->code = code;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

bool parse_bad_value(struct parser *p, const char *value)
{
    return parse_fail(p->error, CODE_POLICY_VALUE, "line %u: '%.64s'",
                      p->line, value);
}

bool parse_comes(const struct parser *p, const char *start)
{
    return strncmp(p->next, start, strlen(start)) == 0;
}

/* Cuts a line at its single spaces.  False: it is of another form. */
static bool split(struct parser *p, char *line, size_t *count)
{
    char *field;

    for (*count = 0; (field = strsep(&line, " ")) != NULL; (*count)++) {
        if (field[0] == '\0' || *count == PARSE_VALUES_MAX) {
            return false;
        }
        p->value[*count] = field;
    }
    return true;
}

bool parse_take(struct parser *p, const char *key, size_t count)
{
    char *line = p->next;
    char *end = memchr(line, '\n', (size_t)(p->end - line));
    size_t length = strlen(key), found = 0;

    if (end == NULL) {
        return parse_fail(p->error, CODE_POLICY_TRUNCATED, "no line '%s'",
                          key);
    }
    p->next = end + 1;
    p->line++;
    *end = '\0';
    if (strncmp(line, key, length) != 0
        || (line[length] != ' ' && line[length] != '\0')) {
        return parse_fail(p->error, CODE_POLICY_KEY, "line %u: '%.32s' where "
                          "'%s' belongs", p->line, line, key);
    }
    line += length;
    if ((*line == ' ' && !split(p, line + 1, &found)) || found != count) {
        return parse_fail(p->error, CODE_POLICY_VALUE, "line %u: '%s' has %zu "
                          "values", p->line, key, count);
    }
    return true;
}

bool parse_number(const char *s, uint64_t min, uint64_t max,
                  uint64_t *number)
{
    uint64_t n = 0, digit;
    size_t i;

    if (s[0] == '\0' || (s[0] == '0' && s[1] != '\0')) {
        return false;
    }
    for (i = 0; s[i] != '\0'; i++) {
        digit = (unsigned char)s[i] - (uint64_t)'0';
        if (digit > 9 || digit > max || n > (max - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    *number = n;
    return n >= min;
}

bool parse_word(const char *s, const char *const words[],
                unsigned int *place)
{
    for (*place = 0; words[*place] != NULL; (*place)++) {
        if (strcmp(s, words[*place]) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_value(const char *s, const struct parse_value *value,
                       char *place)
{
    uint64_t number = RLIM_INFINITY;
    bool good;

    switch (value->kind) {
    case PARSE_NAME:
        *(const char **)(void *)place = s;
        return value->is(s);
    case PARSE_NUMBER:
        good = parse_number(s, value->min, value->max, &number);
        *(uint32_t *)(void *)place = (uint32_t)number;
        return good;
    case PARSE_LIMIT:
        good = strcmp(s, "unlimited") == 0
               || parse_number(s, 0, RLIM_INFINITY - 1, &number);
        *(rlim_t *)(void *)place = number;
        return good;
    default:
        return parse_word(s, value->words, (unsigned int *)(void *)place);
    }
}

bool parse_rows(struct parser *p, const struct parse_row *rows, size_t count,
                void *place)
{
    const struct parse_row *row;
    size_t values, i;

    for (row = rows; row < rows + count; row++) {
        values = row->value[1].kind == PARSE_NONE ? 1 : 2;
        if (!parse_take(p, row->key, values)) {
            return false;
        }
        for (i = 0; i < values; i++) {
            if (!read_value(p->value[i], &row->value[i],
                            (char *)place + row->value[i].offset)) {
                return parse_bad_value(p, p->value[i]);
            }
        }
    }
    return true;
}
