/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups.c - httpd's place among the control groups, and its jails'
 *
 * The kernel gives controllers only to groups whose parent holds no process,
 * but for the root of all.  So httpd moves itself into a leaf, and with it
 * what it has started (piped logs), and what else is in its group where that
 * was delegated to it: systemd starts httpd through a shell that still waits.
 *
 * Nothing is remembered: where the parent is in its leaf, the rest is there.
 *
 * A controller that httpd's group does not have is no fault: the limits of
 * IvleJailLimit hold in any case, and it is said which those are.  Whatever
 * else goes wrong is one, because it would be a jail without a limit that the
 * administrator counts on.
 */
#include "module/groups.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "apr_strings.h"

#include "module/hierarchy.h"
#include "trampoline/layout.h"

enum {
    FILE_MAX = 4096,            /* of what the kernel says in one file */
    ROUNDS_MAX = 100            /* while what is moved goes on forking */
};

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

typedef struct ij_group {
    const char *directory;      /* that httpd was started in */
    const char *mount;          /* the root of what we see of all groups */
    bool is_in_leaf;
} ij_group;

/* --- files of the kernel's --- */

static const char *join(apr_pool_t *p, const char *directory,
                        const char *name)
{
    return apr_pstrcat(p, directory, "/", name, NULL);
}

/* A small file; "" where it cannot be read. */
static const char *text_of(apr_pool_t *p, const char *path)
{
    char *text = apr_pcalloc(p, FILE_MAX + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1 || read(fd, text, FILE_MAX) == -1) {
        *text = '\0';
    }
    if (fd != -1) {
        close(fd);
    }
    return text;
}

/* Returns 0 or errno. */
static int put(apr_pool_t *p, const char *directory, const char *name,
               const char *text)
{
    int fd = open(join(p, directory, name), O_WRONLY | O_CLOEXEC);
    int rv = 0;

    if (fd == -1) {
        return errno;
    }
    if (write(fd, text, strlen(text)) == -1) {
        rv = errno;
    }
    close(fd);
    return rv;
}

static bool is_there(apr_pool_t *p, const char *directory, const char *name)
{
    return access(join(p, directory, name), F_OK) == 0;
}

/* --- where httpd is --- */

static const char *leaf_name(apr_pool_t *p, const char *instance)
{
    return apr_pstrcat(p, "httpd-", instance, NULL);
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
            && is_there(p, directory, "cgroup.procs");
    }
    free(line);
    if (mounts != NULL) {
        fclose(mounts);
    }
    return found ? apr_pstrdup(p, directory) : NULL;
}

/* False: version 2 is not to be seen here. */
static bool find_group(apr_pool_t *p, const char *instance, ij_group *group)
{
    const char *leaf = apr_pstrcat(p, "/", leaf_name(p, instance), NULL);
    char *path = apr_palloc(p, PATH_MAX);
    size_t length;

    if (!hierarchy_group(text_of(p, "/proc/self/cgroup"), path, PATH_MAX)) {
        return false;
    }
    length = strlen(path);
    group->is_in_leaf = length >= strlen(leaf)
        && strcmp(path + length - strlen(leaf), leaf) == 0;
    if (group->is_in_leaf) {
        path[length - strlen(leaf)] = '\0';
    }
    group->directory = directory_of(p, *path != '\0' ? path : "/");
    group->mount = directory_of(p, "/");
    return group->directory != NULL;
}

/* Of all: it may hold processes and groups. */
static bool is_root(apr_pool_t *p, const ij_group *group)
{
    return !is_there(p, group->directory, "cgroup.type");
}

/* By systemd's mark, or as the root of a container's namespace of groups. */
static bool is_delegated(apr_pool_t *p, const ij_group *group)
{
    char value[8];

    return (group->mount != NULL
            && strcmp(group->directory, group->mount) == 0
            && !is_root(p, group))
        || getxattr(group->directory, "trusted.delegate", value,
                    sizeof(value)) > 0
        || getxattr(group->directory, "user.delegate", value,
                    sizeof(value)) > 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);

    return length >= strlen(end)
        && strcmp(text + length - strlen(end), end) == 0;
}

/* systemd could take back what it has not given away. */
static bool is_systemds(const ij_group *group)
{
    return ends_with(group->directory, ".service")
        || ends_with(group->directory, ".scope")
        || ends_with(group->directory, ".slice");
}

/* --- moving --- */

static pid_t parent_of(apr_pool_t *p, pid_t pid)
{
    const char *stat = text_of(p, apr_psprintf(p, "/proc/%ld/stat",
                                               (long)pid));
    const char *end = strrchr(stat, ')');   /* of the name, whatever is in it */

    /* ") S 123 ..." */
    return end != NULL && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10)
                                          : 0;
}

static bool is_ours(apr_pool_t *p, pid_t pid)
{
    while (pid > 1 && pid != getpid()) {
        pid = parent_of(p, pid);
    }
    return pid == getpid();
}

