/*
 * wire.h - the protocol between httpd and a warden
 *
 * The only code besides names and layout that module and helpers share.
 * SOCK_SEQPACKET: one connection per request, one message from httpd, a few
 * answers from the warden; closing the connection is the abort.  Native byte
 * order: both ends are on one host and installed together.
 *
 *   httpd                                   warden
 *     request + 3 pipe ends (+ memfd)  ->
 *                                      <-   ACCEPTED at once, or one that
 *                                           ends it: FILE, LISTING, REFUSED
 *                                      <-   STARTED, or one of these: the
 *                                           file may be another one by then
 *                                      <-   ENDED when the program has ended
 *
 * What starts no program is answered without ACCEPTED: it waits for no turn.
 * FILE and LISTING bring one descriptor each, no other answer does.
 *
 * Whoever expects that it is no program spares the pipes and the environment:
 *
 *     request (+ memfd)                ->
 *                                      <-   FILE, LISTING, REFUSED; where it
 *                                           is a program, with NEEDS_PIPES
 *
 * Or, in the same form, an entry for the user's own error log, which httpd
 * must not write itself: it opens no file of a jail.
 *
 *     log entry                        ->
 *                                      <-   ENDED when it is written, or
 *                                           REFUSED
 *
 * A log entry needs no listener: it is written also where httpd has closed
 * the connection at once.
 *
 * Neither side believes the other's lengths: unpacking checks every one.
 * Each receive closes all descriptors of a message that it does not return.
 */
#ifndef IVLEJAIL_WIRE_H
#define IVLEJAIL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    WIRE_VERSION = 2,
    WIRE_HEADER_SIZE = 32,              /* before the strings of a request */
    WIRE_MESSAGE_MAX = 64 * 1024,       /* one request message */
    WIRE_STRINGS_MAX = 1024 * 1024,     /* one request, when in a memfd */
    WIRE_ENV_MAX = 1024,                /* variables */
    WIRE_INTERPRETERS_MAX = 256,        /* strings of all interpreters */
    WIRE_INDEXES_MAX = 16,              /* names of index files */
    WIRE_LISTING_MAX = 1024 * 1024,     /* one listing */
    WIRE_PIPES = 3                      /* the program's fds 0, 1, 2 */
};

#define WIRE_NPH "nph-"                 /* "non-parsed header", RFC 3875 5 */

enum wire_kind {
    WIRE_SERVE = 1,             /* 2 is kept for leases of resident apps */
    WIRE_LOG = 3,
    WIRE_FETCH = 4              /* as SERVE, but nothing for a program */
};

/* What httpd asks for.  Strings are NUL-terminated, paths are in the jail. */
struct wire_request {
    enum wire_kind kind;
    uint32_t timeout_seconds;   /* wall clock, 1..WIRE_TIMEOUT_MAX */
    const char *root;           /* DOCUMENT_ROOT, absolute */
    const char *filename;       /* absolute; may go on with PATH_INFO */
    const char *uri;            /* decoded URL-path, for SCRIPT_NAME */
    const char *method;
    bool lists;                 /* a directory may be listed */
    const char **indexes;       /* names of index files, best first: no '/',
                                   not beginning with ".ht" */
    size_t index_count;
    const char **interpreters;  /* ".ext", program, args..., "" for each */
    size_t interpreter_count;   /* strings, the "" included */
    const char **env;           /* "NAME=value"; without SCRIPT_NAME,
                                   SCRIPT_FILENAME, PATH_INFO,
                                   PATH_TRANSLATED, DOCUMENT_ROOT, PATH: the
                                   warden sets those */
    size_t env_count;
};

#define WIRE_TIMEOUT_MAX 86400

/* What httpd wants written; it fits into one message, without a memfd. */
struct wire_log {
    const char *path;           /* of the log file, absolute */
    const char *text;           /* the entry, not empty */
};

enum wire_answer_kind {
    WIRE_ACCEPTED = 1,          /* taken or queued: it will not be run again */
    WIRE_STARTED = 2,           /* the program runs; its pipes speak now */
    WIRE_ENDED = 3,             /* last message; wait_status and usage hold */
    WIRE_REFUSED = 4,           /* last message; refusal holds, nothing ran */
    WIRE_FILE = 5,              /* last message, with the opened file */
    WIRE_LISTING = 6            /* last message, with a sealed memfd of
                                   entries (wire_unpack_entry) */
};

