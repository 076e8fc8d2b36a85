/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpfs.c - a new tmpfs that belongs to root
 */
#include "tmpfs.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "say.h"

int tmpfs_make(const char *mode)
{
    int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
    int tree = -1;

    if (fs >= 0
        && fsconfig(fs, FSCONFIG_SET_STRING, "source", "ivlejail", 0) == 0
        && fsconfig(fs, FSCONFIG_SET_STRING, "mode", mode, 0) == 0
        && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0) {
        tree = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID
                       | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    }
    must(tree >= 0, CODE_RUNDIR, "tmpfs");
    (void)close(fs);
    return tree;
}
