/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wire_socket.c - requests and answers over a socket: what is sent
 * arrives with its descriptors; what should not be there is closed
 */
/* LINK: scratch.o wire.o wire_answer.o wire_passed.o wire_socket.o sample.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "sample.h"
#include "scratch.h"

struct pair {
    int httpd, warden;          /* the two ends */
    int pipes[WIRE_PIPES];      /* what httpd sends: three files of one pipe */
    int other;
    int regular;                /* a file */
};

static int set_up_pair(void **state)
{
    static struct pair pair;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0
        || pipe2(pair.pipes, O_CLOEXEC) != 0) {
        return -1;
    }
    pair.httpd = ends[0];
    pair.warden = ends[1];
    pair.pipes[2] = dup(pair.pipes[1]);
    pair.other = dup(pair.pipes[1]);
    pair.regular = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    *state = &pair;
    return 0;
}

static int tear_down_pair(void **state)
{
    struct pair *pair = *state;

    close(pair->httpd);
    close(pair->warden);
    close(pair->pipes[0]);
    close(pair->pipes[1]);
    close(pair->pipes[2]);
    close(pair->other);
    close(pair->regular);
    return 0;
}

static char received[WIRE_STRINGS_MAX];
static struct wire_unpacked unpacked;

static int receive_request(const struct pair *pair, int pipes[WIRE_PIPES],
                           const char **reason)
{
    return wire_recv_request(pair->warden, MSG_DONTWAIT, received, &unpacked,
                             pipes, reason);
}

static void assert_same_file(int a, int b)
{
    struct stat first, second;

    assert_int_equal(fstat(a, &first), 0);
    assert_int_equal(fstat(b, &second), 0);
    assert_int_equal(first.st_ino, second.st_ino);
    assert_int_equal(fcntl(a, F_GETFL), fcntl(b, F_GETFL));
}

static void close_pipes(const int pipes[WIRE_PIPES])
{
    int i;

    for (i = 0; i < WIRE_PIPES; i++) {
        close(pipes[i]);
    }
}

static void assert_passes(const struct pair *pair,
                          const struct wire_request *request)
{
    int before = scratch_count_fds(), pipes[WIRE_PIPES], i;
    const char *reason;

    assert_int_equal(wire_send_request(pair->httpd, request, pair->pipes), 0);
    assert_int_equal(scratch_count_fds(), before);
    assert_int_equal(receive_request(pair, pipes, &reason), 0);
    assert_null(reason);
    sample_assert_same(&unpacked.request, request);
    for (i = 0; i < WIRE_PIPES; i++) {
        assert_same_file(pipes[i], pair->pipes[i]);
        assert_int_equal(fcntl(pipes[i], F_GETFD), FD_CLOEXEC);
    }
    assert_int_equal(scratch_count_fds(), before + WIRE_PIPES);
    close_pipes(pipes);
}

/* The same where no program is expected. */
static void assert_passes_without_pipes(const struct pair *pair,
                                        struct wire_request request)
{
    int before = scratch_count_fds(), pipes[WIRE_PIPES] = { -1, -1, -1 };
    const char *reason;

    request.kind = WIRE_FETCH;
    assert_int_equal(wire_send_request(pair->httpd, &request, NULL), 0);
    assert_int_equal(receive_request(pair, pipes, &reason), 0);
    sample_assert_same(&unpacked.request, &request);
    assert_int_equal(pipes[0], -1);
    assert_int_equal(scratch_count_fds(), before);
}

static void test_message(void **state)
{
    struct wire_request request = sample_request();

    assert_passes(*state, &request);
    assert_passes_without_pipes(*state, request);
}

/* A variable that makes the request size bytes long. */
static void fill_up(struct wire_request *request, size_t size)
{
    static char text[WIRE_STRINGS_MAX + 2];
    static const char *one[] = { text };
    size_t length;

    request->env = one;
    request->env_count = 1;
    text[0] = '\0';
    length = size - wire_size(request);
    memset(text, 'x', length);
    text[1] = '=';
    text[length] = '\0';
    assert_int_equal(wire_size(request), size);
}

static void test_sizes(void **state)
{
    static const size_t sizes[] = { WIRE_MESSAGE_MAX - 1, WIRE_MESSAGE_MAX,
                                    WIRE_MESSAGE_MAX + 1, 500 * 1024,
                                    WIRE_STRINGS_MAX };
    size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct wire_request request = sample_request();

        fill_up(&request, sizes[i]);
        assert_passes(*state, &request);
        assert_passes_without_pipes(*state, request);
    }
}

