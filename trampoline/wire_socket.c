/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_socket.c - requests and answers over the socket (wire.c is their form)
 *
 * A request that is larger than a message goes whole into a sealed memfd,
 * sent as a fourth descriptor; the message is then its header alone.  The
 * seals tell the receiver that it is memory (reading cannot hang) and that it
 * does not change any more.  A log entry has no descriptors at all.
 */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U     /* Linux 6.3 */
#endif

enum {
    FDS_MAX = 253,                  /* SCM_MAX_FD: no message has more */
    ERRNO_MAX = 4095,
    SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE
};

/* What comes with one message: its descriptors, and perhaps its sender. */
struct passed {
    int fds[FDS_MAX];
    size_t count;
    struct ucred sender;            /* pid 0: nobody said who it was */
};

/* --- sending --- */

/* Returns 0 or errno. */
static int send_with_fds(int sock, int flags, const void *data, size_t size,
                         const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE((WIRE_PIPES + 1) * sizeof(int))];
    } control = { .bytes = { 0 } };
    struct iovec iov = { .iov_base = (void *) data, .iov_len = size };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen =
                                  CMSG_SPACE(count * sizeof(int)) };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    ssize_t sent;

    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
    do {
        sent = sendmsg(sock, &message, flags | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

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
    if (fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
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
                         const int pipes[WIRE_PIPES])
{
    int fds[WIRE_PIPES + 1], fd = wire_make_memfd(data, size), rv;

    if (fd < 0) {
        return errno;
    }
    memcpy(fds, pipes, WIRE_PIPES * sizeof(int));
    fds[WIRE_PIPES] = fd;
    rv = send_with_fds(sock, 0, data, WIRE_HEADER_SIZE, fds, WIRE_PIPES + 1);
    close(fd);
    return rv;
}

int wire_send_request(int sock, const struct wire_request *request,
                      const int pipes[WIRE_PIPES])
{
    size_t size = wire_size(request);
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
        rv = send_with_fds(sock, 0, packed, size, pipes, WIRE_PIPES);
    }
    else {
        rv = send_by_memfd(sock, packed, size, pipes);
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

int wire_send_answer(int sock, const struct wire_answer *answer, int fd)
{
    if (fd >= 0) {
        return send_with_fds(sock, MSG_DONTWAIT, answer, sizeof(*answer), &fd,
                             1);
    }
    return send(sock, answer, sizeof(*answer),
                MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* --- receiving --- */

/*
 * A socket with SO_LINGER set by its sender could hold close() up for as long
 * as that sender likes; {1, 0} makes it let go at once.  Anything else than a
 * socket refuses the option, which does no harm.
 */
static void close_passed(const struct passed *passed)
{
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };
    size_t i;

    for (i = 0; i < passed->count; i++) {
        (void) setsockopt(passed->fds[i], SOL_SOCKET, SO_LINGER, &now,
                          sizeof(now));
        close(passed->fds[i]);
    }
}

static void take_passed(struct msghdr *message, struct passed *passed)
{
    struct cmsghdr *c;

    for (c = CMSG_FIRSTHDR(message); c != NULL;
         c = CMSG_NXTHDR(message, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
            memcpy(&passed->sender, CMSG_DATA(c), sizeof(passed->sender));
        }
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS
            || count > FDS_MAX - passed->count) {
            continue;
        }
        memcpy(passed->fds + passed->count, CMSG_DATA(c),
               count * sizeof(int));
        passed->count += count;
    }
}

/*
 * Receives one message with its descriptors; there is room for all that a
 * message can have, because the kernel itself closes those that do not fit,
 * with the sender's SO_LINGER.  Returns 0 or errno, and *size.
 */
static int receive(int sock, int flags, struct iovec *iov, size_t *size,
                   struct passed *passed)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))
                   + CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct msghdr message = { .msg_iov = iov, .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof(control.bytes) };
    ssize_t received;

    passed->count = 0;
    passed->sender.pid = 0;
    do {
        received = recvmsg(sock, &message, flags | MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0) {
        return errno;
    }
    take_passed(&message, passed);
    if (received == 0 && message.msg_controllen == 0) {
        return ECONNRESET;
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        close_passed(passed);
        return EPROTO;
    }
    *size = (size_t) received;
    return 0;
}

static bool is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & SEALS) == SEALS;
}

