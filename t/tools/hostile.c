/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile.c - a warden that speaks the protocol as it is told to, right or
 * wrong
 *
 *   hostile WORD...      (its input is the listening socket)
 *
 * For each connection it takes the request, does what the words say, one
 * after the other, and closes everything:
 *
 *   KIND[,NAME=VALUE...] sends an answer: accepted, started, ended, refused,
 *                        file, listing or a number.  NAME is a field of
 *                        struct wire_answer, or size (bytes that are sent;
 *                        with a sign: more or less), times (0: until it
 *                        cannot be sent), fd (descriptors: WHAT or WHAT*N of
 *                        the list below)
 *   out=TEXT err=TEXT    writes that to the pipe
 *   spew-out=TEXT ...    the same without end, while the next words are done
 *   close=in ...         closes a pipe: in, out or err
 *   forget               keeps the pipes open for as long as it lives
 *   pause=MILLISECONDS
 *   shrink               truncates the file that was sent as "shrinking"
 *   hold                 waits until httpd closes the connection
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "trampoline/wire.h"

enum {
    FAILED = 1, FDS_MAX = 253, MESSAGE_MAX = 128 * 1024,
    SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE
};

static struct {
    int sock;                   /* to httpd; -1: not any more */
    int pipes[WIRE_PIPES];
    const char *word;           /* that is being done */
} own;

static _Noreturn void die(const char *what)
{
    (void) dprintf(2, "hostile: %s: %s: %s\n", own.word, what,
                   strerror(errno));
    exit(FAILED);
}

static int must(int fd, const char *what)
{
    if (fd < 0) {
        die(what);
    }
    return fd;
}

/* --- descriptors to pass --- */

static int shrinking = -1;

static int open_pipe(int end)
{
    int ends[2];

    must(pipe(ends), "pipe");
    close(ends[1 - end]);
    return ends[end];
}

static int open_pipe_to_read(void)
{
    return open_pipe(0);
}

static int open_pipe_to_write(void)
{
    return open_pipe(1);
}

static int open_directory(void)
{
    return open("/", O_RDONLY | O_DIRECTORY);
}

static int open_path(void)
{
    return open("/proc/self/exe", O_PATH);
}

static int open_device(void)
{
    return open("/dev/zero", O_RDWR);
}

static int open_terminal(void)
{
    return open("/dev/ptmx", O_RDWR | O_NOCTTY);
}

static int open_file(void)
{
    return open("/proc/self/exe", O_RDONLY);
}

static int open_file_to_write(void)
{
    return open("/tmp", O_WRONLY | O_TMPFILE, 0600);
}

static int open_proc(void)
{
    return open("/proc/version", O_RDONLY);
}

/* A file in memory, with seals or without. */
static int open_memory(const char *text, off_t size, int seals)
{
    int fd = must(memfd_create("hostile", MFD_ALLOW_SEALING), "memfd");

    must((int) write(fd, text, strlen(text)), "write");
    must(ftruncate(fd, size), "truncate");
    must(fcntl(fd, F_ADD_SEALS, seals), "seal");
    return fd;
}

static int open_large(void)
{
    return open_memory("large", (off_t) 1 << 62, 0);
}

static int open_text(void)
{
    return open_memory("text\n", 5, 0);
}

/* It can be truncated by a word. */
static int open_shrinking(void)
{
    int fd = open_memory("shrinking", (off_t) 1 << 40, 0);

    shrinking = must(dup(fd), "dup");
    return fd;
}

static int open_rubbish(void)
{
    return open_memory("\xff\xff\xff\xff\xff\xff\xff\xff rubbish", 1000, SEALS);
}

static int open_empty(void)
{
    return open_memory("", 0, SEALS);
}

static int open_connection(void)
{
    return dup(own.sock);
}

static int open_listener(void)
{
    return dup(STDIN_FILENO);
}

static int open_pair(void)
{
    int ends[2];

    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
    (void) !write(ends[1], "unread", 6);
    return ends[0];             /* and nobody closes the other one */
}

/*
 * Whoever closes this one last waits, because its peer does not take what was
 * sent, for as long as SO_LINGER says.
 */