static void test_too_large(void **state)
{
    struct pair *pair = *state;
    struct wire_request request = sample_request();
    const char *reason;
    int pipes[WIRE_PIPES];

    fill_up(&request, WIRE_STRINGS_MAX + 1);
    assert_int_equal(wire_send_request(pair->httpd, &request, pair->pipes),
                     E2BIG);
    assert_int_equal(receive_request(pair, pipes, &reason), EAGAIN);
}

static void test_nothing_there(void **state)
{
    struct pair *pair = *state;
    int pipes[WIRE_PIPES];
    const char *reason;

    assert_int_equal(receive_request(pair, pipes, &reason), EAGAIN);
    assert_int_equal(shutdown(pair->httpd, SHUT_WR), 0);
    assert_int_equal(receive_request(pair, pipes, &reason), ECONNRESET);
}

/* Sends bytes with the given descriptors, as no honest httpd would. */
static void send_raw(int sock, const void *bytes, size_t size,
                     const int *fds, size_t count)
{
    char control[CMSG_SPACE(253 * sizeof(int))] = { 0 };
    struct iovec iov = { .iov_base = (void *) bytes, .iov_len = size };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
    struct cmsghdr *rights;

    if (count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
    }
    assert_int_equal(sendmsg(sock, &message, 0), size);
}

static void assert_refused(const struct pair *pair, const char *wrong)
{
    int pipes[WIRE_PIPES];
    const char *reason;

    assert_int_equal(receive_request(pair, pipes, &reason), EPROTO);
    assert_string_equal(reason, wrong);
}

/* A message with each of these numbers of descriptors. */
static void assert_counts_refused(struct pair *pair, const char *buffer,
                                  size_t size, const size_t *counts,
                                  size_t count)
{
    int fds[253], before = scratch_count_fds();
    size_t i;

    for (i = 0; i < 253; i++) {
        fds[i] = pair->other;
    }
    for (i = 0; i < count; i++) {
        send_raw(pair->httpd, buffer, size, fds, counts[i]);
        assert_refused(pair, "wrong number of descriptors");
        assert_int_equal(scratch_count_fds(), before);
    }
}

static void test_descriptor_counts(void **state)
{
    static const size_t counts[] = { 0, 2, 5, 6, 7, 253 };
    struct wire_request request = sample_request();
    char buffer[4096];

    assert_counts_refused(*state, buffer,
                          wire_pack(&request, buffer, sizeof(buffer)), counts,
                          sizeof(counts) / sizeof(counts[0]));
}

/* A kind of request has its number of them. */
static void test_counts_of_kinds(void **state)
{
    struct pair *pair = *state;
    struct wire_request request = sample_request();
    char buffer[4096];
    size_t size = wire_pack(&request, buffer, sizeof(buffer));
    int before = scratch_count_fds();

    send_raw(pair->httpd, buffer, size, pair->pipes, 1);
    assert_refused(pair, "more than a header beside a memfd");
    request.kind = WIRE_FETCH;
    size = wire_pack(&request, buffer, sizeof(buffer));
    send_raw(pair->httpd, buffer, size, pair->pipes, WIRE_PIPES);
    assert_refused(pair, "wrong number of descriptors");
    assert_int_equal(scratch_count_fds(), before);
}

static void test_message_too_long(void **state)
{
    static char bytes[WIRE_MESSAGE_MAX + 1];
    struct pair *pair = *state;
    int before = scratch_count_fds();

    send_raw(pair->httpd, bytes, sizeof(bytes), pair->pipes, WIRE_PIPES);
    assert_refused(pair, "message or its descriptors truncated");
    assert_int_equal(scratch_count_fds(), before);
}

static void test_empty_message(void **state)
{
    struct pair *pair = *state;

    send_raw(pair->httpd, "", 0, pair->pipes, WIRE_PIPES);
    assert_refused(pair, "shorter than a header");
}

