/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.c - the settings that are sealed, and their directives
 *
 * A profile is read into what was set and what was not.  It is completed
 * only when it is sealed, so that the order of the directives does not
 * matter.  Words are kept as the policy writes them.
 */
#include "module/profile.h"

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "http_core.h"

#include "module/conf.h"
#include "module/values.h"
#include "trampoline/layout.h"
#include "trampoline/names.h"
#include "trampoline/policy.h"
#include "trampoline/settings.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)

static const ij_limit default_limits[LIMIT_COUNT] = {
    [LIMIT_CPU]    = { true, 25, 30 },
    [LIMIT_AS]     = { true, RLIM_INFINITY, RLIM_INFINITY },
    [LIMIT_DATA]   = { true, 448 * MIB, 512 * MIB },
    [LIMIT_CORE]   = { true, 0, 0 },
    [LIMIT_FSIZE]  = { true, 64 * MIB, 72 * MIB },
    [LIMIT_NPROC]  = { true, 50, 50 },
    [LIMIT_NOFILE] = { true, 256, 256 }
};

/* --- made and completed --- */

ij_profile *ij_profile_create(apr_pool_t *p, const char *name)
{
    ij_profile *profile = apr_pcalloc(p, sizeof(*profile));

    profile->name = name;
    profile->uid_min = IJ_UNSET;
    profile->uid_max = IJ_UNSET;
    profile->max_requests = IJ_UNSET;
    profile->queue = IJ_UNSET;
    profile->idle_seconds = IJ_UNSET;
    profile->mounts = apr_array_make(p, 2, sizeof(ij_mount));
    return profile;
}

/* proc is always there: the warden looks for strays in it. */
static ij_profile *built_in(apr_pool_t *p)
{
    ij_profile *profile = ij_profile_create(p, IJ_PROFILE_DEFAULT);
    ij_mount *proc = apr_array_push(profile->mounts);
    int i;

    profile->base = LAYOUT_DEFAULT_BASES "/" IJ_PROFILE_DEFAULT;
    profile->users = LAYOUT_DEFAULT_USERS;
    profile->provision = "off";
    profile->network = "none";
    profile->linger = "off";
    profile->seccomp = IJ_SECCOMP_DEFAULT;
    profile->uid_min = 70000;
    profile->uid_max = 99999;
    profile->max_requests = 8;
    profile->queue = 16;
    profile->idle_seconds = 60;
    memcpy(profile->limits, default_limits, sizeof(default_limits));
    for (i = 0; i < GROUP_KEYS; i++) {
        profile->group[i] = GROUP_NOT_SET;
    }
    proc->kind = "proc";
    proc->target = "/proc";
    proc->source = "-";
    proc->options = "-";
    return profile;
}

static const char *first_text(const char *a, const char *b)
{
    return a != NULL ? a : b;
}

static int first_number(int a, int b)
{
    return a != IJ_UNSET ? a : b;
}

static bool mounts_on(const apr_array_header_t *mounts, const char *target)
{
    const ij_mount *mount = (const ij_mount *)mounts->elts;
    int i;

    for (i = 0; i < mounts->nelts; i++) {
        if (strcmp(mount[i].target, target) == 0) {
            return true;
        }
    }
    return false;
}

/* The fallback's first: it may hold a mount point of the other's. */
static apr_array_header_t *merge_mounts(apr_pool_t *p,
                                        const apr_array_header_t *mounts,
                                        const apr_array_header_t *fallback)
{
    apr_array_header_t *merged = apr_array_make(p, 4, sizeof(ij_mount));
    const ij_mount *mount = (const ij_mount *)fallback->elts;
    int i;

    for (i = 0; i < fallback->nelts; i++) {
        if (!mounts_on(mounts, mount[i].target)) {
            APR_ARRAY_PUSH(merged, ij_mount) = mount[i];
        }
    }
    apr_array_cat(merged, mounts);
    return merged;
}

