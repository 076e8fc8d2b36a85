/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_warden_files.c - what a real warden answers where no program is to
 * run, or where it is found by its directory; and that it waits for nothing
 */
/* LINK: rig.o scratch.o wire.o wire_entry.o wire_answer.o wire_passed.o */
/* LINK: wire_socket.o */
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

static struct outcome outcome;

static const char *indexes[] = { "index.html", "index.sh" };

/* --- helpers --- */

static void put_link(const struct rig *rig, const char *name,
                     const char *target)
{
    assert_int_equal(symlink(target, rig_path(rig, name)), 0);
}

static void put_directory(const struct rig *rig, const char *name)
{
    assert_int_equal(mkdir(rig_path(rig, name), 0755), 0);
}

static void put_socket(const struct rig *rig, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", rig->home,
             name);
    assert_int_equal(bind(sock, (struct sockaddr *) &address,
                          sizeof(address)), 0);
    close(sock);
}

/* Puts one file in the place of another, at once. */
static void replace(const struct rig *rig, const char *name, const char *by)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s", rig_path(rig, name));
    assert_int_equal(rename(rig_path(rig, by), path), 0);
}

/* Asks for name, with index files and listings. */
static void ask(const struct rig *rig, const char *name)
{
    struct wire_request request = rig_request(rig, name);

    request.lists = true;
    request.indexes = indexes;
    request.index_count = 2;
    rig_ask(rig, &request, &outcome);
}

static void assert_file(const char *text, uint32_t index_number)
{
    char buffer[256];
    ssize_t length;

    assert_int_equal(outcome.last.kind, WIRE_FILE);
    assert_int_equal(outcome.last.index, index_number);
    assert_int_equal(outcome.last.error, 0);
    assert_true(outcome.file >= 0);
    length = pread(outcome.file, buffer, sizeof(buffer), 0);
    close(outcome.file);
    assert_int_equal(length, strlen(text));
    assert_memory_equal(buffer, text, strlen(text));
}

/* A listing of one file. */
static void assert_lists(const char *name)
{
    char bytes[512];
    struct wire_entry entry;
    ssize_t size;

    assert_int_equal(outcome.last.kind, WIRE_LISTING);
    assert_int_equal(outcome.last.error, 0);
    size = pread(outcome.file, bytes, sizeof(bytes), 0);
    close(outcome.file);
    assert_int_equal(wire_unpack_entry(bytes, (size_t) size, &entry), size);
    assert_string_equal(entry.name, name);
}

static void assert_refused(enum wire_refusal refusal, int error)
{
    assert_int_equal(outcome.last.kind, WIRE_REFUSED);
    assert_int_equal(outcome.last.refusal, refusal);
    assert_int_equal(outcome.last.error, error);
    assert_int_equal(outcome.file, -1);
}

/* --- what is answered --- */

static void test_file(void **state)
{
    struct rig *rig = *state;

    rig_file(rig, "page.html", 0640, "<p>text");
    ask(rig, "page.html");
    assert_false(outcome.accepted);
    assert_file("<p>text", 0);
    rig_file(rig, "empty", 0600, "%s", "");
    ask(rig, "empty");
    assert_file("", 0);
    put_link(rig, "link", "page.html");
    ask(rig, "link");
    assert_file("<p>text", 0);
    assert_int_equal(rig_processes(rig), 1);
}

/* What is asked for without pipes is no program, or asked for once more. */
static void test_fetch(void **state)
{
    struct rig *rig = *state;
    struct wire_request request;

    rig_file(rig, "page.html", 0640, "<p>text");
    request = rig_request(rig, "page.html");
    request.kind = WIRE_FETCH;
    rig_ask(rig, &request, &outcome);
    assert_false(outcome.accepted);
    assert_file("<p>text", 0);
    rig_file(rig, "page.html", 0750, "#!/bin/sh\ntouch ran\n");
    rig_ask(rig, &request, &outcome);
    assert_refused(WIRE_NEEDS_PIPES, 0);
    assert_false(outcome.accepted);
    assert_int_equal(access(rig_path(rig, "ran"), F_OK), -1);
    assert_int_equal(rig_processes(rig), 1);
}

static void test_directory(void **state)
{
    struct rig *rig = *state;

    put_directory(rig, "sub");
    rig_file(rig, "sub/file", 0644, "text");
    rig_file(rig, "sub/.hidden", 0644, "text");
    ask(rig, "sub");
    assert_refused(WIRE_NEEDS_SLASH, 0);
    assert_false(outcome.accepted);
    ask(rig, "sub/");
    assert_false(outcome.accepted);
    assert_lists("file");
    rig_file(rig, "sub/index.html", 0644, "index");
    ask(rig, "sub/");
    assert_file("index", 1);
}

