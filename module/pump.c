/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump.c - moves bytes between the client and a program, all ways at once
 *
 * A program may write before it has read, never read at all, close its ends
 * in any order, or fill its error output first.  So nothing here waits for
 * one thing alone: one poll(2) is over the program's three pipes, the
 * warden's socket and the client's connection, and each turn does what can
 * be done without waiting.
 *
 * The client's connection is polled for more of the body (body.c) and for its
 * end.  A client that has sent everything and then closes its side is taken
 * for gone, as other web servers do: it is the only sign that a browser gives
 * when somebody presses Stop, and it keeps programs from running for nobody.
 */
#include "module/pump.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "module/conf.h"
#include "module/errlog.h"
#include "module/run.h"

/*
 * A warden ends the program at its time limit, and tells so.  It gets a
 * little longer for that, on a busy machine; but one that lies must not be
 * able to hold a request up for long.
 */
enum {
    MARGIN_MILLISECONDS = 2000,     /* beyond the limit, for the output */
    LAST_MILLISECONDS = 1000,       /* and then for the warden's last word */
    ERROR_READS_MAX = 256           /* of a pipe that somebody keeps filling */
};

/* --- the program's error output --- */

/* Returns whether there may be more. */
static bool read_errors(ij_pump *pump)
{
    char text[4096];
    ssize_t n = read(pump->talk->err, text, sizeof(text));

    if (n > 0) {
        lines_feed(&pump->lines, text, (size_t)n);
        tail_feed(pump->verdict->errors, text, (size_t)n);
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(pump->talk->err);
        pump->talk->err = -1;
    }
    return false;
}

/* --- the warden's last word --- */

static void read_answer(ij_pump *pump)
{
    int rv = wire_recv_answer(pump->talk->sock, MSG_DONTWAIT, &pump->answer,
                              NULL);

    if (rv == EAGAIN) {
        return;
    }
    pump->has_ended = rv == 0 && pump->answer.kind == WIRE_ENDED;
    wire_hang_up(pump->talk->sock);
    pump->talk->sock = -1;
}

/* --- turns --- */

enum { AT_OUT, AT_ERR, AT_IN, AT_SOCK, AT_CLIENT, AT_COUNT };

static void set_poll(const ij_pump *pump, struct pollfd fds[AT_COUNT])
{
    const ij_talk *talk = pump->talk;

    fds[AT_OUT] = (struct pollfd){ .fd = talk->out, .events = POLLIN };
    fds[AT_ERR] = (struct pollfd){ .fd = talk->err, .events = POLLIN };
    fds[AT_IN] = (struct pollfd){
        .fd = talk->in, .events = ij_body_in_events(&pump->body)
    };
    fds[AT_SOCK] = (struct pollfd){ .fd = talk->sock, .events = POLLIN };
    fds[AT_CLIENT] = (struct pollfd){
        .fd = pump->body.client.fd,
        .events = ij_body_client_events(&pump->body)
    };
}

static int time_to_wait(const ij_pump *pump, long long deadline)
{
    long long left = deadline - ij_run_clock();
    int patience = ij_body_patience(&pump->body);

    if (left <= 0) {
        return 0;
    }
    return left < patience ? (int)left : patience;
}

/* What poll(2) has seen is done, but for reading the output. */
static apr_status_t serve_events(ij_pump *pump,
                                 const struct pollfd fds[AT_COUNT])
{
    if (ij_client_is_gone(&pump->body.client, fds[AT_CLIENT].revents)) {
        return APR_ECONNABORTED;
    }
    if (fds[AT_ERR].revents != 0) {
        read_errors(pump);
    }
    if ((fds[AT_IN].revents & POLLERR) != 0) {
        ij_body_close(&pump->body);     /* nobody reads there any more */
    }
    if (fds[AT_SOCK].revents != 0) {
        read_answer(pump);
    }
    return APR_SUCCESS;
}

/*
 * Waits until there is something to do, and does all of it but for reading
 * the output.  Returns APR_SUCCESS, or why there is no use in going on.
 */
static apr_status_t turn(ij_pump *pump, long long deadline)
{
    struct pollfd fds[AT_COUNT];
    bool has_more = ij_body_move(&pump->body);
    apr_status_t rv = APR_SUCCESS;
    int n;

    if (pump->body.status != APR_SUCCESS) {
        return APR_INCOMPLETE;
    }
    set_poll(pump, fds);
    n = poll(fds, AT_COUNT, has_more ? 0 : time_to_wait(pump, deadline));
    if (n == -1 && errno != EINTR) {
        return errno;
    }
    if (pump->r->connection->aborted) {
        return APR_ECONNABORTED;
    }
    if (n > 0) {
        rv = serve_events(pump, fds);
    }
    return rv == APR_SUCCESS && ij_run_clock() >= deadline ? APR_TIMEUP : rv;
}

