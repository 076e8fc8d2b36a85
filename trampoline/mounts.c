/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts.c - the kernel's own file systems in a warden's private namespace
 */
#include "mounts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "creds.h"
#include "path.h"
#include "say.h"

static void set_option(int fs, const char *key, const char *value)
{
    must(fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) == 0, CODE_MOUNT,
         "%s=%s", key, value);
}

static void set_options(int fs, const struct policy_mount *mount)
{
    char size[24];

    set_option(fs, "source", policy_mount_kinds[mount->kind]);
    if (mount->kind == MOUNT_DEVPTS) {
        set_option(fs, "ptmxmode", "0666");
        set_option(fs, "mode", "0620");
    }
    if (mount->kind == MOUNT_TMPFS) {
        set_option(fs, "mode", "1777");
        if (mount->size != 0) {
            (void)snprintf(size, sizeof size, "%" PRIu64, mount->size);
            set_option(fs, "size", size);
        }
    }
}

static unsigned int flags_of(const struct policy_mount *mount)
{
    return MOUNT_ATTR_NOSUID
           | (mount->kind == MOUNT_DEVPTS ? 0 : MOUNT_ATTR_NODEV)
           | (mount->executable ? 0 : MOUNT_ATTR_NOEXEC);
}

static void make_mount(int root, const struct policy_mount *mount)
{
    const char *type = policy_mount_kinds[mount->kind];
    int target = path_open_beneath(root, mount->target + 1,
                                   O_PATH | O_DIRECTORY);
    int fs, tree;

    must(target >= 0, CODE_BASE_POINT, "'%s'", mount->target);
    fs = fsopen(type, FSOPEN_CLOEXEC);
    must(fs >= 0, CODE_MOUNT, "%s", type);
    set_options(fs, mount);
    must(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0, CODE_MOUNT,
         "%s", type);
    tree = fsmount(fs, FSMOUNT_CLOEXEC, flags_of(mount));
    must(tree >= 0, CODE_MOUNT, "%s", type);
    must(move_mount(tree, "", target, "",
                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0,
         CODE_MOUNT, "%s on '%s'", type, mount->target);
    (void)close(tree);
    (void)close(fs);
    (void)close(target);
}

void mounts_make_private(const struct policy_profile *profile)
{
    size_t i;
    int root;

    creds_use(CAP_SYS_ADMIN);
    must(unshare(CLONE_NEWNS) == 0, CODE_UNSHARE, "copy of the jail's");
    root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    must(root >= 0, CODE_MOUNT, "'/'");
    for (i = 0; i < profile->mount_count; i++) {
        if (profile->mounts[i].kind != MOUNT_BIND) {
            make_mount(root, &profile->mounts[i]);
        }
    }
    (void)close(root);
    creds_use_none();
}
