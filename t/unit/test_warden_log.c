/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_warden_log.c - the user's own error log: a real warden writes it, and
 * nothing that a user may put in its place stops the warden
 */
/* LINK: rig.o scratch.o wire.o wire_answer.o wire_passed.o wire_socket.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig.h"
#include "trampoline/logfile.h"

/* --- helpers --- */

/* Has text written and returns the warden's one answer. */
static struct wire_answer write_log(const struct rig *rig, const char *name,
                                    const char *text)
{
    const struct wire_log log = { .path = rig_path(rig, name), .text = text };
    struct wire_answer answer;
    struct client client;

    assert_int_equal(rig_connect(rig, &client), 0);
    assert_int_equal(wire_send_log(client.sock, &log), 0);
    assert_int_equal(rig_answer(&client, &answer), 0);
    rig_close(&client);
    return answer;
}

static void assert_written(const struct rig *rig, const char *name,
                           const char *text)
{
    assert_int_equal(write_log(rig, name, text).kind, WIRE_ENDED);
}

static void assert_not_written(const struct rig *rig, const char *name,
                               int error)
{
    struct wire_answer answer = write_log(rig, name, "text\n");

    assert_int_equal(answer.kind, WIRE_REFUSED);
    assert_int_equal(answer.refusal, WIRE_CANNOT_LOG);
    assert_int_equal(answer.error, error);
}

static struct stat stat_of(const struct rig *rig, const char *name)
{
    struct stat st;

    assert_int_equal(lstat(rig_path(rig, name), &st), 0);
    return st;
}

static void assert_serves(const struct rig *rig)
{
    rig_file(rig, "ok", 0755, "#!/bin/sh\n");
    assert_int_equal(rig_serve(rig, "ok"), 0);
}

/* --- what is written --- */

static void test_entries(void **state)
{
    struct rig *rig = *state;
    struct stat st;

    assert_written(rig, "log", "one\n");
    assert_written(rig, "log", "two\n  more\n");
    assert_string_equal(rig_read(rig, "log"), "one\ntwo\n  more\n");
    st = stat_of(rig, "log");
    assert_int_equal(st.st_uid, RIG_UID);
    assert_int_equal(st.st_gid, RIG_GID);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
}

static void test_longest_entry(void **state)
{
    static char text[WIRE_MESSAGE_MAX - PATH_MAX];
    struct rig *rig = *state;

    memset(text, 'x', sizeof(text) - 1);
    assert_written(rig, "log", text);
    assert_int_equal(stat_of(rig, "log").st_size, sizeof(text) - 1);
}

/* A sender that does not wait is no abort. */
static void test_sender_gone(void **state)
{
    struct rig *rig = *state;
    const struct wire_log log = { .path = rig_path(rig, "log"),
                                  .text = "text\n" };
    double end = rig_now() + PATIENCE;
    struct client client;
    int i;

    for (i = 0; i < 100; i++) {
        assert_int_equal(rig_connect(rig, &client), 0);
        assert_int_equal(wire_send_log(client.sock, &log), 0);
        rig_close(&client);
    }
    while (strlen(rig_read(rig, "log")) < 100 * strlen(log.text)) {
        assert_true(rig_now() < end);
        rig_sleep(0.005);
    }
    assert_int_equal(strlen(rig_read(rig, "log")), 100 * strlen(log.text));
}

static void test_during_a_request(void **state)
{
    struct rig *rig = *state;
    struct wire_request request = rig_request(rig, "wait");
    static struct outcome outcome;
    struct client client;

    rig_file(rig, "wait", 0755, "#!/bin/sh\ncat\necho done\n");
    rig_started(rig, &client, &request);
    assert_written(rig, "log", "text\n");
    assert_int_equal(stat_of(rig, "log").st_size, 5);
    rig_finish(&client, &outcome);
    assert_string_equal(outcome.out, "done\n");
}

/* --- how much is kept --- */

static void make_large(const struct rig *rig, const char *name, off_t size)
{
    rig_file(rig, name, 0600, "old");
    assert_int_equal(truncate(rig_path(rig, name), size), 0);
}

static void test_full(void **state)
{
    struct rig *rig = *state;

    make_large(rig, "log", LOGFILE_MAX - 5);
    rig_file(rig, "log.old", 0600, "older");
    assert_written(rig, "log", "12345");
    assert_int_equal(stat_of(rig, "log").st_size, LOGFILE_MAX);
    assert_int_equal(stat_of(rig, "log.old").st_size, 5);
    assert_written(rig, "log", "6");
    assert_string_equal(rig_read(rig, "log"), "6");
    assert_int_equal(stat_of(rig, "log").st_mode, S_IFREG | 0600);
    assert_int_equal(stat_of(rig, "log.old").st_size, LOGFILE_MAX);
}