/* Without room for them the kernel drops descriptors, and says so. */
static void test_no_room_for_descriptors(void **state)
{
    struct pair *pair = *state;
    struct wire_request request = sample_request();
    struct rlimit old, few;
    int before = scratch_count_fds();

    assert_int_equal(wire_send_request(pair->httpd, &request, pair->pipes),
                     0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = (rlim_t) pair->other + 2;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_refused(pair, "message or its descriptors truncated");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(scratch_count_fds(), before);
}

static int memfd_with(const void *bytes, size_t size, int seals)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void test_memfds(void **state)
{
    enum { ALL = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };
    static char large[WIRE_STRINGS_MAX + 1];
    static const struct {
        size_t message, content;    /* sizes; 0: the request's */
        int seals;                  /* -1: not a memfd at all */
        const char *wrong;
    } cases[] = {
        { WIRE_HEADER_SIZE, 0, ALL, NULL },
        { 0, 0, ALL, "more than a header beside a memfd" },
        { WIRE_HEADER_SIZE - 1, 0, ALL, "more than a header beside a memfd" },
        { WIRE_HEADER_SIZE, 0, 0, "last descriptor is not a sealed memfd" },
        { WIRE_HEADER_SIZE, 0, ALL & ~F_SEAL_WRITE,
          "last descriptor is not a sealed memfd" },
        { WIRE_HEADER_SIZE, 0, ALL & ~F_SEAL_SHRINK,
          "last descriptor is not a sealed memfd" },
        { WIRE_HEADER_SIZE, 0, -1, "last descriptor is not a sealed memfd" },
        { WIRE_HEADER_SIZE, sizeof(large), ALL, "memfd too large" },
        { WIRE_HEADER_SIZE, 10, ALL, "shorter than a header" },
    };
    struct pair *pair = *state;
    struct wire_request request = sample_request();
    char packed[4096];
    size_t size = wire_pack(&request, packed, sizeof(packed)), i;
    int before = scratch_count_fds();

    memcpy(large, packed, size);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fds[] = { pair->pipes[0], pair->pipes[1], pair->pipes[2], -1 };

        fds[3] = cases[i].seals < 0 ? dup(pair->other)
                 : memfd_with(large, cases[i].content ? cases[i].content
                                                      : size, cases[i].seals);
        send_raw(pair->httpd, packed,
                 cases[i].message ? cases[i].message : size, fds, 4);
        close(fds[3]);
        if (cases[i].wrong != NULL) {
            assert_refused(pair, cases[i].wrong);
        }
        else {
            int pipes[WIRE_PIPES];
            const char *reason;

            assert_int_equal(receive_request(pair, pipes, &reason), 0);
            close_pipes(pipes);
        }
        assert_int_equal(scratch_count_fds(), before);
    }
}

static void limit_sending(int sock, int milliseconds, int option)
{
    struct timeval limit = { .tv_usec = milliseconds * 1000 };

    assert_int_equal(setsockopt(sock, SOL_SOCKET, option, &limit,
                                sizeof(limit)), 0);
}

static void test_send_time_limit(void **state)
{
    struct pair *pair = *state;
    struct wire_request request = sample_request();
    int rv = 0, sent;

    limit_sending(pair->httpd, 50, SO_SNDTIMEO);
    fill_up(&request, WIRE_MESSAGE_MAX);
    for (sent = 0; rv == 0 && sent < 1000; sent++) {
        rv = wire_send_request(pair->httpd, &request, pair->pipes);
    }
    assert_int_equal(rv, EAGAIN);
}

static void test_send_to_nobody(void **state)
{
    struct pair *pair = *state;
    struct wire_request request = sample_request();
    struct wire_answer answer = { .version = WIRE_VERSION,
                                  .kind = WIRE_ACCEPTED };

    close(pair->warden);
    assert_int_equal(wire_send_request(pair->httpd, &request, pair->pipes),
                     EPIPE);
    assert_int_equal(wire_send_answer(pair->httpd, &answer, -1), EPIPE);
    pair->warden = -1;
}

/* --- log entries --- */

static void test_log(void **state)
{
    struct pair *pair = *state;
    struct wire_log log = sample_log();
    int before = scratch_count_fds(), pipes[WIRE_PIPES] = { -1, -1, -1 };
    const char *reason;

    assert_int_equal(wire_send_log(pair->httpd, &log), 0);
    assert_int_equal(receive_request(pair, pipes, &reason), 0);
    assert_null(reason);
    assert_int_equal(unpacked.request.kind, WIRE_LOG);
    assert_string_equal(unpacked.log.path, log.path);
    assert_string_equal(unpacked.log.text, log.text);
    assert_int_equal(pipes[0], -1);
    assert_int_equal(scratch_count_fds(), before);
}

