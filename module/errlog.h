/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errlog.h - programs' error output in httpd's error log
 *
 * A program has a pipe there, never the log: each line is logged under the
 * request, with the user's name, and httpd escapes what is not printable.  A
 * request may fill LINES_MAX lines, and a user's requests as many as their
 * ration has, in each child of httpd.
 */
#ifndef IVLEJAIL_ERRLOG_H
#define IVLEJAIL_ERRLOG_H

#include "httpd.h"

#include "module/lines.h"

/* Once in each child of httpd. */
apr_status_t ij_errlog_child_init(apr_pool_t *pchild);

/* For the error output of a request's program; user must live as long. */
struct lines ij_errlog_lines(request_rec *r, const char *user);

/* After the last one: says how many lines were left out, if any. */
void ij_errlog_end(request_rec *r, const char *user,
                   const struct lines *lines);

#endif
