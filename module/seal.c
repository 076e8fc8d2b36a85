/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.c - writes the sealed policy
 *
 * The policy (trampoline/policy.h has its form) is how the administrator's
 * word reaches the privileged helpers without passing through the hands of
 * httpd's children.  It is text, made in memory, and put in place by rename:
 * a trampoline reads the old one or the new one, never a half.
 *
 * A profile's generation is a hash of its text.  Whatever changes for its
 * jails, the base image that "current" points to included, gives their
 * sockets and pins other names, and the next requests go to new jails.
 */
#include "module/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_sha1.h"
#include "apr_strings.h"
#include "unixd.h"

#include "module/controllers.h"
#include "module/filter.h"
#include "module/resolve.h"
#include "module/run.h"
#include "trampoline/layout.h"
#include "trampoline/policy.h"

enum {
    RESOLVE_MILLISECONDS = 5000,    /* for all profiles together */
    BASE_PATH = 0,                  /* places in resolver.paths */
    USERS_PATH,
    SOURCE_PATHS
};

/* --- paths --- */

static void start_resolver(ij_resolver *resolver, const ij_profile *profile,
                           apr_pool_t *ptemp)
{
    const ij_mount *mounts = (const ij_mount *)profile->mounts->elts;
    ij_path *paths = apr_pcalloc(ptemp, IJ_RESOLVE_MAX * sizeof(*paths));
    int count = SOURCE_PATHS, i;

    paths[BASE_PATH].path = profile->base;
    paths[BASE_PATH].is_base = true;
    paths[USERS_PATH].path = profile->users;
    for (i = 0; i < profile->mounts->nelts && count < IJ_RESOLVE_MAX; i++) {
        if (*mounts[i].source == '/') {
            paths[count].path = mounts[i].source;
            paths[count++].may_be_file = true;
        }
    }
    ij_resolve_start(resolver, paths, count);
}

static const char *path_fault(apr_pool_t *p, const ij_path *path,
                              const char *what, const char *remedy)
{
    if (path->error == ETIMEDOUT) {
        return apr_psprintf(p, "%s '%s': no answer in time: see to its file "
                            "server, then reload httpd", what, path->path);
    }
    return apr_psprintf(p, "%s '%s': %s: %s, then reload httpd", what,
                        path->path, strerror(path->error), remedy);
}

/* Returns NULL, or why the profile cannot be sealed. */
static const char *take_paths(ij_profile *profile, const ij_resolver *resolver,
                              apr_pool_t *p)
{
    ij_mount *mounts = (ij_mount *)profile->mounts->elts;
    const ij_path *paths = resolver->paths;
    int next = SOURCE_PATHS, i;

    if (profile->mounts->nelts > POLICY_MOUNTS_MAX) {
        return apr_psprintf(p, "%d mounts of at most %d: remove some "
                            "IvleJailMount, also outside of the profile's "
                            "section", profile->mounts->nelts,
                            POLICY_MOUNTS_MAX);
    }
    if (paths[BASE_PATH].error != 0) {
        return path_fault(p, &paths[BASE_PATH], "base image",
                          "make it with \"ivlejailctl base build\" or correct "
                          "IvleJailBase");
    }
    if (paths[USERS_PATH].error != 0) {
        return path_fault(p, &paths[USERS_PATH], "users directory",
                          "make it or correct IvleJailUsers");
    }
    for (i = 0; i < profile->mounts->nelts; i++) {
        if (*mounts[i].source != '/') {
            continue;
        }
        if (paths[next].error != 0) {
            return path_fault(p, &paths[next], "source of a bind mount",
                              "make it or correct IvleJailMount");
        }
        mounts[i].source = apr_pstrdup(p, paths[next++].resolved);
    }
    profile->base = apr_pstrdup(p, paths[BASE_PATH].resolved);
    profile->users = apr_pstrdup(p, paths[USERS_PATH].resolved);
    return NULL;
}

/* --- text --- */

static const char *limit_text(apr_pool_t *p, rlim_t limit)
{
    return limit == RLIM_INFINITY ? "unlimited"
        : apr_psprintf(p, "%" APR_UINT64_T_FMT, (apr_uint64_t)limit);
}

static const char *limits_text(apr_pool_t *p, const ij_profile *profile)
{
    const char *text = "";
    int i;

    for (i = 0; i < LIMIT_COUNT; i++) {
        text = apr_pstrcat(p, text, "limit ", limit_kinds[i].name, " ",
                           limit_text(p, profile->limits[i].soft), " ",
                           limit_text(p, profile->limits[i].hard), "\n",
                           NULL);
    }
    return text;
}