/* Of a sender that does not wait for the answer. */
static void test_log_and_gone(void **state)
{
    struct pair *pair = *state;
    struct wire_log log = sample_log();
    int pipes[WIRE_PIPES];
    const char *reason;

    assert_int_equal(wire_send_log(pair->httpd, &log), 0);
    assert_int_equal(shutdown(pair->httpd, SHUT_RDWR), 0);
    assert_int_equal(receive_request(pair, pipes, &reason), 0);
    assert_string_equal(unpacked.log.text, log.text);
    assert_int_equal(receive_request(pair, pipes, &reason), ECONNRESET);
}

static void test_log_sizes(void **state)
{
    static char text[WIRE_MESSAGE_MAX];
    struct pair *pair = *state;
    struct wire_log log = { .path = "/x", .text = text };
    size_t most = WIRE_MESSAGE_MAX - WIRE_HEADER_SIZE - sizeof("/x") - 1;
    int pipes[WIRE_PIPES];
    const char *reason;

    memset(text, 'x', most);
    assert_int_equal(wire_send_log(pair->httpd, &log), 0);
    assert_int_equal(receive_request(pair, pipes, &reason), 0);
    assert_string_equal(unpacked.log.text, text);
    text[most] = 'x';
    assert_int_equal(wire_send_log(pair->httpd, &log), EMSGSIZE);
    assert_int_equal(receive_request(pair, pipes, &reason), EAGAIN);
}

/* None belongs to a log entry: not even in a memfd can it come. */
static void test_log_with_descriptors(void **state)
{
    static const size_t counts[] = { 2, 3, 5, 253 };
    struct pair *pair = *state;
    struct wire_log log = sample_log();
    char buffer[4096];
    size_t size = wire_pack_log(&log, buffer, sizeof(buffer));
    int fds[4] = { pair->other, pair->other, pair->other, -1 };
    int before = scratch_count_fds();

    assert_counts_refused(pair, buffer, size, counts,
                          sizeof(counts) / sizeof(counts[0]));
    fds[3] = memfd_with(buffer, size, F_SEAL_SEAL | F_SEAL_SHRINK
                                      | F_SEAL_GROW | F_SEAL_WRITE);
    send_raw(pair->httpd, buffer, WIRE_HEADER_SIZE, fds, 4);
    assert_refused(pair, "wrong number of descriptors");
    send_raw(pair->httpd, buffer, WIRE_HEADER_SIZE, fds + 3, 1);
    assert_refused(pair, "wrong number of descriptors");
    close(fds[3]);
    assert_int_equal(scratch_count_fds(), before);
}

static void test_log_does_not_block(void **state)
{
    struct pair *pair = *state;
    struct wire_log log = sample_log();
    int rv = 0, n;

    for (n = 0; rv == 0 && n < 100000; n++) {
        rv = wire_send_log(pair->httpd, &log);
    }
    assert_int_equal(rv, EAGAIN);
}

static void test_log_to_nobody(void **state)
{
    struct pair *pair = *state;
    struct wire_log log = sample_log();

    close(pair->warden);
    assert_int_equal(wire_send_log(pair->httpd, &log), EPIPE);
    pair->warden = -1;
}

/* --- answers --- */

static struct wire_answer an_answer(enum wire_answer_kind kind)
{
    struct wire_answer answer = { .version = WIRE_VERSION, .kind = kind };

    if (kind == WIRE_REFUSED) {
        answer.refusal = WIRE_NOT_FOUND;
        answer.error = ENOENT;
    }
    if (kind == WIRE_ENDED) {
        answer.wait_status = 0x0b;
        answer.limit = WIRE_LIMIT_CPU;
        answer.cpu_microseconds = UINT64_MAX;
        answer.peak_kib = 1234;
        answer.wall_microseconds = 5678;
    }
    if (kind == WIRE_LISTING) {
        answer.error = EOVERFLOW;
    }
    if (kind == WIRE_FILE || kind == WIRE_STARTED) {
        answer.index = WIRE_INDEXES_MAX;
    }
    return answer;
}

static int receive_answer(const struct pair *pair, struct wire_answer *got)
{
    int fd, rv = wire_recv_answer(pair->httpd, 0, got, &fd);

    assert_int_equal(fd, -1);
    return rv;
}

