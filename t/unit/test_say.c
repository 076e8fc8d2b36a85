/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_say.c - the last line of a helper
 *
 * Each case is a process that dies for real.  Its line goes through a
 * datagram socket, so that two writes would be seen as two.
 */
/* LINK: say.o */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "trampoline/say.h"

enum { LINE_SIZE = 512 };

static char line[4096];         /* what the process wrote last */
static int lines;               /* how many times it wrote */
static int socket_end;          /* in the process: where it writes */

/* Runs a case with say_fd being a socket.  Returns the wait status. */
static int run(void (*dies)(void))
{
    int pair[2], status = -1;
    pid_t pid;
    ssize_t n;

    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0) {
        close(pair[0]);
        socket_end = pair[1];
        say_init("test", socket_end);
        dies();
        _exit(0);
    }
    close(pair[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    line[0] = '\0';
    lines = 0;
    while ((n = recv(pair[0], line, sizeof(line) - 1, MSG_DONTWAIT)) > 0) {
        line[n] = '\0';
        lines++;
    }
    close(pair[0]);
    return status;
}

/* What the table says about a code. */
static const char *meaning(int code)
{
    switch (code) {
#define CODE_MEANING(symbol, status, http, text) case symbol: return text;
    CODE_TABLE(CODE_MEANING)
#undef CODE_MEANING
    default:
        fail_msg("no code %d", code);
        return "";
    }
}

/* That its one line is this, what the code means, and a newline. */
static void exits(void (*dies)(void), int code, const char *expected)
{
    char whole[1024];
    int status = run(dies);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
    snprintf(whole, sizeof(whole), "%s%s%s\n", expected,
             code == 0 ? "" : ": ", code == 0 ? "" : meaning(code));
    assert_string_equal(line, whole);
    assert_int_equal(lines, 1);
}

static void die_plainly(void)
{
    die(CODE_USER_UNKNOWN, "'%s' in '%s'", "eve", "/users");
}

static void die_with_errno(void)
{
    errno = EACCES;
    die_errno(CODE_PIN, "'%s'", "/a");
}

static void die_of_three_digits(void)
{
    die(CODE_INTERNAL, "impossible");
}

static void warn(void)
{
    say_warning("%d is late", 7);
}

static void fail_a_step(void)
{
    errno = EBUSY;
    must(false, CODE_MOVE_MOUNT, "home of %d", 7);
}

static void do_a_step(void)
{
    must(true, CODE_MOVE_MOUNT, "home of %d", 7);
    warn();
}

static void test_lines(void **state)
{
    (void)state;
    exits(die_plainly, 40, "test: IJ2040: 'eve' in '/users'");
    exits(die_with_errno, 75, "test: IJ2075: '/a': Permission denied");
    exits(die_of_three_digits, 100, "test: IJ2100: impossible");
    exits(warn, 0, "test: warning: 7 is late");
    exits(fail_a_step, 73,
          "test: IJ2073: home of 7: Device or resource busy");
    exits(do_a_step, 0, "test: warning: 7 is late");
}

static void die_with_control_bytes(void)
{
    die(CODE_NAME, "a\nb\tc\rd\x1b[2Je\x7f" "f\xc3\xa4");
}

static void warn_with_control_bytes(void)
{
    say_warning("a\nb");
}

static void test_control_bytes(void **state)
{
    (void)state;
    exits(die_with_control_bytes, 22,
          "test: IJ2022: a?b?c?d?[2Je?f\xc3\xa4");
    exits(warn_with_control_bytes, 0, "test: warning: a?b");
}

/* Two thousand bytes, and more than a line holds. */
static const char *long_text(void)
{
    static char text[2000];

    memset(text, 'x', sizeof(text) - 1);
    return text;
}

static void die_at_length(void)
{
    errno = EADDRNOTAVAIL;      /* a long one */
    die_errno(CODE_OPEN_TREE, "%s", long_text());
}

static void warn_at_length(void)
{
    say_warning("%s", long_text());
}

static void init_at_length(void)
{
    say_init(long_text(), STDERR_FILENO);
    if (dup2(socket_end, STDERR_FILENO) == -1) {
        _exit(98);
    }
    die(CODE_OPEN_TREE, "%s", long_text());
}

/* However long a name is, the reason and the remedy are still there. */
static void test_long_lines(void **state)
{
    char end[256];

    (void)state;
    assert_int_equal(run(die_at_length), CODE_OPEN_TREE << 8);
    assert_in_range(strlen(line), 256, LINE_SIZE);
    snprintf(end, sizeof(end), "x: %s: %s\n", strerror(EADDRNOTAVAIL),
             meaning(CODE_OPEN_TREE));
    assert_string_equal(line + strlen(line) - strlen(end), end);
    assert_int_equal(run(warn_at_length), 0);
    assert_in_range(strlen(line), 256, LINE_SIZE);
    assert_string_equal(line + strlen(line) - 2, "x\n");
    assert_int_equal(run(init_at_length), CODE_OPEN_TREE << 8);
    assert_in_range(strlen(line), LINE_SIZE - 1, LINE_SIZE);
    assert_string_equal(line + strlen(line) - 2, "x\n");
}

/* Every code has an exit status of its own, and none of httpd's. */
static void test_codes(void **state)
{
    static const int statuses[] = {
#define CODE_STATUS(symbol, status, http, text) status,
        CODE_TABLE(CODE_STATUS)
#undef CODE_STATUS
    };
    size_t i, j;

    (void)state;
    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        assert_in_range(statuses[i], 16, 125);
        for (j = 0; j < i; j++) {
            assert_int_not_equal(statuses[i], statuses[j]);
        }
    }
}

