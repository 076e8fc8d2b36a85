/* SPDX-License-Identifier: Apache-2.0 */
/*
 * controllers.c - the controllers of control groups that IvleJailCgroup needs
 *
 * One that httpd's group does not have is no fault: the limits of
 * IvleJailLimit hold in any case, and it is said which those are.
 */
#include "module/controllers.h"

#include <string.h>

#include "apr_strings.h"

#include "module/group_file.h"
#include "module/hierarchy.h"

static const struct {
    const char *key;
    const char *controller;
} keys[GROUP_KEYS] = {
#define GROUP_ENTRY(symbol, key, controller) [symbol] = { key, controller },
    GROUP_TABLE(GROUP_ENTRY)
#undef GROUP_ENTRY
};

/* What holds where that is not there. */
static const char *const instead[GROUP_KEYS] = {
    [GROUP_MEMORY] = "IvleJailLimit data",
    [GROUP_PIDS]   = "IvleJailLimit nproc",
    [GROUP_CPU]    = "IvleJailLimit cpu"
};

/* --- who asks for them --- */

static bool sets(const ij_profile *profile, int key)
{
    return profile->group[key] != NULL
        && strcmp(profile->group[key], GROUP_NOT_SET) != 0;
}

bool ij_controllers_are_set(const ij_profile *profile)
{
    int i;

    for (i = 0; i < GROUP_KEYS; i++) {
        if (sets(profile, i)) {
            return true;
        }
    }
    return false;
}

static bool is_asked(const ij_site *site, int key)
{
    int i;

    for (i = 0; i < site->profiles->nelts; i++) {
        if (sets(APR_ARRAY_IDX(site->profiles, i, ij_profile *), key)) {
            return true;
        }
    }
    return false;
}

bool ij_controllers_are_asked(const ij_site *site)
{
    int i;

    for (i = 0; i < GROUP_KEYS; i++) {
        if (is_asked(site, i)) {
            return true;
        }
    }
    return false;
}

/* --- in a directory --- */

int ij_controllers_find(const ij_site *site, apr_pool_t *p,
                        const char *directory, bool found[GROUP_KEYS])
{
    const char *there = ij_group_file_text(
        p, ij_group_file(p, directory, "cgroup.controllers"));
    int i, count = 0;

    for (i = 0; i < GROUP_KEYS; i++) {
        found[i] = is_asked(site, i)
            && hierarchy_has_word(there, keys[i].controller);
        count += found[i];
    }
    return count;
}

/* "+" gives, "-" takes.  Returns 0 or errno. */
static int put(apr_pool_t *p, const char *directory, const char *sign, int key)
{
    return ij_group_file_put(p, directory, "cgroup.subtree_control",
                             apr_pstrcat(p, sign, keys[key].controller, NULL));
}

int ij_controllers_give(apr_pool_t *p, const char *directory,
                        const bool some[GROUP_KEYS])
{
    int i, rv = 0;

    for (i = 0; i < GROUP_KEYS && rv == 0; i++) {
        if (some[i]) {
            rv = put(p, directory, "+", i);
        }
    }
    return rv;
}

void ij_controllers_take(apr_pool_t *p, const char *directory)
{
    int i;

    for (i = 0; i < GROUP_KEYS; i++) {
        (void)put(p, directory, "-", i);
    }
}

/* --- what falls back --- */

const char *ij_controllers_lack(const ij_site *site, apr_pool_t *p,
                                const ij_group *group)
{
    bool found[GROUP_KEYS];

    if (group->mount != NULL && strcmp(group->directory, group->mount) != 0
        && ij_controllers_find(site, p, group->mount, found) > 0) {
        return apr_psprintf(p, "httpd's control group %s does not have it: "
                            "set Delegate=yes in httpd's service (the drop-in "
                            "of \"make install\" does)", group->directory);
    }
    return "the kernel has it in version 1, or not at all: boot with "
           "cgroup_no_v1=all, without cgroup_disable=";
}

void ij_controllers_announce(const ij_site *site, server_rec *s,
                             const bool keeps[GROUP_KEYS], const char *reason)
{
    int i;

    for (i = 0; i < GROUP_KEYS; i++) {
        if (is_asked(site, i) && !keeps[i]) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, IJLOGNO(0155)
                         "IvleJailCgroup %s falls back to %s, which each "
                         "program has for itself: no controller \"%s\": %s",
                         keys[i].key, instead[i], keys[i].controller, reason);
        }
    }
}