/* Also beside a descriptor; without being asked the kernel says nothing. */
static void test_sender(void **state)
{
    struct pair *pair = *state;
    struct wire_answer accepted = an_answer(WIRE_ACCEPTED), got;
    struct wire_answer file = an_answer(WIRE_FILE);
    int regular = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), fd;
    uid_t uid = (uid_t) -1;

    assert_true(regular >= 0);
    assert_int_equal(wire_send_answer(pair->warden, &accepted, -1), 0);
    assert_int_equal(wire_recv_answer_from(pair->httpd, 0, &got, &fd, &uid),
                     EPROTO);
    assert_int_equal(wire_send_answer(pair->warden, &file, regular), 0);
    assert_int_equal(wire_recv_answer_from(pair->httpd, 0, &got, &fd, &uid),
                     EPROTO);
    assert_int_equal(fd, -1);
    assert_int_equal(uid, (uid_t) -1);
    assert_int_equal(wire_want_sender(pair->httpd), 0);
    assert_int_equal(wire_send_answer(pair->warden, &accepted, -1), 0);
    assert_int_equal(wire_recv_answer_from(pair->httpd, 0, &got, &fd, &uid),
                     0);
    assert_int_equal(uid, getuid());
    uid = (uid_t) -1;
    assert_int_equal(wire_send_answer(pair->warden, &file, regular), 0);
    assert_int_equal(wire_recv_answer_from(pair->httpd, 0, &got, &fd, &uid),
                     0);
    assert_int_equal(uid, getuid());
    assert_true(fd >= 0);
    close(fd);
    close(regular);
}

static void test_answers(void **state)
{
    static const enum wire_answer_kind kinds[] = {
        WIRE_ACCEPTED, WIRE_STARTED, WIRE_ENDED, WIRE_REFUSED
    };
    struct pair *pair = *state;
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct wire_answer sent = an_answer(kinds[i]), got;

        assert_int_equal(wire_send_answer(pair->warden, &sent, -1), 0);
        assert_int_equal(receive_answer(pair, &got), 0);
        assert_memory_equal(&got, &sent, sizeof(sent));
        assert_int_equal(wire_send_answer(pair->warden, &sent, -1), 0);
        assert_int_equal(wire_recv_answer(pair->httpd, 0, &got, NULL), 0);
        assert_memory_equal(&got, &sent, sizeof(sent));
    }
}

static void test_answer_values(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
        enum wire_answer_kind kind;
    } cases[] = {
        { offsetof(struct wire_answer, version), 1, WIRE_ACCEPTED },
        { offsetof(struct wire_answer, kind), 0, WIRE_ACCEPTED },
        { offsetof(struct wire_answer, kind), 7, WIRE_ACCEPTED },
        { offsetof(struct wire_answer, kind), WIRE_FILE, WIRE_ACCEPTED },
        { offsetof(struct wire_answer, kind), WIRE_LISTING, WIRE_ACCEPTED },
        { offsetof(struct wire_answer, kind), UINT32_MAX, WIRE_ACCEPTED },
        { offsetof(struct wire_answer, refusal), WIRE_REFUSAL_COUNT,
          WIRE_REFUSED },
        { offsetof(struct wire_answer, refusal), UINT32_MAX, WIRE_REFUSED },
        { offsetof(struct wire_answer, refusal), WIRE_NOT_REFUSED,
          WIRE_REFUSED },
        { offsetof(struct wire_answer, refusal), WIRE_BUSY, WIRE_STARTED },
        { offsetof(struct wire_answer, error), 4096, WIRE_REFUSED },
        { offsetof(struct wire_answer, limit), WIRE_LIMIT_COUNT, WIRE_ENDED },
        { offsetof(struct wire_answer, limit), UINT32_MAX, WIRE_ENDED },
        { offsetof(struct wire_answer, index), WIRE_INDEXES_MAX + 1,
          WIRE_STARTED },
        { offsetof(struct wire_answer, index), UINT32_MAX, WIRE_REFUSED },
        { offsetof(struct wire_answer, index), 1, WIRE_ACCEPTED },
        { offsetof(struct wire_answer, index), 1, WIRE_ENDED },
        { offsetof(struct wire_answer, is_nph), 2, WIRE_STARTED },
        { offsetof(struct wire_answer, is_nph), 1, WIRE_ACCEPTED },
        { offsetof(struct wire_answer, is_nph), 1, WIRE_REFUSED },
    };
    struct pair *pair = *state;
    struct wire_answer got;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wire_answer sent = an_answer(cases[i].kind);

        memcpy((char *) &sent + cases[i].at, &cases[i].value,
               sizeof(uint32_t));
        send_raw(pair->warden, &sent, sizeof(sent), NULL, 0);
        assert_int_equal(receive_answer(pair, &got), EPROTO);
    }
}

