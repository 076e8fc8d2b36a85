/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_users.c - the users directory, and some of what is in it
 *
 * There may be tens of thousands of users on a file server: the first of them
 * are looked at, all are counted.
 */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enter.h"
#include "finding.h"
#include "trampoline/layout.h"
#include "trampoline/path.h"
#include "trampoline/users.h"

enum {
    SAMPLE_MAX = 1000,      /* users that are looked at */
    SAID_MAX = 20           /* of those, faulty ones that are named */
};

/* Fails if it is not root's alone. */
static int open_users(const struct patient *patient)
{
    const struct policy_profile *profile = &patient->policy.profile;
    size_t culprit;
    int users = path_open_trusted(profile->users, &culprit);

    if (users == -1) {
        fail("profile '%s': '%.*s' of the users directory: %m: it must be a "
             "directory that only root can write to: chown root, chmod 755",
             profile->name, (int)culprit, profile->users);
    }
    return users;
}

static DIR *open_list(int dirfd)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd == -1 ? NULL : fdopendir(fd);

    if (list == NULL) {
        fail("cannot list the users directory: %m");
    }
    return list;
}

/* The next name that may be a user's, or NULL. */
static const char *next_user(DIR *list)
{
    const struct dirent *entry;

    while ((entry = readdir(list)) != NULL) {
        if (name_is_user(entry->d_name)) {
            return entry->d_name;
        }
    }
    return NULL;
}

/*** One user ***/

struct user {
    const char *name;
    int directory;                  /* users/<name> */
    struct users_identity id;
};

/* What is wrong with a part that must be root's alone, or NULL. */
static const char *roots_fault(int dirfd, const char *part, mode_t type)
{
    struct stat st;

    if (fstatat(dirfd, part, &st, AT_SYMLINK_NOFOLLOW) == -1) {
        return "not there: see \"ivlejailctl user show\"";
    }
    if ((st.st_mode & S_IFMT) != type) {
        return type == S_IFDIR ? "not a directory: make it one"
                               : "not a regular file: make it one";
    }
    if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return "not root's alone: chown root, chmod go-w";
    }
    return type == S_IFREG && st.st_nlink != 1
        ? "it has another name: copy it, and rename the copy to it" : NULL;
}

/* Whose the home is; and the tmp beside it must be the same one's. */
static const char *identity_fault(struct user *user)
{
    char home[NAME_MAX + sizeof(LAYOUT_HOME "/")];
    struct stat st;

    snprintf(home, sizeof(home), LAYOUT_HOME "/%s", user->name);
    if (fstatat(user->directory, home, &st, AT_SYMLINK_NOFOLLOW) == -1
        || !S_ISDIR(st.st_mode)) {
        return "no home in it: remove it, and \"ivlejailctl user add\"";
    }
    user->id = (struct users_identity){ st.st_uid, st.st_gid };
    if (fstatat(user->directory, LAYOUT_TMP, &st, AT_SYMLINK_NOFOLLOW) == -1
        || !S_ISDIR(st.st_mode)) {
        return "no tmp in it: mkdir it, and chown it as the home";
    }
    return st.st_uid == user->id.uid ? NULL
        : "the owner of tmp is not that of the home: chown it";
}

/* Whether the uid is of the range, and nobody else's. */
static const char *uid_fault(const struct patient *patient, int users,
                             const struct user *user)
{
    enum code code = users_check(&patient->policy, user->id);
    char path[sizeof(LAYOUT_UIDS) + 16], owner[NAME_USER_MAX + 2];
    const struct passwd *account;
    ssize_t n;

    if (code != CODE_OK) {
        return enter_meaning(code);
    }
    account = getpwuid(user->id.uid);
    if (account != NULL && strcmp(account->pw_name, user->name) != 0) {
        return "the uid of its home is an account's of this host: chown it "
               "to one that is free, or change IvleJailUidRange";
    }
    snprintf(path, sizeof(path), LAYOUT_UIDS "/%u", user->id.uid);
    n = readlinkat(users, path, owner, sizeof(owner));
    return n == -1 || ((size_t)n == strlen(user->name)
                       && strncmp(owner, user->name, (size_t)n) == 0) ? NULL
        : "the uid of its home is registered for another user: chown it to "
          "one that is free";
}

