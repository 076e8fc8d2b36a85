/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_place.c - where httpd is among the control groups of version 2
 *
 * Nothing is remembered: where the parent is in its leaf, the rest is there.
 */
#include "module/group_place.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "apr_strings.h"

#include "module/group_file.h"
#include "module/hierarchy.h"

#define LEAF  "/httpd-"         /* with the instance's name */
#define JAILS "/jails-"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);

    return length >= strlen(end)
        && strcmp(text + length - strlen(end), end) == 0;
}

/* Finds the directory of a group in the mounts; NULL: it is in none. */
static const char *directory_of(apr_pool_t *p, const char *group)
{
    char directory[PATH_MAX], *line = NULL;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    bool found = false;
    size_t size = 0;

    while (mounts != NULL && !found && getline(&line, &size, mounts) > 0) {
        found = hierarchy_directory(line, group, directory, sizeof(directory))
            && ij_group_has_file(p, directory, "cgroup.procs");
    }
    free(line);
    if (mounts != NULL) {
        fclose(mounts);
    }
    return found ? apr_pstrdup(p, directory) : NULL;
}

const char *ij_group_mount(apr_pool_t *p)
{
    return directory_of(p, "/");
}

bool ij_group_find(apr_pool_t *p, const char *instance, ij_group *group)
{
    const char *leaf = apr_pstrcat(p, LEAF, instance, NULL);
    char *path = apr_palloc(p, PATH_MAX);

    if (!hierarchy_group(ij_group_file_text(p, "/proc/self/cgroup"), path,
                         PATH_MAX)) {
        return false;
    }
    group->is_in_leaf = ends_with(path, leaf);
    if (group->is_in_leaf) {
        path[strlen(path) - strlen(leaf)] = '\0';
    }
    group->directory = directory_of(p, *path != '\0' ? path : "/");
    group->mount = ij_group_mount(p);
    return group->directory != NULL;
}

const char *ij_group_leaf(apr_pool_t *p, const ij_group *group,
                          const char *instance)
{
    return apr_pstrcat(p, group->directory, LEAF, instance, NULL);
}

const char *ij_group_jails(apr_pool_t *p, const ij_group *group,
                           const char *instance)
{
    return apr_pstrcat(p, group->directory, JAILS, instance, NULL);
}

bool ij_group_is_root(apr_pool_t *p, const ij_group *group)
{
    return !ij_group_has_file(p, group->directory, "cgroup.type");
}

bool ij_group_is_delegated(apr_pool_t *p, const ij_group *group)
{
    char value[8];

    return (group->mount != NULL
            && strcmp(group->directory, group->mount) == 0
            && !ij_group_is_root(p, group))
        || getxattr(group->directory, "trusted.delegate", value,
                    sizeof(value)) > 0
        || getxattr(group->directory, "user.delegate", value,
                    sizeof(value)) > 0;
}

bool ij_group_is_systemds(const ij_group *group)
{
    return ends_with(group->directory, ".service")
        || ends_with(group->directory, ".scope")
        || ends_with(group->directory, ".slice");
}
