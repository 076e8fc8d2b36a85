/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_socket.c - requests over the socket (wire.c is their form)
 *
 * A request that is larger than a message goes whole into a sealed memfd,
 * sent as the last descriptor; the message is then its header alone.  The
 * seals tell the receiver that it is memory (reading cannot hang) and that it
 * does not change any more.  A log entry has no descriptors at all, and a
 * request that expects no program has no pipes.
 */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wire_passed.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U     /* Linux 6.3 */
#endif

static size_t pipes_of(enum wire_kind kind)
{
    return kind == WIRE_SERVE ? WIRE_PIPES : 0;
}

/* --- sending --- */

static int create_memfd(void)
{
    int fd = memfd_create("ivlejail", MFD_CLOEXEC | MFD_ALLOW_SEALING
                                      | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL) {    /* before Linux 6.3 */
        fd = memfd_create("ivlejail", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    return fd;
}

/* Returns 0 or errno. */
static int fill_memfd(int fd, const char *data, size_t size)
{
    ssize_t written = write(fd, data, size);

    if (written < 0) {
        return errno;
    }
    if ((size_t) written != size) {
        return ENOSPC;
    }
    if (fcntl(fd, F_ADD_SEALS, PASSED_SEALS) < 0) {
        return errno;
    }
    return 0;
}

int wire_make_memfd(const char *data, size_t size)
{
    int fd = create_memfd(), rv;

    if (fd < 0) {
        return -1;
    }
    rv = fill_memfd(fd, data, size);
    if (rv != 0) {
        close(fd);
        errno = rv;
        return -1;
    }
    return fd;
}

static int send_by_memfd(int sock, const char *data, size_t size,
                         const int *pipes, size_t count)
{
    int fds[WIRE_PIPES + 1], fd = wire_make_memfd(data, size), rv;

    if (fd < 0) {
        return errno;
    }
    if (count > 0) {
        memcpy(fds, pipes, count * sizeof(int));
    }
    fds[count] = fd;
    rv = passed_send(sock, 0, data, WIRE_HEADER_SIZE, fds, count + 1);
    close(fd);
    return rv;
}

int wire_send_request(int sock, const struct wire_request *request,
                      const int *pipes)
{
    size_t size = wire_size(request), count = pipes_of(request->kind);
    char *packed;
    int rv;

    if (size > WIRE_STRINGS_MAX) {
        return E2BIG;
    }
    packed = malloc(size);
    if (packed == NULL) {
        return ENOMEM;
    }
    if (wire_pack(request, packed, size) == 0) {
        rv = errno;
    }
    else if (size <= WIRE_MESSAGE_MAX) {
        rv = passed_send(sock, 0, packed, size, pipes, count);
    }
    else {
        rv = send_by_memfd(sock, packed, size, pipes, count);
    }
    free(packed);
    return rv;
}

int wire_send_log(int sock, const struct wire_log *log)
{
    char packed[WIRE_MESSAGE_MAX];
    size_t size = wire_pack_log(log, packed, sizeof(packed));

    if (size == 0) {
        return errno;
    }
    return send(sock, packed, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno
                                                                     : 0;
}

/* --- receiving --- */

/* Returns NULL or what is wrong; then *size bytes are in buffer. */
static const char *read_memfd(int fd, char *buffer, size_t *size)
{
    struct stat st;

    if (!passed_is_sealed(fd)) {
        return "last descriptor is not a sealed memfd";
    }
    if (fstat(fd, &st) != 0) {
        return "memfd cannot be examined";
    }
    if (st.st_size < 0 || st.st_size > WIRE_STRINGS_MAX) {
        return "memfd too large";
    }
    *size = (size_t) st.st_size;
    if (pread(fd, buffer, *size, 0) != st.st_size) {
        return "memfd cannot be read";
    }
    return NULL;
}

/* Returns NULL or what is wrong with the message. */
static const char *open_message(char *buffer, size_t size,
                                const struct passed *passed,
                                struct wire_unpacked *unpacked)
{
    bool has_memfd = passed->count % WIRE_PIPES == 1;
    const char *wrong;

    if (passed->count % WIRE_PIPES > 1 || passed->count > WIRE_PIPES + 1) {
        return "wrong number of descriptors";
    }
    if (has_memfd) {
        if (size != WIRE_HEADER_SIZE) {
            return "more than a header beside a memfd";
        }
        wrong = read_memfd(passed->fds[passed->count - 1], buffer, &size);
        if (wrong != NULL) {
            return wrong;
        }
    }
    wrong = wire_unpack(buffer, size, unpacked);
    if (wrong == NULL
        && (passed->count - has_memfd != pipes_of(unpacked->request.kind)
            || (has_memfd && unpacked->request.kind == WIRE_LOG))) {
        return "wrong number of descriptors";
    }
    return wrong;
}

int wire_recv_request(int sock, int flags, char *buffer,
                      struct wire_unpacked *unpacked, int pipes[WIRE_PIPES],
                      const char **reason)
{
    struct iovec iov = { .iov_base = buffer, .iov_len = WIRE_MESSAGE_MAX };
    struct passed passed;
    size_t size = 0;
    int rv;

    *reason = "message or its descriptors truncated";
    rv = passed_receive(sock, flags, &iov, &size, &passed);
    if (rv != 0) {
        return rv;
    }
    *reason = open_message(buffer, size, &passed, unpacked);
    if (*reason != NULL) {
        passed_close(&passed);
        return EPROTO;
    }
    if (passed.count >= WIRE_PIPES) {
        memcpy(pipes, passed.fds, WIRE_PIPES * sizeof(int));
    }
    if (passed.count % WIRE_PIPES == 1) {
        close(passed.fds[passed.count - 1]);    /* the memfd */
    }
    return 0;
}
