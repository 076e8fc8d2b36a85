/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mntns.c - mount namespaces and their numbers
 */
#include "mntns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "creds.h"
#include "say.h"

#ifndef NS_GET_MNTNS_ID     /* Linux 6.10 */
#define NS_GET_MNTNS_ID _IOR(NSIO, 0x5, uint64_t)
#endif

enum {
    NUMBERS_PER_ROUND = 64,
    /* a block has 4096; the process may change CPUs on its way */
    ROUNDS_MAX = 4 * 4096 / NUMBERS_PER_ROUND
};

int mntns_open_proc(void)
{
    int fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct statfs fs;

    must(fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC,
         CODE_INTERNAL, "'/proc'");
    return fd;
}

int mntns_open_own(int proc)
{
    int fd = openat(proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);

    must(fd >= 0, CODE_INTERNAL, "own mount namespace");
    return fd;
}

bool mntns_is(int fd)
{
    int type = ioctl(fd, NS_GET_NSTYPE);

    /* not knowing is no answer: something would be made a second time */
    must(type >= 0 || errno == ENOTTY, CODE_KEEP, "kind of a namespace");
    return type == CLONE_NEWNS;
}

void mntns_enter(int ns)
{
    creds_use(CAP_SYS_ADMIN, CAP_SYS_CHROOT);
    must(setns(ns, CLONE_NEWNS) == 0, CODE_UNSHARE, "setns");
    creds_use_none();
}

/* Without numbers (ENOTTY: an older kernel) they are global: older = lower. */
static bool is_above(int ns, int lower)
{
    uint64_t number = 1, bound = 0;

    must((ioctl(ns, NS_GET_MNTNS_ID, &number) == 0
          && ioctl(lower, NS_GET_MNTNS_ID, &bound) == 0) || errno == ENOTTY,
         CODE_UNSHARE, "number of a mount namespace");
    return number > bound;
}

/* UTS namespaces are the cheapest way to use up a block of numbers. */
static void use_up_numbers(void)
{
    int i;

    for (i = 0; i < NUMBERS_PER_ROUND; i++) {
        must(unshare(CLONE_NEWUTS) == 0, CODE_UNSHARE, "CLONE_NEWUTS");
    }
}

int mntns_unshare_above(int proc, int lower)
{
    int round, ns;

    creds_use(CAP_SYS_ADMIN);
    for (round = 0; round < ROUNDS_MAX; round++) {
        must(unshare(CLONE_NEWNS) == 0, CODE_UNSHARE, "CLONE_NEWNS");
        ns = mntns_open_own(proc);
        if (is_above(ns, lower)) {
            creds_use_none();
            return ns;
        }
        (void)close(ns);
        use_up_numbers();
    }
    die(CODE_UNSHARE, "no number high enough in %d rounds", ROUNDS_MAX);
}

void mntns_change_root(int fd)
{
    creds_use(CAP_SYS_ADMIN);
    must(fchdir(fd) == 0, CODE_PIVOT_ROOT, "enter the new root");
    must(syscall(SYS_pivot_root, ".", ".") == 0, CODE_PIVOT_ROOT,
         "pivot_root");
    /* the old root now lies on top of the new one: "." is the old one */
    must(umount2(".", MNT_DETACH) == 0, CODE_PIVOT_ROOT, "detach the old");
    must(chdir("/") == 0, CODE_PIVOT_ROOT, "chdir '/'");
    creds_use_none();
}

int mntns_clone_pin(int ns)
{
    int fd;

    creds_use(CAP_SYS_ADMIN);
    fd = open_tree(ns, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    must(fd >= 0, CODE_PIN, "open_tree");
    creds_use_none();
    return fd;
}