enum wire_refusal {
    WIRE_NOT_REFUSED = 0,
    WIRE_BUSY,                  /* 503: running and queue are full */
    WIRE_BAD_REQUEST,           /* 500: message of a wrong form */
    WIRE_NOT_FOUND,             /* 404 */
    WIRE_FORBIDDEN,             /* 403: .ht*, not readable, not a file;
                                   EISDIR: a directory, not to be listed */
    WIRE_NOT_EXECUTABLE,        /* 403: neither x bit nor interpreter */
    WIRE_NO_INTERPRETER,        /* 500: #! or IvleJailInterpreter leads to
                                   nothing that can be executed */
    WIRE_DOS_LINE,              /* 500: the same, and #! ends with a carriage
                                   return, which is taken for a part of it */
    WIRE_CANNOT_START,          /* 503: no process, no memory; EWOULDBLOCK: a
                                   file under a lease (fcntl(2)) */
    WIRE_CANNOT_LOG,            /* the entry was not written, or not whole */
    WIRE_NEEDS_SLASH,           /* 301: a directory, and uri has no '/' at
                                   its end */
    WIRE_NEEDS_PIPES,           /* a program, and it was FETCH: ask again */
    WIRE_REFUSAL_COUNT
};

enum wire_limit {               /* which limit ended the program */
    WIRE_LIMIT_NONE = 0,
    WIRE_LIMIT_CPU,
    WIRE_LIMIT_FSIZE,
    WIRE_LIMIT_WALL,
    WIRE_LIMIT_COUNT
};

/* What the warden answers; the same fixed size for each kind. */
struct wire_answer {
    uint32_t version;           /* WIRE_VERSION */
    uint32_t kind;              /* enum wire_answer_kind */
    uint32_t refusal;           /* enum wire_refusal */
    uint32_t error;             /* errno behind a refusal, or 0; LISTING:
                                   EOVERFLOW: it is not complete */
    int32_t wait_status;        /* ENDED: as of wait(2) */
    uint32_t limit;             /* ENDED: enum wire_limit */
    uint32_t index;             /* STARTED, FILE, REFUSED: the n-th of the
                                   request's indexes is what was found; 0:
                                   filename itself */
    uint32_t is_nph;            /* STARTED: 1: the file's name begins with
                                   WIRE_NPH, so it prints a whole answer of
                                   HTTP; else 0 */
    uint64_t cpu_microseconds;  /* ENDED: user + system, with children */
    uint64_t peak_kib;          /* ENDED: ru_maxrss */
    uint64_t wall_microseconds; /* ENDED: from STARTED */
};

enum wire_entry_type {
    WIRE_ENTRY_DIRECTORY = 'd',
    WIRE_ENTRY_FILE = 'f'       /* a regular one */
};

/* An entry of a listing; of a link, what is said of what it leads to. */
struct wire_entry {
    enum wire_entry_type type;
    uint64_t size;              /* bytes; at most INT64_MAX */
    int64_t mtime;              /* seconds since the epoch */
    const char *name;           /* any bytes but '/', not beginning with '.' */
};

/* The size of *request when packed. */
size_t wire_size(const struct wire_request *request);

/*
 * Packs *request into at most size bytes at buffer.  Returns the length, or
 * 0 with errno: EMSGSIZE (does not fit: use wire_send_request, which takes a
 * memfd), EINVAL (a count or timeout out of bounds).
 */
size_t wire_pack(const struct wire_request *request, char *buffer,
                 size_t size);

/* The same for a log entry.  EMSGSIZE: also larger than a message. */
size_t wire_pack_log(const struct wire_log *log, char *buffer, size_t size);

/*
 * Storage for an unpacked message: the strings point into the caller's
 * buffer, the three arrays are here.
 */
