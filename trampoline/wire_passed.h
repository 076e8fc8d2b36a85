/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_passed.h - messages with descriptors, as sendmsg(2) and unix(7) have
 * them: what requests and answers have in common
 */
#ifndef IVLEJAIL_WIRE_PASSED_H
#define IVLEJAIL_WIRE_PASSED_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    PASSED_FDS_MAX = 253,           /* SCM_MAX_FD: no message has more */
    PASSED_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE
};

/* What comes with one message: its descriptors, and perhaps its sender. */
struct passed {
    int fds[PASSED_FDS_MAX];
    size_t count;
    struct ucred sender;            /* pid 0: nobody said who it was */
};

/* Sends data with count descriptors, a few.  Returns 0 or errno. */
int passed_send(int sock, int flags, const void *data, size_t size,
                const int *fds, size_t count);

/*
 * Receives one message with its descriptors, close-on-exec and the caller's
 * to close.  Returns 0 and *size, or errno: ECONNRESET (end of file), EPROTO
 * (longer than *iov, or more descriptors than there can be).
 */
int passed_receive(int sock, int flags, struct iovec *iov, size_t *size,
                   struct passed *passed);

/* Closes all of them; never waits. */
void passed_close(const struct passed *passed);

/* Whether it is a memfd with PASSED_SEALS: it does not change any more. */
bool passed_is_sealed(int fd);

#endif
