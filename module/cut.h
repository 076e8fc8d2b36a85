/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cut.h - ends answers that are not whole
 */
#ifndef IVLEJAIL_CUT_H
#define IVLEJAIL_CUT_H

#include "apr_buckets.h"
#include "httpd.h"

/*
 * Passes on what is in bb, empties it, and ends the answer so that the client
 * can tell that it is not whole; says 502 if nothing of it was sent yet.
 */
void ij_cut_answer(request_rec *r, apr_bucket_brigade *bb);

#endif