struct wire_unpacked {
    struct wire_request request;
    struct wire_log log;        /* instead, where request.kind is WIRE_LOG */
    const char *indexes[WIRE_INDEXES_MAX];
    const char *interpreters[WIRE_INTERPRETERS_MAX];
    const char *env[WIRE_ENV_MAX + 1];  /* NULL-terminated */
};

/*
 * The reverse of both.  Returns NULL, or what is wrong with the
 * message.  Pure; checks every length, count, terminator, that paths are
 * absolute and that each variable has a name and a '='.
 */
const char *wire_unpack(char *buffer, size_t size,
                        struct wire_unpacked *unpacked);

/*
 * Packs *entry into at most size bytes at buffer, where the listing goes on.
 * Returns the length, or 0: it does not fit.
 */
size_t wire_pack_entry(const struct wire_entry *entry, char *buffer,
                       size_t size);

/*
 * The reverse, for the next of the size bytes that are left of a listing.
 * Pure, and believes nothing.  Returns the length, or 0: there is no entry of
 * the right form.  entry->name points into buffer.
 */
size_t wire_unpack_entry(const char *buffer, size_t size,
                         struct wire_entry *entry);

/*
 * A sealed memfd (close-on-exec) with the size bytes at data.  Returns a
 * descriptor, or -1 with errno.
 */
int wire_make_memfd(const char *data, size_t size);

/*
 * Sends a request with the three descriptors (FETCH: none; pipes may be NULL),
 * through a memfd where it is larger than WIRE_MESSAGE_MAX.  Blocks at most as
 * long as SO_SNDTIMEO of sock.  Returns 0 or errno; E2BIG: larger than
 * WIRE_STRINGS_MAX.
 */
int wire_send_request(int sock, const struct wire_request *request,
                      const int *pipes);

/* Sends a log entry; never blocks.  Returns 0 or errno. */
int wire_send_log(int sock, const struct wire_log *log);

/*
 * Receives a message into buffer (WIRE_STRINGS_MAX bytes) and the descriptors
 * of a request (close-on-exec, the caller's to close); where none belong to
 * its kind, pipes is left as it is.  Returns 0 or errno:
 * EAGAIN (nothing yet, with MSG_DONTWAIT in flags), ECONNRESET (end of
 * file), EPROTO (wrong form; *reason says what is).
 */
int wire_recv_request(int sock, int flags, char *buffer,
                      struct wire_unpacked *unpacked, int pipes[WIRE_PIPES],
                      const char **reason);

/*
 * Sends an answer, with fd if that is not -1; never blocks, no SIGPIPE.
 * Returns 0 or errno.
 */
int wire_send_answer(int sock, const struct wire_answer *answer, int fd);

/*
 * Receives an answer within SO_RCVTIMEO of sock.  The warden is not trusted:
 * wrong size, version or value out of its enum is EPROTO, and every
 * descriptor that came along is closed (sockets with SO_LINGER {1,0}).
 *
 * With FILE and LISTING *fd is the one descriptor (close-on-exec, the
 * caller's to close), else -1.  It is readable and a regular file, but not of
 * procfs, where a file may show what its reader may see and not its opener;
 * a listing is a sealed memfd of at most WIRE_LISTING_MAX bytes.  A file can
 * still be on anything that the user has, and change at any time: it must be
 * read, never mapped.  Where fd is NULL no descriptor is wanted, and these
 * answers are EPROTO.
 *
 * Returns 0 or errno: EAGAIN (time over), ECONNRESET (end of file), EPROTO.
 */
int wire_recv_answer(int sock, int flags, struct wire_answer *answer,
                     int *fd);

/*
 * From now on the kernel tells with each message who has sent it: after
 * connect(2), which would give the socket a name of its own otherwise.
 * Returns 0 or errno.
 */
int wire_want_sender(int sock);

/*
 * The same as wire_recv_answer; *uid is the sender's, and not told: EPROTO.
 * uid NULL: nobody wants to know.
 */
int wire_recv_answer_from(int sock, int flags, struct wire_answer *answer,
                          int *fd, uid_t *uid);

/*
 * Ends a conversation with a warden: closes sock, and every descriptor that
 * was sent and not received, as above.  Never waits.
 */
void wire_hang_up(int sock);

#endif
