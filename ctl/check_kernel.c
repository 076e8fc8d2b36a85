/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_kernel.c - what the kernel can do, and lets root do
 *
 * Tried, not concluded from its version: by a process that ends with what it
 * made.  It is one of the administrator's shell, not of httpd's service; what
 * that service may not do, the checks of httpd's process say, and --try.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "finding.h"

/* Returns NULL, or the step that errno is about. */
static const char *try_mounts(void)
{
    struct mount_attr attributes = {
        .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID
    };
    int tree;

    if (unshare(CLONE_NEWNS) == -1) {
        return "no mount namespace";
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1) {
        return "mounts cannot be made private";
    }
    tree = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree == -1) {
        return "a tree cannot be cloned (open_tree)";
    }
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &attributes,
                      sizeof(attributes)) == -1) {
        return "a tree cannot be made read-only (mount_setattr)";
    }
    if (move_mount(tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == -1) {
        return "a tree cannot be mounted (move_mount)";
    }
    close(tree);
    return NULL;
}

static const char *remedy(int error)
{
    return error == ENOSPC ? "raise the sysctls user.max_*_namespaces"
        : error == EPERM ? "in a container it takes CAP_SYS_ADMIN, and a "
                           "seccomp or security profile that allows it"
                         : "Linux 5.12 or later is needed, with namespaces";
}

void check_mounts(const struct patient *patient)
{
    struct utsname kernel;
    const char *step = try_mounts();
    int error = errno;

    (void)patient;
    (void)uname(&kernel);
    if (step != NULL) {
        finding_fault("%s: %s, on Linux %s: %s", step, strerror(error),
                      kernel.release, remedy(error));
    }
    else {
        finding_ok("Linux %s mounts as jails need it", kernel.release);
    }
}

static const struct {
    int flag;
    const char *name;
} namespaces[] = {
    { CLONE_NEWPID, "pid" }, { CLONE_NEWIPC, "ipc" }, { CLONE_NEWUTS, "uts" },
    { CLONE_NEWNET, "net" }, { CLONE_NEWCGROUP, "cgroup" }
};

void check_namespaces(const struct patient *patient)
{
    size_t i;
    int faults = 0;

    (void)patient;
    for (i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
        if (unshare(namespaces[i].flag) == -1) {
            finding_fault("no %s namespace: %s: %s", namespaces[i].name,
                          strerror(errno), remedy(errno));
            faults++;
        }
    }
    if (faults == 0) {
        finding_ok("pid, ipc, uts, net and cgroup can be made");
    }
}

/* Actions that filter.c of the module and programs under it count on. */
void check_filters(const struct patient *patient)
{
    char actions[256];

    (void)patient;
    if (!check_read_line(AT_FDCWD, "/proc/sys/kernel/seccomp/actions_avail",
                         actions, sizeof(actions))
        || strstr(actions, "errno") == NULL) {
        finding_fault("the kernel has no system call filters: use one with "
                      "CONFIG_SECCOMP_FILTER, or IvleJailSeccomp Off");
    }
    else {
        finding_ok("the kernel has system call filters");
    }
}
