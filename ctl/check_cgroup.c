/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_cgroup.c - the control groups that httpd, and so all jails, are in
 */
#include "check.h"

#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "finding.h"

/* Where the hierarchy of version 2, or that of a v1 controller, is mounted. */
static bool find_mount(const char *controller, char *path, size_t size)
{
    FILE *table = setmntent("/proc/self/mounts", "re");
    const char *type = controller == NULL ? "cgroup2" : "cgroup";
    struct mntent *mount;
    bool found = false;

    while (table != NULL && !found && (mount = getmntent(table)) != NULL) {
        found = strcmp(mount->mnt_type, type) == 0
            && (controller == NULL || hasmntopt(mount, controller) != NULL);
        if (found) {
            snprintf(path, size, "%s", mount->mnt_dir);
        }
    }
    if (table != NULL) {
        endmntent(table);
    }
    return found;
}

/* The path in a line "0::/path", or "8:pids:/path", of /proc/PID/cgroup. */
static const char *path_in(char *line, const char *controller)
{
    char *rest = line;

    (void)strsep(&rest, ":");
    return rest != NULL
           && strcmp(strsep(&rest, ":"), controller == NULL ? "" : controller)
              == 0 ? rest : NULL;
}

/*
 * The directory of httpd's group; controller NULL: in version 2.  False where
 * there is none that can be seen.
 */
static bool find_group(const struct patient *patient, const char *controller,
                       char path[PATH_MAX])
{
    int fd = openat(patient->process, "cgroup", O_RDONLY | O_CLOEXEC);
    FILE *groups = fd == -1 ? NULL : fdopen(fd, "r");
    char mount[PATH_MAX], line[PATH_MAX];
    const char *group = NULL;
    int n = -1;

    while (groups != NULL && group == NULL
           && fgets(line, sizeof(line), groups) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        group = path_in(line, controller);
    }
    if (groups != NULL) {
        fclose(groups);
    }
    if (group != NULL && find_mount(controller, mount, sizeof(mount))) {
        n = snprintf(path, PATH_MAX, "%s%s", mount, group);
    }
    return n > 0 && n < PATH_MAX && access(path, F_OK) == 0;
}

static bool is_delegated(const char *group)
{
    char value[8];

    return getxattr(group, "trusted.delegate", value, sizeof(value)) > 0
        || getxattr(group, "user.delegate", value, sizeof(value)) > 0;
}

/* Limits of a jail do without: this only says what there is. */
void check_cgroups(const struct patient *patient)
{
    char mount[PATH_MAX], group[PATH_MAX], controllers[256] = "";
    int fd;

    if (!find_mount(NULL, mount, sizeof(mount))) {
        finding_ok("version 2 is not mounted");
    }
    else if (patient->httpd == 0 || !find_group(patient, NULL, group)) {
        finding_ok("version 2 is at %s", mount);
    }
    else {
        fd = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);
        (void)check_read_line(fd, "cgroup.controllers", controllers,
                              sizeof(controllers));
        finding_ok("httpd is in %s, %s, with %s", group,
                   is_delegated(group) ? "delegated" : "not delegated",
                   controllers[0] == '\0' ? "no controllers" : controllers);
    }
}

uint64_t check_read_number(const char *path)
{
    char line[32], *end;
    unsigned long long n;

    if (!check_read_line(AT_FDCWD, path, line, sizeof(line))) {
        return UINT64_MAX;
    }
    n = strtoull(line, &end, 10);
    return end == line || *end != '\0' ? UINT64_MAX : n;
}

/* systemd's TasksMax= is 15 % of what the machine has, for all of a service. */
void check_tasks(const struct patient *patient)
{
    char path[PATH_MAX + 16], group[PATH_MAX];
    uint64_t most;

    if (!find_group(patient, "pids", group)
        && !find_group(patient, NULL, group)) {
        finding_ok("no control group of httpd's can be seen");
        return;
    }
    snprintf(path, sizeof(path), "%s/pids.max", group);
    most = check_read_number(path);
    if (most != UINT64_MAX) {
        finding_warning("httpd and all jails together may have %llu tasks "
                        "(%s): set TasksMax=infinity in httpd's service",
                        (unsigned long long)most, path);
    }
    else {
        finding_ok("httpd's control group does not bound tasks");
    }
}
