/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_policy.c - what is sealed
 */
#include "check.h"

#include <linux/capability.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "enter.h"
#include "finding.h"
#include "helper.h"
#include "jail.h"
#include "trampoline/path.h"
#include "trampoline/settings.h"

/* Fails with what is wrong, and the remedy. */
void check_policy(const struct patient *patient)
{
    struct policy policy;
    const char *profile = patient->options->profile;

    enter_read_policy(patient->options->instance, profile, &policy);
    finding_ok("sealed, of httpd's uid %u and gid %u%s%s", policy.httpd_uid,
               policy.httpd_gid, profile == NULL ? "" : ", with the profile ",
               profile == NULL ? "" : profile);
}

/*** The runtime directory ***/

static void ignore_line(void *context, char *text)
{
    (void)context;
    (void)text;
}

/* timount says what is wrong with the keep, if there is something. */
void check_runtime(const struct patient *patient)
{
    const char *instance = patient->options->instance;
    int run = enter_run_directory(instance);
    struct helper timount;
    struct statfs fs;
    struct stat st;

    if (fstat(run, &st) == -1 || fstatfs(run, &fs) == -1) {
        fail("the runtime directory of '%s': %m", instance);
    }
    if (fs.f_type != TMPFS_MAGIC || st.st_uid != 0
        || (st.st_mode & 07777) != 0755) {
        finding_fault("the runtime directory of '%s' is not a tmpfs of "
                      "root's with mode 0755: stop httpd, find out what "
                      "changed it, and start httpd", instance);
        return;
    }
    if (!patient->sealed) {
        return;     /* nobody knows where timount is; see check_policy() */
    }
    jail_timount(&timount, instance, "list", NULL);
    if (helper_lines(&timount, ignore_line, NULL) == 0) {
        finding_ok("the runtime directory is private, and the keep is there");
    }
}

/*** Of each profile ***/

static bool is_bounded(const struct patient *patient, int i, rlim_t wanted)
{
    struct rlimit own;

    return prlimit(patient->httpd, limit_kinds[i].resource, NULL, &own) == 0
        && own.rlim_max < wanted;
}

/* httpd has said why when it started: those of the service, not of a shell. */
static int warn_of_groups(const struct policy_profile *profile,
                          const struct settings *settings)
{
    static const char *const keys[GROUP_KEYS] = {
#define GROUP_NAME(symbol, key, controller) [symbol] = (key),
        GROUP_TABLE(GROUP_NAME)
#undef GROUP_NAME
    };
    int i, count = 0;

    for (i = 0; i < GROUP_KEYS; i++) {
        if (strcmp(settings->group[i].value, GROUP_NOT_SET) != 0
            && settings->group[i].is_kept == 0) {
            finding_warning("profile '%s': IvleJailCgroup %s is not kept, "
                            "only IvleJailLimit is: give httpd's service "
                            "controllers of version 2 (Delegate=yes; IJ0155 "
                            "in its error log says more) and restart it",
                            profile->name, keys[i]);
            count++;
        }
    }
    return count;
}

/* What httpd was started with can be raised, but not by everybody. */
void check_limits(const struct patient *patient)
{
    const struct policy_profile *profile = &patient->policy.profile;
    struct policy_error error;
    struct settings settings;
    int i, bounded;

    if (!settings_parse(profile, &settings, &error)) {
        fail("profile '%s': %s: %s", profile->name, error.text,
             enter_meaning(error.code));
    }
    bounded = warn_of_groups(profile, &settings);
    for (i = 0; i < LIMIT_COUNT
                && !check_has_capability(patient, CAP_SYS_RESOURCE); i++) {
        if (is_bounded(patient, i, settings.limits[i].rlim_cur)) {
            finding_warning("profile '%s': httpd's own hard limit is below "
                            "IvleJailLimit %s, and holds: raise it where "
                            "httpd is started, or add CAP_SYS_RESOURCE",
                            profile->name, limit_kinds[i].name);
            bounded++;
        }
    }
    if (bounded == 0) {
        finding_ok("profile '%s': all limits can be set", profile->name);
    }
}

/* What base-build does not like, it says. */
void check_base(const struct patient *patient)
{
    const struct policy_profile *profile = &patient->policy.profile;
    struct helper build;
    size_t culprit;

    if (path_open_trusted(profile->base, &culprit) == -1) {
        fail("profile '%s': '%.*s' of the base image: %m: it must be a "
             "directory that only root can write to; chown and chmod it, or "
             "\"ivlejailctl base build\" and \"apachectl graceful\"",
             profile->name, (int)culprit, profile->base);
    }
    helper_init(&build, "base-build", patient->policy.warden);
    helper_add(&build, "--check");
    helper_add(&build, profile->base);
    if (helper_run(&build) == 0) {
        finding_ok("profile '%s': %s is fit to be a base image",
                   profile->name, profile->base);
    }
}
