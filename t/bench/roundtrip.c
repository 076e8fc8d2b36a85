/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roundtrip.c - what it costs to have a warden start a program, beside
 * starting it oneself
 *
 *   roundtrip SOCKET PROGRAM-IN-THE-JAIL PROGRAM ROUNDS
 *
 * Both ways the program gets three pipes that are made for it, its output is
 * read to its end, and its end is waited for.  They take turns, so that what
 * else happens on the machine happens to both.  Prints for each round two
 * numbers, in nanoseconds: by itself, through the warden.
 */
#include <errno.h>
#include <fcntl.h>
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

enum { WARM_UP = 20 };

static const char *environment[] = { "QUERY_STRING=10", NULL };

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

static void hear(int sock, enum wire_answer_kind wanted)
{
    struct wire_answer answer;

    errno = wire_recv_answer(sock, 0, &answer, NULL);
    must(errno == 0 && answer.kind == wanted && answer.wait_status == 0,
         "answer");
}

static void run_in_jail(const char *path, const char *program)
{
    const struct wire_request request = {
        .kind = WIRE_SERVE, .timeout_seconds = 60, .root = "/",
        .filename = program, .uri = "/program", .method = "GET",
        .env = environment, .env_count = 1
    };
    int sock = connect_to(path);
    struct pipes pipes;

    make_pipes(&pipes);
    errno = wire_send_request(sock, &request, pipes.far);
    must(errno == 0, "request");
    close_all(pipes.far);
    hear(sock, WIRE_ACCEPTED);
    hear(sock, WIRE_STARTED);
    read_output(&pipes);
    hear(sock, WIRE_ENDED);
    close(sock);
}

int main(int argc, char **argv)
{
    int i, rounds;

    if (argc != 5) {
        (void)dprintf(2, "usage: roundtrip SOCKET PROGRAM-IN-THE-JAIL "
                      "PROGRAM ROUNDS\n");
        return 2;
    }
    rounds = (int)strtol(argv[4], NULL, 10) + WARM_UP;
    for (i = 0; i < rounds; i++) {
        int64_t start = now(), middle, end;

        run_alone(argv[3]);
        middle = now();
        run_in_jail(argv[1], argv[2]);
        end = now();
        if (i >= WARM_UP) {
            printf("%lld %lld\n", (long long)(middle - start),
                   (long long)(end - middle));
        }
    }
    return 0;
}
