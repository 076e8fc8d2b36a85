/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.c - whose jail it is, and the directories that prove it
 *
 * The directories above the user's own are root's and writable by root
 * alone, so nobody can exchange what is below them while we look.  The two
 * that the user owns are leaves: opened once, never walked through.
 */
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper.h"
#include "layout.h"
#include "path.h"
#include "say.h"

/* One directory of the user's, that must not be a link. */
static int open_part(int dirfd, const char *name, const char *user)
{
    int fd = path_open_beneath(dirfd, name, O_PATH | O_DIRECTORY);

    must(fd >= 0, errno == ELOOP ? CODE_USER_LINK : CODE_USER_DIR,
         "'%s' of '%s'", name, user);
    return fd;
}

/* The owner; root_alone: nobody else may have it or write to it. */
static struct users_identity owner_of(int fd, const char *name,
                                      const char *user, bool root_alone)
{
    struct stat st;

    must(fstat(fd, &st) == 0, CODE_USER_DIR, "'%s' of '%s'", name, user);
    if (root_alone
        && (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
        die(CODE_USER_DIR, "'%s' of '%s' is not root's alone", name, user);
    }
    return (struct users_identity){ st.st_uid, st.st_gid };
}

static void require_allowed(const struct policy *policy, const char *user,
                            struct users_identity id)
{
    enum code code = users_check(policy, id);

    if (code != CODE_OK) {
        die(code, "'%s' has uid %u and gid %u, and profile '%s' takes uids "
            "%u to %u", user, id.uid, id.gid, policy->profile.name,
            policy->profile.uid_min, policy->profile.uid_max);
    }
}

static bool is_mount(int fd)
{
    struct statx stx;

    must(statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &stx) == 0, CODE_USER_DIR,
         "statx");
    return (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* A program of its own makes users: nothing here can make or chown anything. */
static int open_user(const struct policy *policy, const char *user)
{
    size_t culprit;
    int users = path_open_trusted(policy->profile.users, &culprit);

    must(users >= 0, CODE_USER_DIR, "'%.*s' is not root's alone",
         (int)culprit, policy->profile.users);
    if (path_open_beneath(users, user, O_PATH | O_DIRECTORY) < 0
        && errno == ENOENT) {
        if (policy->profile.provision == PROVISION_OFF) {
            die(CODE_USER_UNKNOWN, "'%s' in '%s'", user,
                policy->profile.users);
        }
        helper_run(policy, "provision", user);
    }
    return open_part(users, user, user);
}

void identity_find(const struct policy *policy, const char *user,
                   struct identity *identity)
{
    int top = open_user(policy, user);

    (void)owner_of(top, user, user, true);
    identity->home = open_part(top, LAYOUT_HOME, user);
    (void)owner_of(identity->home, LAYOUT_HOME, user, true);
    identity->own = open_part(identity->home, user, user);
    identity->id = owner_of(identity->own, user, user, false);
    require_allowed(policy, user, identity->id);
    identity->own_is_mount = is_mount(identity->own);
    identity->tmp = open_part(top, LAYOUT_TMP, user);
    if (owner_of(identity->tmp, LAYOUT_TMP, user, false).uid
        != identity->id.uid) {
        die(CODE_USER_DIR, "'" LAYOUT_TMP "' of '%s' is not owned by uid %u "
            "as the home is", user, identity->id.uid);
    }
}
