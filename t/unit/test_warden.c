/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_warden.c - requests to a real warden: what runs, and how; what does not
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
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

static struct outcome outcome;

static void assert_exited(int status, int code)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

static void assert_ended(int code)
{
    assert_true(outcome.accepted);
    assert_true(outcome.started);
    assert_int_equal(outcome.last.kind, WIRE_ENDED);
    assert_exited(outcome.last.wait_status, code);
    assert_int_equal(outcome.last.limit, WIRE_LIMIT_NONE);
}

static void assert_refused(enum wire_refusal refusal, int error)
{
    assert_int_equal(outcome.last.kind, WIRE_REFUSED);
    assert_false(outcome.started);
    assert_int_equal(outcome.last.refusal, refusal);
    assert_int_equal(outcome.last.error, error);
    assert_int_equal(outcome.out_size, 0);
}

/* --- programs --- */

static void test_program(void **state)
{
    struct rig *rig = *state;
    struct wire_request request = rig_request(rig, "echo");
    struct client client;

    rig_file(rig, "echo", 0755, "#!/bin/sh\ncat; echo problem >&2; exit 3\n");
    rig_started(rig, &client, &request);
    assert_int_equal(write(client.in, "hello", 5), 5);
    rig_finish(&client, &outcome);
    assert_string_equal(outcome.out, "hello");
    assert_string_equal(outcome.err, "problem\n");
    assert_exited(outcome.last.wait_status, 3);
    assert_true(outcome.last.wall_microseconds > 0);
    assert_true(outcome.last.wall_microseconds < 10000000);
    assert_in_range(outcome.last.peak_kib, 100, 100000);
}

static void test_usage(void **state)
{
    struct rig *rig = *state;

    rig_file(rig, "burn", 0755, "#!/usr/bin/perl\n"
             "my $x = 'x' x 50_000_000; 1 while (times)[0] < 0.3;\n");
    rig_run(rig, "burn", &outcome);
    assert_ended(0);
    assert_in_range(outcome.last.cpu_microseconds, 300000, 3000000);
    assert_in_range(outcome.last.wall_microseconds,
                    outcome.last.cpu_microseconds / 2, 60000000);
    assert_in_range(outcome.last.peak_kib, 50000, 200000);
}

static void test_signal(void **state)
{
    struct rig *rig = *state;

    rig_file(rig, "abort", 0755, "#!/bin/sh\nkill -SEGV $$\n");
    rig_run(rig, "abort", &outcome);
    assert_int_equal(outcome.last.kind, WIRE_ENDED);
    assert_true(WIFSIGNALED(outcome.last.wait_status));
    assert_int_equal(WTERMSIG(outcome.last.wait_status), SIGSEGV);
    assert_int_equal(outcome.last.limit, WIRE_LIMIT_NONE);
}

/* The NULs of /proc/PID/environ as newlines, up to the script's own text. */
static void show_environment(char *text, size_t size)
{
    char *end = memmem(text, size, "#!", 2);
    size_t i;

    assert_non_null(end);
    *end = '\0';
    for (i = 0; text + i < end; i++) {
        if (text[i] == '\0') {
            text[i] = '\n';
        }
    }
}

static void test_environment(void **state)
{
    struct rig *rig = *state;
    const char *env[] = { "GATEWAY_INTERFACE=CGI/1.1", "HTTP_PROXY=evil",
                          "QUERY_STRING=a=b" };
    struct wire_request request = rig_request(rig, "env/a/b");
    struct client client;
    char expected[1024];

    request.env = env;
    request.env_count = 3;
    rig_file(rig, "env", 0755, "#!/bin/cat /proc/self/environ\n");
    rig_started(rig, &client, &request);
    rig_finish(&client, &outcome);
    show_environment(outcome.out, outcome.out_size);
    snprintf(expected, sizeof(expected),
             "GATEWAY_INTERFACE=CGI/1.1\nQUERY_STRING=a=b\n"
             "PATH=/usr/local/bin:/usr/bin:/bin\nDOCUMENT_ROOT=%s\n"
             "SCRIPT_FILENAME=%s/env\nSCRIPT_NAME=/my/env\n"
             "PATH_INFO=/a/b\nPATH_TRANSLATED=%s/a/b\n",
             rig->home, rig->home, rig->home);
    assert_string_equal(outcome.out, expected);
}

