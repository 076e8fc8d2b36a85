/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_users.c - the directories of a user, as root, with real owners
 *
 * users_make() runs in a child that has the capabilities of the trampoline
 * at that moment: CAP_CHOWN, and neither CAP_DAC_* nor CAP_FOWNER.
 */
/* LINK: users.o users_check.o names.o */
/* LIBS: -lcap */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "trampoline/users.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct users_identity alice = { 70001, 70002 };

static char scratch[64];
static int users = -1;          /* the users directory, O_PATH */

/*** The users directory ***/

static int make_scratch(void **state)
{
    (void)state;
    umask(022);
    snprintf(scratch, sizeof(scratch), "/run/test_users.XXXXXX");
    if (mkdtemp(scratch) == NULL || chmod(scratch, 0755) == -1) {
        return -1;
    }
    users = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return users == -1 ? -1 : 0;
}

/* Removes all that is below dirfd; nothing here is anybody else's. */
static void empty(int dirfd)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fdopendir(fd);
    struct dirent *entry;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        const char *name = entry->d_name;
        int below;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0
            || unlinkat(fd, name, 0) == 0) {
            continue;
        }
        below = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
        empty(below);
        close(below);
        assert_int_equal(unlinkat(fd, name, AT_REMOVEDIR), 0);
    }
    closedir(directory);
}

static int remove_scratch(void **state)
{
    (void)state;
    empty(users);
    close(users);
    return rmdir(scratch);
}

static int count_entries(int dirfd)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fdopendir(fd);
    int count = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count - 2;           /* "." and ".." */
}

/*** users_make() ***/

static bool with_chown = true;

static void keep_only_chown(void)
{
    const cap_value_t chown_only[] = { CAP_CHOWN };
    cap_t caps = cap_init();

    if (caps == NULL
        || cap_set_flag(caps, CAP_EFFECTIVE, 1, chown_only,
                        with_chown ? CAP_SET : CAP_CLEAR) == -1
        || cap_set_flag(caps, CAP_PERMITTED, 1, chown_only, CAP_SET) == -1
        || cap_set_proc(caps) == -1) {
        _exit(255);
    }
    cap_free(caps);
}

