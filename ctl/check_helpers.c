/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_helpers.c - what is installed
 *
 * Beside the warden of the sealed policy, if there is one: that is where
 * httpd and the helpers themselves look.
 */
#include "check.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "finding.h"
#include "helper.h"

/* Fails if its directory is not root's alone, or it is not there. */
static void find(const struct patient *patient, const char *name,
                 struct helper *helper, struct stat *st)
{
    helper_init(helper, name, patient->sealed ? patient->policy.warden
                                              : NULL);
    if (lstat(helper->path, st) == -1) {
        fail("%s: %m: install it with \"make install\", all of one release",
             helper->path);
    }
}

/* Returns how many faults there are. */
static int check_file(const char *path, const struct stat *st)
{
    if (!S_ISREG(st->st_mode) || st->st_uid != 0) {
        finding_fault("%s is not a regular file of root: install it with "
                      "\"make install\"", path);
        return 1;
    }
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        finding_fault("%s is writable by others than root: chmod go-w %s",
                      path, path);
        return 1;
    }
    if (st->st_nlink != 1) {
        finding_fault("%s has %lu names: install it again, after the other "
                      "names are gone", path, (unsigned long)st->st_nlink);
        return 1;
    }
    return 0;
}

/*** The setuid one ***/

static int check_caller(const struct patient *patient, const char *path,
                        const struct stat *st)
{
    if (patient->sealed && st->st_gid != patient->policy.httpd_gid) {
        finding_fault("%s is of group %u, and httpd of group %u: chgrp it to "
                      "that, then chmod 4750 %s", path, st->st_gid,
                      patient->policy.httpd_gid, path);
        return 1;
    }
    if ((st->st_mode & 07777) != 04750) {
        finding_fault("%s has mode %04o: chmod 4750 %s", path,
                      st->st_mode & 07777, path);
        return 1;
    }
    return 0;
}

static int check_mount(const char *path)
{
    struct statvfs vfs;

    if (statvfs(path, &vfs) == -1) {
        fail("%s: %m", path);
    }
    if ((vfs.f_flag & (ST_NOSUID | ST_NOEXEC)) != 0) {
        finding_fault("%s is on a file system that is mounted %s: install it "
                      "on another one and set IvleJailTrampoline", path,
                      (vfs.f_flag & ST_NOSUID) != 0 ? "nosuid" : "noexec");
        return 1;
    }
    return 0;
}

void check_trampoline(const struct patient *patient)
{
    struct helper helper;
    struct stat st;

    find(patient, "trampoline", &helper, &st);
    if (check_file(helper.path, &st)
        + check_caller(patient, helper.path, &st)
        + check_mount(helper.path) == 0) {
        finding_ok("%s is root's, of group %u, and set-user-ID works there",
                   helper.path, st.st_gid);
    }
}

/*** The others ***/

/* The warden is run by every user; who could read it, could trace it. */
static const struct {
    const char *name;
    mode_t mode;
} helpers[] = {
    { "warden", 0711 }, { "timount", 0755 }, { "provision", 0755 },
    { "cgroup", 0755 }, { "base-build", 0755 }
};

void check_helpers(const struct patient *patient)
{
    struct helper helper;
    struct stat st;
    int faults = 0;
    size_t i;

    for (i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
        find(patient, helpers[i].name, &helper, &st);
        faults += check_file(helper.path, &st);
        if ((st.st_mode & 07777) != helpers[i].mode) {
            finding_fault("%s has mode %04o: chmod %04o %s", helper.path,
                          st.st_mode & 07777, helpers[i].mode, helper.path);
            faults++;
        }
    }
    if (faults == 0) {
        finding_ok("warden, timount, provision, cgroup and base-build are "
                   "root's");
    }
}
