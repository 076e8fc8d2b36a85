/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - text with pieces in it that somebody else has written
 *
 * Whatever bytes those are, the result is UTF-8 that shows all of them and
 * obeys none: control characters, those that turn the direction of writing,
 * and bytes that are no UTF-8 are written as \x1b, \u202e, \xff.
 */
#ifndef IVLEJAIL_TEXT_H
#define IVLEJAIL_TEXT_H

#include <stddef.h>

/* Grows up to size; length goes on, so that it says what would be needed. */
struct text {
    char *bytes;
    size_t size;
    size_t length;
};

enum text_form {
    TEXT_PLAIN,
    TEXT_HTML                   /* for between tags, not for attributes */
};

/* Our own words, as they are. */
void text_add(struct text *text, const char *words);
void text_addf(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Somebody else's; a newline is a control character like others. */
void text_add_foreign(struct text *text, enum text_form form,
                      const char *bytes, size_t size);

/* The same as lines: each with before in front, and with a newline. */
void text_add_lines(struct text *text, enum text_form form,
                    const char *before, const char *bytes, size_t size);

#endif
