/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.h - tells users what became of their programs
 *
 * In the browser instead of an error page (IvleJailExplain), and in a log of
 * their own (IvleJailErrorLog).
 */
#ifndef IVLEJAIL_EXPLAIN_H
#define IVLEJAIL_EXPLAIN_H

#include "module/ask.h"
#include "module/verdict.h"

/* For the program of a request; it keeps error output where it is wanted. */
struct verdict *ij_explain_begin(request_rec *r, const ij_job *job);

/*
 * When the request has been served: has the log written, and sends a page
 * where status is an error that the program made.  Returns what is to be
 * answered then.
 */
int ij_explain_end(request_rec *r, const ij_job *job, const ij_talk *talk,
                   const struct verdict *verdict, int status);

#endif
