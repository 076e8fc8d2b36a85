/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.c - asks a warden to run one program, as httpd would
 *
 *   ask SOCKET FILENAME [NAME=value...]
 *
 * The program's three pipes are our own descriptors 0, 1 and 2.  The answers
 * go to descriptor 20 where it is open, one line each.  Exit status: 0 when
 * the program ended with 0, 1 when it did not, 2 when it was refused, 3 when
 * nobody answered, 4 when it is no program but a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "trampoline/wire.h"

enum { FAILED = 1, REFUSED = 2, NO_ANSWER = 3, A_FILE = 4, ANSWERS_FD = 20,
       PATIENCE = 600 };     /* seconds for a program, and for an answer */

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const struct timeval limit = { .tv_sec = PATIENCE };
    int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (sock < 0 || strlen(path) >= sizeof address.sun_path) {
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0
        || connect(sock, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(sock);
        return -1;
    }
    return sock;
}

static void print_answer(const struct wire_answer *answer)
{
    (void)dprintf(ANSWERS_FD, "kind %u refusal %u status %d limit %u\n",
                  answer->kind, answer->refusal, answer->wait_status,
                  answer->limit);
}

static int hear_out(int sock)
{
    struct wire_answer answer;
    int fd;

    for (;;) {
        if (wire_recv_answer(sock, 0, &answer, &fd) != 0) {
            return NO_ANSWER;
        }
        print_answer(&answer);
        if (fd != -1) {
            (void)close(fd);
            return A_FILE;
        }
        if (answer.kind == WIRE_REFUSED) {
            return REFUSED;
        }
        if (answer.kind == WIRE_ENDED) {
            return answer.wait_status == 0 ? 0 : FAILED;
        }
    }
}

int main(int argc, char **argv)
{
    static const int pipes[WIRE_PIPES] = { 0, 1, 2 };
    struct wire_request request = {
        .kind = WIRE_SERVE,
        .timeout_seconds = PATIENCE,
        .root = "/",
        .uri = "/ask",
        .method = "GET",
    };
    int sock, error;

    if (argc < 3) {
        (void)dprintf(2, "usage: ask SOCKET FILENAME [NAME=value...]\n");
        return NO_ANSWER;
    }
    request.filename = argv[2];
    request.env = (const char **)argv + 3;
    request.env_count = (size_t)(argc - 3);
    sock = connect_to(argv[1]);
    if (sock < 0) {
        (void)dprintf(2, "ask: %s\n", strerror(errno));
        return NO_ANSWER;
    }
    error = wire_send_request(sock, &request, pipes);
    if (error != 0) {
        (void)dprintf(2, "ask: %s\n", strerror(error));
        return NO_ANSWER;
    }
    return hear_out(sock);
}
