/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.c - whether jails can be made here at all
 */
#include "module/host.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "apr_strings.h"
#include "http_log.h"
#include "unixd.h"

#include "module/log.h"
#include "module/seal.h"

/* Children of httpd have its User and Group, and call as those. */
static const char *mode_fault(const struct stat *st, apr_pool_t *p)
{
    if (!S_ISREG(st->st_mode) || st->st_uid != 0) {
        return "not a regular file of root: install it with \"make install\"";
    }
    if ((st->st_mode & S_ISUID) == 0) {
        return "not set-user-ID: chmod 4750 it";
    }
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return "writable by others than root: chmod 4750 it";
    }
    if ((st->st_mode & S_IXOTH) == 0
        && ((st->st_mode & S_IXGRP) == 0
            || st->st_gid != ap_unixd_config.group_id)) {
        return apr_psprintf(p, "not executable by httpd's Group (gid %lu): "
                            "chgrp it to that, then chmod 4750 it",
                            (unsigned long)ap_unixd_config.group_id);
    }
    return NULL;
}

static const char *trampoline_fault(const char *path, apr_pool_t *p)
{
    struct stat st;
    struct statvfs vfs;

    if (stat(path, &st) == -1 || statvfs(path, &vfs) == -1) {
        return apr_psprintf(p, "%s: install it, or correct "
                            "IvleJailTrampoline", strerror(errno));
    }
    if ((vfs.f_flag & ST_NOSUID) != 0) {
        return "on a file system that is mounted nosuid: install it on "
               "another one and set IvleJailTrampoline";
    }
    return mode_fault(&st, p);
}

/* They check themselves what matters; here it is that they are there. */
static const char *helpers_fault(const ij_site *site, apr_pool_t *p)
{
    static const char *const names[] = { "warden", "timount", "provision",
                                         "cgroup" };
    struct stat st;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *path = ij_site_helper(p, site, names[i]);

        if (stat(path, &st) == -1) {
            return apr_psprintf(p, "%s '%s': %s: install it beside the "
                                "trampoline, or correct IvleJailTrampoline",
                                names[i], path, strerror(errno));
        }
    }
    return NULL;
}

const char *ij_host_fault(const ij_site *site, apr_pool_t *p)
{
    const char *fault;

    if (geteuid() != 0) {
        return "httpd was not started as root: start it as root, it gives "
               "that up in its children";
    }
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
        return "httpd runs with no_new_privs, so that set-user-ID has no "
               "effect: remove NoNewPrivileges= (and what implies it) from "
               "its service";
    }
    fault = trampoline_fault(site->trampoline, p);
    return fault == NULL ? helpers_fault(site, p)
                         : apr_psprintf(p, "trampoline '%s': %s",
                                        site->trampoline, fault);
}

static void warn_of_limits(const ij_profile *profile, server_rec *s)
{
    struct rlimit own;
    int i;

    for (i = 0; i < LIMIT_COUNT; i++) {
        if (getrlimit(limit_kinds[i].resource, &own) == 0
            && own.rlim_max < profile->limits[i].soft) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, IJLOGNO(0025)
                         "IvleJailLimit %s of profile '%s' is above httpd's "
                         "own hard limit, which holds: raise that where httpd "
                         "is started", limit_kinds[i].name, profile->name);
        }
    }
}

void ij_host_warn(const ij_site *site, server_rec *s)
{
    int i;

    if (prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 1) {
        return;         /* the trampoline can raise them */
    }
    for (i = 0; i < site->profiles->nelts; i++) {
        warn_of_limits(APR_ARRAY_IDX(site->profiles, i, ij_profile *), s);
    }
}

void ij_host_foretell(ij_site *site, server_rec *s, apr_pool_t *p)
{
    const char *fault;
    int i;

    if (geteuid() != 0) {
        return;         /* httpd will see other things than who asks now */
    }
    fault = ij_host_fault(site, p);
    if (fault != NULL) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_WARNING, 0, s,
                     IJLOGNO(0140) "httpd would not start: %s", fault);
    }
    ij_seal_rehearse(site, p, p);
    for (i = 0; i < site->profiles->nelts; i++) {
        const ij_profile *profile = APR_ARRAY_IDX(site->profiles, i,
                                                  ij_profile *);

        if (profile->reason != NULL && profile->is_written) {
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_WARNING, 0, s,
                         IJLOGNO(0141) "profile '%s' would be left out, and "
                         "its requests get 503: %s", profile->name,
                         profile->reason);
        }
    }
}