/* What users_make() returns in such a process. */
static int make(const char *user, struct users_identity id, mode_t mask)
{
    int status;
    pid_t pid = fork();

    assert_int_not_equal(pid, -1);
    if (pid == 0) {
        umask(mask);
        keep_only_chown();
        _exit(users_make(users, user, id));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void is_there(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    struct stat st;

    if (fstatat(users, path, &st, AT_SYMLINK_NOFOLLOW) == -1) {
        fail_msg("%s: %s", path, strerror(errno));
    }
    if (st.st_mode != mode || st.st_uid != uid || st.st_gid != gid) {
        fail_msg("%s: mode %o, owner %u:%u", path, st.st_mode, st.st_uid,
                 st.st_gid);
    }
}

static void contains(const char *path, const char *expected)
{
    char text[1024];
    int fd = openat(users, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof(text) - 1);

    assert_true(n >= 0);
    text[n] = '\0';
    assert_string_equal(text, expected);
    close(fd);
}

/* Exactly the tree that users.h promises, and nothing else. */
static void is_alice(void)
{
    is_there("alice", S_IFDIR | 0755, 0, 0);
    is_there("alice/home", S_IFDIR | 0755, 0, 0);
    is_there("alice/home/alice", S_IFDIR | 0700, alice.uid, alice.gid);
    is_there("alice/tmp", S_IFDIR | 0700, alice.uid, alice.gid);
    is_there("alice/home/.passwd", S_IFREG | 0644, 0, 0);
    is_there("alice/home/.group", S_IFREG | 0644, 0, 0);
    contains("alice/home/.passwd",
             "root:x:0:0:root:/:/bin/sh\n"
             "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
             "alice:x:70001:70002::/home/alice:/bin/sh\n");
    contains("alice/home/.group",
             "root:x:0:\nnogroup:x:65534:\nalice:x:70002:\n");
    assert_int_equal(count_entries(users), 1);
}

static void test_make(void **state)
{
    static const mode_t masks[] = { 022, 0, 077 };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(masks); i++) {
        assert_int_equal(make("alice", alice, masks[i]), 0);
        is_alice();
        empty(users);
    }
}

/* A directory that gives its group to what is made in it. */
static void test_make_below_setgid(void **state)
{
    (void)state;
    assert_int_equal(fchownat(users, "", 0, 70003, AT_EMPTY_PATH), 0);
    assert_int_equal(chmod(scratch, 02755), 0);
    assert_int_equal(make("alice", alice, 022), 0);
    is_there("alice", S_IFDIR | 0755, 0, 0);
    is_there("alice/home/alice", S_IFDIR | 0700, alice.uid, alice.gid);
    assert_int_equal(chmod(scratch, 0755), 0);
    assert_int_equal(fchownat(users, "", 0, 0, AT_EMPTY_PATH), 0);
    empty(users);
}

static void test_make_what_is_there(void **state)
{
    static const struct users_identity other = { 70009, 70009 };

    (void)state;
    assert_int_equal(make("alice", alice, 022), 0);
    assert_int_equal(make("alice", other, 022), EEXIST);
    is_alice();
    empty(users);
    assert_int_equal(symlinkat("/nowhere", users, "alice"), 0);
    assert_int_equal(make("alice", alice, 022), EEXIST);
    assert_int_equal(count_entries(users), 1);
    empty(users);
}

/* As an attempt leaves it that was interrupted after so many steps. */
static void interrupted_after(int steps)
{
    int fd;

    assert_int_equal(mkdirat(users, ".new-alice", 0700), 0);
    if (steps >= 1) {
        assert_int_equal(mkdirat(users, ".new-alice/home", 0700), 0);
    }
    if (steps >= 2) {
        fd = openat(users, ".new-alice/home/.passwd", O_CREAT | O_WRONLY,
                    0600);
        assert_int_equal(ftruncate(fd, 900), 0);
        close(fd);
    }
    if (steps >= 3) {
        assert_int_equal(mkdirat(users, ".new-alice/home/alice", 0700), 0);
        assert_int_equal(fchownat(users, ".new-alice/home/alice", 70007,
                                  70007, 0), 0);
    }
    if (steps >= 4) {
        assert_int_equal(mkdirat(users, ".new-alice/tmp", 0700), 0);
        assert_int_equal(fchownat(users, ".new-alice/tmp", 70007, 70007, 0),
                         0);
    }
}

static void test_make_again_after_an_interruption(void **state)
{
    int steps;

    (void)state;
    for (steps = 0; steps <= 4; steps++) {
        interrupted_after(steps);
        assert_int_equal(make("alice", alice, 022), 0);
        is_alice();
        empty(users);
    }
}

/* As it is before the link is planted; the targets are of its kind. */
static void before_link(const char *link, const char *target)
{
    int fd;

    if (strcmp(target, "outside") == 0) {
        assert_int_equal(mkdirat(users, target, 0755), 0);
    }
    else {
        fd = openat(users, target, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, "precious", 8), 8);
        close(fd);
    }
    if (strcmp(link, ".new-alice") != 0) {
        assert_int_equal(mkdirat(users, ".new-alice", 0755), 0);
    }
    if (strncmp(link, ".new-alice/home/", 16) == 0) {
        assert_int_equal(mkdirat(users, ".new-alice/home", 0755), 0);
    }
}

/* Only root can plant a link here; it is still not followed. */
static void test_make_follows_no_link(void **state)
{
    static const char *const links[][2] = {
        { ".new-alice", "outside" },
        { ".new-alice/home", "outside" },
        { ".new-alice/tmp", "outside" },
        { ".new-alice/home/alice", "outside" },
        { ".new-alice/home/.passwd", "file" },
        { ".new-alice/home/.group", "file" }
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(links); i++) {
        char target[80];

        before_link(links[i][0], links[i][1]);
        snprintf(target, sizeof(target), "%s/%s", scratch, links[i][1]);
        assert_int_equal(symlinkat(target, users, links[i][0]), 0);
        if (make("alice", alice, 022) == 0) {
            fail_msg("followed %s", links[i][0]);
        }
        if (strcmp(links[i][1], "file") == 0) {
            is_there("file", S_IFREG | 0600, 0, 0);
            contains("file", "precious");
        }
        else {
            is_there("outside", S_IFDIR | 0755, 0, 0);
        }
        assert_int_equal(faccessat(users, "alice", F_OK, 0), -1);
        empty(users);
    }
}

static void test_make_the_longest_name(void **state)
{
    static const struct users_identity largest = { UINT32_MAX - 1,
                                                   UINT32_MAX - 1 };
    char name[NAME_USER_MAX + 1], path[128], line[256], text[512];

    (void)state;
    memset(name, 'x', NAME_USER_MAX);
    name[NAME_USER_MAX] = '\0';
    assert_int_equal(make(name, largest, 022), 0);
    snprintf(line, sizeof(line), "%s:x:4294967294:4294967294::/home/%s:"
             "/bin/sh\n", name, name);
    snprintf(text, sizeof(text), "root:x:0:0:root:/:/bin/sh\n"
             "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n%s", line);
    snprintf(path, sizeof(path), "%s/home/.passwd", name);
    contains(path, text);
    snprintf(text, sizeof(text), "root:x:0:\nnogroup:x:65534:\n"
             "%s:x:4294967294:\n", name);
    snprintf(path, sizeof(path), "%s/home/.group", name);
    contains(path, text);
    empty(users);
}

