/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roundtrip.c - what it costs to have a warden start a program, beside
 * starting it oneself
 *
 *   roundtrip PROGRAM ROUNDS [SOCKET PROGRAM spoken|silent]...
 *
 * For each socket, a warden's or one of its like (spawner.c): what it calls
 * the program, and whether it says ACCEPTED and STARTED.  Each way the program
 * gets three pipes that are made for it, its output is read to its end, and
 * its end is waited for.  They take turns, so that what else happens on the
 * machine happens to all.  Prints a line for each round, in nanoseconds: by
 * itself, and by each socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "trampoline/wire.h"

enum {
    WARM_UP = 20,
    THERE_WORDS = 3,        /* what an argument of a socket has */
    THERE_MAX = 16
};

static const char *environment[] = { "QUERY_STRING=10", NULL };

struct there {
    const char *socket, *program;
    bool says_start;
};

struct pipes {
    int ours[WIRE_PIPES], far[WIRE_PIPES];
};

static void must(int succeeded, const char *what)
{
    if (!succeeded) {
        (void)dprintf(2, "roundtrip: %s: %s\n", what, strerror(errno));
        _exit(1);
    }
}

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void make_pipes(struct pipes *pipes)
{
    int ends[2], i;

    for (i = 0; i < WIRE_PIPES; i++) {
        must(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
        pipes->ours[i] = ends[i == 0];
        pipes->far[i] = ends[i != 0];
    }
}

static void close_all(const int fds[WIRE_PIPES])
{
    int i;

    for (i = 0; i < WIRE_PIPES; i++) {
        close(fds[i]);
    }
}

/* All of it; and no input. */
static void read_output(const struct pipes *pipes)
{
    char data[8192];
    ssize_t n, sum = 0;

    close(pipes->ours[0]);
    while ((n = read(pipes->ours[1], data, sizeof(data))) > 0) {
        sum += n;
    }
    must(n == 0 && sum > 0, "output");
    close(pipes->ours[1]);
    close(pipes->ours[2]);
}

static void run_alone(const char *program)
{
    const char *const argv[] = { program, NULL };
    struct pipes pipes;
    int status, i;
    pid_t pid;

    make_pipes(&pipes);
    pid = vfork();
    if (pid == 0) {
        for (i = 0; i < WIRE_PIPES; i++) {
            dup2(pipes.far[i], i);
        }
        execve(program, (char **)argv, (char **)environment);
        _exit(127);
    }
    must(pid > 0, "vfork");
    close_all(pipes.far);
    read_output(&pipes);
    must(waitpid(pid, &status, 0) == pid && status == 0, "program");
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    must(sock >= 0 && strlen(path) < sizeof(address.sun_path), "socket");
    memcpy(address.sun_path, path, strlen(path));
    must(connect(sock, (struct sockaddr *)&address, sizeof(address)) == 0,
         path);
    return sock;
}

/* The next answer's kind. */
static enum wire_answer_kind hear(int sock)
{
    struct wire_answer answer;

    errno = wire_recv_answer(sock, 0, &answer, NULL);
    must(errno == 0 && answer.kind != WIRE_REFUSED && answer.wait_status == 0,
         "answer");
    return answer.kind;
}

/* Who says nothing of the start is not waited for. */
static void run_there(const struct there *there)
{
    const struct wire_request request = {
        .kind = WIRE_SERVE, .timeout_seconds = 60, .root = "/",
        .filename = there->program, .uri = "/program", .method = "GET",
        .env = environment, .env_count = 1
    };
    struct pipes pipes;
    int sock;

    make_pipes(&pipes);
    sock = connect_to(there->socket);
    errno = wire_send_request(sock, &request, pipes.far);
    must(errno == 0, "request");
    close_all(pipes.far);
    if (there->says_start) {
        must(hear(sock) == WIRE_ACCEPTED && hear(sock) == WIRE_STARTED,
             "start");
    }
    read_output(&pipes);
    must(hear(sock) == WIRE_ENDED, "end");
    close(sock);
}

/* All ways, one after the other. */
static void do_round(const char *program, const struct there *there,
                     int count, bool is_printed)
{
    int64_t at = now(), then;
    int i;

    for (i = -1; i < count; i++) {
        then = at;
        if (i < 0) {
            run_alone(program);
        }
        else {
            run_there(&there[i]);
        }
        at = now();
        if (is_printed) {
            printf("%lld%c", (long long)(at - then),
                   i + 1 < count ? ' ' : '\n');
        }
    }
}

int main(int argc, char **argv)
{
    struct there there[THERE_MAX];
    int i, rounds, count = (argc - 3) / THERE_WORDS;

    if (argc < 3 || (argc - 3) % THERE_WORDS != 0 || count > THERE_MAX) {
        (void)dprintf(2, "usage: roundtrip PROGRAM ROUNDS [SOCKET PROGRAM "
                      "spoken|silent]...\n");
        return 2;
    }
    for (i = 0; i < count; i++) {
        char **words = argv + 3 + i * THERE_WORDS;

        there[i] = (struct there) { words[0], words[1],
                                    strcmp(words[2], "spoken") == 0 };
    }
    rounds = (int)strtol(argv[2], NULL, 10);
    for (i = -WARM_UP; i < rounds; i++) {
        do_round(argv[1], there, count, i >= 0);
    }
    return 0;
}