static int open_lingering(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    const struct linger long_time = { .l_onoff = 1, .l_linger = 3600 };
    static const char bytes[65536];
    int listener = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
    int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
    socklen_t length = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(bind(listener, (struct sockaddr *) &address, length), "bind");
    must(listen(listener, 1), "listen");
    must(getsockname(listener, (struct sockaddr *) &address, &length), "name");
    must(connect(fd, (struct sockaddr *) &address, length), "connect");
    must(accept(listener, NULL, NULL), "accept");   /* never closed */
    close(listener);
    must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &long_time,
                    sizeof(long_time)), "linger");
    while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
    }
    return fd;
}

static const struct {
    const char *name;
    int (*open)(void);
} things[] = {
    { "pipe-r", open_pipe_to_read },
    { "pipe-w", open_pipe_to_write },
    { "directory", open_directory },
    { "path", open_path },
    { "device", open_device },
    { "terminal", open_terminal },
    { "file", open_file },
    { "file-w", open_file_to_write },
    { "proc", open_proc },
    { "large", open_large },
    { "text", open_text },
    { "rubbish", open_rubbish },
    { "empty", open_empty },
    { "shrinking", open_shrinking },
    { "connection", open_connection },
    { "listener", open_listener },
    { "pair", open_pair },
    { "lingering", open_lingering }
};

static int open_thing(const char *name, size_t length)
{
    size_t i;

    for (i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
        if (strlen(things[i].name) == length
            && memcmp(things[i].name, name, length) == 0) {
            return must(things[i].open(), "open");
        }
    }
    errno = EINVAL;
    die("no such thing");
}

/* --- messages --- */

static struct {
    union {
        struct wire_answer answer;
        char bytes[MESSAGE_MAX];
    } data;
    size_t size;
    unsigned long times;
    int fds[FDS_MAX];
    size_t fd_count;
} message;

static const struct {
    const char *name;
    size_t offset, size;
} fields[] = {
#define FIELD(name) { #name, offsetof(struct wire_answer, name), \
                      sizeof(message.data.answer.name) }
    FIELD(version), FIELD(kind), FIELD(refusal), FIELD(error),
    FIELD(wait_status), FIELD(limit), FIELD(index), FIELD(is_nph),
    FIELD(cpu_microseconds), FIELD(peak_kib), FIELD(wall_microseconds)
#undef FIELD
};

static const struct {
    const char *name;
    enum wire_answer_kind kind;
} kinds[] = {
    { "accepted", WIRE_ACCEPTED }, { "started", WIRE_STARTED },
    { "ended", WIRE_ENDED }, { "refused", WIRE_REFUSED },
    { "file", WIRE_FILE }, { "listing", WIRE_LISTING }
};

/* Returns 0 where it is no kind at all. */
static uint32_t kind_of(const char *word)
{
    size_t length = strcspn(word, ","), i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i].name) == length
            && memcmp(kinds[i].name, word, length) == 0) {
            return kinds[i].kind;
        }
    }
    return (uint32_t) strtoul(word, NULL, 10);
}

/* Of a name with its value behind it. */
static bool is_named(const char *text, const char *name, const char **value)
{
    size_t length = strlen(name);

    *value = text + length + 1;
    return strncmp(text, name, length) == 0 && text[length] == '=';
}

static void add_fds(const char *what)
{
    size_t length = strcspn(what, "*,");
    unsigned long count = what[length] == '*'
                          ? strtoul(what + length + 1, NULL, 10) : 1;
    int fd = open_thing(what, length);

    while (count-- > 0 && message.fd_count < FDS_MAX) {
        message.fds[message.fd_count++] = fd;
    }
}

static void set_field(const char *text)
{
    const char *value;
    uint64_t number;        /* little-endian: its first bytes are the value */
    size_t i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (is_named(text, fields[i].name, &value)) {
            number = strtoull(value, NULL, 0);
            memcpy(message.data.bytes + fields[i].offset, &number,
                   fields[i].size);
            return;
        }
    }
    errno = EINVAL;
    die("no such field");
}

static void set(const char *text)
{
    const char *value;

    if (is_named(text, "size", &value)) {
        message.size = (size_t) strtol(value, NULL, 10)
                       + (strchr("+-", value[0]) ? message.size : 0);
    }
    else if (is_named(text, "times", &value)) {
        message.times = strtoul(value, NULL, 10);
    }
    else if (is_named(text, "fd", &value)) {
        add_fds(value);
    }
    else {
        set_field(text);
    }
}

static void read_message(const char *word, uint32_t kind)
{
    const char *at = word;

    memset(&message, 0, sizeof(message));
    message.data.answer.version = WIRE_VERSION;
    message.data.answer.kind = kind;
    message.size = sizeof(message.data.answer);
    message.times = 1;
    while ((at = strchr(at, ',')) != NULL) {
        set(++at);
    }
}