static ij_profile *merge(apr_pool_t *p, const ij_profile *a,
                         const ij_profile *b)
{
    ij_profile *merged = ij_profile_create(p, a->name);
    bool has_range = a->uid_min != IJ_UNSET;
    unsigned int i;

    merged->is_written = a->is_written;
    merged->base = first_text(a->base, b->base);
    merged->users = first_text(a->users, b->users);
    merged->provision = first_text(a->provision, b->provision);
    merged->network = first_text(a->network, b->network);
    merged->linger = first_text(a->linger, b->linger);
    merged->seccomp = first_text(a->seccomp, b->seccomp);
    merged->uid_min = has_range ? a->uid_min : b->uid_min;
    merged->uid_max = has_range ? a->uid_max : b->uid_max;
    merged->max_requests = first_number(a->max_requests, b->max_requests);
    merged->queue = first_number(a->queue, b->queue);
    merged->idle_seconds = first_number(a->idle_seconds, b->idle_seconds);
    for (i = 0; i < LIMIT_COUNT; i++) {
        merged->limits[i] = a->limits[i].is_set ? a->limits[i] : b->limits[i];
    }
    for (i = 0; i < GROUP_KEYS; i++) {
        merged->group[i] = first_text(a->group[i], b->group[i]);
    }
    merged->mounts = merge_mounts(p, a->mounts, b->mounts);
    return merged;
}

ij_profile *ij_profile_complete(apr_pool_t *p, const ij_profile *profile,
                                const ij_profile *fallback)
{
    return merge(p, merge(p, profile, fallback), built_in(p));
}

/* --- directives --- */

static const char *only_outside(const cmd_parms *cmd)
{
    return apr_pstrcat(cmd->pool, cmd->cmd->name, ": not in <VirtualHost>: "
                       "profiles belong to the whole server; write it outside, "
                       "and choose a profile with IvleJailUse", NULL);
}

/*
 * The profile that a directive speaks of: that of the section it stands in,
 * or else "default".  NULL in a virtual host, which has no site.
 */
static ij_profile *subject(const cmd_parms *cmd, const void *dir)
{
    ij_profile *section = ((const ij_dir_conf *)dir)->section;
    ij_site *site = ij_site_of(cmd->server);
    ij_profile *profile;

    if (site == NULL) {
        return NULL;
    }
    profile = section != NULL ? section
                              : ij_site_profile(site, IJ_PROFILE_DEFAULT);
    profile->is_written = true;
    site->is_used = true;
    return profile;
}

static const char *set_path(cmd_parms *cmd, const char *path,
                            const char **place)
{
    size_t length = strlen(path);

    if (length > 1 && path[length - 1] == '/') {
        path = apr_pstrndup(cmd->pool, path, length - 1);
    }
    if (!value_path(path)) {
        return ij_expects(cmd, "an absolute path of a directory, without "
                          "\"..\", spaces and control characters");
    }
    *place = path;
    return NULL;
}

const char *ij_cmd_base(cmd_parms *cmd, void *dir, const char *path)
{
    ij_profile *profile = subject(cmd, dir);

    return profile == NULL ? only_outside(cmd)
                           : set_path(cmd, path, &profile->base);
}

const char *ij_cmd_users(cmd_parms *cmd, void *dir, const char *path)
{
    ij_profile *profile = subject(cmd, dir);

    return profile == NULL ? only_outside(cmd)
                           : set_path(cmd, path, &profile->users);
}

const char *ij_cmd_uid_range(cmd_parms *cmd, void *dir, const char *min,
                             const char *max)
{
    ij_profile *profile = subject(cmd, dir);
    uint64_t first, last;

    if (profile == NULL) {
        return only_outside(cmd);
    }
    if (!value_number(min, POLICY_UID_MIN, POLICY_ID_MAX, &first)
        || !value_number(max, first, POLICY_ID_MAX, &last)) {
        return ij_expects(cmd, apr_psprintf(cmd->pool, "two numbers, the "
                                            "first not above the second, from "
                                            "%d on (below are the system's "
                                            "accounts)", POLICY_UID_MIN));
    }
    profile->uid_min = (int64_t)first;
    profile->uid_max = (int64_t)last;
    return NULL;
}

