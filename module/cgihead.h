/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgihead.h - the header of a program's answer: cut into lines and checked
 *
 * Pure.  What passes is a header as RFC 3875 6.2 has it, of a size that
 * anybody can keep, and says nothing of where the answer ends: that is
 * httpd's to say.  What the fields mean is not looked at.
 *
 * A line ends with LF; CRs before that are no part of it.
 *
 * The header of an nph program (RFC 3875 5) is that of HTTP: a status line is
 * its first one, and "Status" is a field like any other.
 */
#ifndef IVLEJAIL_CGIHEAD_H
#define IVLEJAIL_CGIHEAD_H

#include <stdbool.h>
#include <stddef.h>

enum {
    CGIHEAD_SIZE_MAX = 64 * 1024,   /* of all lines with their ends */
    CGIHEAD_LINES_MAX = 200,        /* the empty one not counted */
    CGIHEAD_LINE_MAX = 8189         /* of one without its end: httpd's own */
};

enum cgihead_event {
    CGIHEAD_MORE,               /* everything given was used up */
    CGIHEAD_LINE,               /* line is one of the header */
    CGIHEAD_END,                /* what follows is the body */
    CGIHEAD_WRONG,              /* line is none of a header */
    CGIHEAD_LARGE,              /* it goes over a maximum */
    CGIHEAD_FRAMING             /* line is not a program's to send */
};

struct cgihead {
    bool is_nph;
    size_t size, lines;         /* so far */
    const char *fault;          /* after the last three events: what is wrong,
                                   as in "it has <fault>" */
    bool is_told;               /* line was told: a byte begins another */
    size_t length, ends;        /* of line; CRs behind it */
    char line[CGIHEAD_LINE_MAX + 1];    /* without its end; a string, and
                                           perhaps half a line, at any time */
};

/* *head need not be initialised. */
void cgihead_begin(struct cgihead *head, bool is_nph);

/* The status of a status line that has passed; *text begins with it. */
int cgihead_status(const char *line, const char **text);

/*
 * The value of a field that has passed, without white space before it.
 * *name_length: of the name, with which the line begins.
 */
const char *cgihead_value(const char *line, size_t *name_length);

/*
 * Takes bytes off the front of *data, whose size is *size, until something is
 * to be told.  After any of the last four events *head is of no more use but
 * to be read.
 */
enum cgihead_event cgihead_feed(struct cgihead *head, const char **data,
                                size_t *size);

#endif