/* Returns false when it cannot be sent. */
static bool send_once(void)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control = { .bytes = { 0 } };
    struct iovec iov = { .iov_base = &message.data, .iov_len = message.size };
    struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
    struct cmsghdr *rights;

    if (message.fd_count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(message.fd_count * sizeof(int));
        rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(message.fd_count * sizeof(int));
        memcpy(CMSG_DATA(rights), message.fds,
               message.fd_count * sizeof(int));
    }
    return sendmsg(own.sock, &header, MSG_NOSIGNAL) >= 0;
}

static void send_message(void)
{
    unsigned long sent = 0;
    size_t i;

    while ((message.times == 0 || sent < message.times) && send_once()) {
        sent++;
    }
    for (i = 0; i < message.fd_count; i++) {
        if (i == 0 || message.fds[i] != message.fds[i - 1]) {
            close(message.fds[i]);
        }
    }
}

/* --- pipes --- */

static void close_one(int *fd)
{
    if (*fd != -1) {
        close(*fd);
        *fd = -1;
    }
}

static int *pipe_of(const char *name)
{
    static const char *const names[WIRE_PIPES] = { "in", "out", "err" };
    size_t i;

    for (i = 0; i < WIRE_PIPES; i++) {
        if (strcmp(names[i], name) == 0) {
            return &own.pipes[i];
        }
    }
    errno = EINVAL;
    die("no such pipe");
}

/* Until nobody reads it any more, in a process of its own. */
static void spew(int fd, const char *text)
{
    static char block[65536];
    size_t length = strlen(text), size = 0;

    if (must(fork(), "fork") > 0) {
        return;
    }
    while (size + length <= sizeof(block)) {
        memcpy(block + size, text, length);
        size += length;
    }
    close_one(&own.sock);
    close(STDIN_FILENO);
    while (write(fd, block, size) > 0) {
    }
    _exit(0);
}

/* --- words --- */

static void pause_for(const char *milliseconds)
{
    long n = strtol(milliseconds, NULL, 10);
    const struct timespec time = { .tv_sec = n / 1000,
                                   .tv_nsec = n % 1000 * 1000000 };

    (void) nanosleep(&time, NULL);
}

static void hold(void)
{
    struct pollfd fd = { .fd = own.sock, .events = POLLRDHUP };

    (void) poll(&fd, 1, -1);
}

static void forget(void)
{
    size_t i;

    for (i = 0; i < WIRE_PIPES; i++) {
        own.pipes[i] = -1;
    }
}

static void do_word(const char *word)
{
    uint32_t kind = kind_of(word);
    const char *value;

    own.word = word;
    if (kind != 0 || word[0] == '0') {
        read_message(word, kind);
        send_message();
    }
    else if (is_named(word, "out", &value)) {
        (void) !write(own.pipes[1], value, strlen(value));
    }
    else if (is_named(word, "err", &value)) {
        (void) !write(own.pipes[2], value, strlen(value));
    }
    else if (is_named(word, "spew-out", &value)) {
        spew(own.pipes[1], value);
    }
    else if (is_named(word, "spew-err", &value)) {
        spew(own.pipes[2], value);
    }
    else if (is_named(word, "close", &value)) {
        close_one(pipe_of(value));
    }
    else if (is_named(word, "pause", &value)) {
        pause_for(value);
    }
    else if (strcmp(word, "forget") == 0) {
        forget();
    }
    else if (strcmp(word, "shrink") == 0) {
        must(ftruncate(shrinking, 0), "truncate");
    }
    else if (strcmp(word, "hold") == 0) {
        hold();
    }
    else {
        errno = EINVAL;
        die("no such word");
    }
}

static void take_request(void)
{
    static char buffer[WIRE_STRINGS_MAX];
    static struct wire_unpacked unpacked;
    const char *reason;

    own.sock = must(accept(STDIN_FILENO, NULL, NULL), "accept");
    forget();
    (void) wire_recv_request(own.sock, 0, buffer, &unpacked, own.pipes,
                             &reason);
}

int main(int argc, char **argv)
{
    int i;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        own.word = "(request)";
        take_request();
        for (i = 1; i < argc; i++) {
            do_word(argv[i]);
        }
        close_one(&own.sock);
        for (i = 0; i < WIRE_PIPES; i++) {
            close_one(&own.pipes[i]);
        }
    }
}
