/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin.h - what keeps the users of one host name apart
 *
 * To a browser all pages of a host name are one site (RFC 6454).  Where a
 * user's page is looked at by somebody else, what the browser holds for the
 * site is not for that user's programs to read or to change: see origin.c.
 */
#ifndef IVLEJAIL_ORIGIN_H
#define IVLEJAIL_ORIGIN_H

#include "module/ask.h"

/*
 * Whether credentials pass: the jail is that of who sent the request and was
 * admitted, or IvleJailPassCredentials is On.
 */
bool ij_origin_passes(const request_rec *r, const ij_dir_conf *conf,
                      bool is_admitted, const char *owner);

/*
 * For the time that the request is the jail's: r->headers_in without
 * credentials, if they do not pass.  Returns what r->headers_in was, to be
 * put back when others go on with the request.
 */
apr_table_t *ij_origin_hide(request_rec *r, const ij_job *job);

/*
 * Takes from the answer what a program must not say of the whole site.  out
 * and err are copies of r->headers_out and r->err_headers_out from before the
 * program's header was read: what they hold, others have said.
 */
void ij_origin_restrict(request_rec *r, const ij_job *job,
                        const apr_table_t *out, const apr_table_t *err);

/* For our own requests: nobody may keep the answer for somebody else. */
void ij_origin_keep_private(request_rec *r, const ij_dir_conf *conf);

#endif
