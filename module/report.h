/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what a user is told about a program: a page, an entry of a log
 *
 * Pure: from what is known of the request to text.
 */
#ifndef IVLEJAIL_REPORT_H
#define IVLEJAIL_REPORT_H

#include <stddef.h>

#include "module/verdict.h"

enum {
    REPORT_ENTRY_MAX = 56 * 1024,   /* an entry, with its NUL */
    REPORT_ERRORS_MAX = 48 * 1024   /* in it: the last of the error output */
};

struct report {
    const struct verdict *verdict;
    const char *status;         /* "500 Internal Server Error" */
    const char *program;        /* its path in the jail */
    const char *interpreter;    /* of its extension, a path; NULL: none */
    const char *method;
    const char *url;            /* as the client sent it */
    const char *time;           /* "2026-01-31T12:59:59Z" */
    const char *id;             /* of the request in httpd's log, or "-" */
    const char *errors;         /* the error output, or its end */
    size_t errors_size;
};

/*
 * The page, HTML in UTF-8 without any reference to elsewhere.  Returns its
 * length, of which at most size bytes are written to page: call it twice.
 */
size_t report_page(const struct report *report, char *page, size_t size);

/*
 * The entry, with a NUL: one line, then the error output, whose lines are
 * indented, so that no program can write the first line of an entry.
 */
void report_entry(const struct report *report,
                  char entry[REPORT_ENTRY_MAX]);

#endif