/* Moves what may be moved, once; *moved counts.  Returns 0 or errno. */
static int move_round(apr_pool_t *p, const char *from, const char *to,
                      bool everybody, int *moved)
{
    FILE *processes = fopen(join(p, from, "cgroup.procs"), "re");
    char *line = NULL;
    size_t size = 0;
    int rv = 0;

    if (processes == NULL) {
        return errno;
    }
    while (rv == 0 && getline(&line, &size, processes) > 0) {
        if (everybody || is_ours(p, (pid_t)strtol(line, NULL, 10))) {
            rv = put(p, to, "cgroup.procs", line);
            (*moved)++;
        }
        if (rv == ESRCH) {
            rv = 0;             /* it has ended since */
        }
    }
    free(line);
    fclose(processes);
    return rv;
}

static int move(apr_pool_t *p, const char *from, const char *to,
                bool everybody)
{
    int rounds, moved, rv = 0;

    for (rounds = 0; rounds < ROUNDS_MAX && rv == 0; rounds++) {
        moved = 0;
        rv = move_round(p, from, to, everybody, &moved);
        if (moved == 0) {
            break;
        }
    }
    return rv;
}

/* --- controllers --- */

/* "+memory" in a group's cgroup.subtree_control, of each that is kept. */
static int set_controllers(apr_pool_t *p, const char *directory,
                           const char *sign, const bool keeps[GROUP_KEYS])
{
    int i, rv = 0;

    for (i = 0; i < GROUP_KEYS && rv == 0; i++) {
        if (keeps[i]) {
            rv = put(p, directory, "cgroup.subtree_control",
                     apr_pstrcat(p, sign, keys[i].controller, NULL));
        }
    }
    return rv;
}

bool ij_groups_are_asked(const ij_profile *profile)
{
    int i;

    for (i = 0; i < GROUP_KEYS; i++) {
        if (profile->group[i] != NULL
            && strcmp(profile->group[i], GROUP_NOT_SET) != 0) {
            return true;
        }
    }
    return false;
}

static bool is_asked(const ij_site *site, int key)
{
    int i;

    for (i = 0; i < site->profiles->nelts; i++) {
        const char *value = APR_ARRAY_IDX(site->profiles, i,
                                          ij_profile *)->group[key];

        if (value != NULL && strcmp(value, GROUP_NOT_SET) != 0) {
            return true;
        }
    }
    return false;
}

/* Those of the keys in a profile that a list of controllers has; how many. */
static int find_kept(const ij_site *site, const char *controllers,
                     bool keeps[GROUP_KEYS])
{
    int i, count = 0;

    for (i = 0; i < GROUP_KEYS; i++) {
        keeps[i] = is_asked(site, i)
            && hierarchy_has_word(controllers, keys[i].controller);
        count += keeps[i];
    }
    return count;
}

/* --- what falls back --- */

