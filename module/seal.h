/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - writes the sealed policy
 */
#ifndef IVLEJAIL_SEAL_H
#define IVLEJAIL_SEAL_H

#include "module/conf.h"

/*
 * Completes the site's profiles (from p) and writes them to the instance's
 * runtime directory, which is there.  For the root parent only.
 *
 * A profile whose directories are not there is left out; its reason says
 * why.  Returns NULL, or what went wrong with the whole policy.
 */
const char *ij_seal(ij_site *site, apr_pool_t *p, apr_pool_t *ptemp);

/* The same without the writing: what each profile's reason would be. */
void ij_seal_rehearse(ij_site *site, apr_pool_t *p, apr_pool_t *ptemp);

#endif
