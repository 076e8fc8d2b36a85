/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_place.h - where httpd is among the control groups of version 2
 */
#ifndef IVLEJAIL_GROUP_PLACE_H
#define IVLEJAIL_GROUP_PLACE_H

#include <stdbool.h>

#include "apr_pools.h"

/* The group that httpd was started in. */
typedef struct ij_group {
    const char *directory;
    const char *mount;          /* the root of what we see of all groups; NULL:
                                   that is not mounted */
    bool is_in_leaf;            /* httpd is in the leaf of it already */
} ij_group;

/* False: version 2 is not to be seen here. */
bool ij_group_find(apr_pool_t *p, const char *instance, ij_group *group);

/* The root of what we see of all groups, whichever we are in; or NULL. */
const char *ij_group_mount(apr_pool_t *p);

/* The directories below it, for httpd itself and for the jails. */
const char *ij_group_leaf(apr_pool_t *p, const ij_group *group,
                          const char *instance);
const char *ij_group_jails(apr_pool_t *p, const ij_group *group,
                           const char *instance);

/* Of all: it may hold processes and groups. */
bool ij_group_is_root(apr_pool_t *p, const ij_group *group);

/* By systemd's mark, or as the root of a container's namespace of groups. */
bool ij_group_is_delegated(apr_pool_t *p, const ij_group *group);

/* By its name: systemd could take back what it has not given away. */
bool ij_group_is_systemds(const ij_group *group);

#endif
