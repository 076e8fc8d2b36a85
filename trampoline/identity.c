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

#include "layout.h"
#include "path.h"
#include "provision.h"
#include "say.h"

static int open_users(const struct policy_profile *profile)
{
    size_t culprit;
    int fd = path_open_trusted(profile->users, &culprit);

    if (fd < 0) {
        die_errno(CODE_USER_DIR, "cannot trust '%.*s' of the users directory "
                  "'%s': each component must be a directory that root alone "
                  "can write to", (int)culprit, profile->users,
                  profile->users);
    }
    return fd;
}

/* One directory of the user's, that must not be a link. */
static int open_part(int dirfd, const char *name, const char *user)
{
    int fd = path_open_beneath(dirfd, name, O_PATH | O_DIRECTORY);

    if (fd < 0 && (errno == ELOOP || errno == EXDEV)) {
        die(CODE_USER_LINK, "'%s' of user '%s' is a symbolic link: replace "
            "it with a directory", name, user);
    }
    if (fd < 0) {
        die_errno(CODE_USER_DIR, "cannot open '%s' of user '%s'", name, user);
    }
    return fd;
}

static void stat_part(int fd, const char *name, const char *user,
                      struct stat *st)
{
    if (fstat(fd, st) != 0) {
        die_errno(CODE_USER_DIR, "cannot examine '%s' of user '%s'", name,
                  user);
    }
}

static void require_root(int fd, const char *name, const char *user)
{
    struct stat st;

    stat_part(fd, name, user, &st);
    if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        die(CODE_USER_DIR, "'%s' of user '%s' must be root's and writable by "
            "nobody else: chown root and chmod 755", name, user);
    }
}

static void require_allowed(const struct policy *policy, const char *user,
                            struct users_identity id)
{
    switch (users_check(policy, id)) {
    case CODE_OK:
        return;
    case CODE_USER_ROOT:
        die(CODE_USER_ROOT, "the home of user '%s' is owned by root: chown "
            "it to the user's own uid", user);
    case CODE_USER_RANGE:
        die(CODE_USER_RANGE, "uid %u of user '%s' is outside the range %u to "
            "%u of profile '%s': chown the home or change IvleJailUidRange",
            id.uid, user, policy->profile.uid_min, policy->profile.uid_max,
            policy->profile.name);
    default:
        die(CODE_USER_GROUP, "group %u of the home of user '%s' is root's or "
            "httpd's: chgrp it", id.gid, user);
    }
}

static bool is_mount(int fd, const char *user)
{
    struct statx stx;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &stx) != 0) {
        die_errno(CODE_USER_DIR, "cannot examine the home of user '%s'",
                  user);
    }
    return (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* The user's directory; where there is none, provisioning may make it. */
static int open_user(const struct policy *policy, int users,
                     const char *user)
{
    int fd = path_open_beneath(users, user, O_PATH | O_DIRECTORY);

    if (fd < 0 && errno == ENOENT) {
        if (policy->profile.provision == PROVISION_OFF) {
            die(CODE_USER_UNKNOWN, "no directory for user '%s' in '%s': make "
                "it with \"ivlejailctl user add %s\" or set IvleJailProvision",
                user, policy->profile.users, user);
        }
        provision_user(policy, users, user);
    }
    else if (fd >= 0) {
        return fd;
    }
    return open_part(users, user, user);
}

void identity_find(const struct policy *policy, const char *user,
                   struct identity *identity)
{
    int users = open_users(&policy->profile);
    int top = open_user(policy, users, user);
    struct stat st;

    require_root(top, user, user);
    identity->home = open_part(top, LAYOUT_HOME, user);
    require_root(identity->home, LAYOUT_HOME, user);
    identity->own = open_part(identity->home, user, user);
    stat_part(identity->own, user, user, &st);
    identity->id.uid = st.st_uid;
    identity->id.gid = st.st_gid;
    require_allowed(policy, user, identity->id);
    identity->own_is_mount = is_mount(identity->own, user);
    identity->tmp = open_part(top, LAYOUT_TMP, user);
    stat_part(identity->tmp, LAYOUT_TMP, user, &st);
    if (st.st_uid != identity->id.uid) {
        die(CODE_USER_DIR, "'" LAYOUT_TMP "' of user '%s' is not owned by "
            "uid %u as the home is: chown it", user, identity->id.uid);
    }
    (void)close(top);
    (void)close(users);
}