/* As if it had been asked for by its name. */
static void test_index_program(void **state)
{
    struct rig *rig = *state;
    char expected[2 * PATH_MAX];

    put_directory(rig, "sub");
    rig_file(rig, "sub/index.sh", 0755, "#!/bin/sh\n"
             "echo $SCRIPT_NAME $SCRIPT_FILENAME $PATH_INFO $0\npwd -P\n");
    ask(rig, "sub/");
    assert_true(outcome.accepted);
    assert_true(outcome.started);
    assert_int_equal(outcome.last.kind, WIRE_ENDED);
    snprintf(expected, sizeof(expected),
             "/my/sub/index.sh %s/sub/index.sh %s/sub/index.sh\n%s/sub\n",
             rig->home, rig->home, rig->home);
    assert_string_equal(outcome.out, expected);
}

static void test_index_is_named(void **state)
{
    struct rig *rig = *state;
    struct wire_request request = rig_request(rig, "");
    struct wire_answer answer;
    struct client client;

    request.indexes = indexes;
    request.index_count = 2;
    rig_file(rig, "index.sh", 0755, "#!/bin/sh\n");
    rig_accepted(rig, &client, &request);
    assert_int_equal(rig_answer(&client, &answer), 0);
    assert_int_equal(answer.kind, WIRE_STARTED);
    assert_int_equal(answer.index, 2);
    rig_finish(&client, &outcome);
    rig_file(rig, "index.sh", 0755, "#!/nowhere/sh\n");
    ask(rig, "");
    assert_refused(WIRE_NO_INTERPRETER, ENOENT);
    assert_int_equal(outcome.last.index, 2);
    rig_file(rig, "index.html", 0, "text");
    ask(rig, "");
    assert_refused(WIRE_FORBIDDEN, EACCES);
    assert_int_equal(outcome.last.index, 1);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *name;
        enum wire_refusal refusal;
        int error;
    } cases[] = {
        { "missing", WIRE_NOT_FOUND, ENOENT },
        { "dangling", WIRE_NOT_FOUND, ENOENT },
        { "loop", WIRE_NOT_FOUND, ELOOP },
        { "plain/info", WIRE_NOT_FOUND, ENOTDIR },
        { "plain/", WIRE_NOT_FOUND, ENOTDIR },
        { "unreadable", WIRE_FORBIDDEN, EACCES },
        { "script", WIRE_NOT_EXECUTABLE, EACCES },
        { "script/info", WIRE_NOT_EXECUTABLE, EACCES },
        { ".htpasswd", WIRE_FORBIDDEN, 0 },
        { "fifo", WIRE_FORBIDDEN, 0 },
        { "socket", WIRE_FORBIDDEN, 0 },
        { "device", WIRE_FORBIDDEN, 0 },
        { "null", WIRE_FORBIDDEN, 0 },
        { "blind/", WIRE_FORBIDDEN, EACCES },
        { "maps", WIRE_FORBIDDEN, 0 },
        { "status", WIRE_FORBIDDEN, 0 },
        { "environ", WIRE_FORBIDDEN, EACCES },
        { "mem", WIRE_FORBIDDEN, EACCES },
        /* a process can always come at these of its own */
        { "listener", WIRE_FORBIDDEN, 0 },
        { "namespace", WIRE_FORBIDDEN, 0 },
        { "descriptors/", WIRE_FORBIDDEN, 0 },
    };
    struct rig *rig = *state;
    size_t i;

    put_link(rig, "dangling", "missing");
    put_link(rig, "loop", "loop");
    rig_file(rig, "plain", 0644, "text");
    rig_file(rig, "unreadable", 0200, "text");
    rig_file(rig, "script", 0644, "#!/bin/sh\necho secret\n");
    rig_file(rig, ".htpasswd", 0644, "alice:x");
    assert_int_equal(mkfifo(rig_path(rig, "fifo"), 0666), 0);
    put_socket(rig, "socket");
    assert_int_equal(mknod(rig_path(rig, "device"), S_IFCHR | 0666,
                           makedev(1, 5)), 0);
    assert_int_equal(mkdir(rig_path(rig, "blind"), 0711), 0);
    put_link(rig, "null", "/dev/null");
    put_link(rig, "maps", "/proc/self/maps");
    put_link(rig, "status", "/proc/1/status");
    put_link(rig, "environ", "/proc/self/environ");
    put_link(rig, "mem", "/proc/self/mem");
    put_link(rig, "listener", "/proc/self/fd/3");
    put_link(rig, "namespace", "/proc/self/ns/mnt");
    put_link(rig, "descriptors", "/proc/self/fd");
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("# %s\n", cases[i].name);
        ask(rig, cases[i].name);
        assert_refused(cases[i].refusal, cases[i].error);
        assert_false(outcome.accepted);
    }
    ask(rig, "plain");
    assert_file("text", 0);
}