static void test_large_environment(void **state)
{
    enum { COUNT = 500, SIZE = 1024 };
    static char text[COUNT][SIZE];
    static const char *env[COUNT];
    struct rig *rig = *state;
    struct wire_request request = rig_request(rig, "size");
    struct client client;
    int i;

    for (i = 0; i < COUNT; i++) {
        memset(text[i], 'x', SIZE - 1);
        text[i][1] = '=';
        env[i] = text[i];
    }
    request.env = env;
    request.env_count = COUNT;
    rig_file(rig, "size", 0755, "#!/usr/bin/perl -0777\n"
             "open F, '/proc/self/environ'; print length <F>;\n");
    rig_started(rig, &client, &request);
    rig_finish(&client, &outcome);
    assert_in_range(atol(outcome.out), COUNT * SIZE, COUNT * SIZE + 1000);
}

static void test_too_large_for_exec(void **state)
{
    static char text[200 * 1024];       /* of one variable, 128 KiB may be */
    const char *env[] = { text };
    struct rig *rig = *state;
    struct wire_request request = rig_request(rig, "ok");
    struct client client;

    memset(text, 'x', sizeof(text) - 1);
    text[1] = '=';
    request.env = env;
    request.env_count = 1;
    rig_file(rig, "ok", 0755, "#!/bin/sh\n");
    rig_accepted(rig, &client, &request);
    rig_finish(&client, &outcome);
    assert_refused(WIRE_BAD_REQUEST, E2BIG);
}

/* 3 is the directory that ls reads. */
static void test_descriptors(void **state)
{
    struct rig *rig = *state;
    struct client other;
    struct wire_request request = rig_request(rig, "wait");

    rig_file(rig, "wait", 0755, "#!/bin/cat -\n");
    rig_started(rig, &other, &request);
    rig_file(rig, "fds", 0755, "#!/bin/ls /proc/self/fd\n");
    rig_run(rig, "fds", &outcome);
    assert_non_null(strstr(outcome.out, "/proc/self/fd:\n0\n1\n2\n3\n"));
    assert_null(strstr(outcome.out, "\n4\n"));
    rig_close(&other);
}

static void assert_line(const char *text, const char *line)
{
    if (strstr(text, line) == NULL) {
        print_message("# no line '%s' in:\n%s\n", line, text);
        fail();
    }
}

/* real, effective, saved and file system's */
static void assert_ids(const char *text, const char *name, int id)
{
    char line[80];

    snprintf(line, sizeof(line), "%s:\t%d\t%d\t%d\t%d\n", name, id, id, id,
             id);
    assert_line(text, line);
}

static void test_process_state(void **state)
{
    struct rig *rig = *state;
    int pid, parent, group, session;
    char *end;

    rig_file(rig, "status", 0755, "#!/bin/cat /proc/self/status\n");
    rig_run(rig, "status", &outcome);
    assert_line(outcome.out, "PPid:\t1\n");
    assert_ids(outcome.out, "Uid", RIG_UID);
    assert_ids(outcome.out, "Gid", RIG_GID);
    assert_line(outcome.out, "Groups:\t \n");
    assert_line(outcome.out, "SigBlk:\t0000000000000000\n");
    assert_line(outcome.out, "SigIgn:\t0000000000000000\n");
    assert_line(outcome.out, "SigCgt:\t0000000000000000\n");
    assert_line(outcome.out, "CapEff:\t0000000000000000\n");
    assert_line(outcome.out, "NoNewPrivs:\t1\n");

    rig_file(rig, "stat", 0755, "#!/bin/cat /proc/self/stat\n");
    rig_run(rig, "stat", &outcome);
    end = strrchr(outcome.out, ')');
    assert_non_null(end);
    assert_int_equal(sscanf(outcome.out, "%d", &pid), 1);
    assert_int_equal(sscanf(end + 2, "%*c %d %d %d", &parent, &group,
                            &session), 3);
    assert_int_equal(parent, 1);
    assert_int_equal(group, pid);
    assert_int_equal(session, pid);
}

static void test_directory(void **state)
{
    struct rig *rig = *state;
    char sub[PATH_MAX], expected[PATH_MAX];

    snprintf(sub, sizeof(sub), "%s/sub", rig->home);
    assert_int_equal(mkdir(sub, 0755), 0);
    rig_file(rig, "sub/cwd", 0755, "#!/bin/readlink /proc/self/cwd\n");
    rig_run(rig, "sub/cwd/info", &outcome);
    snprintf(expected, sizeof(expected), "%.80s/sub\n", rig->home);
    assert_string_equal(outcome.out, expected);
}

