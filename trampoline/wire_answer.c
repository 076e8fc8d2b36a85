/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_answer.c - answers over the socket
 *
 * Their receiver is httpd, which believes nothing of them: not their values,
 * not their number, not what comes along with them.
 */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wire_passed.h"

enum { ERRNO_MAX = 4095 };

/* --- sending --- */

int wire_send_answer(int sock, const struct wire_answer *answer, int fd)
{
    if (fd >= 0) {
        return passed_send(sock, MSG_DONTWAIT, answer, sizeof(*answer), &fd,
                           1);
    }
    return send(sock, answer, sizeof(*answer),
                MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* --- receiving --- */

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
           || (passed_is_sealed(fd) && st.st_size <= WIRE_LISTING_MAX);
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

int wire_recv_answer_from(int sock, int flags, struct wire_answer *answer,
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
    rv = passed_receive(sock, flags, &iov, &size, &passed);
    if (rv != 0) {
        return rv;
    }
    if (size != sizeof(received) || !answer_is_valid(&received)
        || (fd == NULL && brings_descriptor(&received))
        || (uid != NULL && passed.sender.pid == 0)
        || !fits(&received, &passed)) {
        passed_close(&passed);
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
    return wire_recv_answer_from(sock, flags, answer, fd, NULL);
}

/* --- the end --- */

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
        rv = passed_receive(sock, MSG_DONTWAIT, &iov, &size, &passed);
        if (rv == 0) {
            passed_close(&passed);
        }
    } while (rv == 0 || rv == EPROTO);      /* longer than a byte */
    close(sock);
}
