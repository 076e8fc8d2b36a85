/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.c - the pinned tree of a jail
 *
 * First, in the caller's namespace, every directory is cloned as a detached
 * tree with its final flags (a directory cannot be cloned from within
 * another namespace).  Then the trees are put together in a copy of the keep,
 * which has nothing in it.  Nothing is ever mounted by name, and no path that
 * we walk goes through a directory that a user owns.
 */
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "creds.h"
#include "mntns.h"
#include "path.h"
#include "say.h"

/* base, home and tmp; the own home; binds */
enum { BASE, HOME, TREES_MAX = 3 + 1 + POLICY_MOUNTS_MAX };

struct tree {
    int mount;      /* detached, and its root directory */
    int target;     /* what it will be mounted on; AT_FDCWD: "/" */
};

struct plan {
    struct tree trees[TREES_MAX];
    size_t count;
};

/* What the kernel says must be what we asked for. */
static void require_flags(int mount, uint64_t attributes, const char *what)
{
    static const struct { uint64_t attribute; unsigned long flag; } pairs[] = {
        { MOUNT_ATTR_RDONLY, ST_RDONLY },
        { MOUNT_ATTR_NOSUID, ST_NOSUID },
        { MOUNT_ATTR_NODEV, ST_NODEV },
    };
    struct statfs fs;
    size_t i;

    must(fstatfs(mount, &fs) == 0, CODE_MOUNT_SETATTR, "%s", what);
    for (i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if ((attributes & pairs[i].attribute) != 0
            && ((unsigned long)fs.f_flags & pairs[i].flag) == 0) {
            die(CODE_MOUNT_SETATTR, "%s: a flag did not take", what);
        }
    }
}

/* A detached, private copy of one mount, without what is mounted on it. */
static int clone_tree(int directory, uint64_t attributes, const char *what)
{
    struct mount_attr attr = { .attr_set = attributes,
                               .propagation = MS_PRIVATE };
    int mount;

    creds_use(CAP_SYS_ADMIN);
    mount = open_tree(directory, "",
                      AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    must(mount >= 0, CODE_OPEN_TREE, "%s", what);
    must(mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof attr) == 0,
         CODE_MOUNT_SETATTR, "%s", what);
    creds_use_none();
    require_flags(mount, attributes, what);
    return mount;
}

/* A directory of the administrator's: the base image, or a bind's source. */
static int clone_trusted(const char *path, uint64_t attributes)
{
    size_t culprit;
    int fd = path_open_trusted(path, &culprit);
    int mount;

    must(fd >= 0, errno == ENOENT ? CODE_BASE_MISSING : CODE_BASE_UNTRUSTED,
         "'%.*s'", (int)culprit, path);
    mount = clone_tree(fd, attributes, path);
    (void)close(fd);
    return mount;
}

/* target is absolute in the jail; beneath is the mount that it is in. */
static void plan_add(struct plan *plan, int mount, int beneath,
                     const char *target)
{
    struct tree *tree = &plan->trees[plan->count++];

    tree->mount = mount;
    tree->target = path_open_beneath(beneath, target, O_PATH | O_DIRECTORY);
    must(tree->target >= 0, CODE_BASE_POINT, "'%s'", target);
}

static void plan_fixed(struct plan *plan, const struct policy_profile *profile,
                       const struct identity *identity, const char *user)
{
    const uint64_t users_flags = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    int root = clone_trusted(profile->base,
                             MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);

    plan->trees[BASE] = (struct tree){ .mount = root, .target = AT_FDCWD };
    plan->count = 1;
    plan_add(plan, clone_tree(identity->home, users_flags, "home"), root,
             "home");
    plan_add(plan, clone_tree(identity->tmp, users_flags, "tmp"), root, "tmp");
    if (identity->own_is_mount) {
        plan_add(plan, clone_tree(identity->own, users_flags, user),
                 plan->trees[HOME].mount, user);
    }
}

static void plan_binds(struct plan *plan, const struct policy_profile *profile)
{
    const struct policy_mount *bind = profile->mounts;
    const struct policy_mount *end = bind + profile->mount_count;
    uint64_t flags;

    for (; bind < end; bind++) {
        if (bind->kind == MOUNT_BIND) {
            flags = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV
                    | (bind->writable ? 0 : MOUNT_ATTR_RDONLY);
            plan_add(plan, clone_trusted(bind->source, flags),
                     plan->trees[BASE].mount, bind->target + 1);
        }
    }
}

static void attach(const struct tree *tree)
{
    must(move_mount(tree->mount, "", tree->target,
                    tree->target == AT_FDCWD ? "/" : "",
                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0,
         CODE_MOVE_MOUNT, "move_mount");
}

/* In a copy of the keep: the base over its empty root, the rest in order. */
static int assemble(const struct keep *keep, const struct plan *plan)
{
    int ns;
    size_t i;

    mntns_enter(keep->ns);
    ns = mntns_unshare_above(keep->proc, keep->ns);
    creds_use(CAP_SYS_ADMIN);
    for (i = 0; i < plan->count; i++) {
        attach(&plan->trees[i]);
    }
    mntns_change_root(plan->trees[BASE].mount);
    return ns;
}

/* Its is_new: there is no pin, or only the file that one will lie on. */
static void find(const struct keep *keep, const struct policy *policy,
                 const char *user, struct jail *jail)
{
    char name[KEEP_PLACE_MAX];
    int place;

    keep_place(name, policy->profile.name, policy->profile.generation);
    /* publish_open() has made it: without it the next line dies */
    place = keep_open_part(keep->pins, name, O_PATH | O_DIRECTORY);
    jail->ns = keep_open_part(place, user, O_RDONLY | O_NONBLOCK);
    jail->is_new = jail->ns < 0 || !mntns_is(jail->ns);
    if (!jail->is_new) {
        /* the open ns keeps the mount: this finds the same one */
        jail->hold = path_open_beneath(place, user, O_PATH);
        must(jail->hold >= 0, CODE_PIN, "hold '%s'", user);
    }
    (void)close(place);
}

void jail_find_or_make(const struct keep *keep, const struct policy *policy,
                       const char *user, const struct identity *identity,
                       struct jail *jail)
{
    struct plan plan;

    find(keep, policy, user, jail);
    if (!jail->is_new) {
        mntns_enter(keep->ns);
        return;
    }
    plan_fixed(&plan, &policy->profile, identity, user);
    plan_binds(&plan, &policy->profile);
    jail->ns = assemble(keep, &plan);
    mntns_enter(keep->ns);
    jail->hold = mntns_clone_pin(jail->ns);
}