/* Sets *place to the word that the argument is, whatever its case. */
static const char *set_word(const cmd_parms *cmd, const char *argument,
                            const char *const words[], const char *expected,
                            const char **place)
{
    for (; *words != NULL; words++) {
        if (ap_cstr_casecmp(argument, *words) == 0) {
            *place = *words;
            return NULL;
        }
    }
    return ij_expects(cmd, expected);
}

const char *ij_cmd_provision(cmd_parms *cmd, void *dir, const char *how)
{
    static const char *const words[] = { "off", "range", "system", NULL };
    ij_profile *profile = subject(cmd, dir);

    return profile == NULL ? only_outside(cmd)
                           : set_word(cmd, how, words, "Off, range or system",
                                      &profile->provision);
}

const char *ij_cmd_network(cmd_parms *cmd, void *dir, const char *network)
{
    static const char *const words[] = { "none", "host", NULL };
    ij_profile *profile = subject(cmd, dir);

    return profile == NULL ? only_outside(cmd)
                           : set_word(cmd, network, words, "none or host",
                                      &profile->network);
}

const char *ij_cmd_linger(cmd_parms *cmd, void *dir, const char *linger)
{
    static const char *const words[] = { "off", "on", NULL };
    ij_profile *profile = subject(cmd, dir);

    return profile == NULL ? only_outside(cmd)
                           : set_word(cmd, linger, words, "On or Off",
                                      &profile->linger);
}

const char *ij_cmd_seccomp(cmd_parms *cmd, void *dir, const char *filter)
{
    static const char *const words[] = { IJ_SECCOMP_DEFAULT, "off", NULL };
    ij_profile *profile = subject(cmd, dir);

    return profile == NULL ? only_outside(cmd)
                           : set_word(cmd, filter, words, "default or off",
                                      &profile->seccomp);
}

const char *ij_cmd_limit(cmd_parms *cmd, void *dir, const char *resource,
                         const char *soft, const char *hard)
{
    ij_profile *profile = subject(cmd, dir);
    enum limit limit = value_resource(resource);
    rlim_t low, high;

    if (profile == NULL) {
        return only_outside(cmd);
    }
    if (limit == LIMIT_COUNT) {
        return ij_expects(cmd, "one of cpu, as, data, core, fsize, nproc and "
                          "nofile, and then one or two limits");
    }
    if (!value_limit(limit, soft, &low)
        || !value_limit(limit, hard != NULL ? hard : soft, &high)) {
        return ij_expects(cmd, apr_pstrcat(cmd->pool, "as limits of ",
                                           resource, " ",
                                           value_limit_form(limit), NULL));
    }
    if (limit == LIMIT_NOFILE && high > LIMIT_NOFILE_MAX) {
        return ij_expects(cmd, apr_psprintf(cmd->pool, "at most %d as limits "
                                            "of nofile", LIMIT_NOFILE_MAX));
    }
    if (low > high) {
        return ij_expects(cmd, "a soft limit that is not above the hard one");
    }
    profile->limits[limit] = (ij_limit){ true, low, high };
    return NULL;
}

const char *ij_cmd_cgroup(cmd_parms *cmd, void *dir, const char *name,
                          const char *value, const char *period)
{
    ij_profile *profile = subject(cmd, dir);
    enum group_key key = value_group_key(name);
    char sealed[VALUE_GROUP_MAX];

    if (profile == NULL) {
        return only_outside(cmd);
    }
    if (key == GROUP_KEYS) {
        return ij_expects(cmd, "one of memory.max, pids.max and cpu.max, and "
                          "then a value");
    }
    if (!value_group(key, value, period, sealed)) {
        return ij_expects(cmd, value_group_form(key));
    }
    profile->group[key] = apr_pstrdup(cmd->pool, sealed);
    return NULL;
}

