/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared.h - host names that public pages share with logins
 */
#ifndef IVLEJAIL_SHARED_H
#define IVLEJAIL_SHARED_H

#include "module/conf.h"

/*
 * Warns of each, once, when the configuration has been read: where both are
 * said, and what to do.  s is the main server.
 */
void ij_shared_warn(const server_rec *s, apr_pool_t *ptemp);

#endif
