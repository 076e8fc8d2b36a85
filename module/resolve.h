/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.h - what a directory of the configuration really is
 *
 * For the root parent, which must not touch a path that may hang (homes on a
 * file server that is down): a child does it, which can be left behind.
 */
#ifndef IVLEJAIL_RESOLVE_H
#define IVLEJAIL_RESOLVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "apr_pools.h"

enum { IJ_RESOLVE_MAX = 20 };       /* paths of one child */

typedef struct ij_path {
    const char *path;               /* as configured, absolute */
    bool is_base;                   /* path/current where there is one */
    bool may_be_file;               /* else it must be a directory */
    int error;                      /* errno; 0: resolved holds */
    const char *resolved;
} ij_path;

typedef struct ij_resolver {
    ij_path *paths;
    int count;
    pid_t pid;                      /* 0: none, the error is in the paths */
    int fd;
} ij_resolver;

/* Starts a child for count paths. */
void ij_resolve_start(ij_resolver *resolver, ij_path *paths, int count);

/*
 * Takes its results, until ij_run_clock() reaches deadline at the latest;
 * what was not found out until then has the error ETIMEDOUT.
 */
void ij_resolve_finish(ij_resolver *resolver, apr_pool_t *p,
                       long long deadline);

#endif