static void test_lease(void **state)
{
    struct rig *rig = *state;
    double begin = rig_now();
    int fd;

    signal(SIGIO, SIG_IGN);
    rig_file(rig, "leased", 0644, "text");
    fd = open(rig_path(rig, "leased"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
    ask(rig, "leased");
    assert_refused(WIRE_CANNOT_START, EWOULDBLOCK);
    assert_true(rig_now() - begin < LEASE_BREAK_SECONDS);
    close(fd);
    ask(rig, "leased");
    assert_file("text", 0);
}

/* --- and when --- */

static void start_waiting(struct rig *rig, struct client *client,
                          const char *name)
{
    struct wire_request request = rig_request(rig, name);

    request.lists = true;
    request.indexes = indexes;
    request.index_count = 2;
    rig_file(rig, name, 0755, "#!/bin/cat -\n");
    rig_accepted(rig, client, &request);
}

/* What needs no program needs no turn. */
static void test_while_all_run(void **state)
{
    struct rig *rig = *state;
    struct client running, queued;

    rig->setup.max_requests = 1;
    rig->setup.queue = 1;
    rig_start(rig);
    start_waiting(rig, &running, "a");
    start_waiting(rig, &queued, "b");
    rig_run(rig, "a", &outcome);
    assert_refused(WIRE_BUSY, 0);
    put_directory(rig, "sub");
    rig_file(rig, "sub/file", 0644, "text");
    ask(rig, "sub/file");
    assert_file("text", 0);
    ask(rig, "sub/");
    assert_lists("file");
    ask(rig, "missing");
    assert_refused(WIRE_NOT_FOUND, ENOENT);
    rig_close(&queued);
    rig_close(&running);
}

static void test_replaced_while_queued(void **state)
{
    struct rig *rig = *state;
    struct client running, file, directory, gone, program;

    rig->setup.max_requests = 1;
    rig_start(rig);
    start_waiting(rig, &running, "running");
    start_waiting(rig, &file, "file");
    start_waiting(rig, &directory, "directory");
    start_waiting(rig, &gone, "gone");
    start_waiting(rig, &program, "program");
    rig_file(rig, "new", 0644, "text");
    replace(rig, "file", "new");
    assert_int_equal(unlink(rig_path(rig, "directory")), 0);
    put_directory(rig, "directory");
    assert_int_equal(unlink(rig_path(rig, "gone")), 0);
    rig_file(rig, "new", 0755, "#!/bin/sh\necho other\n");
    replace(rig, "program", "new");
    rig_close(&running);
    rig_finish(&file, &outcome);
    assert_false(outcome.started);
    assert_file("text", 0);
    rig_finish(&directory, &outcome);
    assert_refused(WIRE_NEEDS_SLASH, 0);
    rig_finish(&gone, &outcome);
    assert_refused(WIRE_NOT_FOUND, ENOENT);
    rig_finish(&program, &outcome);
    assert_string_equal(outcome.out, "other\n");
}

/*
 * Asks a warden that has been idle for half of its time, and says when; false:
 * we were late, and it may have been idle for all of it.
 */
static bool ask_idle(struct rig *rig, const char *name, double *begin)
{
    struct wire_request request = rig_request(rig, name);
    struct client client;
    double end;
    int rv;

    rig_kill(rig);
    rig_start_serving(rig, &client, "cat");
    end = rig_now() + rig->setup.idle_seconds;
    rig_finish(&client, &outcome);
    rig_sleep(0.5 * rig->setup.idle_seconds);
    *begin = rig_now();
    rv = rig_connect(rig, &client);
    if (rv == ECONNREFUSED && rig_now() > end) {
        return false;
    }
    assert_int_equal(rv, 0);
    assert_int_equal(rig_send(&client, &request), 0);
    rig_finish(&client, &outcome);
    return rig_now() < end;
}

/* They are requests like others: a warden that serves them is not idle. */
static void test_not_idle(void **state)
{
    struct rig *rig = *state;
    double begin;

    rig->setup.idle_seconds = 1;
    rig_file(rig, "file", 0644, "text");
    rig_file(rig, "cat", 0755, "#!/bin/cat -\n");
    while (!ask_idle(rig, "file", &begin)) {
    }
    assert_file("text", 0);
    assert_int_equal(rig_wait(rig), 0);
    assert_true(rig_now() - begin >= 1);
}

/* --- many --- */

static void test_many(void **state)
{
    static const char *const names[] = { "file", "sub/", "sub", "missing",
                                         "script", "maps", "ok" };
    struct rig *rig = *state;
    int before, i;

    rig_file(rig, "file", 0644, "text");
    put_directory(rig, "sub");
    rig_file(rig, "script", 0644, "#!/bin/sh\n");
    rig_file(rig, "ok", 0755, "#!/bin/sh\n");
    put_link(rig, "maps", "/proc/self/maps");
    rig_run(rig, "ok", &outcome);
    before = rig_descriptors(rig);
    for (i = 0; i < 1400; i++) {
        ask(rig, names[i % 7]);
        if (outcome.file >= 0) {
            close(outcome.file);
        }
    }
    assert_int_equal(rig_descriptors(rig), before);
    assert_true(rig_settles(rig, 1));
}

/* A client that does not wait for the answer costs nothing, either. */
static void test_gone(void **state)
{
    struct rig *rig = *state;
    struct wire_request request = rig_request(rig, "file");
    struct client client;
    int before, i;

    rig_file(rig, "file", 0644, "text");
    ask(rig, "file");
    assert_file("text", 0);
    before = rig_descriptors(rig);
    for (i = 0; i < 1000; i++) {
        assert_int_equal(rig_connect(rig, &client), 0);
        assert_int_equal(rig_send(&client, &request), 0);
        rig_close(&client);
    }
    ask(rig, "file");
    assert_file("text", 0);
    assert_int_equal(rig_descriptors(rig), before);
}

/* The most that such a message may carry. */
static int send_descriptors(int sock, int fd)
{
    enum { COUNT = 253 };
    char control[CMSG_SPACE(COUNT * sizeof(int))] = { 0 };
    struct iovec iov = { .iov_base = "x", .iov_len = 1 };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof(control) };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    int i;

    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(COUNT * sizeof(int));
    for (i = 0; i < COUNT; i++) {
        memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof(fd));
    }
    return sendmsg(sock, &message, MSG_DONTWAIT) < 0 ? errno : 0;
}

