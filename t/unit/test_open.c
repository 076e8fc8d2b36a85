/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_open.c - what is opened to be served, and what is not; also where it
 * was another file when it was found
 */
/* LINK: scratch.o open.o listing.o find.o */
/* LINK: wire.o wire_entry.o wire_answer.o wire_passed.o wire_socket.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "trampoline/open.h"

enum { HOLD_SECONDS = 30 };

static void put(const char *name, mode_t mode, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t length = (ssize_t) strlen(text);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, (size_t) length), length);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int make_directory(void **state)
{
    (void) state;
    return scratch_enter();
}

static int remove_directory(void **state)
{
    (void) state;
    return scratch_leave();
}

/* As find_target() leaves it, whatever is there by now. */
static enum wire_refusal open_as(enum find_kind kind, const char *path,
                                 const char *path_info, int *fd, int *error)
{
    static struct found found;

    found.kind = kind;
    found.path_info = path_info;
    snprintf(found.script, sizeof(found.script), "%s", path);
    return open_found(&found, fd, error);
}

static void assert_refused(const char *path, const char *path_info,
                           enum wire_refusal refusal, int expected)
{
    int before = scratch_count_fds(), fd, error;

    print_message("# %s %s\n", path, path_info);
    assert_int_equal(open_as(FIND_FILE, path, path_info, &fd, &error),
                     refusal);
    assert_int_equal(error, expected);
    assert_int_equal(scratch_count_fds(), before);
}

static void assert_opened(const char *path, const char *text)
{
    char buffer[64];
    ssize_t length;
    int fd, error;

    assert_int_equal(open_as(FIND_FILE, path, "", &fd, &error),
                     WIRE_NOT_REFUSED);
    assert_int_equal(error, 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    length = read(fd, buffer, sizeof(buffer));
    assert_int_equal(length, strlen(text));
    assert_memory_equal(buffer, text, strlen(text));
    close(fd);
}

static void test_files(void **state)
{
    static const char *const texts[] = {
        "", "#", "# comment", "!#", " #!/bin/sh", "<?php echo 1;", "\177ELF"
    };
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        put("file", 0644, texts[i]);
        assert_opened("file", texts[i]);
    }
    put("secret", 0400, "mine");
    assert_opened("secret", "mine");
    assert_int_equal(symlink("secret", "link"), 0);
    assert_opened("link", "mine");
}

/* Its source is not shown, whoever may read it. */
static void test_scripts(void **state)
{
    (void) state;
    put("script", 0644, "#!/usr/bin/python3\npassword = 'x'\n");
    assert_refused("script", "", WIRE_NOT_EXECUTABLE, EACCES);
    assert_refused("script", "/more", WIRE_NOT_EXECUTABLE, EACCES);
    put("script", 0644, "#!");
    assert_refused("script", "", WIRE_NOT_EXECUTABLE, EACCES);
}

static void test_path_info(void **state)
{
    (void) state;
    put("file", 0644, "text");
    assert_refused("file", "/", WIRE_NOT_FOUND, ENOTDIR);
    assert_refused("file", "/more", WIRE_NOT_FOUND, ENOTDIR);
}

static void test_unreadable(void **state)
{
    (void) state;
    put("closed", 0, "text");
    assert_refused("closed", "", WIRE_FORBIDDEN, EACCES);
    assert_refused("closed", "/more", WIRE_FORBIDDEN, EACCES);
    assert_refused("/etc/shadow", "", WIRE_FORBIDDEN, EACCES);
}

/* What a user may put there in the moment after stat(2). */
static void test_replaced(void **state)
{
    (void) state;
    assert_refused("missing", "", WIRE_NOT_FOUND, ENOENT);
    assert_int_equal(mkfifo("fifo", 0644), 0);
    assert_refused("fifo", "", WIRE_FORBIDDEN, 0);
    assert_int_equal(mkdir("directory", 0755), 0);
    assert_refused("directory", "", WIRE_FORBIDDEN, 0);
    assert_refused("/dev/null", "", WIRE_FORBIDDEN, 0);
    assert_refused("/dev/zero", "", WIRE_FORBIDDEN, 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_refused("loop", "", WIRE_NOT_FOUND, ELOOP);
}

/* They are about whoever opens them: the warden, not the user's program. */
static void test_procfs(void **state)
{
    static const char *const files[] = {
        "/proc/self/maps", "/proc/self/status", "/proc/version",
        "/proc/self/ns/mnt", "link_to_proc"
    };
    size_t i;

    (void) state;
    assert_int_equal(symlink("/proc/self/cmdline", "link_to_proc"), 0);
    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        assert_refused(files[i], "", WIRE_FORBIDDEN, 0);
    }
}

/* Returns the process that has the file under a lease. */
static pid_t hold_lease(const char *name)
{
    int ready[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        int fd = open(name, O_RDWR | O_CLOEXEC);

        signal(SIGIO, SIG_IGN);
        if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) != 0
            || write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        sleep(HOLD_SECONDS);
        _exit(0);
    }
    assert_true(pid > 0);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

/* Whoever opens it waits for its holder (45 s), or need not. */
static void test_lease(void **state)
{
    pid_t holder;

    (void) state;
    put("leased", 0644, "text");
    holder = hold_lease("leased");
    assert_refused("leased", "", WIRE_CANNOT_START, EWOULDBLOCK);
    assert_int_equal(waitpid(holder, NULL, WNOHANG), 0);
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    assert_opened("leased", "text");
}

static void assert_not_listed(const char *path, enum wire_refusal refusal,
                              int expected)
{
    int before = scratch_count_fds(), fd, error;

    print_message("# %s\n", path);
    assert_int_equal(open_as(FIND_DIRECTORY, path, "", &fd, &error), refusal);
    assert_int_equal(error, expected);
    assert_int_equal(scratch_count_fds(), before);
}

static void test_directories(void **state)
{
    int before = scratch_count_fds(), fd, error;

    (void) state;
    assert_int_equal(open_as(FIND_DIRECTORY, ".", "", &fd, &error),
                     WIRE_NOT_REFUSED);
    assert_int_equal(error, 0);
    assert_int_equal(scratch_count_fds(), before + 1);
    close(fd);
    put("file", 0644, "text");
    assert_int_equal(mkdir("blind", 0311), 0);
    assert_not_listed("missing", WIRE_NOT_FOUND, ENOENT);
    assert_not_listed("file", WIRE_NOT_FOUND, ENOTDIR);
    assert_not_listed("fifo", WIRE_NOT_FOUND, ENOTDIR);
    assert_not_listed("blind", WIRE_FORBIDDEN, EACCES);
    assert_not_listed("/root", WIRE_FORBIDDEN, EACCES);
    assert_not_listed("/proc", WIRE_FORBIDDEN, 0);
    assert_not_listed("/proc/self/fd", WIRE_FORBIDDEN, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_path_info),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_procfs),
        cmocka_unit_test(test_lease),
        cmocka_unit_test(test_directories),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