static void test_interpreter(void **state)
{
    const char *interpreters[] = { ".pl", "/usr/bin/perl", "-l", "",
                                   ".txt", "/bin/echo", "-n", "x", "" };
    struct rig *rig = *state;
    struct wire_request request = rig_request(rig, "a.pl/info");
    char expected[PATH_MAX];
    struct client client;

    request.interpreters = interpreters;
    request.interpreter_count = 9;
    rig_file(rig, "a.pl", 0644, "print $0; print $ENV{PATH_INFO};\n");
    rig_started(rig, &client, &request);
    rig_finish(&client, &outcome);
    snprintf(expected, sizeof(expected), "%s/a.pl\n/info\n", rig->home);
    assert_string_equal(outcome.out, expected);

    request.filename = rig_request(rig, "b.txt").filename;
    rig_file(rig, "b.txt", 0644, "%s", "");
    rig_started(rig, &client, &request);
    rig_finish(&client, &outcome);
    snprintf(expected, sizeof(expected), "x %s/b.txt", rig->home);
    assert_string_equal(outcome.out, expected);
}

/* --- limits --- */

static void test_limits(void **state)
{
    static const struct rlimit limits[LIMIT_COUNT] = {
        [LIMIT_CPU] = { 25, 30 }, [LIMIT_AS] = { 1 << 30, 1 << 30 },
        [LIMIT_DATA] = { 448 << 20, 512 << 20 }, [LIMIT_CORE] = { 0, 0 },
        [LIMIT_FSIZE] = { 64 << 20, 72 << 20 }, [LIMIT_NPROC] = { 50, 50 },
        [LIMIT_NOFILE] = { 200, 256 }
    };
    struct rig *rig = *state;

    memcpy(rig->setup.limits, limits, sizeof(limits));
    rig_start(rig);
    rig_file(rig, "limits", 0755, "#!/bin/cat /proc/self/limits\n");
    rig_run(rig, "limits", &outcome);
    assert_line(outcome.out, "Max cpu time              25                   "
                "30                   seconds");
    assert_line(outcome.out, "Max file size             67108864             "
                "75497472             bytes");
    assert_line(outcome.out, "Max data size             469762048            "
                "536870912            bytes");
    assert_line(outcome.out, "Max core file size        0                    "
                "0                    bytes");
    assert_line(outcome.out, "Max processes             50                   "
                "50                   processes");
    assert_line(outcome.out, "Max open files            200                  "
                "256                  files");
    assert_line(outcome.out, "Max address space         1073741824           "
                "1073741824           bytes");
}

/* The warden has no privilege to raise a hard limit (its own is 4096). */
static void test_limit_above_the_wardens(void **state)
{
    struct rig *rig = *state;

    rig->setup.limits[LIMIT_NOFILE].rlim_cur = 9000;
    rig->setup.limits[LIMIT_NOFILE].rlim_max = 10000;
    rig_start(rig);
    rig_file(rig, "limits", 0755, "#!/bin/cat /proc/self/limits\n");
    rig_run(rig, "limits", &outcome);
    assert_line(outcome.out, "Max open files            4096                 "
                "4096                 files");
}

/* --- refusals --- */