const char *ij_cmd_max_requests(cmd_parms *cmd, void *dir, const char *n,
                                const char *queue)
{
    ij_profile *profile = subject(cmd, dir);
    uint64_t running, queued;

    if (profile == NULL) {
        return only_outside(cmd);
    }
    if (!value_number(n, 1, SETTINGS_REQUESTS_MAX, &running)
        || (queue != NULL
            && !value_number(queue, 0, SETTINGS_REQUESTS_MAX, &queued))) {
        return ij_expects(cmd, apr_psprintf(cmd->pool, "a number from 1 to "
                                            "%d, and perhaps one from 0 to %d "
                                            "of those that may wait",
                                            SETTINGS_REQUESTS_MAX,
                                            SETTINGS_REQUESTS_MAX));
    }
    profile->max_requests = (int)running;
    if (queue != NULL) {
        profile->queue = (int)queued;
    }
    return NULL;
}

const char *ij_cmd_idle(cmd_parms *cmd, void *dir, const char *seconds)
{
    ij_profile *profile = subject(cmd, dir);
    uint64_t value;

    if (profile == NULL) {
        return only_outside(cmd);
    }
    if (!value_number(seconds, 1, SETTINGS_IDLE_MAX, &value)) {
        return ij_expects(cmd, apr_psprintf(cmd->pool, "seconds, from 1 to %d",
                                            SETTINGS_IDLE_MAX));
    }
    profile->idle_seconds = (int)value;
    return NULL;
}

/* --- IvleJailMount --- */

/* "size=64M" as the policy has it: "size=67108864". */
static const char *size_option(cmd_parms *cmd, const char *text)
{
    uint64_t size;

    return value_size(text, &size)
        ? apr_psprintf(cmd->pool, "size=%" APR_UINT64_T_FMT, size) : NULL;
}

/* One option, as the policy writes it; "" is nothing; NULL is a fault. */
static const char *mount_option(cmd_parms *cmd, ij_mount *mount,
                                const char *option)
{
    if (strcmp(mount->kind, "bind") == 0) {
        if (strncmp(option, "source=", 7) == 0 && value_path(option + 7)) {
            mount->source = option + 7;
            return "";
        }
        return strcmp(option, "rw") == 0 ? option : NULL;
    }
    if (strcmp(mount->kind, "tmpfs") == 0) {
        if (strncmp(option, "size=", 5) == 0) {
            return size_option(cmd, option + 5);
        }
        return strcmp(option, "exec") == 0 ? option : NULL;
    }
    return NULL;
}

/* Reads the comma-separated options.  False: one of them means nothing. */
static bool mount_options(cmd_parms *cmd, ij_mount *mount, const char *text)
{
    const char *sealed = "";

    while (text != NULL && *text != '\0') {
        const char *option = mount_option(cmd, mount,
                                          ap_getword(cmd->pool, &text, ','));

        if (option == NULL) {
            return false;
        }
        if (*option != '\0') {
            sealed = apr_pstrcat(cmd->pool, sealed,
                                 *sealed != '\0' ? "," : "", option, NULL);
        }
    }
    mount->options = *sealed != '\0' ? sealed : "-";
    return true;
}

