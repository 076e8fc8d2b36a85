/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups.c - httpd's place among the control groups, and its jails'
 *
 * The kernel gives controllers only to groups whose parent holds no process,
 * but for the root of all.  So httpd moves itself into a leaf, and with it
 * what it has started (piped logs), and what else is in its group where that
 * was delegated to it: systemd starts httpd through a shell that still waits.
 *
 * A controller that is not there is no fault (controllers.c).  Whatever else
 * goes wrong is one, because it would be a jail without a limit that the
 * administrator counts on.
 */
#include "module/groups.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_strings.h"

#include "module/controllers.h"
#include "module/group_move.h"
#include "module/group_place.h"
#include "trampoline/layout.h"

static const char NO_VERSION_2[] = "control groups of version 2 are not "
    "mounted: mount -t cgroup2 none /sys/fs/cgroup, or boot with "
    "systemd.unified_cgroup_hierarchy=1";

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
    int rv = ij_group_move(p, group->directory, leaf,
                           ij_group_is_delegated(p, group));

    if (rv != 0) {
        return fault_of(p, "move httpd into", leaf, rv);
    }
    rv = ij_controllers_give(p, group->directory, site->keeps);
    if (rv != 0) {
        return fault_of(p, "enable controllers in", group->directory, rv);
    }
    rv = make_directory(jails);
    if (rv == 0) {
        rv = ij_controllers_give(p, jails, site->keeps);
    }
    return rv == 0 ? leave_link(site, p, jails)
                   : fault_of(p, "make the group", jails, rv);
}

static const char *begin(ij_site *site, server_rec *s, apr_pool_t *p,
                         const ij_group *group)
{
    static const bool none[GROUP_KEYS];
    const char *leaf = ij_group_leaf(p, group, site->instance);
    const char *jails = ij_group_jails(p, group, site->instance);
    int rv;

    if (ij_group_is_systemds(group) && !ij_group_is_delegated(p, group)) {
        return apr_psprintf(p, "IvleJailCgroup: systemd has not delegated "
                            "'%s' to httpd: set Delegate=yes in its service "
                            "(the drop-in of \"make install\" does), "
                            "\"systemctl daemon-reload\", and start it again",
                            group->directory);
    }
    rv = make_directory(leaf);
    if (rv == EROFS) {
        ij_controllers_announce(
            site, s, none,
            apr_psprintf(p, "%s is read-only: set ProtectControlGroups=no in "
                         "httpd's service", group->directory));
        memcpy(site->keeps, none, sizeof(none));
        return NULL;
    }
    if (rv != 0) {
        return fault_of(p, "make the group", leaf, rv);
    }
    site->group_directory = jails;
    return arrange(site, p, group, leaf, jails);
}

const char *ij_groups_start(ij_site *site, server_rec *s, apr_pool_t *p,
                            apr_pool_t *ptemp)
{
    ij_group group;

    if (!ij_controllers_are_asked(site)) {
        return NULL;
    }
    if (!ij_group_find(ptemp, site->instance, &group)) {
        ij_controllers_announce(site, s, site->keeps, NO_VERSION_2);
        return NULL;
    }
    if (ij_controllers_find(site, ptemp, group.directory, site->keeps) > 0) {
        site->group_fault = begin(site, s, p, &group);
        if (site->group_fault != NULL || site->group_directory == NULL) {
            return site->group_fault;
        }
    }
    ij_controllers_announce(site, s, site->keeps,
                            ij_controllers_lack(site, ptemp, &group));
    return NULL;
}

void ij_groups_foretell(const ij_site *site, server_rec *s, apr_pool_t *ptemp)
{
    bool keeps[GROUP_KEYS] = { false };
    ij_group group;

    if (!ij_controllers_are_asked(site)) {
        return;
    }
    group.mount = ij_group_mount(ptemp);
    if (group.mount == NULL) {
        ij_controllers_announce(site, s, keeps, NO_VERSION_2);
        return;
    }
    group.directory = group.mount;
    (void)ij_controllers_find(site, ptemp, group.mount, keeps);
    ij_controllers_announce(site, s, keeps,
                            ij_controllers_lack(site, ptemp, &group));
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

    if (!ij_group_find(p, instance, &group) || !group.is_in_leaf) {
        return;
    }
    leaf = ij_group_leaf(p, &group, instance);
    (void)rmdir(ij_group_jails(p, &group, instance));
    if (!ij_group_is_root(p, &group)) {
        ij_controllers_take(p, group.directory);
    }
    (void)ij_group_move(p, leaf, group.directory, true);
    (void)rmdir(leaf);
}