/* --- from outside --- */

ij_pump *ij_pump_start(request_rec *r, ij_talk *talk,
                       const ij_client *client, const char *user,
                       int timeout_seconds, struct verdict *verdict)
{
    ij_pump *pump = apr_palloc(r->pool, sizeof(*pump));

    pump->r = r;
    pump->talk = talk;
    pump->deadline = ij_run_clock() + timeout_seconds * 1000LL
                     + MARGIN_MILLISECONDS;
    pump->last = pump->deadline + LAST_MILLISECONDS;
    pump->lines = ij_errlog_lines(r, user);
    pump->verdict = verdict;
    pump->status = APR_SUCCESS;
    pump->has_ended = false;
    pump->start = 0;
    pump->end = 0;
    ij_body_init(&pump->body, r, client, &talk->in);
    return pump;
}

static void close_out(ij_pump *pump)
{
    close(pump->talk->out);
    pump->talk->out = -1;
}

/* Returns APR_EAGAIN where there is nothing now. */
static apr_status_t read_output(ij_pump *pump, char *data, apr_size_t *size)
{
    ssize_t n;

    if (pump->talk->out == -1) {
        return APR_EOF;
    }
    do {
        n = read(pump->talk->out, data, *size);
    } while (n == -1 && errno == EINTR);
    if (n > 0) {
        *size = (apr_size_t)n;
        return APR_SUCCESS;
    }
    if (n == -1 && errno == EAGAIN && pump->talk->sock != -1) {
        return APR_EAGAIN;
    }
    /* Its end; or the program's, and what it left behind holds the pipe. */
    close_out(pump);
    return APR_EOF;
}

apr_status_t ij_pump_read(ij_pump *pump, char *data, apr_size_t *size,
                          bool wait)
{
    apr_size_t space = *size;
    apr_status_t rv = read_output(pump, data, size);

    /* Before it says that there is nothing: perhaps it was its turn to read. */
    if (APR_STATUS_IS_EAGAIN(rv) && !wait) {
        rv = turn(pump, ij_run_clock());
        if (APR_STATUS_IS_TIMEUP(rv)) {
            rv = read_output(pump, data, size);
        }
    }
    while (APR_STATUS_IS_EAGAIN(rv) && wait) {
        rv = turn(pump, pump->deadline);
        if (rv == APR_SUCCESS) {
            *size = space;
            rv = read_output(pump, data, size);
        }
    }
    if (rv == APR_SUCCESS && ij_run_clock() >= pump->deadline) {
        rv = APR_TIMEUP;
    }
    pump->status = rv;
    return rv;
}

apr_status_t ij_pump_fill(ij_pump *pump)
{
    apr_size_t size = sizeof(pump->buffer);
    apr_status_t rv = ij_pump_read(pump, pump->buffer, &size, true);

    if (rv == APR_SUCCESS) {
        pump->start = 0;
        pump->end = size;
    }
    return rv;
}

bool ij_pump_discard(ij_pump *pump, int milliseconds)
{
    long long deadline = ij_run_clock() + milliseconds;

    if (deadline < pump->deadline) {
        pump->deadline = deadline;
    }
    while (ij_pump_fill(pump) == APR_SUCCESS) {
        /* not of interest */
    }
    return APR_STATUS_IS_EOF(pump->status);
}

/*
 * What is not read of an HTTP/2 stream when it is answered makes httpd reset
 * it, which some clients take for a failure of the whole.
 */
static bool must_drain(const ij_pump *pump)
{
    return pump->r->connection->master != NULL && pump->body.client.may_send;
}

bool ij_pump_finish(ij_pump *pump, int milliseconds)
{
    long long deadline = ij_run_clock() + milliseconds;
    int reads = 0;

    if (deadline > pump->last) {
        deadline = pump->last;
    }
    ij_body_close(&pump->body);
    if (pump->talk->out != -1) {
        close_out(pump);        /* who stops reading early wants no more */
    }
    while ((pump->talk->sock != -1 || must_drain(pump))
           && turn(pump, deadline) == APR_SUCCESS) {
        /* the warden has not spoken yet */
    }
    while (pump->talk->err != -1 && reads++ < ERROR_READS_MAX
           && read_errors(pump)) {
        /* what was written before it spoke is all there */
    }
    lines_end(&pump->lines);
    return pump->talk->sock == -1 && !must_drain(pump);
}