static void test_full_and_stuck(void **state)
{
    struct rig *rig = *state;

    make_large(rig, "log", 2 * LOGFILE_MAX);
    assert_int_equal(mkdir(rig_path(rig, "log.old"), 0700), 0);
    assert_not_written(rig, "log", EISDIR);
    assert_int_equal(stat_of(rig, "log").st_size, 2 * LOGFILE_MAX);
}

/* --- what a user may put there --- */

static void put_link(const struct rig *rig, const char *name,
                     const char *target)
{
    assert_int_equal(symlink(target, rig_path(rig, name)), 0);
}

static void test_link(void **state)
{
    struct rig *rig = *state;

    put_link(rig, "log", "elsewhere");
    assert_written(rig, "log", "text\n");
    assert_string_equal(rig_read(rig, "elsewhere"), "text\n");
}

static void put_fifo(const struct rig *rig, const char *name)
{
    assert_int_equal(mkfifo(rig_path(rig, name), 0600), 0);
    assert_int_equal(chown(rig_path(rig, name), RIG_UID, RIG_GID), 0);
}

static void test_fifo(void **state)
{
    struct rig *rig = *state;
    char byte;
    int fd;

    put_fifo(rig, "fifo");
    put_link(rig, "log", "fifo");
    assert_not_written(rig, "fifo", ENXIO);
    assert_not_written(rig, "log", ENXIO);
    fd = open(rig_path(rig, "fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_not_written(rig, "log", EPERM);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
    assert_serves(rig);
}

static void test_socket(void **state)
{
    struct rig *rig = *state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/log", rig->home);
    assert_int_equal(bind(sock, (struct sockaddr *) &address,
                          sizeof(address)), 0);
    assert_int_equal(chmod(address.sun_path, 0666), 0);
    assert_not_written(rig, "log", ENXIO);
    close(sock);
}

static void test_other_files(void **state)
{
    static const struct {
        const char *target;
        int error;
    } cases[] = {
        { "/dev/null", EPERM },
        { "/dev/full", EPERM },
        { ".", EISDIR },
        { "missing/log", ENOENT },
        { "/etc/passwd", EACCES },
        { "/etc/log", EACCES },
        { "loop", ELOOP },
        /* the warden's own: a user's program could not write these either */
        { "/proc/self/oom_score_adj", EACCES },
        { "/proc/self/comm", EACCES },
        { "/proc/self/mem", EACCES },
        { "/proc/self/fd/3", ENXIO },
    };
    struct rig *rig = *state;
    char name[16];
    size_t i;

    put_link(rig, "loop", "loop");
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(name, sizeof(name), "log%zu", i);
        put_link(rig, name, cases[i].target);
        assert_not_written(rig, name, cases[i].error);
    }
    assert_serves(rig);
}

static void test_file_of_somebody_else(void **state)
{
    struct rig *rig = *state;

    rig_file(rig, "log", 0666, "mine");
    assert_int_equal(chown(rig_path(rig, "log"), RIG_UID + 1, RIG_GID), 0);
    assert_not_written(rig, "log", EPERM);
    assert_string_equal(rig_read(rig, "log"), "mine");
}

/* Whoever opens a file under a lease waits for its holder, or need not. */
static void test_lease(void **state)
{
    struct rig *rig = *state;
    double begin = rig_now();
    int fd;

    signal(SIGIO, SIG_IGN);
    rig_file(rig, "log", 0600, "%s", "");
    fd = open(rig_path(rig, "log"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
    assert_not_written(rig, "log", EWOULDBLOCK);
    assert_true(rig_now() - begin < LEASE_BREAK_SECONDS);
    close(fd);
}

/* --- what httpd may send --- */

static void test_wrong_entries(void **state)
{
    static const struct wire_log logs[] = { { "log", "text" },
                                            { "/log", "" } };
    struct rig *rig = *state;
    struct wire_answer answer;
    struct client client;
    size_t i;

    for (i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
        assert_int_equal(rig_connect(rig, &client), 0);
        assert_int_equal(wire_send_log(client.sock, &logs[i]), 0);
        assert_int_equal(rig_answer(&client, &answer), 0);
        assert_int_equal(answer.kind, WIRE_REFUSED);
        assert_int_equal(answer.refusal, WIRE_BAD_REQUEST);
        rig_close(&client);
    }
    assert_serves(rig);
}

#define WITH_WARDEN(f) cmocka_unit_test_setup_teardown(f, rig_make_started, \
                                                       rig_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WARDEN(test_entries),
        WITH_WARDEN(test_longest_entry),
        WITH_WARDEN(test_sender_gone),
        WITH_WARDEN(test_during_a_request),
        WITH_WARDEN(test_full),
        WITH_WARDEN(test_full_and_stuck),
        WITH_WARDEN(test_link),
        WITH_WARDEN(test_fifo),
        WITH_WARDEN(test_socket),
        WITH_WARDEN(test_other_files),
        WITH_WARDEN(test_file_of_somebody_else),
        WITH_WARDEN(test_lease),
        WITH_WARDEN(test_wrong_entries),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
