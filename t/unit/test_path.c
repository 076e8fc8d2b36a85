/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_path.c - which directories are trusted, and who is at fault
 *
 * With real owners and modes, so as root.
 */
/* LINK: path.o */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "trampoline/path.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* In the scratch directory, in this order; ownerless ones are root's. */
static const struct {
    const char *name;
    mode_t mode;
    uid_t uid;
    gid_t gid;
} directories[] = {
    { "jail",               0755, 0, 0 },
    { "jail/in",            0700, 0, 0 },
    { "jail/in/deep",       0511, 0, 0 },
    { "jailbird",           0777, 0, 0 },
    { "jailbird/in",        0755, 0, 0 },
    { "group",              0775, 0, 0 },
    { "group/in",           0755, 0, 0 },
    { "sticky",             01777, 0, 0 },
    { "sticky/in",          0755, 0, 0 },
    { "user",               0755, 70001, 70001 },
    { "user/in",            0755, 0, 0 },
    { "othergroup",         0755, 0, 70001 },
    { "othergroup/in",      0755, 0, 0 }
};

static const struct {
    const char *name, *to;
} links[] = {
    { "link",           "jail" },
    { "jail/link",      "in" },
    { "jail/up",        ".." },
    { "jail/root",      "/" },
    { "dangling",       "nothing" }
};

static char scratch[64];
static int scratch_fd;

static int make_scratch(void **state)
{
    size_t i;
    int fd;

    (void)state;
    umask(0);
    snprintf(scratch, sizeof(scratch), "/run/test_path.XXXXXX");
    if (mkdtemp(scratch) == NULL || chmod(scratch, 0755) == -1) {
        return -1;
    }
    scratch_fd = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (i = 0; i < COUNT(directories); i++) {
        if (mkdirat(scratch_fd, directories[i].name, 0700) == -1
            || fchownat(scratch_fd, directories[i].name, directories[i].uid,
                        directories[i].gid, 0) == -1
            || fchmodat(scratch_fd, directories[i].name, directories[i].mode,
                        0) == -1) {
            return -1;
        }
    }
    for (i = 0; i < COUNT(links); i++) {
        if (symlinkat(links[i].to, scratch_fd, links[i].name) == -1) {
            return -1;
        }
    }
    fd = openat(scratch_fd, "jail/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    return fd == -1 ? -1 : close(fd);
}

static int remove_scratch(void **state)
{
    size_t i;

    (void)state;
    (void)unlinkat(scratch_fd, "jail/file", 0);
    for (i = 0; i < COUNT(links); i++) {
        (void)unlinkat(scratch_fd, links[i].name, 0);
    }
    for (i = COUNT(directories); i > 0; i--) {
        (void)unlinkat(scratch_fd, directories[i - 1].name, AT_REMOVEDIR);
    }
    close(scratch_fd);
    return rmdir(scratch);
}

/* The next descriptor that would be given: grows with every leak. */
static int next_descriptor(void)
{
    int fd = dup(STDIN_FILENO);

    assert_int_not_equal(fd, -1);
    close(fd);
    return fd;
}

static const struct {
    const char *path;           /* below the scratch directory */
    int error;                  /* 0: trusted */
    const char *culprit;        /* the prefix at fault */
} paths[] = {
    { "",                   0,          NULL },
    { "/",                  0,          NULL },
    { "/jail",              0,          NULL },
    { "/jail/",             0,          NULL },
    { "/jail/in",           0,          NULL },
    { "/jail/in/deep",      0,          NULL },
    { "/othergroup/in",     0,          NULL },
    { "/jailbird",          EPERM,      "/jailbird" },
    { "/jailbird/in",       EPERM,      "/jailbird" },
    { "/group/in",          EPERM,      "/group" },
    { "/sticky/in",         EPERM,      "/sticky" },
    { "/user/in",           EPERM,      "/user" },
    { "/link",              ELOOP,      "/link" },
    { "/link/in",           ELOOP,      "/link" },
    { "/jail/link",         ELOOP,      "/jail/link" },
    { "/jail/link/deep",    ELOOP,      "/jail/link" },
    { "/jail/up/jail",      ELOOP,      "/jail/up" },
    { "/jail/root",         ELOOP,      "/jail/root" },
    { "/dangling",          ELOOP,      "/dangling" },
    { "/jai",               ENOENT,     "/jai" },
    { "/jail/in/dee",       ENOENT,     "/jail/in/dee" },
    { "/jail/none/deep",    ENOENT,     "/jail/none" },
    { "/jail/file",         ENOTDIR,    "/jail/file" },
    { "/jail/file/in",      ENOTDIR,    "/jail/file" },
    { "/jail/../jail",      EXDEV,      "/jail/.." },
    { "/jail//in",          ENOENT,     "/jail/" },
    { "//",                 ENOENT,     "/" }
};

static void test_trusted(void **state)
{
    int before = next_descriptor();
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(paths); i++) {
        char path[256];
        size_t culprit = 0;
        int fd;

        snprintf(path, sizeof(path), "%s%s", scratch, paths[i].path);
        errno = 0;
        fd = path_open_trusted(path, &culprit);
        if ((fd == -1 ? errno : 0) != paths[i].error) {
            fail_msg("%s: %s", path, strerror(errno));
        }
        if (fd != -1) {
            struct stat by_fd, by_name;

            assert_int_equal(fstat(fd, &by_fd), 0);
            assert_int_equal(stat(path, &by_name), 0);
            assert_int_equal(by_fd.st_ino, by_name.st_ino);
            assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
            assert_true((fcntl(fd, F_GETFL) & O_PATH) != 0);
            close(fd);
        }
        else if (culprit != strlen(scratch) + strlen(paths[i].culprit)) {
            fail_msg("%s: at fault is %.*s", path, (int)culprit, path);
        }
        assert_int_equal(next_descriptor(), before);
    }
}

