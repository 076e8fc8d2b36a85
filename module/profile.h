/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.h - the settings that are sealed, and their directives
 *
 * A profile inherits what it does not set from what stands outside all
 * <IvleJailProfile> sections, that is from "default".
 */
#ifndef IVLEJAIL_PROFILE_H
#define IVLEJAIL_PROFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "apr_tables.h"
#include "httpd.h"
#include "http_config.h"

#include "trampoline/groups.h"
#include "trampoline/limits.h"

#define IJ_PROFILE_DEFAULT "default"
#define IJ_SECCOMP_DEFAULT "default"   /* the filter of filter.h */

/* cmd_data of the directives that may stand in <IvleJailProfile>. */
#define IJ_PROFILE_DIRECTIVE ((void *)1)

typedef struct ij_limit {
    bool is_set;
    rlim_t soft, hard;
} ij_limit;

typedef struct ij_mount {
    const char *kind;
    const char *target;
    const char *source;             /* bind: outside the jail; else "-" */
    const char *options;            /* as the policy writes them */
} ij_mount;

typedef struct ij_profile {
    const char *name;
    bool is_written;                /* the configuration speaks of it */
    bool is_section;                /* it has a section of its own */
    const char *base;               /* NULL: not set, as in the next lines */
    const char *users;
    const char *provision;
    const char *network;
    const char *linger;
    const char *seccomp;            /* IJ_SECCOMP_DEFAULT, or "off" */
    int64_t uid_min, uid_max;       /* IJ_UNSET, as in the next lines */
    int max_requests, queue;
    int idle_seconds;
    ij_limit limits[LIMIT_COUNT];
    const char *group[GROUP_KEYS];  /* as the policy writes it; NULL: not set */
    apr_array_header_t *mounts;     /* ij_mount */
    /* what became of it when the policy was sealed */
    const char *generation;         /* NULL: it was left out... */
    const char *reason;             /* ...because of this */
} ij_profile;

ij_profile *ij_profile_create(apr_pool_t *p, const char *name);

/* What profile sets, the rest from fallback, the rest from section 9. */
ij_profile *ij_profile_complete(apr_pool_t *p, const ij_profile *profile,
                                const ij_profile *fallback);

/* Setters of the profile directives. */
const char *ij_cmd_base(cmd_parms *cmd, void *dir, const char *path);
const char *ij_cmd_users(cmd_parms *cmd, void *dir, const char *path);
const char *ij_cmd_uid_range(cmd_parms *cmd, void *dir, const char *min,
                             const char *max);
const char *ij_cmd_provision(cmd_parms *cmd, void *dir, const char *how);
const char *ij_cmd_limit(cmd_parms *cmd, void *dir, const char *resource,
                         const char *soft, const char *hard);
const char *ij_cmd_max_requests(cmd_parms *cmd, void *dir, const char *n,
                                const char *queue);
const char *ij_cmd_idle(cmd_parms *cmd, void *dir, const char *seconds);
const char *ij_cmd_network(cmd_parms *cmd, void *dir, const char *network);
const char *ij_cmd_mount(cmd_parms *cmd, void *dir, const char *kind,
                         const char *target, const char *options);
const char *ij_cmd_linger(cmd_parms *cmd, void *dir, const char *linger);
const char *ij_cmd_seccomp(cmd_parms *cmd, void *dir, const char *filter);
const char *ij_cmd_cgroup(cmd_parms *cmd, void *dir, const char *name,
                          const char *value, const char *period);

/* <IvleJailProfile name>, which takes no other directives than these. */
const char *ij_cmd_profile(cmd_parms *cmd, void *dir, const char *argument);

#endif