static const char *mounts_text(apr_pool_t *p, const ij_profile *profile)
{
    const ij_mount *mounts = (const ij_mount *)profile->mounts->elts;
    const char *text = "";
    int i;

    for (i = 0; i < profile->mounts->nelts; i++) {
        text = apr_pstrcat(p, text, "mount ", mounts[i].kind, " ",
                           mounts[i].target, " ", mounts[i].source, " ",
                           mounts[i].options, "\n", NULL);
    }
    return text;
}

/* What stands behind "seccomp"; filter is the default one. */
static const char *filter_text(const ij_profile *profile, const char *filter)
{
    return strcmp(profile->seccomp, IJ_SECCOMP_DEFAULT) == 0 ? filter
                                                             : profile->seccomp;
}

static bool is_kept(const ij_site *site, const ij_profile *profile, int key)
{
    return site->group_directory != NULL && site->keeps[key]
        && strcmp(profile->group[key], GROUP_NOT_SET) != 0;
}

static bool has_group(const ij_site *site, const ij_profile *profile)
{
    int i;

    for (i = 0; i < GROUP_KEYS && !is_kept(site, profile, i); i++) {
    }
    return i < GROUP_KEYS;
}

static const char *groups_text(apr_pool_t *p, const ij_site *site,
                               const ij_profile *profile)
{
    static const char *const keys[GROUP_KEYS] = {
#define GROUP_NAME(symbol, key, controller) [symbol] = (key),
        GROUP_TABLE(GROUP_NAME)
#undef GROUP_NAME
    };
    const char *text = "";
    int i;

    for (i = 0; i < GROUP_KEYS; i++) {
        text = apr_pstrcat(p, text, keys[i], " ", profile->group[i],
                           is_kept(site, profile, i) ? " on\n" : " off\n",
                           NULL);
    }
    return text;
}

/* Everything of a profile but its first line, which has the hash of this. */
static const char *settings_text(apr_pool_t *p, const ij_site *site,
                                 const ij_profile *profile, const char *filter)
{
    return apr_psprintf(p,
                        "base %s\n"
                        "users %s\n"
                        "uids %" APR_INT64_T_FMT " %" APR_INT64_T_FMT "\n"
                        "provision %s\n"
                        "network %s\n"
                        "cgroup %s\n"
                        "%s"
                        "%s"
                        "max-requests %d %d\n"
                        "idle %d\n"
                        "linger %s\n"
                        "%s"
                        "seccomp %s\n",
                        profile->base, profile->users, profile->uid_min,
                        profile->uid_max, profile->provision,
                        profile->network,
                        has_group(site, profile) ? "on" : "off",
                        mounts_text(p, profile),
                        limits_text(p, profile), profile->max_requests,
                        profile->queue, profile->idle_seconds,
                        profile->linger, groups_text(p, site, profile),
                        filter_text(profile, filter));
}

static const char *generation_of(apr_pool_t *p, const char *text)
{
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    apr_sha1_ctx_t context;

    apr_sha1_init(&context);
    apr_sha1_update(&context, text, (unsigned int)strlen(text));
    apr_sha1_final(digest, &context);
    return apr_psprintf(p, "%02x%02x%02x%02x", digest[0], digest[1],
                        digest[2], digest[3]);
}

static const char *profile_text(const ij_site *site, ij_profile *profile,
                                apr_pool_t *p, apr_pool_t *ptemp,
                                const char *filter)
{
    const char *text = settings_text(ptemp, site, profile, filter);

    profile->generation = generation_of(p, text);
    return apr_pstrcat(ptemp, "profile ", profile->name, " ",
                       profile->generation, "\n", text, NULL);
}

/* Sets the reason of those that cannot be sealed. */
static void find_paths(ij_site *site, apr_pool_t *p, apr_pool_t *ptemp)
{
    ij_profile **profiles = (ij_profile **)site->profiles->elts;
    int count = site->profiles->nelts, i;
    ij_resolver *resolvers = apr_pcalloc(ptemp,
                                         (apr_size_t)count
                                         * sizeof(*resolvers));
    long long deadline = ij_run_clock() + RESOLVE_MILLISECONDS;

    for (i = 0; i < count; i++) {
        start_resolver(&resolvers[i], profiles[i], ptemp);
    }
    for (i = 0; i < count; i++) {
        ij_resolve_finish(&resolvers[i], ptemp, deadline);
        profiles[i]->reason = take_paths(profiles[i], &resolvers[i], p);
        if (profiles[i]->reason == NULL
            && ij_controllers_are_set(profiles[i])) {
            profiles[i]->reason = site->group_fault;
        }
    }
}