static void test_refusals(void **state)
{
    static const struct {
        const char *name;
        enum wire_refusal refusal;
        int error;
        bool accepted;      /* what execve(2) refuses was */
    } cases[] = {
        { "missing", WIRE_NOT_FOUND, ENOENT, false },
        { "missing/x", WIRE_NOT_FOUND, ENOENT, false },
        { "", WIRE_FORBIDDEN, EISDIR, false },
        { ".htaccess", WIRE_FORBIDDEN, 0, false },
        { "fifo", WIRE_FORBIDDEN, 0, false },
        { "closed/run", WIRE_FORBIDDEN, EACCES, false },
        { "unreadable.gone", WIRE_FORBIDDEN, EACCES, false },
        { "plain", WIRE_NOT_EXECUTABLE, EACCES, false },
        { "not-ours", WIRE_NOT_EXECUTABLE, EACCES, true },
        { "bad-interpreter", WIRE_NO_INTERPRETER, ENOENT, true },
        { "dos-interpreter", WIRE_DOS_LINE, ENOENT, true },
        { "dos-lines", WIRE_NO_INTERPRETER, ENOENT, true },
        { "no-x-interpreter", WIRE_NO_INTERPRETER, EACCES, true },
        { "no-interpreter", WIRE_NO_INTERPRETER, ENOEXEC, true },
        { "a.gone", WIRE_NO_INTERPRETER, ENOENT, true },
        { "a.plain", WIRE_NO_INTERPRETER, EACCES, true },
    };
    const char *interpreters[] = { ".gone", "/nowhere/x", "",
                                   ".plain", "/etc/passwd", "" };
    struct rig *rig = *state;
    char path[PATH_MAX];
    size_t i;

    rig_file(rig, ".htaccess", 0755, "#!/bin/sh\necho no\n");
    rig_file(rig, "plain", 0644, "#!/bin/sh\necho no\n");
    rig_file(rig, "not-ours", 0654, "#!/bin/sh\necho no\n");
    rig_file(rig, "bad-interpreter", 0755, "#!/nowhere/sh\necho no\n");
    rig_file(rig, "dos-interpreter", 0755, "#!/bin/sh\r\necho no\r\n");
    rig_file(rig, "dos-lines", 0755, "#!/nowhere/sh\necho no\r\n");
    rig_file(rig, "no-x-interpreter", 0755, "#!/etc/passwd\necho no\n");
    rig_file(rig, "no-interpreter", 0755, "echo no\n");
    rig_file(rig, "a.gone", 0755, "#!/bin/sh\necho no\n");
    rig_file(rig, "a.plain", 0755, "#!/bin/sh\necho no\n");
    rig_file(rig, "unreadable.gone", 0311, "#!/bin/sh\necho no\n");
    snprintf(path, sizeof(path), "%s/fifo", rig->home);
    assert_int_equal(mkfifo(path, 0777), 0);
    snprintf(path, sizeof(path), "%s/closed", rig->home);
    assert_int_equal(mkdir(path, 0700), 0);
    rig_file(rig, "closed/run", 0755, "#!/bin/sh\necho no\n");
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wire_request request = rig_request(rig, cases[i].name);

        print_message("# '%s'\n", cases[i].name);
        request.interpreters = interpreters;
        request.interpreter_count = 6;
        rig_ask(rig, &request, &outcome);
        assert_refused(cases[i].refusal, cases[i].error);
        assert_int_equal(outcome.accepted, cases[i].accepted);
    }
    assert_true(rig_settles(rig, 1));
}

/* A file that is open for writing cannot be executed, for now. */
static void test_busy_file(void **state)
{
    struct rig *rig = *state;
    char path[PATH_MAX];
    int fd;

    rig_file(rig, "busy", 0755, "#!/bin/sh\n");
    snprintf(path, sizeof(path), "%s/busy", rig->home);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    rig_run(rig, "busy", &outcome);
    assert_refused(WIRE_CANNOT_START, ETXTBSY);
    close(fd);
    rig_run(rig, "busy", &outcome);
    assert_ended(0);
}

/* The user can lower the limits of the own warden: it says so and lives. */
static void test_no_process(void **state)
{
    struct rig *rig = *state;

    rig_file(rig, "starve", 0755, "#!/bin/sh\n"
             "exec prlimit --pid 1 --nproc=0:0\n");
    rig_run(rig, "starve", &outcome);
    assert_ended(0);
    rig_file(rig, "ok", 0755, "#!/bin/sh\n");
    rig_run(rig, "ok", &outcome);
    assert_refused(WIRE_CANNOT_START, EAGAIN);
    assert_int_equal(waitpid(rig->warden, NULL, WNOHANG), 0);
}

/* --- who may ask, and how --- */

static void assert_bad_request(struct client *client)
{
    struct wire_answer answer;

    assert_int_equal(rig_answer(client, &answer), 0);
    assert_int_equal(answer.kind, WIRE_REFUSED);
    assert_int_equal(answer.refusal, WIRE_BAD_REQUEST);
    assert_int_equal(rig_answer(client, &answer), ECONNRESET);
    rig_close(client);
}

static void test_malformed(void **state)
{
    static char bytes[WIRE_MESSAGE_MAX + 1];
    static const size_t sizes[] = { 1, WIRE_HEADER_SIZE, 4000,
                                    WIRE_MESSAGE_MAX, WIRE_MESSAGE_MAX + 1 };
    struct rig *rig = *state;
    struct client client;
    size_t i;
    int before;

    rig_file(rig, "ok", 0755, "#!/bin/sh\n");
    rig_run(rig, "ok", &outcome);
    before = rig_descriptors(rig);
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(rig_connect(rig, &client), 0);
        assert_int_equal(send(client.sock, bytes, sizes[i], 0), sizes[i]);
        assert_bad_request(&client);
    }
    rig_run(rig, "ok", &outcome);
    assert_ended(0);
    assert_int_equal(rig_descriptors(rig), before);
}