static void test_answer_sizes(void **state)
{
    struct pair *pair = *state;
    char bytes[sizeof(struct wire_answer) + 1] = { 0 };
    struct wire_answer sent = an_answer(WIRE_STARTED), got;
    size_t n;

    memcpy(bytes, &sent, sizeof(sent));
    for (n = 1; n <= sizeof(bytes); n++) {
        send_raw(pair->warden, bytes, n, NULL, 0);
        assert_int_equal(receive_answer(pair, &got),
                         n == sizeof(sent) ? 0 : EPROTO);
    }
}

/* The seed is fixed, so that a failure comes again. */
static void test_answer_of_any_bytes(void **state)
{
    struct pair *pair = *state;
    int before = scratch_count_fds(), i, fd, rv;
    unsigned int seed = 1, taken = 0;

    for (i = 0; i < 20000; i++) {
        struct wire_answer sent = an_answer(i % WIRE_LISTING + 1), got;
        int flips = rand_r(&seed) % 3;

        for (; flips > 0; flips--) {
            ((char *) &sent)[(size_t) rand_r(&seed) % sizeof(sent)] =
                (char) rand_r(&seed);
        }
        send_raw(pair->warden, &sent, sizeof(sent), &pair->regular,
                 (size_t) rand_r(&seed) % 2);
        rv = wire_recv_answer(pair->httpd, 0, &got, &fd);
        assert_true(rv == 0 || (rv == EPROTO && fd == -1));
        taken += rv == 0;
        if (fd >= 0) {
            close(fd);
        }
        assert_int_equal(scratch_count_fds(), before);
    }
    assert_in_range(taken, 1000, 19000);
}

static void test_answer_never_comes(void **state)
{
    struct pair *pair = *state;
    struct wire_answer got;

    limit_sending(pair->httpd, 50, SO_RCVTIMEO);
    assert_int_equal(receive_answer(pair, &got), EAGAIN);
    assert_int_equal(wire_recv_answer(pair->httpd, MSG_DONTWAIT, &got, NULL),
                     EAGAIN);
    close(pair->warden);
    pair->warden = -1;
    assert_int_equal(receive_answer(pair, &got), ECONNRESET);
}

static void test_answer_does_not_block(void **state)
{
    struct pair *pair = *state;
    struct wire_answer started = an_answer(WIRE_STARTED);
    struct wire_answer file = an_answer(WIRE_FILE);
    int rv = 0, n;

    for (n = 0; rv == 0 && n < 100000; n++) {
        rv = wire_send_answer(pair->warden, &started, -1);
    }
    assert_int_equal(rv, EAGAIN);
    assert_int_equal(wire_send_answer(pair->warden, &file, pair->regular),
                     EAGAIN);
}

static void test_answer_with_descriptors(void **state)
{
    struct pair *pair = *state;
    struct wire_answer sent = an_answer(WIRE_STARTED), got;
    int fds[253], before = scratch_count_fds(), i;

    for (i = 0; i < 253; i++) {
        fds[i] = pair->regular;
    }
    send_raw(pair->warden, &sent, sizeof(sent), fds, 1);
    assert_int_equal(receive_answer(pair, &got), EPROTO);
    assert_int_equal(scratch_count_fds(), before);
    send_raw(pair->warden, &sent, sizeof(sent), fds, 253);
    assert_int_equal(receive_answer(pair, &got), EPROTO);
    assert_int_equal(scratch_count_fds(), before);
}

/* --- files and listings --- */

