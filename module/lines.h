/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h - a program's error output, cut into lines for the error log
 *
 * Pure but for what say() does.  A program can write more than anybody wants
 * to keep, so a line is cut into pieces of LINES_LENGTH and no more than
 * LINES_MAX of them are passed on.  NUL becomes a space; other control bytes
 * are httpd's to escape, which it does for whatever it logs.
 */
#ifndef IVLEJAIL_LINES_H
#define IVLEJAIL_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LINES_LENGTH = 1000,
    LINES_MAX = 200
};

struct lines {
    bool (*say)(void *context, const char *line);   /* whether it did */
    void *context;
    char text[LINES_LENGTH + 1];
    size_t length;              /* of the line that is not complete yet */
    size_t count;               /* of lines so far, those not passed on too */
    size_t said;                /* of those that say() has taken */
};

/* All of *lines but say and context must be zero at first. */
void lines_feed(struct lines *lines, const char *data, size_t size);

/* Passes on a last line without a newline. */
void lines_end(struct lines *lines);

#endif
