/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk.c - the conversation with a warden, up to the start of the program
 *
 * A warden belongs to a user, who may stop it, starve it, or put a program of
 * their own in its place.  So every wait has a limit, set before connect(2)
 * (which also waits, for room in the warden's queue), and what was not taken
 * by ACCEPTED is known not to have run: only that may be tried again.
 *
 * The pipes are made here and only their far ends are passed, so that no
 * open file description is shared: O_NONBLOCK on ours is ours alone.
 */
#include "module/talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "httpd.h"

#include "module/run.h"

enum { LOOK_MILLISECONDS = 500 };   /* for the end of an HTTP/2 stream */

static const ij_talk closed = { .sock = -1, .in = -1, .out = -1, .err = -1,
                                .file = -1, .uid = (uid_t)-1 };

/* --- the client --- */

short ij_client_events(const ij_client *client)
{
    return client->may_send ? 0 : POLLRDHUP;
}

bool ij_client_is_gone(const ij_client *client, short revents)
{
    return (revents & (POLLERR | POLLHUP | ij_client_events(client))) != 0;
}

/* --- descriptors --- */

static void close_one(int *fd)
{
    if (*fd != -1) {
        close(*fd);
        *fd = -1;
    }
}

/* What is left is the file, if there is one. */
static void end_talk(ij_talk *talk)
{
    if (talk->sock != -1) {
        wire_hang_up(talk->sock);
        talk->sock = -1;
    }
    close_one(&talk->in);
    close_one(&talk->out);
    close_one(&talk->err);
}

void ij_talk_close(ij_talk *talk)
{
    end_talk(talk);
    close_one(&talk->file);
}

/* Returns 0 or errno; what was opened is in *ours and *far even then. */
static int make_pipe(int *ours, int *far, bool we_write)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) == -1) {
        return errno;
    }
    *ours = ends[we_write ? 1 : 0];
    *far = ends[we_write ? 0 : 1];
    return fcntl(*ours, F_SETFL, O_NONBLOCK) == -1 ? errno : 0;
}

static int make_pipes(ij_talk *talk, int far[WIRE_PIPES])
{
    int rv = make_pipe(&talk->in, &far[0], true);

    if (rv == 0) {
        rv = make_pipe(&talk->out, &far[1], false);
    }
    if (rv == 0) {
        rv = make_pipe(&talk->err, &far[2], false);
    }
    return rv;
}

/* --- connect and send --- */

/* SO_SNDTIMEO or SO_RCVTIMEO, until a moment of ij_run_clock(). */
static int set_limit(int sock, int option, long long end)
{
    long long left = end - ij_run_clock();
    const struct timeval limit = { .tv_sec = left / 1000,
                                   .tv_usec = left % 1000 * 1000 };

    if (left <= 0) {
        return EAGAIN;      /* as if it had been waited for */
    }
    return setsockopt(sock, SOL_SOCKET, option, &limit, sizeof(limit)) == -1
        ? errno : 0;
}

static int set_address(struct sockaddr_un *address, const char *path)
{
    size_t length = strlen(path);

    if (length >= sizeof(address->sun_path)) {
        return ENAMETOOLONG;
    }
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return 0;
}

/*
 * Returns what the failure of connecting or sending means.  A socket that is
 * not httpd's (EACCES) is one that a trampoline has bound and not yet given
 * away: it is about to, or was killed before it could.
 */
static ij_talk_end failure(int error)
{
    switch (error) {
    case EACCES:
    case ENOENT:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
        return IJ_TALK_NOBODY;
    case EAGAIN:
        return IJ_TALK_SILENT;
    default:
        return IJ_TALK_FAILED;
    }
}

static int connect_to(int sock, const char *path, long long end)
{
    struct sockaddr_un address;
    int rv = set_limit(sock, SO_SNDTIMEO, end);

    if (rv == 0) {
        rv = set_address(&address, path);
    }
    while (rv == 0
           && connect(sock, (struct sockaddr *)&address,
                      sizeof(address)) == -1) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return rv == 0 ? wire_want_sender(sock) : rv;
}

/* Returns 0 or errno. */
static int connect_and_send(ij_talk *talk, const char *path,
                            const struct wire_request *request,
                            const int far[WIRE_PIPES], long long end)
{
    int rv = connect_to(talk->sock, path, end);

    return rv == 0 ? wire_send_request(talk->sock, request, far) : rv;
}

/*
 * The pipes are made first: connect(2) wakes the warden up, and what it does
 * not find yet costs it another turn.
 */
static int hand_in(ij_talk *talk, const char *path,
                   const struct wire_request *request, long long end)
{
    int far[WIRE_PIPES] = { -1, -1, -1 }, i;
    int rv = request->kind == WIRE_FETCH ? 0 : make_pipes(talk, far);

    if (rv == 0) {
        rv = connect_and_send(talk, path, request, far, end);
    }
    for (i = 0; i < WIRE_PIPES; i++) {
        close_one(&far[i]);
    }
    return rv;
}

