/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_answer.c - what a warden sends, as httpd reads it
 *
 * The first byte says which descriptors come along.  None may be kept but the
 * one of a file or a listing, and that must be a regular file.
 */
/* LINK: wire.o wire_answer.o wire_passed.o wire_socket.o */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trampoline/wire.h"

enum { KINDS = 5, FDS_MAX = 3 };

static int kinds[KINDS];

/* Numbers below this one are in use when nothing leaks. */
static int next_free(void)
{
    int fd = dup(STDERR_FILENO);

    FUZZ_REQUIRE(fd >= 0);
    close(fd);
    return fd;
}

static void make_kinds(void)
{
    int pair[2];

    kinds[0] = memfd_create("fuzz", MFD_CLOEXEC);
    kinds[1] = open("/", O_PATH | O_CLOEXEC);
    kinds[2] = open("/dev/null", O_WRONLY | O_CLOEXEC);
    kinds[3] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    kinds[4] = pair[0];
}

static void send_bytes(int sock, const uint8_t *data, size_t size,
                       unsigned int choice)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control = { .bytes = { 0 } };
    struct iovec iov = { .iov_base = (void *)(uintptr_t)data,
                         .iov_len = size };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
    size_t count = choice % (FDS_MAX + 1), i;
    int fds[FDS_MAX];

    for (i = 0; i < count; i++) {
        fds[i] = kinds[(choice / (FDS_MAX + 1) + i) % KINDS];
    }
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
        CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
        CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), fds, count * sizeof(int));
    }
    FUZZ_REQUIRE(sendmsg(sock, &message, MSG_NOSIGNAL) == (ssize_t)size);
}

static void check_answer(const struct wire_answer *answer, int fd)
{
    bool brings = answer->kind == WIRE_FILE || answer->kind == WIRE_LISTING;
    struct stat st;

    FUZZ_REQUIRE(answer->version == WIRE_VERSION);
    FUZZ_REQUIRE(answer->refusal < WIRE_REFUSAL_COUNT);
    FUZZ_REQUIRE(answer->limit < WIRE_LIMIT_COUNT);
    FUZZ_REQUIRE((answer->kind == WIRE_REFUSED)
                 == (answer->refusal != WIRE_NOT_REFUSED));
    FUZZ_REQUIRE(brings == (fd >= 0));
    if (fd >= 0) {
        FUZZ_REQUIRE(fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
        close(fd);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_answer answer;
    int pair[2], fd = -1, before;

    if (kinds[0] == 0) {
        make_kinds();
    }
    if (size < 1 || size > 4096) {
        return 0;
    }
    before = next_free();
    FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
    send_bytes(pair[0], data + 1, size - 1, data[0]);
    if (wire_recv_answer(pair[1], MSG_DONTWAIT, &answer, &fd) == 0) {
        check_answer(&answer, fd);
    }
    else {
        FUZZ_REQUIRE(fd == -1);
    }
    close(pair[0]);
    close(pair[1]);
    FUZZ_REQUIRE(next_free() == before);
    return 0;
}