/* Returns a process of the user's that has so many descriptors under way that
   the kernel lets none of this user's processes send more (unix(7)). */
static pid_t send_too_many(void)
{
    const struct rlimit files = { 4096, 4096 };    /* as the warden has */
    int ready[2], ends[2], rv = 0;
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        if (setrlimit(RLIMIT_NOFILE, &files) != 0
            || setresuid(RIG_UID, RIG_UID, RIG_UID) != 0
            || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
            _exit(1);
        }
        while (rv == 0) {
            rv = socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0
                 ? errno : send_descriptors(ends[0], ready[0]);
        }
        byte = rv == ETOOMANYREFS ? 'x' : 'y';
        if (write(ready[1], &byte, 1) == 1) {
            pause();
        }
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(ready[0]);
    return pid;
}

static void test_too_many_descriptors(void **state)
{
    struct rig *rig = *state;
    pid_t sender = send_too_many();

    rig_file(rig, "file", 0644, "text");
    ask(rig, "file");
    assert_refused(WIRE_CANNOT_START, ETOOMANYREFS);
    assert_int_equal(kill(sender, SIGKILL), 0);
    assert_int_equal(waitpid(sender, NULL, 0), sender);
    ask(rig, "file");
    assert_file("text", 0);
}

#define STARTED(f) cmocka_unit_test_setup_teardown(f, rig_make_started, \
                                                   rig_remove)
#define MADE(f) cmocka_unit_test_setup_teardown(f, rig_make, rig_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED(test_file),
        STARTED(test_fetch),
        STARTED(test_directory),
        STARTED(test_index_program),
        STARTED(test_index_is_named),
        STARTED(test_refusals),
        STARTED(test_lease),
        MADE(test_while_all_run),
        MADE(test_replaced_while_queued),
        MADE(test_not_idle),
        STARTED(test_many),
        STARTED(test_gone),
        STARTED(test_too_many_descriptors),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
