/* SPDX-License-Identifier: Apache-2.0 */
/*
 * found.c - founding an instance: runtime directory and keep
 */
#include "found.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "creds.h"
#include "keep.h"
#include "layout.h"
#include "mntns.h"
#include "path.h"
#include "say.h"
#include "tmpfs.h"

static void make_directory(int dirfd, const char *name, mode_t mode)
{
    must(mkdirat(dirfd, name, mode) == 0 || errno == EEXIST,
         errno == ENOSPC ? CODE_SPACE : CODE_RUNDIR, "directory '%s'", name);
}

static int open_top(void)
{
    size_t culprit;
    int top = path_open_trusted(LAYOUT_RUN, &culprit);

    must(top >= 0, CODE_RUNDIR, "'%.*s'", (int)culprit, LAYOUT_RUN);
    return top;
}

static int open_directory(int dirfd, const char *name)
{
    int fd = path_open_beneath(dirfd, name, O_PATH | O_DIRECTORY);

    must(fd >= 0, CODE_RUNDIR, "directory '%s'", name);
    return fd;
}

static bool is_own_tmpfs(int directory)
{
    struct statx stx;
    struct statfs fs;

    must(fstatfs(directory, &fs) == 0
         && statx(directory, "", AT_EMPTY_PATH, STATX_TYPE, &stx) == 0,
         CODE_RUNDIR, "what is mounted");
    return fs.f_type == TMPFS_MAGIC
           && (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/*
 * Private: a mount namespace can be pinned only where that does not
 * propagate.  The mount becomes shared when it is put below a shared /run.
 */
static void mount_private_tmpfs(int directory)
{
    struct mount_attr private = { .propagation = MS_PRIVATE };
    int tree;

    creds_use(CAP_SYS_ADMIN);
    tree = tmpfs_make("0755");
    must(move_mount(tree, "", directory, "",
                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0
         && mount_setattr(tree, "", AT_EMPTY_PATH, &private, sizeof private)
            == 0, CODE_RUNDIR, "mount");
    creds_use_none();
    (void)close(tree);
}

static int open_run(const char *instance)
{
    int top, run;

    make_directory(AT_FDCWD, LAYOUT_RUN, 0755);
    top = open_top();
    make_directory(top, instance, 0755);
    run = open_directory(top, instance);
    if (!is_own_tmpfs(run)) {
        mount_private_tmpfs(run);
        (void)close(run);
        run = open_directory(top, instance);
    }
    (void)close(top);
    return run;
}

static void make_file(int dirfd, const char *name)
{
    int fd = openat(dirfd, name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK
                    | O_CLOEXEC, 0600);

    must(fd >= 0, errno == ENOSPC ? CODE_SPACE : CODE_RUNDIR, "file '%s'",
         name);
    (void)close(fd);
}

static bool keep_lives(int run)
{
    int fd = keep_open_part(run, LAYOUT_KEEP, O_RDONLY | O_NONBLOCK);
    bool lives = fd >= 0 && mntns_is(fd);

    if (fd >= 0) {
        (void)close(fd);
    }
    return lives;
}

/*
 * An empty tmpfs as root and nothing else.  The copies of the host's mounts
 * are made private first: detaching them must not propagate to the host.
 */
static int make_keep_namespace(int proc, int home)
{
    int ns = mntns_unshare_above(proc, home);
    int root;

    creds_use(CAP_SYS_ADMIN);
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, CODE_RUNDIR,
         "private mounts for the keep");
    root = tmpfs_make("0700");
    must(move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0,
         CODE_RUNDIR, "the keep's root");
    make_directory(root, LAYOUT_PINS, 0700);
    mntns_change_root(root);
    (void)close(root);
    return ns;
}

static void make_keep(int run)
{
    int proc = mntns_open_proc();
    int home = mntns_open_own(proc);
    int ns = make_keep_namespace(proc, home);
    int pin;

    mntns_enter(home);
    pin = mntns_clone_pin(ns);
    make_file(run, LAYOUT_KEEP);
    creds_use(CAP_SYS_ADMIN);
    must(move_mount(pin, "", run, LAYOUT_KEEP, MOVE_MOUNT_F_EMPTY_PATH) == 0,
         CODE_PIN, "the keep");
    creds_use_none();
}

void found_instance(const char *instance)
{
    int run;

    (void)umask(0);             /* these modes are meant */
    run = open_run(instance);
    make_directory(run, LAYOUT_SOCK, 0711);
    make_file(run, LAYOUT_LOCK);
    make_file(run, LAYOUT_SWEEP);
    if (!keep_lives(run)) {
        make_keep(run);
    }
    (void)close(run);
}

/* By descriptor of the parent; the last component is a checked name. */
static void unmount(int dirfd, const char *name)
{
    creds_use(CAP_SYS_ADMIN);
    must(fchdir(dirfd) == 0
         && (umount2(name, MNT_DETACH | UMOUNT_NOFOLLOW) == 0
             || errno == EINVAL || errno == ENOENT), CODE_RUNDIR,
         "unmount '%s'", name);
    creds_use_none();
}

void found_remove(const char *instance)
{
    int top = open_top();
    int run = keep_open_part(top, instance, O_PATH | O_DIRECTORY);

    if (run >= 0) {
        unmount(run, LAYOUT_KEEP);
        (void)close(run);
        unmount(top, instance);
    }
    must(unlinkat(top, instance, AT_REMOVEDIR) == 0 || errno == ENOENT,
         CODE_RUNDIR, "remove '%s'", instance);
    (void)close(top);
}