static void test_wrong_descriptors(void **state)
{
    struct rig *rig = *state;
    struct wire_request request = rig_request(rig, "ok");
    char packed[4096];
    size_t size = wire_pack(&request, packed, sizeof(packed));
    struct client client;

    rig_file(rig, "ok", 0755, "#!/bin/sh\n");
    assert_int_equal(rig_connect(rig, &client), 0);
    assert_int_equal(send(client.sock, packed, size, 0), size);
    assert_bad_request(&client);
}

/* Returns the exit status of a client with that uid: an errno or 0. */
static int answer_to(const struct rig *rig, uid_t uid)
{
    struct wire_request request = rig_request(rig, "ok");
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct wire_answer answer;
        struct client client;
        int rv = setresuid(uid, uid, uid) != 0 ? errno : 0;

        if (rv == 0) {
            rv = rig_connect(rig, &client);
        }
        if (rv == 0) {
            rv = rig_send(&client, &request);
        }
        if (rv == 0 || rv == EPIPE) {
            rv = rig_answer(&client, &answer);
        }
        _exit(rv);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_peer(void **state)
{
    struct rig *rig = *state;

    rig->setup.httpd_uid = 33;
    rig_start(rig);
    rig_file(rig, "ok", 0755, "#!/bin/sh\n");
    assert_int_equal(answer_to(rig, 33), 0);
    assert_int_equal(answer_to(rig, 0), ECONNRESET);
    assert_int_equal(answer_to(rig, 34), ECONNRESET);
    assert_int_equal(answer_to(rig, RIG_UID), ECONNRESET);
    assert_int_equal(answer_to(rig, 33), 0);
}

/* The trampoline asks so whether somebody listens. */
static void test_probes(void **state)
{
    struct rig *rig = *state;
    struct client client;
    int before, i;

    rig_file(rig, "ok", 0755, "#!/bin/sh\n");
    rig_run(rig, "ok", &outcome);
    before = rig_descriptors(rig);
    for (i = 0; i < 1000; i++) {
        assert_int_equal(rig_connect(rig, &client), 0);
        rig_close(&client);
    }
    rig_run(rig, "ok", &outcome);
    assert_ended(0);
    assert_int_equal(rig_descriptors(rig), before);
}

static void test_silent_peers(void **state)
{
    enum { COUNT = 40 };        /* more than the warden has slots */
    static struct client silent[COUNT];
    struct rig *rig = *state;
    int i;

    rig_file(rig, "ok", 0755, "#!/bin/sh\n");
    for (i = 0; i < 8; i++) {
        assert_int_equal(rig_connect(rig, &silent[i]), 0);
    }
    rig_run(rig, "ok", &outcome);
    assert_ended(0);
    /* so it did not wait for them to go */
    assert_true(rig_is_open(&silent[0]));
    for (; i < COUNT; i++) {
        assert_int_equal(rig_connect(rig, &silent[i]), 0);
    }
    /* the first of these have to go, after 5 s */
    rig_run(rig, "ok", &outcome);
    assert_ended(0);
    for (i = 0; i < COUNT; i++) {
        rig_close(&silent[i]);
    }
}

/* A second message on a connection is a breach: its program is killed. */
static void test_second_message(void **state)
{
    struct rig *rig = *state;
    struct wire_request request = rig_request(rig, "wait");
    struct client client;

    rig_file(rig, "wait", 0755, "#!/bin/cat -\n");
    rig_started(rig, &client, &request);
    assert_int_equal(rig_processes(rig), 2);
    assert_int_equal(send(client.sock, "more", 4, 0), 4);
    assert_true(rig_settles(rig, 1));
    rig_close(&client);
}

/* --- many --- */

static void start_waiting(struct rig *rig, struct client *client, char name)
{
    const char file[] = { name, '\0' };
    struct wire_request request = rig_request(rig, file);

    rig_file(rig, file, 0755, "#!/bin/sh\necho %c >>log\nread line\n", name);
    rig_accepted(rig, client, &request);
}

static void release(struct client *client)
{
    struct wire_answer answer;

    assert_int_equal(rig_answer(client, &answer), 0);
    assert_int_equal(answer.kind, WIRE_STARTED);
    rig_finish(client, &outcome);
    assert_int_equal(outcome.last.kind, WIRE_ENDED);
}

static void test_queue(void **state)
{
    struct rig *rig = *state;
    struct client a, b, c, d;
    struct wire_request request = rig_request(rig, "a");

    rig->setup.max_requests = 1;
    rig->setup.queue = 2;
    rig_start(rig);
    start_waiting(rig, &a, 'a');
    start_waiting(rig, &b, 'b');
    start_waiting(rig, &c, 'c');
    assert_int_equal(rig_connect(rig, &d), 0);
    assert_int_equal(rig_send(&d, &request), 0);
    rig_finish(&d, &outcome);
    assert_refused(WIRE_BUSY, 0);
    assert_false(outcome.accepted);
    rig_sleep(0.2);
    assert_string_equal(rig_read(rig, "log"), "a\n");
    assert_int_equal(rig_processes(rig), 2);
    release(&a);
    start_waiting(rig, &d, 'd');
    release(&b);
    release(&c);
    release(&d);
    assert_string_equal(rig_read(rig, "log"), "a\nb\nc\nd\n");
}

static void test_queued_and_gone(void **state)
{
    struct rig *rig = *state;
    struct client a, b, c;

    rig->setup.max_requests = 1;
    rig_start(rig);
    start_waiting(rig, &a, 'a');
    start_waiting(rig, &b, 'b');
    start_waiting(rig, &c, 'c');
    rig_close(&b);
    release(&a);
    release(&c);
    assert_string_equal(rig_read(rig, "log"), "a\nc\n");
}

static void test_at_the_same_time(void **state)
{
    struct rig *rig = *state;
    struct client clients[8];
    int i;

    for (i = 0; i < 8; i++) {
        start_waiting(rig, &clients[i], (char) ('a' + i));
    }
    assert_true(rig_settles(rig, 9));
    for (i = 7; i >= 0; i--) {
        release(&clients[i]);
    }
    assert_int_equal(strlen(rig_read(rig, "log")), 16);
}

/*
 * Connections and programs come and go on the same descriptors and slots as
 * fast as they can: no event of one may hit another.
 */
static void test_in_parallel(void **state)
{
    enum { CLIENTS = 20, TIMES = 100 };
    struct rig *rig = *state;
    pid_t clients[CLIENTS];
    int status, i, n;

    rig_file(rig, "ok", 0755, "#!/bin/sh\necho ok\n");
    for (i = 0; i < CLIENTS; i++) {
        clients[i] = fork();
        for (n = 0; clients[i] == 0 && n < TIMES; n++) {
            if (rig_serve(rig, "ok") != 0) {
                _exit(1);
            }
        }
        if (clients[i] == 0) {
            _exit(0);
        }
    }
    for (i = 0; i < CLIENTS; i++) {
        assert_int_equal(waitpid(clients[i], &status, 0), clients[i]);
        assert_int_equal(status, 0);
    }
    assert_true(rig_settles(rig, 1));
}

static void test_many(void **state)
{
    struct rig *rig = *state;
    int before, i;

    rig_file(rig, "ok", 0755, "#!/bin/sh\nexit 0\n");
    rig_run(rig, "ok", &outcome);
    before = rig_descriptors(rig);
    for (i = 0; i < 1000; i++) {
        rig_run(rig, i % 3 == 0 ? "missing" : "ok", &outcome);
    }
    assert_int_equal(rig_descriptors(rig), before);
    assert_true(rig_settles(rig, 1));
}

#define STARTED(f) cmocka_unit_test_setup_teardown(f, rig_make_started, \
                                                   rig_remove)
#define MADE(f) cmocka_unit_test_setup_teardown(f, rig_make, rig_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED(test_program),
        STARTED(test_usage),
        STARTED(test_signal),
        STARTED(test_environment),
        STARTED(test_large_environment),
        STARTED(test_too_large_for_exec),
        STARTED(test_descriptors),
        STARTED(test_process_state),
        STARTED(test_directory),
        STARTED(test_interpreter),
        MADE(test_limits),
        MADE(test_limit_above_the_wardens),
        STARTED(test_refusals),
        STARTED(test_busy_file),
        STARTED(test_no_process),
        STARTED(test_malformed),
        STARTED(test_wrong_descriptors),
        MADE(test_peer),
        STARTED(test_probes),
        STARTED(test_silent_peers),
        STARTED(test_second_message),
        MADE(test_queue),
        MADE(test_queued_and_gone),
        STARTED(test_at_the_same_time),
        STARTED(test_in_parallel),
        STARTED(test_many),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