/* Where accounts are missing, a jail only has no names for its ids. */
static const char *account_fault(const struct user *user)
{
    static const char *const files[] = { LAYOUT_HOME "/" LAYOUT_PASSWD,
                                         LAYOUT_HOME "/" LAYOUT_GROUP };
    const char *fault = NULL;
    size_t i;

    for (i = 0; i < 2 && fault == NULL; i++) {
        if (faccessat(user->directory, files[i], F_OK,
                      AT_SYMLINK_NOFOLLOW) == 0) {
            fault = roots_fault(user->directory, files[i], S_IFREG);
        }
    }
    return fault;
}

static const char *part_fault(const struct patient *patient, int users,
                              struct user *user)
{
    const char *fault = roots_fault(user->directory, LAYOUT_HOME, S_IFDIR);

    if (fault == NULL) {
        fault = account_fault(user);
    }
    if (fault == NULL) {
        fault = identity_fault(user);
    }
    return fault != NULL ? fault : uid_fault(patient, users, user);
}

/* The first thing that is wrong, and the remedy; or NULL. */
static const char *user_fault(const struct patient *patient, int users,
                              const char *name)
{
    struct user user = { .name = name };
    const char *fault = roots_fault(users, name, S_IFDIR);

    if (fault != NULL) {
        return fault;
    }
    user.directory = path_open_beneath(users, name, O_PATH | O_DIRECTORY);
    fault = part_fault(patient, users, &user);
    close(user.directory);
    return fault;
}

/*** The checks ***/

static int check_register(const struct patient *patient, int users)
{
    struct stat st;

    if (fstatat(users, LAYOUT_UIDS, &st, AT_SYMLINK_NOFOLLOW) == -1
        && errno == ENOENT) {
        return 0;
    }
    if (roots_fault(users, LAYOUT_UIDS, S_IFDIR) != NULL) {
        finding_fault("profile '%s': the register of uids, %s/" LAYOUT_UIDS
                      ", is not a directory of root's alone: chown root, "
                      "chmod 755", patient->policy.profile.name,
                      patient->policy.profile.users);
        return 1;
    }
    return 0;
}

void check_users(const struct patient *patient)
{
    const struct policy_profile *profile = &patient->policy.profile;
    int users = open_users(patient), faults, count;
    DIR *list = open_list(users);
    const char *name, *fault;

    faults = check_register(patient, users);
    for (count = 0; count < SAMPLE_MAX && faults < SAID_MAX
                    && (name = next_user(list)) != NULL; count++) {
        fault = user_fault(patient, users, name);
        if (fault != NULL) {
            finding_fault("profile '%s': user '%s': %s", profile->name, name,
                          fault);
            faults++;
        }
    }
    if (faults == 0) {
        finding_ok("profile '%s': the %d users in %s that were looked at (%d "
                   "at most) are well", profile->name, count, profile->users,
                   SAMPLE_MAX);
    }
    closedir(list);
}

/* What each user may have one of; the kernel counts these in all. */
static const struct {
    const char *path, *sysctl;
} bounds[] = {
    { "/proc/sys/user/max_mnt_namespaces", "user.max_mnt_namespaces" },
    { "/proc/sys/user/max_pid_namespaces", "user.max_pid_namespaces" },
    { "/proc/sys/user/max_ipc_namespaces", "user.max_ipc_namespaces" },
    { "/proc/sys/user/max_uts_namespaces", "user.max_uts_namespaces" },
    { "/proc/sys/user/max_net_namespaces", "user.max_net_namespaces" },
    { "/proc/sys/fs/mount-max", "fs.mount-max" }
};

static unsigned long long count_users(int users)
{
    DIR *list = open_list(users);
    unsigned long long count = 0;

    while (next_user(list) != NULL) {
        count++;
    }
    closedir(list);
    return count;
}

/* Not all of them come at the same time, as a rule: no fault. */
void check_room(const struct patient *patient)
{
    const char *profile = patient->policy.profile.name;
    size_t culprit, i;
    int directory = path_open_trusted(patient->policy.profile.users,
                                      &culprit), narrow = 0;
    unsigned long long users;

    if (directory == -1) {
        return;     /* check_users() has said why */
    }
    users = count_users(directory);
    for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        uint64_t most = check_read_number(bounds[i].path);

        if (users > most) {
            finding_warning("profile '%s' has %llu users, and %s is %llu: "
                            "raise that with sysctl(8), or they cannot all "
                            "have a jail at a time", profile, users,
                            bounds[i].sysctl, (unsigned long long)most);
            narrow++;
        }
    }
    if (narrow == 0) {
        finding_ok("profile '%s': all %llu users can have a jail at a time",
                   profile, users);
    }
}