enum { ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* Receives an answer of that kind with the descriptors; returns 0 or errno. */
static int pass(const struct pair *pair, enum wire_answer_kind kind,
                const int *fds, size_t count)
{
    struct wire_answer sent = an_answer(kind), got;
    int before = scratch_count_fds(), fd, rv;

    send_raw(pair->warden, &sent, sizeof(sent), fds, count);
    rv = wire_recv_answer(pair->httpd, 0, &got, &fd);
    assert_int_equal(fd >= 0, rv == 0);
    if (rv == 0) {
        assert_memory_equal(&got, &sent, sizeof(sent));
        assert_same_file(fd, fds[0]);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(scratch_count_fds(), before + 1);
        close(fd);
    }
    assert_int_equal(scratch_count_fds(), before);
    return rv;
}

static void test_file(void **state)
{
    struct pair *pair = *state;
    struct wire_answer sent = an_answer(WIRE_FILE), got;
    int before = scratch_count_fds(), fd;

    assert_int_equal(wire_send_answer(pair->warden, &sent, pair->regular), 0);
    assert_int_equal(scratch_count_fds(), before);
    assert_int_equal(wire_recv_answer(pair->httpd, 0, &got, &fd), 0);
    assert_memory_equal(&got, &sent, sizeof(sent));
    assert_same_file(fd, pair->regular);
    close(fd);
    assert_int_equal(scratch_count_fds(), before);
}

static void test_file_that_is_not_wanted(void **state)
{
    struct pair *pair = *state;
    struct wire_answer sent = an_answer(WIRE_FILE), got;
    int before = scratch_count_fds();

    assert_int_equal(wire_send_answer(pair->warden, &sent, pair->regular), 0);
    assert_int_equal(wire_recv_answer(pair->httpd, 0, &got, NULL), EPROTO);
    assert_int_equal(scratch_count_fds(), before);
}

static void test_file_counts(void **state)
{
    static const size_t counts[] = { 0, 2, 3, 253 };
    struct pair *pair = *state;
    int fds[253];
    size_t i;

    for (i = 0; i < 253; i++) {
        fds[i] = pair->regular;
    }
    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        assert_int_equal(pass(pair, WIRE_FILE, fds, counts[i]), EPROTO);
        assert_int_equal(pass(pair, WIRE_LISTING, fds, counts[i]), EPROTO);
    }
    assert_int_equal(pass(pair, WIRE_FILE, fds, 1), 0);
}

static void test_what_is_no_file(void **state)
{
    static const struct {
        const char *path;
        int flags, rv;
    } cases[] = {
        { "/proc/self/exe", O_RDONLY, 0 },      /* the test, on disk */
        { "/proc/self/exe", O_PATH, EPROTO },
        { "/tmp", O_RDONLY | O_DIRECTORY, EPROTO },
        { "/dev/null", O_RDONLY, EPROTO },
        { "/dev/zero", O_RDWR, EPROTO },
        { "/proc/self/maps", O_RDONLY, EPROTO },
        { "/proc/version", O_RDONLY, EPROTO },
        { "/tmp", O_RDWR | O_TMPFILE, 0 },
        { "/tmp", O_WRONLY | O_TMPFILE, EPROTO },
    };
    struct pair *pair = *state;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = open(cases[i].path, cases[i].flags | O_CLOEXEC, 0600);

        print_message("# %s, %x\n", cases[i].path, cases[i].flags);
        assert_true(fd >= 0);
        assert_int_equal(pass(pair, WIRE_FILE, &fd, 1), cases[i].rv);
        close(fd);
    }
    assert_int_equal(pass(pair, WIRE_FILE, &pair->other, 1), EPROTO);
    assert_int_equal(pass(pair, WIRE_FILE, &pair->warden, 1), EPROTO);
}

/* Opened for neither reading nor writing, as only ioctl(2) needs it. */
static void test_file_of_mode_3(void **state)
{
    struct pair *pair = *state;
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", pair->regular);
    fd = open(path, 3 | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pass(pair, WIRE_FILE, &fd, 1), EPROTO);
    close(fd);
}

static void test_listings(void **state)
{
    static const char bytes[WIRE_LISTING_MAX + 1];
    struct pair *pair = *state;
    int sealed = wire_make_memfd(bytes, WIRE_LISTING_MAX);
    int large = wire_make_memfd(bytes, WIRE_LISTING_MAX + 1);
    int half = memfd_with(bytes, 1, ALL_SEALS & ~F_SEAL_SHRINK);

    assert_int_equal(pass(pair, WIRE_LISTING, &sealed, 1), 0);
    assert_int_equal(pass(pair, WIRE_FILE, &sealed, 1), 0);
    assert_int_equal(pass(pair, WIRE_LISTING, &large, 1), EPROTO);
    assert_int_equal(pass(pair, WIRE_LISTING, &half, 1), EPROTO);
    assert_int_equal(pass(pair, WIRE_LISTING, &pair->regular, 1), EPROTO);
    assert_int_equal(pass(pair, WIRE_LISTING, &pair->other, 1), EPROTO);
    close(sealed);
    close(large);
    close(half);
}