static void announce(const ij_site *site, server_rec *s,
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

static const char NO_VERSION_2[] = "control groups of version 2 are not "
    "mounted: mount -t cgroup2 none /sys/fs/cgroup, or boot with "
    "systemd.unified_cgroup_hierarchy=1";

/* Why a controller is not in httpd's group: nowhere, or only not there. */
static const char *lack(apr_pool_t *p, const ij_site *site,
                        const ij_group *group)
{
    const char *all = group->mount == NULL ? ""
        : text_of(p, join(p, group->mount, "cgroup.controllers"));
    bool keeps[GROUP_KEYS];

    if (strcmp(group->directory, group->mount != NULL ? group->mount : "")
        != 0 && find_kept(site, all, keeps) > 0) {
        return apr_psprintf(p, "httpd's control group %s does not have it: "
                            "set Delegate=yes in httpd's service (the drop-in "
                            "of \"make install\" does)", group->directory);
    }
    return "the kernel has it in version 1, or not at all: boot with "
           "cgroup_no_v1=all, without cgroup_disable=";
}

/* --- start --- */

/* Returns 0 or errno. */
static int make_directory(const char *path)
{
    if (mkdir(path, 0755) == -1 && errno != EEXIST) {
        return errno;
    }
    return chmod(path, 0755) == -1 ? errno : 0;
}

static const char *fault_of(apr_pool_t *p, const char *what, const char *where,
                            int error)
{
    const char *remedy = error == EBUSY
        ? "others than httpd are in that group: start httpd as a service "
          "with Delegate=yes, or in a group of its own"
        : "see to it, or remove IvleJailCgroup";

    return apr_psprintf(p, "cannot %s '%s': %s: %s", what, where,
                        strerror(error), remedy);
}

/* The link that the helpers find the jails' groups by. */
static const char *leave_link(const ij_site *site, apr_pool_t *p,
                              const char *target)
{
    const char *directory = apr_pstrcat(p, LAYOUT_RUN "/", site->instance,
                                        "/", NULL);
    const char *link = apr_pstrcat(p, directory, LAYOUT_CGROUPS, NULL);
    const char *temporary = apr_pstrcat(p, directory, LAYOUT_CGROUPS_NEW,
                                        NULL);

    if ((unlink(temporary) == -1 && errno != ENOENT)
        || symlink(target, temporary) == -1
        || rename(temporary, link) == -1) {
        return fault_of(p, "make the link", link, errno);
    }
    return NULL;
}

/* httpd into its leaf, controllers for the jails. */
static const char *arrange(const ij_site *site, apr_pool_t *p,
                           const ij_group *group, const char *leaf,
                           const char *jails)
{
    int rv = move(p, group->directory, leaf, is_delegated(p, group));

    if (rv != 0) {
        return fault_of(p, "move httpd into", leaf, rv);
    }
    rv = set_controllers(p, group->directory, "+", site->keeps);
    if (rv != 0) {
        return fault_of(p, "enable controllers in", group->directory, rv);
    }
    rv = make_directory(jails);
    if (rv == 0) {
        rv = set_controllers(p, jails, "+", site->keeps);
    }
    return rv == 0 ? leave_link(site, p, jails)
                   : fault_of(p, "make the group", jails, rv);
}

static const char *begin(ij_site *site, server_rec *s, apr_pool_t *p,
                         const ij_group *group)
{
    static const bool none[GROUP_KEYS];
    const char *leaf = join(p, group->directory, leaf_name(p, site->instance));
    const char *jails = join(p, group->directory,
                             apr_pstrcat(p, "jails-", site->instance, NULL));
    int rv;

    if (is_systemds(group) && !is_delegated(p, group)) {
        return apr_psprintf(p, "IvleJailCgroup: systemd has not delegated "
                            "'%s' to httpd: set Delegate=yes in its service "
                            "(the drop-in of \"make install\" does), "
                            "\"systemctl daemon-reload\", and start it again",
                            group->directory);
    }
    rv = make_directory(leaf);
    if (rv == EROFS) {
        announce(site, s, none, apr_psprintf(p, "%s is read-only: set "
                                             "ProtectControlGroups=no in "
                                             "httpd's service",
                                             group->directory));
        memcpy(site->keeps, none, sizeof(none));
        return NULL;
    }
    if (rv != 0) {
        return fault_of(p, "make the group", leaf, rv);
    }
    site->group_directory = jails;
    return arrange(site, p, group, leaf, jails);
}

static bool some_are_asked(const ij_site *site)
{
    int i;

    for (i = 0; i < site->profiles->nelts; i++) {
        if (ij_groups_are_asked(APR_ARRAY_IDX(site->profiles, i,
                                              ij_profile *))) {
            return true;
        }
    }
    return false;
}

const char *ij_groups_start(ij_site *site, server_rec *s, apr_pool_t *p,
                            apr_pool_t *ptemp)
{
    ij_group group;

    if (!some_are_asked(site)) {
        return NULL;
    }
    if (!find_group(ptemp, site->instance, &group)) {
        announce(site, s, site->keeps, NO_VERSION_2);
        return NULL;
    }
    if (find_kept(site, text_of(ptemp, join(ptemp, group.directory,
                                            "cgroup.controllers")),
                  site->keeps) > 0) {
        site->group_fault = begin(site, s, p, &group);
        if (site->group_fault != NULL || site->group_directory == NULL) {
            return site->group_fault;
        }
    }
    announce(site, s, site->keeps, lack(ptemp, site, &group));
    return NULL;
}

void ij_groups_foretell(const ij_site *site, server_rec *s, apr_pool_t *ptemp)
{
    bool keeps[GROUP_KEYS] = { false };
    ij_group group;

    if (!some_are_asked(site)) {
        return;
    }
    group.mount = directory_of(ptemp, "/");
    if (group.mount == NULL) {
        announce(site, s, keeps, NO_VERSION_2);
        return;
    }
    group.directory = group.mount;
    (void)find_kept(site, text_of(ptemp, join(ptemp, group.mount,
                                              "cgroup.controllers")), keeps);
    announce(site, s, keeps, lack(ptemp, site, &group));
}

/* --- end --- */

/*
 * Where somebody else is in the way, it stays as it is, and nobody needs to
 * know: it is empty, and the next start uses it.  To the root of all, which
 * may hold processes beside groups, nothing needs to be undone.
 */
void ij_groups_end(const char *instance, apr_pool_t *p)
{
    const char *leaf;
    ij_group group;
    int i;

    if (!find_group(p, instance, &group) || !group.is_in_leaf) {
        return;
    }
    leaf = join(p, group.directory, leaf_name(p, instance));
    (void)rmdir(join(p, group.directory, apr_pstrcat(p, "jails-", instance,
                                                     NULL)));
    for (i = 0; i < GROUP_KEYS && !is_root(p, &group); i++) {
        bool one[GROUP_KEYS] = { false };

        one[i] = true;
        (void)set_controllers(p, group.directory, "-", one);
    }
    (void)move(p, leaf, group.directory, true);
    (void)rmdir(leaf);
}
