/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admit.h - how many of httpd's workers a user may hold
 *
 * The warden counts its requests, too; but it belongs to the user, who may
 * stop it or put another program in its place.  What httpd counts is held by
 * nobody's word: over all its children and before anything is started.
 */
#ifndef IVLEJAIL_ADMIT_H
#define IVLEJAIL_ADMIT_H

#include "module/conf.h"

typedef struct ij_claim ij_claim;

/*
 * Makes the table in which the children will count, without the parent, and
 * says of which profiles httpd has not workers enough.  The profiles must be
 * complete.  Returns NULL, or what is wrong.
 */
const char *ij_admit_start(const ij_site *site, server_rec *s,
                           apr_pool_t *ptemp);

/* Once in each child of httpd. */
void ij_admit_child_init(void);

/*
 * Returns OK, and *claim is to be ended when the request has left the jail;
 * or what to answer, and why is in the log.  A stream of HTTP/2 may wait for
 * its turn, a second at most.  A request that another one in the same jail
 * waits for (a redirect, a part of a page) is covered by that one's claim.
 */
int ij_admit(request_rec *r, const ij_profile *profile, const char *user,
             ij_claim **claim);

/* The request will have a worker wait when it is done: at its pool's end. */
void ij_admit_keep(request_rec *r);

/* With the request that was admitted. */
void ij_admit_end(const request_rec *r, ij_claim *claim);

#endif