static void test_other_forms(void **state)
{
    static const char *const forms[] = { "", "jail", "./jail", "../jail" };
    char name[300], path[PATH_MAX + 1] = "/";
    size_t i, culprit = 0;
    int fd;

    (void)state;
    for (i = 0; i < COUNT(forms); i++) {
        assert_int_equal(path_open_trusted(forms[i], &culprit), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(culprit, strlen(forms[i]));
    }
    memset(name, 'x', sizeof(name));
    name[0] = '/';
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(path_open_trusted(name, &culprit), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    assert_int_equal(culprit, strlen(name));
    name[1 + 255] = '\0';
    assert_int_equal(path_open_trusted(name, &culprit), -1);
    assert_int_equal(errno, ENOENT);
    for (i = 1; i < PATH_MAX; i++) {
        path[i] = i % 2 == 0 ? '/' : '.';
    }
    assert_int_equal(strlen(path), PATH_MAX);
    assert_int_equal(path_open_trusted(path, &culprit), -1);
    assert_int_equal(errno, EINVAL);
    path[PATH_MAX - 1] = '\0';
    fd = path_open_trusted(path, &culprit);
    assert_int_not_equal(fd, -1);
    close(fd);
    fd = path_open_trusted("/", &culprit);
    assert_int_not_equal(fd, -1);
    close(fd);
}

static const struct {
    const char *path;
    int flags;
    int error;                  /* 0: opened */
} beneath[] = {
    { "jail",           O_PATH,                 0 },
    { "jail/in/deep",   O_RDONLY | O_DIRECTORY, 0 },
    { "jail/file",      O_RDONLY,               0 },
    { "jail/file",      O_RDONLY | O_NOFOLLOW,  0 },
    { ".",              O_PATH,                 0 },
    { "jail/..",        O_PATH,                 0 },
    { "..",             O_PATH,                 EXDEV },
    { "jail/../..",     O_PATH,                 EXDEV },
    { "/",              O_PATH,                 EXDEV },
    { "/run",           O_PATH,                 EXDEV },
    { "link",           O_PATH,                 ELOOP },
    { "link",           O_PATH | O_NOFOLLOW,    ELOOP },
    { "link",           O_RDONLY,               ELOOP },
    { "link",           O_RDONLY | O_DIRECTORY | O_NOFOLLOW, ELOOP },
    { "link/in",        O_PATH,                 ELOOP },
    { "jail/link/deep", O_PATH,                 ELOOP },
    { "dangling",       O_PATH | O_NOFOLLOW,    ELOOP },
    { "jail/file",      O_PATH | O_DIRECTORY,   ENOTDIR },
    { "nothing",        O_PATH,                 ENOENT },
    { "",               O_PATH,                 ENOENT }
};

static void test_beneath(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(beneath); i++) {
        int fd = path_open_beneath(scratch_fd, beneath[i].path,
                                   beneath[i].flags);

        if ((fd == -1 ? errno : 0) != beneath[i].error) {
            fail_msg("%s: %s", beneath[i].path, strerror(errno));
        }
        if (fd != -1) {
            assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
            close(fd);
        }
    }
}

/* /proc/self/fd holds links that lead anywhere without a path. */
static void test_magic_links(void **state)
{
    int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char name[32];

    (void)state;
    assert_int_not_equal(proc, -1);
    snprintf(name, sizeof(name), "fd/%d", scratch_fd);
    assert_int_equal(path_open_beneath(proc, name, O_PATH), -1);
    assert_int_equal(errno, ELOOP);
    assert_int_equal(path_open_beneath(proc, "root", O_PATH | O_NOFOLLOW), -1);
    assert_int_equal(errno, ELOOP);
    close(proc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trusted),
        cmocka_unit_test(test_other_forms),
        cmocka_unit_test(test_beneath),
        cmocka_unit_test(test_magic_links)
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