/* Nothing of a user is to be seen when something went wrong. */
static void test_make_nothing_by_halves(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(users, ".new-alice", 0755), 0);
    assert_int_equal(mkdirat(users, ".new-alice/home", 0755), 0);
    assert_int_equal(mkdirat(users, ".new-alice/home/.group", 0755), 0);
    assert_int_equal(make("alice", alice, 022), EISDIR);
    assert_int_equal(faccessat(users, "alice", F_OK, 0), -1);
    empty(users);
}

/* Each of the system calls that may be refused, without the right to it. */
static void test_make_without_rights(void **state)
{
    struct users_identity root = { 0, 0 };

    (void)state;
    /* mkdir */
    assert_int_equal(fchownat(users, "", 70009, 0, AT_EMPTY_PATH), 0);
    assert_int_equal(make("alice", alice, 022), EACCES);
    assert_int_equal(count_entries(users), 0);
    /* rename */
    assert_int_equal(mkdirat(users, ".new-alice", 0755), 0);
    assert_int_equal(make("alice", alice, 022), EACCES);
    assert_int_equal(faccessat(users, "alice", F_OK, 0), -1);
    assert_int_equal(fchownat(users, "", 0, 0, AT_EMPTY_PATH), 0);
    empty(users);
    /* chown */
    with_chown = false;
    assert_int_equal(make("alice", alice, 022), EPERM);
    assert_int_equal(faccessat(users, "alice", F_OK, 0), -1);
    assert_int_equal(make("root", root, 022), 0);
    with_chown = true;
    empty(users);
}

/*** The register ***/

static void registered(uid_t uid, const char *user)
{
    char path[64], owner[64];
    ssize_t n;

    snprintf(path, sizeof(path), ".uids/%u", uid);
    n = readlinkat(users, path, owner, sizeof(owner) - 1);
    assert_true(n > 0);
    owner[n] = '\0';
    assert_string_equal(owner, user);
}

static void test_register(void **state)
{
    (void)state;
    assert_int_equal(users_register(users, "alice", 70001), 0);
    registered(70001, "alice");
    assert_int_equal(users_register(users, "alice", 70001), 0);
    assert_int_equal(users_register(users, "bob", 70001), EEXIST);
    assert_int_equal(users_register(users, "alic", 70001), EEXIST);
    assert_int_equal(users_register(users, "alicea", 70001), EEXIST);
    assert_int_equal(users_register(users, "alicf", 70001), EEXIST);
    registered(70001, "alice");
    assert_int_equal(users_register(users, "bob", 70002), 0);
    registered(70002, "bob");
    is_there(".uids", S_IFDIR | 0755, 0, 0);
    empty(users);
}

static void test_allocate(void **state)
{
    struct users_identity first, again, other;

    (void)state;
    assert_int_equal(users_allocate(users, "alice", 70000, 99999, &first), 0);
    assert_true(first.uid >= 70000 && first.uid <= 99999);
    assert_int_equal(first.uid, 70000 + name_lock_offset("alice") % 30000);
    assert_int_equal(first.gid, first.uid);
    registered(first.uid, "alice");
    assert_int_equal(users_allocate(users, "alice", 70000, 99999, &again), 0);
    assert_int_equal(again.uid, first.uid);
    assert_int_equal(users_allocate(users, "bob", 70000, 99999, &other), 0);
    assert_int_not_equal(other.uid, first.uid);
    assert_int_equal(count_entries(users), 1);
    empty(users);
}

/* A small range is used up to the last, each once, and then refused. */
static void test_allocate_all(void **state)
{
    enum { FIRST = 65530, LAST = 65540, NOBODY = 65534 };
    bool given[LAST - FIRST + 1] = { false };
    struct users_identity id = { 0, 0 };
    char user[16];
    int i;

    (void)state;
    for (i = 0; i < LAST - FIRST; i++) {
        snprintf(user, sizeof(user), "user%d", i);
        assert_int_equal(users_allocate(users, user, FIRST, LAST, &id), 0);
        assert_true(id.uid >= FIRST && id.uid <= LAST);
        assert_int_not_equal(id.uid, NOBODY);
        assert_false(given[id.uid - FIRST]);
        given[id.uid - FIRST] = true;
    }
    assert_int_equal(users_allocate(users, "late", FIRST, LAST, &id), ENOSPC);
    assert_int_equal(users_allocate(users, "user3", FIRST, LAST, &id), 0);
    registered(id.uid, "user3");
    empty(users);
}

