/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_listing.c - what is listed of real directories, and how much
 */
/* LINK: scratch.o listing.o find.o */
/* LINK: wire.o wire_entry.o wire_answer.o wire_passed.o wire_socket.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "scratch.h"
#include "trampoline/listing.h"

static struct {
    struct wire_entry entries[LISTING_NAMES_MAX + 1];
    size_t count, size;
    int error;
} listed;

/* Each test in an empty directory, not as root. */
static int enter(void **state)
{
    (void) state;
    return scratch_enter();
}

static int leave(void **state)
{
    (void) state;
    return scratch_leave();
}

static void put(const char *name, off_t size)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
}

/* Lists the directory, into the variable listed. */
static void list(void)
{
    static char bytes[WIRE_LISTING_MAX + 1];
    int before = scratch_count_fds(), fd;
    size_t at = 0, length;
    ssize_t size;

    listed.error = listing_make(open(scratch_path(),
                                     O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                &fd);
    assert_int_equal(scratch_count_fds(), before + 1);
    assert_int_equal(fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE, F_SEAL_WRITE);
    size = pread(fd, bytes, sizeof(bytes), 0);
    assert_in_range(size, 0, WIRE_LISTING_MAX);
    close(fd);
    listed.size = (size_t) size;
    for (listed.count = 0; at < listed.size; at += length) {
        assert_in_range(listed.count, 0, LISTING_NAMES_MAX);
        length = wire_unpack_entry(bytes + at, listed.size - at,
                                   &listed.entries[listed.count++]);
        assert_int_not_equal(length, 0);
    }
}

static const struct wire_entry *entry_of(const char *name)
{
    size_t i;

    for (i = 0; i < listed.count; i++) {
        if (strcmp(listed.entries[i].name, name) == 0) {
            return &listed.entries[i];
        }
    }
    return NULL;
}

static void assert_listed(const char *name, enum wire_entry_type type)
{
    const struct wire_entry *entry = entry_of(name);
    struct stat st;

    assert_non_null(entry);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(entry->type, type);
    assert_int_equal(entry->size, st.st_size);
    assert_int_equal(entry->mtime, st.st_mtime);
}

/* --- what is listed --- */

static void test_nothing(void **state)
{
    (void) state;
    list();
    assert_int_equal(listed.count, 0);
    assert_int_equal(listed.error, 0);
}

static void test_files_and_directories(void **state)
{
    const struct timespec long_ago[2] = { { .tv_sec = -86400 },
                                          { .tv_sec = -86400 } };

    (void) state;
    put("empty", 0);
    put("large", (off_t) 5 << 30);
    put("old", 1);
    assert_int_equal(utimensat(AT_FDCWD, "old", long_ago, 0), 0);
    put("closed", 7);
    assert_int_equal(chmod("closed", 0), 0);
    assert_int_equal(mkdir("directory", 0700), 0);
    assert_int_equal(mkdir("shut", 0), 0);
    list();
    assert_int_equal(listed.count, 6);
    assert_int_equal(listed.error, 0);
    assert_listed("empty", WIRE_ENTRY_FILE);
    assert_listed("large", WIRE_ENTRY_FILE);
    assert_listed("old", WIRE_ENTRY_FILE);
    assert_int_equal(entry_of("old")->mtime, -86400);
    assert_listed("closed", WIRE_ENTRY_FILE);
    assert_listed("directory", WIRE_ENTRY_DIRECTORY);
    assert_listed("shut", WIRE_ENTRY_DIRECTORY);
}

static void test_names(void **state)
{
    static const char *const names[] = {
        "a b", "new\nline", "\xff\xfe", "<b>&\"'", "x.ht", "\x01", "~", "-"
    };
    static const char *const hidden[] = { ".hidden", ".htaccess", "...",
                                          ".ht" };
    char longest[NAME_MAX + 1];
    size_t i;

    (void) state;
    memset(longest, 'x', NAME_MAX);
    longest[NAME_MAX] = '\0';
    put(longest, 3);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        put(names[i], (off_t) i);
    }
    for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        put(hidden[i], 0);
    }
    list();
    assert_int_equal(listed.count, i + 5);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_listed(names[i], WIRE_ENTRY_FILE);
    }
    assert_listed(longest, WIRE_ENTRY_FILE);
}