const char *ij_cmd_mount(cmd_parms *cmd, void *dir, const char *kind,
                         const char *target, const char *options)
{
    static const char *const kinds[] = { "proc", "tmpfs", "devpts", "bind",
                                         NULL };
    ij_profile *profile = subject(cmd, dir);
    ij_mount mount = { "", target, "-", "-" };

    if (profile == NULL) {
        return only_outside(cmd);
    }
    if (set_word(cmd, kind, kinds, "", &mount.kind) != NULL
        || !value_path(target)
        || !mount_options(cmd, &mount, options)
        || (strcmp(mount.kind, "bind") == 0 && *mount.source != '/')) {
        return ij_expects(cmd, "\"proc /path\", \"devpts /path\", \"tmpfs "
                          "/path size=BYTES,exec\" (both optional) or \"bind "
                          "/path source=/path,rw\" (rw optional)");
    }
    if (strcmp(target, "/proc") == 0 && strcmp(mount.kind, "proc") != 0) {
        return ij_expects(cmd, "on /proc nothing else than proc: the warden "
                          "needs it");
    }
    if (mounts_on(profile->mounts, target)) {
        return ij_expects(cmd, "each target once in a profile");
    }
    if (profile->mounts->nelts == POLICY_MOUNTS_MAX - 1) {
        return ij_expects(cmd, apr_psprintf(cmd->pool, "at most %d of them in "
                                            "a profile",
                                            POLICY_MOUNTS_MAX - 1));
    }
    APR_ARRAY_PUSH(profile->mounts, ij_mount) = mount;
    return NULL;
}

/* --- <IvleJailProfile name> --- */

/*
 * httpd would run any directive that it finds in the section, and most of
 * them would then mean nothing.
 */
static const ap_directive_t *first_stranger(const ap_directive_t *child)
{
    const command_rec *cmd;

    for (; child != NULL; child = child->next) {
        for (cmd = ivlejail_module.cmds; cmd->name != NULL; cmd++) {
            if (cmd->cmd_data == IJ_PROFILE_DIRECTIVE
                && ap_cstr_casecmp(cmd->name, child->directive) == 0) {
                break;
            }
        }
        if (cmd->name == NULL) {
            return child;
        }
    }
    return NULL;
}

static ij_profile *add_profile(cmd_parms *cmd, ij_site *site,
                               const char *name)
{
    ij_profile *profile = ij_site_profile(site, name);

    if (profile == NULL) {
        profile = ij_profile_create(cmd->pool, name);
        APR_ARRAY_PUSH(site->profiles, ij_profile *) = profile;
    }
    else if (profile->is_section) {
        return NULL;
    }
    profile->is_written = true;
    profile->is_section = true;
    site->is_used = true;
    return profile;
}

static const char *read_section(cmd_parms *cmd, ij_profile *profile)
{
    ap_conf_vector_t *vector = ap_create_per_dir_config(cmd->pool);
    ij_dir_conf *dir = ap_set_config_vectors(cmd->server, vector, NULL,
                                             &ivlejail_module, cmd->pool);
    const ap_directive_t *stranger = first_stranger(cmd->directive
                                                    ->first_child);

    if (stranger != NULL) {
        cmd->err_directive = stranger;
        return apr_pstrcat(cmd->pool, stranger->directive, ": not in "
                           "<IvleJailProfile>, which takes the directives of "
                           "a profile only", NULL);
    }
    dir->section = profile;
    return ap_walk_config(cmd->directive->first_child, cmd, vector);
}

const char *ij_cmd_profile(cmd_parms *cmd, void *dir, const char *argument)
{
    ij_site *site = ij_site_of(cmd->server);
    const char *end = strrchr(argument, '>');
    ij_profile *profile;
    const char *name;

    (void)dir;      /* of the main server, where profiles are not kept */
    if (site == NULL) {
        return only_outside(cmd);
    }
    if (end == NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": expected a '>' at "
                           "the end of the line", NULL);
    }
    argument = apr_pstrndup(cmd->pool, argument,
                            (apr_size_t)(end - argument));
    name = ap_getword_conf(cmd->pool, &argument);
    if (!name_is_profile(name) || *argument != '\0') {
        return ij_expects(cmd, "one name, of a lower case letter and at most "
                          "15 more letters, digits and '-'");
    }
    profile = add_profile(cmd, site, name);
    if (profile == NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": profile '", name,
                           "' has a section already", NULL);
    }
    return read_section(cmd, profile);
}
