/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_passed.c - messages with descriptors
 */
#include "wire_passed.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

int passed_send(int sock, int flags, const void *data, size_t size,
                const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE((WIRE_PIPES + 1) * sizeof(int))];
    } control = { .bytes = { 0 } };
    struct iovec iov = { .iov_base = (void *) data, .iov_len = size };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = count > 0
                                  ? CMSG_SPACE(count * sizeof(int)) : 0 };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    ssize_t sent;

    if (count > 0) {
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
    }
    do {
        sent = sendmsg(sock, &message, flags | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

/*
 * A socket with SO_LINGER set by its sender could hold close() up for as long
 * as that sender likes; {1, 0} makes it let go at once.  Anything else than a
 * socket refuses the option, which does no harm.
 */
void passed_close(const struct passed *passed)
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
            || count > PASSED_FDS_MAX - passed->count) {
            continue;
        }
        memcpy(passed->fds + passed->count, CMSG_DATA(c),
               count * sizeof(int));
        passed->count += count;
    }
}

/*
 * There is room for all descriptors that a message can have, because the
 * kernel itself closes those that do not fit, with the sender's SO_LINGER.
 */
int passed_receive(int sock, int flags, struct iovec *iov, size_t *size,
                   struct passed *passed)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(PASSED_FDS_MAX * sizeof(int))
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
        passed_close(passed);
        return EPROTO;
    }
    *size = (size_t) received;
    return 0;
}

bool passed_is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & PASSED_SEALS) == PASSED_SEALS;
}
