/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - whether jails can be made here at all
 */
#ifndef IVLEJAIL_HOST_H
#define IVLEJAIL_HOST_H

#include "module/conf.h"

/*
 * Looks for what would make every cold start fail: httpd not root, set-user-ID
 * without effect, the helpers not as they must be installed.  Returns NULL,
 * or what is wrong and the remedy.
 */
const char *ij_host_fault(const ij_site *site, apr_pool_t *p);

/*
 * Says which limits of profiles cannot be had: httpd's own hard ones are
 * lower, and without CAP_SYS_RESOURCE (in containers) nothing raises those.
 */
void ij_host_warn(const ij_site *site, server_rec *s);

/*
 * For who only checks the configuration, before there is an httpd: warns of
 * what would keep it from starting, and which profiles would be left out.
 */
void ij_host_foretell(ij_site *site, server_rec *s, apr_pool_t *p);

#endif
