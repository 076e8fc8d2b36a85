/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.c - the control group of a jail that is about to be used
 *
 * Run as root by the trampoline, which holds the user's lock and makes the
 * warden afterwards; not setuid:
 *
 *   cgroup <instance> <profile> <user>
 *
 * It makes the group, has it limited as the sealed policy says, and puts its
 * caller into it, so that all that is forked from there on is in it: the
 * warden and all programs of the jail.  The caller's own namespace of control
 * groups comes later: the jail sees its own group as the root of all.
 *
 * Trusted: the sealed policy, and the way to the groups that the root parent
 * of httpd has left beside it.  Errors are one line on stderr, with the exit
 * status of code.h; no program runs then.  What is left is an empty group at
 * most, which the next sweep removes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "creds.h"
#include "groups.h"
#include "keep.h"
#include "path.h"
#include "rootonly.h"
#include "say.h"
#include "settings.h"

static const char *const keys[GROUP_KEYS] = {
#define GROUP_KEY_NAME(symbol, key, controller) key,
    GROUP_TABLE(GROUP_KEY_NAME)
#undef GROUP_KEY_NAME
};

static int make_group(int groups, const char *name)
{
    int group;

    (void)umask(022);           /* httpd's children read what happened in it */
    must(mkdirat(groups, name, 0755) == 0 || errno == EEXIST, CODE_CGROUP,
         "make '%s'", name);
    group = path_open_beneath(groups, name, O_PATH | O_DIRECTORY);
    must(group >= 0, CODE_CGROUP, "'%s'", name);
    return group;
}

/* The kernel takes a whole value with one write, or refuses it. */
static void put(int group, const char *key, const char *value)
{
    ssize_t length = (ssize_t)strlen(value);
    int fd = path_open_beneath(group, key, O_WRONLY);

    must(fd >= 0 && write(fd, value, (size_t)length) == length, CODE_CGROUP,
         "%s %s", key, value);
    (void)close(fd);
}

/* Memory that is swapped out is memory all the same. */
static void forbid_swap(int group)
{
    static const char key[] = "memory.swap.max";

    if (faccessat(group, key, F_OK, 0) == 0) {
        put(group, key, "0");
    }
    else {
        must(errno == ENOENT, CODE_CGROUP, "%s", key);
    }
}

static void limit(int group, const struct settings *settings)
{
    const struct group_setting *setting = settings->group;
    char value[64], *slash;
    int i;

    for (i = 0; i < GROUP_KEYS; i++, setting++) {
        if (setting->is_kept == 0) {
            continue;
        }
        must(snprintf(value, sizeof value, "%s", setting->value)
             < (int)sizeof value, CODE_CGROUP, "%s", keys[i]);
        slash = strchr(value, '/');
        if (slash != NULL) {
            *slash = ' ';       /* as the kernel writes it */
        }
        put(group, keys[i], value);
        if (i == GROUP_MEMORY && strcmp(value, "max") != 0) {
            forbid_swap(group);
        }
    }
}

/*
 * Who has lost its parent gets another one, the first process of all for
 * example: that is none of our session's.
 */
static pid_t caller(void)
{
    pid_t parent = getppid();

    if (parent <= 1 || getsid(parent) != getsid(0)) {
        die(CODE_CGROUP, "its caller has ended");
    }
    return parent;
}

int main(int argc, char **argv)
{
    static struct policy policy;
    static struct settings settings;
    char place[KEEP_PLACE_MAX], name[KEEP_PLACE_MAX + 1 + NAME_USER_MAX];
    struct arguments arguments;
    struct policy_error error;
    struct keep keep;
    char pid[16];
    int groups, group;

    rootonly_start("cgroup");
    arguments_read(argc, argv, &arguments);
    creds_keep_list(NULL, 0);
    if (!keep_open_run(&keep, arguments.instance)) {
        die(CODE_KEEP, "instance '%s'", arguments.instance);
    }
    arguments_read_policy(&arguments, keep.run, &policy);
    if (!settings_parse(&policy.profile, &settings, &error)) {
        die(error.code, "%s", error.text);
    }
    groups = groups_open(keep.run);
    must(groups >= 0, CODE_CGROUP, "those of '%s'", arguments.instance);
    keep_place(place, policy.profile.name, policy.profile.generation);
    (void)snprintf(name, sizeof name, "%s@%s", place, arguments.user);
    group = make_group(groups, name);
    limit(group, &settings);
    (void)snprintf(pid, sizeof pid, "%d", (int)caller());
    put(group, "cgroup.procs", pid);
    return 0;
}