static void test_links(void **state)
{
    (void) state;
    put(".target", 123);
    assert_int_equal(symlink(".target", "to_file"), 0);
    assert_int_equal(symlink("/tmp", "to_directory"), 0);
    assert_int_equal(symlink("missing", "dangling"), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_int_equal(symlink("/root/x", "closed"), 0);
    assert_int_equal(symlink("/dev/null", "device"), 0);
    list();
    assert_int_equal(listed.count, 2);
    assert_listed("to_file", WIRE_ENTRY_FILE);
    assert_listed("to_directory", WIRE_ENTRY_DIRECTORY);
}

static void test_others(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX,
                                   .sun_path = "socket" };
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void) state;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(bind(sock, (struct sockaddr *) &address,
                          sizeof(address)), 0);
    list();
    assert_int_equal(listed.count, 0);
    close(sock);
}

/* --- how much --- */

static void test_many(void **state)
{
    char name[16];
    int i;

    (void) state;
    for (i = 0; i < LISTING_NAMES_MAX; i++) {
        snprintf(name, sizeof(name), "%d", i);
        put(name, 0);
    }
    put(".hidden", 0);
    list();
    assert_int_equal(listed.count, LISTING_NAMES_MAX);
    assert_int_equal(listed.error, 0);
    put("more", 0);
    list();
    assert_int_equal(listed.count, LISTING_NAMES_MAX);
    assert_int_equal(listed.error, EOVERFLOW);
}

/* What is left out costs a look, too. */
static void test_many_of_no_interest(void **state)
{
    char name[16];
    int i;

    (void) state;
    for (i = 0; i <= LISTING_NAMES_MAX; i++) {
        snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(symlink("missing", name), 0);
    }
    list();
    assert_int_equal(listed.count, 0);
    assert_int_equal(listed.error, EOVERFLOW);
}

static void test_large(void **state)
{
    enum { ENTRY = 17 + NAME_MAX + 1, FIT = WIRE_LISTING_MAX / ENTRY };
    char name[NAME_MAX + 1];
    int i;

    (void) state;
    memset(name, 'x', sizeof(name));
    for (i = 0; i <= FIT; i++) {
        snprintf(name, 6, "%05d", i);
        name[5] = 'x';
        name[NAME_MAX] = '\0';
        put(name, 0);
        if (i == FIT - 1) {
            list();
            assert_int_equal(listed.count, FIT);
            assert_int_equal(listed.error, 0);
        }
    }
    list();
    assert_int_equal(listed.count, FIT);
    assert_int_equal(listed.size, FIT * ENTRY);
    assert_int_equal(listed.error, EOVERFLOW);
}

/* --- what is refused --- */

static void test_failures(void **state)
{
    int before = scratch_count_fds(), fd;

    (void) state;
    put("file", 0);
    assert_int_equal(listing_make(open("file", O_RDONLY | O_CLOEXEC), &fd),
                     ENOTDIR);
    assert_int_equal(listing_make(open(".", O_PATH | O_CLOEXEC), &fd), EBADF);
    assert_int_equal(scratch_count_fds(), before);
}

/* Names can be read, but nothing can be reached by them. */
static void test_readable_only(void **state)
{
    (void) state;
    put("file", 0);
    assert_int_equal(chmod(scratch_path(), 0600), 0);
    assert_int_equal(chdir("/"), 0);
    list();
    assert_int_equal(listed.count, 0);
    assert_int_equal(listed.error, 0);
}

#define IN_DIRECTORY(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_nothing),
        IN_DIRECTORY(test_files_and_directories),
        IN_DIRECTORY(test_names),
        IN_DIRECTORY(test_links),
        IN_DIRECTORY(test_others),
        IN_DIRECTORY(test_many),
        IN_DIRECTORY(test_many_of_no_interest),
        IN_DIRECTORY(test_large),
        IN_DIRECTORY(test_failures),
        IN_DIRECTORY(test_readable_only),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