/* --- answers --- */

static int time_to_wait(const ij_client *client, long long deadline)
{
    long long left = deadline - ij_run_clock();

    if (client->fd == -1 && left > LOOK_MILLISECONDS) {
        return LOOK_MILLISECONDS;
    }
    return left > 0 ? (int)left : 0;
}

/* Waits until the warden says something, but no longer than the client. */
static int wait_for_turn(int sock, const ij_client *client,
                         long long deadline)
{
    for (;;) {
        struct pollfd fds[] = {
            { .fd = sock, .events = POLLIN },
            { .fd = client->fd, .events = ij_client_events(client) }
        };
        int n = poll(fds, 2, time_to_wait(client, deadline));

        if (n == -1 && errno != EINTR) {
            return errno;
        }
        if (n > 0 && fds[0].revents != 0) {
            return 0;
        }
        if (client->connection->aborted
            || (n > 0 && ij_client_is_gone(client, fds[1].revents))) {
            return ECONNABORTED;
        }
        if (ij_run_clock() >= deadline) {
            return ETIMEDOUT;
        }
    }
}

/* What an answer means; wanted: the one after which the talk goes on. */
static ij_talk_end meaning(const struct wire_answer *answer,
                           enum wire_answer_kind wanted)
{
    switch (answer->kind) {
    case WIRE_REFUSED:
        return IJ_TALK_REFUSED;
    case WIRE_FILE:
        return IJ_TALK_FILE;
    case WIRE_LISTING:
        return IJ_TALK_LISTING;
    default:
        return answer->kind == wanted ? IJ_TALK_STARTED : IJ_TALK_WRONG;
    }
}

static ij_talk_end await_accepted(ij_talk *talk, long long end,
                                  struct wire_answer *answer, int *error)
{
    *error = set_limit(talk->sock, SO_RCVTIMEO, end);
    if (*error == 0) {
        *error = wire_recv_answer_from(talk->sock, 0, answer, &talk->file,
                                       &talk->uid);
    }
    switch (*error) {
    case 0:
        return meaning(answer, WIRE_ACCEPTED);
    case EPROTO:
        return IJ_TALK_WRONG;
    default:
        return failure(*error);
    }
}

static ij_talk_end await_started(ij_talk *talk, const ij_client *client,
                                 long long deadline,
                                 struct wire_answer *answer, int *error)
{
    *error = wait_for_turn(talk->sock, client, deadline);
    switch (*error) {
    case 0:
        break;
    case ETIMEDOUT:
        return IJ_TALK_QUEUED;
    case ECONNABORTED:
        return IJ_TALK_ABORTED;
    default:
        return IJ_TALK_FAILED;
    }
    *error = wire_recv_answer(talk->sock, 0, answer, &talk->file);
    if (*error != 0) {
        return *error == EPROTO ? IJ_TALK_WRONG : IJ_TALK_LOST;
    }
    talk->is_nph = answer->is_nph != 0;
    return meaning(answer, WIRE_STARTED);
}

/* --- all of it --- */

static ij_talk_end have_accepted(const char *path,
                                 const struct wire_request *request,
                                 long long deadline, ij_talk *talk,
                                 struct wire_answer *answer, int *error)
{
    ij_talk_end end;

    talk->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (talk->sock == -1) {
        *error = errno;
        return IJ_TALK_FAILED;
    }
    *error = hand_in(talk, path, request, deadline);
    if (*error != 0) {
        return failure(*error);
    }
    end = await_accepted(talk, deadline, answer, error);
    /* no program without pipes */
    return end == IJ_TALK_STARTED && request->kind == WIRE_FETCH
        ? IJ_TALK_WRONG : end;
}

ij_talk_end ij_talk_begin(const char *path, const struct wire_request *request,
                          const ij_client *client, long long *patience,
                          ij_talk *talk, struct wire_answer *answer,
                          int *error)
{
    long long start = ij_run_clock();
    ij_talk_end end;

    *talk = closed;
    talk->path = path;
    *error = 0;
    end = have_accepted(path, request, start + *patience, talk, answer, error);
    *patience -= ij_run_clock() - start;
    if (end == IJ_TALK_STARTED) {
        end = await_started(talk, client,
                            start + request->timeout_seconds * 1000LL, answer,
                            error);
    }
    if (end != IJ_TALK_STARTED) {
        end_talk(talk);
    }
    return end;
}

/* --- a log entry --- */

int ij_talk_log(const char *path, const struct wire_log *log, int *sock)
{
    struct sockaddr_un address;
    int rv = set_address(&address, path);

    if (rv != 0) {
        return rv;
    }
    *sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*sock == -1) {
        return errno;
    }
    if (connect(*sock, (struct sockaddr *)&address, sizeof(address)) == -1) {
        rv = errno;
    }
    else {
        rv = wire_send_log(*sock, log);
    }
    if (rv != 0) {
        wire_hang_up(*sock);
    }
    return rv;
}
