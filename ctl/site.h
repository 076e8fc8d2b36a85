/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site.h - the users directory that a command works on
 */
#ifndef IVLEJAIL_SITE_H
#define IVLEJAIL_SITE_H

#include <stdbool.h>

#include "ctl.h"
#include "trampoline/policy.h"

struct site {
    int users;                  /* the users directory, O_PATH */
    const char *path;           /* its path, in the namespace we are in */
    const char *instance;
    bool runs;                  /* httpd runs it; its namespace is entered */
    bool sealed;                /* policy holds */
    struct policy policy;       /* of the profile */
    uid_t uid_min, uid_max;
};

/*
 * Enters httpd's namespace, if it runs, and opens the users directory: the
 * one given with --users, or that of the profile, or the default.
 */
void site_open(struct site *site, const struct options *options);

/*
 * Keeps trampolines from making or starting anything for a user until we
 * let go or end.
 */
void site_lock(const struct site *site, const char *user);
void site_unlock(const struct site *site);

/* Fails if this cannot be a user's name. */
void site_require_name(const char *user);

#endif