static const char *profiles_text(ij_site *site, apr_pool_t *p,
                                 apr_pool_t *ptemp, const char *filter)
{
    ij_profile **profiles = (ij_profile **)site->profiles->elts;
    const char *text = "";
    int i;

    for (i = 0; i < site->profiles->nelts; i++) {
        if (profiles[i]->reason == NULL) {
            text = apr_pstrcat(ptemp, text,
                               profile_text(site, profiles[i], p, ptemp,
                                            filter),
                               NULL);
        }
    }
    return text;
}

static void complete_profiles(ij_site *site, apr_pool_t *p)
{
    ij_profile **profiles = (ij_profile **)site->profiles->elts;
    ij_profile *fallback = profiles[0];
    int i;

    for (i = 0; i < site->profiles->nelts; i++) {
        profiles[i] = ij_profile_complete(p, profiles[i], fallback);
    }
}

/* --- file --- */

static int write_all(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = write(fd, text, left);

        if (n == -1) {
            return errno;
        }
        text += n;
        left -= (size_t)n;
    }
    return 0;
}

/* The directory is root's alone; O_EXCL all the same: nothing is followed. */
static int write_file(const char *path, const char *text)
{
    int fd, rv;

    if (unlink(path) == -1 && errno != ENOENT) {
        return errno;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
              0644);
    if (fd == -1) {
        return errno;
    }
    rv = fchmod(fd, 0644) == -1 ? errno : write_all(fd, text);
    if (close(fd) == -1 && rv == 0) {
        rv = errno;
    }
    return rv;
}

static const char *put_in_place(const ij_site *site, apr_pool_t *ptemp,
                                const char *text)
{
    const char *directory = apr_pstrcat(ptemp, LAYOUT_RUN "/", site->instance,
                                        "/", NULL);
    const char *temporary = apr_pstrcat(ptemp, directory, LAYOUT_POLICY_NEW,
                                        NULL);
    const char *policy = apr_pstrcat(ptemp, directory, LAYOUT_POLICY, NULL);
    int rv = write_file(temporary, text);

    if (rv == 0 && rename(temporary, policy) == -1) {
        rv = errno;
    }
    return rv == 0 ? NULL
                   : apr_psprintf(ptemp, "cannot write '%s': %s", policy,
                                  strerror(rv));
}

/* --- all of it --- */

static const char *head_text(const ij_site *site, apr_pool_t *ptemp,
                             const char *warden)
{
    return apr_psprintf(ptemp, "ivlejail-policy " POLICY_VERSION "\n"
                        "instance %s\n"
                        "httpd %lu %lu\n"
                        "warden %s\n", site->instance,
                        (unsigned long)ap_unixd_config.user_id,
                        (unsigned long)ap_unixd_config.group_id, warden);
}

void ij_seal_rehearse(ij_site *site, apr_pool_t *p, apr_pool_t *ptemp)
{
    complete_profiles(site, p);
    find_paths(site, p, ptemp);
}

const char *ij_seal(ij_site *site, apr_pool_t *p, apr_pool_t *ptemp)
{
    const char *helper = ij_site_helper(ptemp, site, "warden");
    char warden[PATH_MAX];
    const char *filter, *text;
    int rv;

    if (realpath(helper, warden) == NULL) {
        return apr_psprintf(ptemp, "warden '%s': %s: install it, or correct "
                            "IvleJailTrampoline", helper, strerror(errno));
    }
    rv = ij_filter_hex(ptemp, &filter);
    if (rv != 0) {
        return apr_psprintf(ptemp, "cannot compile the system call filter: %s",
                            strerror(rv));
    }
    ij_seal_rehearse(site, p, ptemp);
    text = apr_pstrcat(ptemp, head_text(site, ptemp, warden),
                       profiles_text(site, p, ptemp, filter), "end\n", NULL);
    if (strlen(text) > POLICY_SIZE_MAX) {
        return apr_psprintf(ptemp, "the sealed policy would have %"
                            APR_SIZE_T_FMT " bytes of at most %d: use fewer "
                            "profiles", strlen(text), POLICY_SIZE_MAX);
    }
    return put_in_place(site, ptemp, text);
}
