/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump.h - moves bytes between the client and a program, all ways at once
 *
 * Reading the program's output is what drives it: while that waits, the
 * request's body goes to the program, its error output goes to the log, and
 * the warden's last word is taken.
 */
#ifndef IVLEJAIL_PUMP_H
#define IVLEJAIL_PUMP_H

#include "apr_buckets.h"
#include "httpd.h"

#include "module/body.h"
#include "module/lines.h"
#include "module/talk.h"
#include "module/verdict.h"

enum { IJ_PUMP_BUFFER = 8192 };

typedef struct ij_pump {
    request_rec *r;
    ij_talk *talk;
    ij_body body;                   /* of the request */
    long long deadline;             /* for its output, of ij_run_clock() */
    long long last;                 /* for the warden's last word */
    struct lines lines;             /* the program's error output */
    struct verdict *verdict;        /* keeps the end of that, too */
    apr_status_t status;            /* of reading the program's output */
    bool has_ended;                 /* answer holds */
    struct wire_answer answer;
    size_t start, end;              /* of what is in buffer */
    char buffer[IJ_PUMP_BUFFER];
} ij_pump;

/*
 * *talk and *verdict stay the caller's; user is for the log, timeout_seconds
 * is the program's.
 */
ij_pump *ij_pump_start(request_rec *r, ij_talk *talk,
                       const ij_client *client, const char *user,
                       int timeout_seconds, struct verdict *verdict);

/*
 * Reads what the program writes: *size bytes at most, then as many as came.
 * APR_EOF: its output is at its end; APR_EAGAIN: nothing now, only without
 * wait; APR_TIMEUP; APR_ECONNABORTED: the client is gone; APR_INCOMPLETE: the
 * request's body is, and pump->body.status says why.
 */
apr_status_t ij_pump_read(ij_pump *pump, char *data, apr_size_t *size,
                          bool wait);

/* The same into the empty pump->buffer, waiting. */
apr_status_t ij_pump_fill(ij_pump *pump);

/*
 * Reads output that nobody wants, for milliseconds at most.  Returns whether
 * that was all of it.
 */
bool ij_pump_discard(ij_pump *pump, int milliseconds);

/*
 * After the output, or what is wanted of it: waits for the warden's last
 * word, for milliseconds at most, and logs what is left of the error output.
 * Returns whether there is nothing more to wait for.
 */
bool ij_pump_finish(ij_pump *pump, int milliseconds);

#endif
