/*
 * parse.h - lines of "key value..." in a fixed order
 *
 * What policy.c and settings.c have in common.  The grammar is a table of
 * rows; the first fault ends it.  The text is cut into strings in place.
 * Pure: no system call, no allocation, no locale.
 */
#ifndef IVLEJAIL_PARSE_H
#define IVLEJAIL_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

enum { PARSE_VALUES_MAX = 4 };

struct parser {
    struct policy_error *error;
    char *next, *end;                   /* the text that is left */
    unsigned int line;                  /* number of the line read last */
    char *value[PARSE_VALUES_MAX];      /* what stands in it */
};

enum parse_kind {
    PARSE_NONE = 0,                     /* no second value */
    PARSE_NAME,                         /* const char *, if is() says so */
    PARSE_NUMBER,                       /* uint32_t within [min, max] */
    PARSE_LIMIT,                        /* rlim_t, or "unlimited" */
    PARSE_WORD                          /* its place among words */
};

struct parse_value {
    enum parse_kind kind;
    size_t offset;                      /* in the struct that is filled */
    bool (*is)(const char *);
    uint32_t min, max;
    const char *const *words;           /* NULL-terminated */
};

/* A line: its key and one or two values. */
struct parse_row {
    const char *key;
    struct parse_value value[2];
};

/* All return false with parser->error set. */
bool parse_fail(struct policy_error *error, enum code code,
                const char *format, ...) __attribute__((format(printf, 3, 4)));
bool parse_bad_value(struct parser *p, const char *value);

/* Whether the next line begins so. */
bool parse_comes(const struct parser *p, const char *start);

/* Reads the next line, which must be this key and so many values. */
bool parse_take(struct parser *p, const char *key, size_t count);

/* Reads the lines of a table into the struct at place. */
bool parse_rows(struct parser *p, const struct parse_row *rows, size_t count,
                void *place);

/* Decimal, no sign, no leading zero, within [min, max]. */
bool parse_number(const char *s, uint64_t min, uint64_t max,
                  uint64_t *number);

/* The place of a word among words. */
bool parse_word(const char *s, const char *const words[],
                unsigned int *place);

#endif