static void test_memfd(void **state)
{
    struct pair *pair = *state;
    int before = scratch_count_fds(), fd = wire_make_memfd("text", 4);
    struct rlimit old, small;
    char text[8];

    (void) pair;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, text, sizeof(text), 0), 4);
    assert_memory_equal(text, "text", 4);
    assert_int_equal(fcntl(fd, F_GET_SEALS) & ALL_SEALS, ALL_SEALS);
    close(fd);
    /* a write that fails */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 2;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    fd = wire_make_memfd("text", 4);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(fd, -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(scratch_count_fds(), before);
}

/* Two ends of a TCP connection whose first end has unsent data and would
   linger on close for a minute. */
static void make_lingering(int ends[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct linger minute = { .l_onoff = 1, .l_linger = 60 };
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    static char data[1 << 20];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *) &address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *) &address,
                                 &size), 0);
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(ends[0], (struct sockaddr *) &address, size), 0);
    ends[1] = accept(listener, NULL, NULL);
    assert_true(ends[1] >= 0);
    close(listener);
    while (send(ends[0], data, sizeof(data), MSG_DONTWAIT) > 0) {
    }
    assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &minute,
                                sizeof(minute)), 0);
}

static void test_lingering_socket(void **state)
{
    struct pair *pair = *state;
    struct wire_answer sent = an_answer(WIRE_STARTED), got;
    struct timespec begin, end;
    int ends[2];

    make_lingering(ends);
    send_raw(pair->warden, &sent, sizeof(sent), ends, 1);
    close(ends[0]);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(receive_answer(pair, &got), EPROTO);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_in_range(end.tv_sec - begin.tv_sec, 0, 5);
    close(ends[1]);
}

/* What was not received goes, too, an empty message and a long one before. */
static void test_hang_up(void **state)
{
    struct pair *pair = *state;
    struct wire_answer sent = an_answer(WIRE_STARTED);
    struct timespec begin, end;
    int ends[2], before = scratch_count_fds();

    make_lingering(ends);
    send_raw(pair->warden, "", 0, NULL, 0);
    send_raw(pair->warden, "", 0, ends, 1);
    send_raw(pair->warden, &sent, sizeof(sent), NULL, 0);
    send_raw(pair->warden, &sent, sizeof(sent), ends, 1);
    close(ends[0]);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    wire_hang_up(pair->httpd);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_in_range(end.tv_sec - begin.tv_sec, 0, 5);
    assert_int_equal(send(pair->warden, "", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    close(ends[1]);
    assert_int_equal(scratch_count_fds(), before - 1);
    pair->httpd = -1;
}

#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, set_up_pair, \
                                                     tear_down_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(test_message),
        WITH_PAIR(test_sizes),
        WITH_PAIR(test_too_large),
        WITH_PAIR(test_nothing_there),
        WITH_PAIR(test_descriptor_counts),
        WITH_PAIR(test_counts_of_kinds),
        WITH_PAIR(test_message_too_long),
        WITH_PAIR(test_empty_message),
        WITH_PAIR(test_no_room_for_descriptors),
        WITH_PAIR(test_memfds),
        WITH_PAIR(test_send_time_limit),
        WITH_PAIR(test_send_to_nobody),
        WITH_PAIR(test_log),
        WITH_PAIR(test_log_and_gone),
        WITH_PAIR(test_log_sizes),
        WITH_PAIR(test_log_with_descriptors),
        WITH_PAIR(test_log_does_not_block),
        WITH_PAIR(test_log_to_nobody),
        WITH_PAIR(test_sender),
        WITH_PAIR(test_answers),
        WITH_PAIR(test_answer_values),
        WITH_PAIR(test_answer_sizes),
        WITH_PAIR(test_answer_of_any_bytes),
        WITH_PAIR(test_answer_never_comes),
        WITH_PAIR(test_answer_does_not_block),
        WITH_PAIR(test_answer_with_descriptors),
        WITH_PAIR(test_lingering_socket),
        WITH_PAIR(test_hang_up),
        WITH_PAIR(test_file),
        WITH_PAIR(test_file_that_is_not_wanted),
        WITH_PAIR(test_file_counts),
        WITH_PAIR(test_what_is_no_file),
        WITH_PAIR(test_file_of_mode_3),
        WITH_PAIR(test_listings),
        WITH_PAIR(test_memfd),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
