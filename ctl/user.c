/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.c - "ivlejailctl user": adds, lists and shows users
 *
 * A user is a directory, and the owner of the home in it.  It is made by the
 * same code that the trampoline provisions users with.
 */
#include "user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enter.h"
#include "jail.h"
#include "site.h"
#include "trampoline/layout.h"
#include "trampoline/path.h"
#include "trampoline/users.h"

/*** add ***/

static void require_new(const struct site *site, const char *user)
{
    struct stat st;

    if (fstatat(site->users, user, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        fail("'%s' is in '%s' already: see \"ivlejailctl user show %s\"",
             user, site->path, user);
    }
    if (errno != ENOENT) {
        fail("cannot look for '%s' in '%s': %m", user, site->path);
    }
}

/* A program of the jail would be that account's, also outside. */
static void require_free_uid(const char *user, uid_t uid)
{
    const struct passwd *account = getpwuid(uid);

    if (account != NULL && strcmp(account->pw_name, user) != 0) {
        fail("uid %u is that of the account '%s' on this host: choose "
             "another one with --uid, or an IvleJailUidRange without accounts",
             uid, account->pw_name);
    }
}

static struct users_identity choose(const struct site *site, const char *user,
                                    uid_t uid)
{
    const struct users_identity id = { uid, uid };
    int error;

    if (uid < site->uid_min || uid > site->uid_max) {
        fail("uid %u is not in the range %u to %u: choose one that is, or "
             "change IvleJailUidRange in httpd's configuration", uid,
             site->uid_min, site->uid_max);
    }
    require_free_uid(user, uid);
    error = users_register(site->users, user, uid);
    if (error == EEXIST) {
        fail("uid %u is or was another user's in '%s': choose another one",
             uid, site->path);
    }
    if (error != 0) {
        fail("cannot register uid %u in '%s/" LAYOUT_UIDS "': %s", uid,
             site->path, strerror(error));
    }
    return id;
}

static struct users_identity allocate(const struct site *site,
                                      const char *user)
{
    struct users_identity id;
    int error = users_allocate(site->users, user, site->uid_min,
                               site->uid_max, &id);

    if (error == ENOSPC) {
        fail("all uids from %u to %u are given: enlarge IvleJailUidRange, or "
             "purge users that are gone", site->uid_min, site->uid_max);
    }
    if (error != 0) {
        fail("cannot allocate a uid in '%s/" LAYOUT_UIDS "': %s", site->path,
             strerror(error));
    }
    require_free_uid(user, id.uid);
    return id;
}

int user_add(const struct options *options, char **operands)
{
    const char *user = operands[0];
    struct site site;
    struct users_identity id;
    int error;

    site_require_name(user);
    site_open(&site, options);
    site_lock(&site, user);
    require_new(&site, user);
    id = options->uid != 0 ? choose(&site, user, options->uid)
                           : allocate(&site, user);
    error = users_make(site.users, user, id);
    if (error != 0) {
        fail("cannot make the directories of '%s' in '%s': %s: free space, or "
             "remove '.new-%s' there, and try again", user, site.path,
             strerror(error), user);
    }
    printf("added %s, uid %u, home %s/%s/" LAYOUT_HOME "/%s\n", user, id.uid,
           site.path, user, user);
    return 0;
}

/*** list ***/

static int is_listed(const struct dirent *entry)
{
    return name_is_user(entry->d_name);
}

/* Name, uid and gid; "-" for a directory that is no user's. */
static void list_user(const struct site *site, const char *user)
{
    char home[3 * NAME_MAX];
    struct stat st;

    snprintf(home, sizeof(home), "%s/" LAYOUT_HOME "/%s", user, user);
    if (fstatat(site->users, home, &st, AT_SYMLINK_NOFOLLOW) == -1
        || !S_ISDIR(st.st_mode)) {
        printf("%s - -\n", user);
        return;
    }
    printf("%s %u %u\n", user, st.st_uid, st.st_gid);
}

int user_list(const struct options *options, char **operands)
{
    struct dirent **entries;
    struct site site;
    int count, i;

    (void)operands;
    site_open(&site, options);
    count = scandirat(site.users, ".", &entries, is_listed, alphasort);
    if (count == -1) {
        fail("cannot list '%s': %m", site.path);
    }
    for (i = 0; i < count; i++) {
        list_user(&site, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

/*** show ***/

/* What keeps a jail from being made; the trampoline looks at the same. */
static int show_fault(const char *what, const char *why)
{
    printf("fault %s: %s\n", what, why);
    return 1;
}

/* Opens a part of a user's; prints why not.  Returns a descriptor or -1. */
static int open_part(int dirfd, const char *part, struct stat *st)
{
    int fd = path_open_beneath(dirfd, part, O_PATH | O_DIRECTORY);

    if (fd == -1 || fstat(fd, st) == -1) {
        show_fault(part, errno == ELOOP ? "a symbolic link: replace it with a "
                                          "directory" : strerror(errno));
        return -1;
    }
    return fd;
}

static int check_roots(int dirfd, const char *part)
{
    struct stat st;
    int fd = open_part(dirfd, part, &st);

    if (fd == -1) {
        return 1;
    }
    close(fd);
    if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return show_fault(part, "not root's alone: chown root, chmod 755");
    }
    return 0;
}

static int check_tmp(int dirfd, uid_t uid)
{
    struct stat st;
    int fd = open_part(dirfd, LAYOUT_TMP, &st);

    if (fd == -1) {
        return 1;
    }
    close(fd);
    return st.st_uid == uid ? 0
        : show_fault(LAYOUT_TMP, "its owner is not the home's: chown it");
}

static int check_identity(const struct site *site, struct users_identity id)
{
    enum code code = site->sealed ? users_check(&site->policy, id) : CODE_OK;

    return code == CODE_OK ? 0 : show_fault("identity", enter_meaning(code));
}

/* Returns how many faults there are. */
static int show_directories(const struct site *site, const char *user)
{
    char home[NAME_USER_MAX + sizeof(LAYOUT_HOME "/")];
    struct stat st;
    int top, own, faults = check_roots(site->users, user);

    if (faults != 0) {
        return faults;
    }
    top = path_open_beneath(site->users, user, O_PATH | O_DIRECTORY);
    faults = check_roots(top, LAYOUT_HOME);
    snprintf(home, sizeof(home), LAYOUT_HOME "/%s", user);
    own = open_part(top, home, &st);
    if (own == -1) {
        return faults + 1;
    }
    printf("home %s/%s/%s\nuid %u\ngid %u\n", site->path, user, home,
           st.st_uid, st.st_gid);
    return faults + check_tmp(top, st.st_uid)
        + check_identity(site, (struct users_identity){ st.st_uid,
                                                        st.st_gid });
}

/* A line of timount's: "pin PLACE USER" or "warden PLACE USER@PID". */
static void show_jail(void *context, char *text)
{
    const char *wanted = context;
    char *kind = strsep(&text, " "), *place = strsep(&text, " ");
    char *user = strsep(&text, "@"), *pid = text;

    if (user == NULL || strcmp(user, wanted) != 0) {
        return;
    }
    if (strcmp(kind, "pin") == 0) {
        printf("jail %s\n", place);
    }
    else if (pid != NULL) {
        printf("warden %s %s\n", place, pid);
    }
}

int user_show(const struct options *options, char **operands)
{
    char *user = operands[0];
    struct helper timount;
    struct site site;
    struct stat st;
    int faults;

    site_require_name(user);
    site_open(&site, options);
    if (fstatat(site.users, user, &st, AT_SYMLINK_NOFOLLOW) == -1) {
        fail("no user '%s' in '%s': add it with \"ivlejailctl user add %s\"",
             user, site.path, user);
    }
    printf("name %s\n", user);
    faults = show_directories(&site, user);
    if (site.runs) {
        jail_timount(&timount, site.instance, "list", NULL);
        if (helper_lines(&timount, show_jail, user) != 0) {
            return 1;
        }
    }
    return faults == 0 ? 0 : 1;
}