/* The undo's own traces go through this pipe. */
static int trace[2];

static void leave_a_trace(int status)
{
    char byte = (char)status;

    if (write(trace[1], &byte, 1) != 1) {
        _exit(99);
    }
    errno = EBUSY;      /* not the reason of death */
}

static int traced(void)
{
    char bytes[16];
    ssize_t n = read(trace[0], bytes, sizeof(bytes));

    close(trace[0]);
    return n == 1 ? bytes[0] : (int)-n;
}

static void die_with_undo(void)
{
    say_at_death(leave_a_trace);
    die_with_errno();
}

static void die_after_forgetting_it(void)
{
    say_at_death(leave_a_trace);
    say_at_death(NULL);
    die_with_errno();
}

static void undo_that_dies(int status)
{
    leave_a_trace(status);
    die(CODE_INTERNAL, "in the undo");
}

static void die_twice(void)
{
    say_at_death(undo_that_dies);
    die_plainly();
}

static void warn_with_undo(void)
{
    say_at_death(leave_a_trace);
    say_warning("still alive");
}

/* Nobody reads the line any more, and SIGPIPE is as deadly as ever. */
static void die_unheard(void)
{
    int pipe_ends[2];

    if (pipe(pipe_ends) == -1 || signal(SIGPIPE, SIG_DFL) == SIG_ERR) {
        _exit(98);
    }
    close(pipe_ends[0]);
    say_init("test", pipe_ends[1]);
    die_with_undo();
}

static void die_without_a_line(void)
{
    say_at_death(leave_a_trace);
    die_silently(CODE_PIN);
}

static void fail_a_step_with_undo(void)
{
    say_at_death(leave_a_trace);
    fail_a_step();
}

static const struct {
    void (*dies)(void);
    int status;                 /* as of wait(2) */
    int traced;                 /* what the undo saw; 0: it did not run */
    const char *start;          /* of the line */
} undos[] = {
    { die_with_undo, CODE_PIN << 8, CODE_PIN,
      "test: IJ2075: '/a': Permission denied: " },
    { fail_a_step_with_undo, CODE_MOVE_MOUNT << 8, CODE_MOVE_MOUNT,
      "test: IJ2073: home of 7: Device or resource busy: " },
    { die_after_forgetting_it, CODE_PIN << 8, 0, "test: IJ2075: '/a': " },
    { die_twice, CODE_INTERNAL << 8, CODE_USER_UNKNOWN,
      "test: IJ2100: in the undo: " },
    { die_without_a_line, CODE_PIN << 8, CODE_PIN, "" },
    { warn_with_undo, 0, 0, "test: warning: still alive\n" },
    { die_unheard, SIGPIPE, CODE_PIN, "" }
};

static void test_undo(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(undos) / sizeof(undos[0]); i++) {
        assert_int_equal(pipe(trace), 0);
        assert_int_equal(run(undos[i].dies), undos[i].status);
        close(trace[1]);
        assert_int_equal(traced(), undos[i].traced);
        assert_int_equal(lines, undos[i].start[0] == '\0' ? 0 : 1);
        assert_int_equal(strncmp(line, undos[i].start,
                                 strlen(undos[i].start)), 0);
    }
}

/* A helper that never called say_init() speaks on stderr. */
static void test_without_init(void **state)
{
    int pipe_ends[2], status;
    char text[128] = "";
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0) {
        if (dup2(pipe_ends[1], STDERR_FILENO) == -1) {
            _exit(98);
        }
        die(CODE_USAGE, "no names");
    }
    close(pipe_ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 20);
    assert_true(read(pipe_ends[0], text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, ": IJ2020: no names: "));
    close(pipe_ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_control_bytes),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_undo),
        cmocka_unit_test(test_without_init)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