/* Returns NULL or what is wrong; then *size bytes are in buffer. */
static const char *read_memfd(int fd, char *buffer, size_t *size)
{
    struct stat st;

    if (!is_sealed(fd)) {
        return "fourth descriptor is not a sealed memfd";
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
    const char *wrong;

    if (passed->count != 0 && passed->count != WIRE_PIPES
        && passed->count != WIRE_PIPES + 1) {
        return "wrong number of descriptors";
    }
    if (passed->count == WIRE_PIPES + 1) {
        if (size != WIRE_HEADER_SIZE) {
            return "more than a header beside a memfd";
        }
        wrong = read_memfd(passed->fds[WIRE_PIPES], buffer, &size);
        if (wrong != NULL) {
            return wrong;
        }
    }
    wrong = wire_unpack(buffer, size, unpacked);
    if (wrong == NULL
        && (unpacked->request.kind == WIRE_LOG) != (passed->count == 0)) {
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
    rv = receive(sock, flags, &iov, &size, &passed);
    if (rv != 0) {
        return rv;
    }
    *reason = open_message(buffer, size, &passed, unpacked);
    if (*reason != NULL) {
        close_passed(&passed);
        return EPROTO;
    }
    if (passed.count >= WIRE_PIPES) {
        memcpy(pipes, passed.fds, WIRE_PIPES * sizeof(int));
    }
    if (passed.count > WIRE_PIPES) {
        close(passed.fds[WIRE_PIPES]);
    }
    return 0;
}

static bool brings_descriptor(const struct wire_answer *answer)
{
    return answer->kind == WIRE_FILE || answer->kind == WIRE_LISTING;
}

static bool may_have_index(const struct wire_answer *answer)
{
    return answer->kind == WIRE_STARTED || answer->kind == WIRE_FILE
           || answer->kind == WIRE_REFUSED;
}

static bool answer_is_valid(const struct wire_answer *answer)
{
    return answer->version == WIRE_VERSION
           && answer->kind >= WIRE_ACCEPTED && answer->kind <= WIRE_LISTING
           && answer->refusal < WIRE_REFUSAL_COUNT
           && (answer->kind == WIRE_REFUSED)
              == (answer->refusal != WIRE_NOT_REFUSED)
           && answer->error <= ERRNO_MAX
           && answer->limit < WIRE_LIMIT_COUNT
           && answer->index <= (may_have_index(answer) ? WIRE_INDEXES_MAX : 0)
           && answer->is_nph <= (answer->kind == WIRE_STARTED);
}

/* Also not one that is opened for neither reading nor writing (open(2)). */
static bool is_readable(int fd)
{
    int flags = fcntl(fd, F_GETFL), mode = flags & O_ACCMODE;

    return flags >= 0 && (flags & O_PATH) == 0
           && (mode == O_RDONLY || mode == O_RDWR);
}

static bool may_be_taken(int fd, enum wire_answer_kind kind)
{
    struct statfs fs;
    struct stat st;

    if (!is_readable(fd) || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)
        || fstatfs(fd, &fs) != 0 || fs.f_type == PROC_SUPER_MAGIC) {
        return false;
    }
    return kind == WIRE_FILE
           || (is_sealed(fd) && st.st_size <= WIRE_LISTING_MAX);
}

/* Whether these are the descriptors of such an answer. */
static bool fits(const struct wire_answer *answer,
                 const struct passed *passed)
{
    if (!brings_descriptor(answer)) {
        return passed->count == 0;
    }
    return passed->count == 1
           && may_be_taken(passed->fds[0],
                           (enum wire_answer_kind) answer->kind);
}

/* uid NULL: whoever sent it. */
static int recv_answer(int sock, int flags, struct wire_answer *answer,
                       int *fd, uid_t *uid)
{
    struct wire_answer received = { 0 };
    struct iovec iov = { .iov_base = &received,
                         .iov_len = sizeof(received) };
    struct passed passed;
    size_t size = 0;
    int rv;

    if (fd != NULL) {
        *fd = -1;
    }
    rv = receive(sock, flags, &iov, &size, &passed);
    if (rv != 0) {
        return rv;
    }
    if (size != sizeof(received) || !answer_is_valid(&received)
        || (fd == NULL && brings_descriptor(&received))
        || (uid != NULL && passed.sender.pid == 0)
        || !fits(&received, &passed)) {
        close_passed(&passed);
        return EPROTO;
    }
    if (brings_descriptor(&received)) {
        *fd = passed.fds[0];
    }
    if (uid != NULL) {
        *uid = passed.sender.uid;
    }
    *answer = received;
    return 0;
}

int wire_recv_answer(int sock, int flags, struct wire_answer *answer, int *fd)
{
    return recv_answer(sock, flags, answer, fd, NULL);
}

int wire_recv_answer_from(int sock, int flags, struct wire_answer *answer,
                          int *fd, uid_t *uid)
{
    return recv_answer(sock, flags, answer, fd, uid);
}

int wire_want_sender(int sock)
{
    const int on = 1;

    return setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0
           ? errno : 0;
}

/*
 * close(2) alone would have the kernel close what is queued, with the
 * sender's SO_LINGER.  After the shutdown nothing more comes, so there is an
 * end to it; and an empty message is told from that end by its sender's
 * credentials.
 */
void wire_hang_up(int sock)
{
    char byte;
    struct iovec iov = { .iov_base = &byte, .iov_len = sizeof(byte) };
    struct passed passed;
    size_t size;
    int rv;

    (void) shutdown(sock, SHUT_RDWR);
    (void) wire_want_sender(sock);
    do {
        rv = receive(sock, MSG_DONTWAIT, &iov, &size, &passed);
        if (rv == 0) {
            close_passed(&passed);
        }
    } while (rv == 0 || rv == EPROTO);      /* longer than a byte */
    close(sock);
}
