/* SPDX-License-Identifier: Apache-2.0 */
/*
 * controllers.h - the controllers of control groups that IvleJailCgroup needs
 */
#ifndef IVLEJAIL_CONTROLLERS_H
#define IVLEJAIL_CONTROLLERS_H

#include "module/conf.h"
#include "module/group_place.h"

/* Whether a profile, complete or not, sets one of the keys. */
bool ij_controllers_are_set(const ij_profile *profile);

/* Whether one of the site's profiles does. */
bool ij_controllers_are_asked(const ij_site *site);

/* Which of those that are asked for are in a directory; how many. */
int ij_controllers_find(const ij_site *site, apr_pool_t *p,
                        const char *directory, bool found[GROUP_KEYS]);

/* Gives some to all groups in a directory.  Returns 0 or errno. */
int ij_controllers_give(apr_pool_t *p, const char *directory,
                        const bool some[GROUP_KEYS]);

/* Takes all of them back; where somebody else is in the way, they stay. */
void ij_controllers_take(apr_pool_t *p, const char *directory);

/* Why one is not in httpd's group: nowhere, or only not there. */
const char *ij_controllers_lack(const ij_site *site, apr_pool_t *p,
                                const ij_group *group);

/*
 * Announces each key that is set and not kept as falling back to
 * IvleJailLimit, and why.
 */
void ij_controllers_announce(const ij_site *site, server_rec *s,
                             const bool keeps[GROUP_KEYS], const char *reason);

#endif