static void test_allocate_at_the_bounds(void **state)
{
    struct users_identity id;

    (void)state;
    assert_int_equal(users_allocate(users, "a", 70000, 70000, &id), 0);
    assert_int_equal(id.uid, 70000);
    assert_int_equal(users_allocate(users, "b", 70000, 70000, &id), ENOSPC);
    assert_int_equal(users_allocate(users, "b", POLICY_ID_MAX, POLICY_ID_MAX,
                                    &id), 0);
    assert_int_equal(id.uid, POLICY_ID_MAX);
    assert_int_equal(users_allocate(users, "c", POLICY_UID_MIN,
                                    POLICY_ID_MAX, &id), 0);
    empty(users);
}

/* Many at the same time, for fewer uids than they are. */
static void test_allocate_at_once(void **state)
{
    enum { PROCESSES = 24, UIDS = 20 };
    int i, status, given = 0, full = 0;

    (void)state;
    for (i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();

        assert_int_not_equal(pid, -1);
        if (pid == 0) {
            struct users_identity id;
            char user[16];

            snprintf(user, sizeof(user), "user%d", i);
            _exit(users_allocate(users, user, 70000, 70000 + UIDS - 1, &id));
        }
    }
    while (wait(&status) > 0) {
        assert_true(WIFEXITED(status));
        given += WEXITSTATUS(status) == 0;
        full += WEXITSTATUS(status) == ENOSPC;
    }
    assert_int_equal(given, UIDS);
    assert_int_equal(full, PROCESSES - UIDS);
    empty(users);
}

static void test_errors_of_the_register(void **state)
{
    struct users_identity id;
    int fd;

    (void)state;
    fd = openat(users, ".uids", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_not_equal(fd, -1);
    close(fd);
    assert_int_equal(users_register(users, "alice", 70001), ENOTDIR);
    assert_int_equal(users_allocate(users, "alice", 70000, 99999, &id),
                     ENOTDIR);
    empty(users);
    assert_int_equal(mkdirat(users, ".uids", 0755), 0);
    assert_int_equal(mkdirat(users, ".uids/70001", 0755), 0);
    assert_int_equal(users_register(users, "alice", 70001), EINVAL);
    empty(users);
}

/*** users_check() ***/

static void test_check(void **state)
{
    static const struct {
        struct users_identity id;
        enum code code;
    } cases[] = {
        { { 0, 70000 },         CODE_USER_ROOT },
        { { 0, 0 },             CODE_USER_ROOT },
        { { 33, 70000 },        CODE_USER_RANGE },
        { { 59999, 70000 },     CODE_USER_RANGE },
        { { 60000, 70000 },     CODE_OK },
        { { 65533, 70000 },     CODE_OK },
        { { 65534, 70000 },     CODE_USER_RANGE },
        { { 65535, 70000 },     CODE_OK },
        { { 99999, 99999 },     CODE_OK },
        { { 100000, 70000 },    CODE_USER_RANGE },
        { { UINT32_MAX, 1 },    CODE_USER_RANGE },
        { { 70000, 0 },         CODE_USER_GROUP },
        { { 70000, 34 },        CODE_USER_GROUP },
        { { 70000, 33 },        CODE_OK },
        { { 70000, 100 },       CODE_OK }
    };
    static struct policy policy = {
        .httpd_uid = 33, .httpd_gid = 34,
        .profile = { .uid_min = 60000, .uid_max = 99999 }
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        if (users_check(&policy, cases[i].id) != cases[i].code) {
            fail_msg("%u:%u", cases[i].id.uid, cases[i].id.gid);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_make_below_setgid),
        cmocka_unit_test(test_make_what_is_there),
        cmocka_unit_test(test_make_again_after_an_interruption),
        cmocka_unit_test(test_make_follows_no_link),
        cmocka_unit_test(test_make_the_longest_name),
        cmocka_unit_test(test_make_nothing_by_halves),
        cmocka_unit_test(test_make_without_rights),
        cmocka_unit_test(test_register),
        cmocka_unit_test(test_allocate),
        cmocka_unit_test(test_allocate_all),
        cmocka_unit_test(test_allocate_at_the_bounds),
        cmocka_unit_test(test_allocate_at_once),
        cmocka_unit_test(test_errors_of_the_register),
        cmocka_unit_test(test_check)
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
