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
 * The client's connection is polled for two things: more of the body, which
 * is then read through httpd's input filters, and its end.  A client that has
 * sent everything and then closes its side is taken for gone, as other web
 * servers do: it is the only sign that a browser gives when somebody presses
 * Stop, and it keeps programs from running for nobody.  An HTTP/2 stream has
 * no connection of its own to poll; there we look once in a while.
 */
#include "module/pump.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "apr_portable.h"
#include "http_core.h"
#include "http_protocol.h"
#include "util_filter.h"

#include "module/conf.h"
#include "module/run.h"

enum {
    MARGIN_MILLISECONDS = 10000,    /* the warden ends the program first */
    LOOK_MILLISECONDS = 50,         /* between looks for a stream's body */
    LOOK_SELDOM_MILLISECONDS = 1000, /* and for its end */
    ERROR_READS_MAX = 256           /* of a pipe that somebody keeps filling */
};

/* --- the program's error output --- */

struct speaker {
    request_rec *r;
    const char *user;
};

static void log_line(void *context, const char *line)
{
    struct speaker *speaker = context;

    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, speaker->r, IJLOGNO(0060)
                  "stderr of '%s': %s", speaker->user, line);
}

/* Returns whether there may be more. */
static bool read_errors(ij_pump *pump)
{
    char text[4096];
    ssize_t n = read(pump->talk->err, text, sizeof(text));

    if (n > 0) {
        lines_feed(&pump->lines, text, (size_t)n);
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
    int rv = wire_recv_answer(pump->talk->sock, MSG_DONTWAIT, &pump->answer);

    if (rv == EAGAIN) {
        return;
    }
    pump->has_ended = rv == 0 && pump->answer.kind == WIRE_ENDED;
    close(pump->talk->sock);
    pump->talk->sock = -1;
}

/* --- the request's body --- */

static void close_in(ij_pump *pump)
{
    close(pump->talk->in);
    pump->talk->in = -1;
    apr_brigade_cleanup(pump->body);
}

/*
 * Tells a client that waits for it to send the body.  httpd does so by itself
 * only for a reader that waits, which we never do.
 */
static void invite_body(request_rec *r)
{
    int status = r->status;

    if (r->expecting_100 && r->main == NULL) {
        r->status = HTTP_CONTINUE;
        ap_send_interim_response(r, 0);
        r->status = status;
    }
}

/*
 * Takes what the client has sent, without waiting.  The buckets are kept
 * while filters go on, so they must not lend their data only for a moment.
 * Returns whether there was something.
 */
static bool fetch_body(ij_pump *pump)
{
    apr_status_t rv = ap_get_brigade(pump->r->input_filters, pump->body,
                                     AP_MODE_READBYTES, APR_NONBLOCK_READ,
                                     IJ_PUMP_BUFFER);
    apr_bucket *b;

    if (APR_STATUS_IS_EAGAIN(rv)) {
        return false;
    }
    if (rv != APR_SUCCESS) {
        pump->body_status = rv;
        close_in(pump);
        return false;
    }
    for (b = APR_BRIGADE_FIRST(pump->body);
         b != APR_BRIGADE_SENTINEL(pump->body); b = APR_BUCKET_NEXT(b)) {
        if (APR_BUCKET_IS_EOS(b)) {
            pump->client.may_send = false;
        }
        (void)apr_bucket_setaside(b, pump->r->pool);    /* or needs not */
    }
    return !APR_BRIGADE_EMPTY(pump->body);
}

/* Returns whether the whole bucket was written. */
static bool write_bucket(ij_pump *pump, apr_bucket *b)
{
    const char *data;
    apr_size_t size;
    ssize_t n;

    if (apr_bucket_read(b, &data, &size, APR_BLOCK_READ) != APR_SUCCESS) {
        pump->body_status = APR_EGENERAL;
        return false;
    }
    n = size > 0 ? write(pump->talk->in, data, size) : 0;
    if (n == (ssize_t)size) {
        return true;
    }
    if (n > 0) {
        apr_bucket_split(b, (apr_size_t)n);
        apr_bucket_delete(b);
    }
    else if (errno != EAGAIN && errno != EINTR) {
        close_in(pump);     /* EPIPE: the program does not want the body */
    }
    return false;
}

static void write_body(ij_pump *pump)
{
    while (!APR_BRIGADE_EMPTY(pump->body)) {
        apr_bucket *b = APR_BRIGADE_FIRST(pump->body);

        if (APR_BUCKET_IS_EOS(b)) {
            close_in(pump);
            return;
        }
        if (!APR_BUCKET_IS_METADATA(b) && !write_bucket(pump, b)) {
            return;
        }
        apr_bucket_delete(b);
    }
}

static bool wants_body(const ij_pump *pump)
{
    return pump->talk->in != -1 && APR_BRIGADE_EMPTY(pump->body);
}

/*
 * Filters may hold more of the body than they give at once (chunks, TLS
 * records), and no poll(2) sees that.  Returns whether it may be so: false is
 * that they had nothing, or that what they gave is not yet written.
 */
static bool move_body(ij_pump *pump)
{
    if (pump->talk->in != -1) {
        write_body(pump);
    }
    if (!wants_body(pump) || !fetch_body(pump)) {
        return false;
    }
    write_body(pump);
    return wants_body(pump);
}

/* --- turns --- */

enum { AT_OUT, AT_ERR, AT_IN, AT_SOCK, AT_CLIENT, AT_COUNT };

static void set_poll(const ij_pump *pump, struct pollfd fds[AT_COUNT])
{
    const ij_talk *talk = pump->talk;
    bool has_body = talk->in != -1 && !APR_BRIGADE_EMPTY(pump->body);

    fds[AT_OUT] = (struct pollfd){ .fd = talk->out, .events = POLLIN };
    fds[AT_ERR] = (struct pollfd){ .fd = talk->err, .events = POLLIN };
    fds[AT_IN] = (struct pollfd){ .fd = talk->in,
                                    .events = has_body ? POLLOUT : 0 };
    fds[AT_SOCK] = (struct pollfd){ .fd = talk->sock, .events = POLLIN };
    fds[AT_CLIENT] = (struct pollfd){
        .fd = pump->client.fd,
        .events = (short)(ij_client_events(&pump->client)
                          | (wants_body(pump) ? POLLIN : 0))
    };
}

static int time_to_wait(const ij_pump *pump, long long deadline)
{
    long long left = deadline - ij_run_clock();

    if (pump->client.fd == -1) {
        int look = wants_body(pump) ? LOOK_MILLISECONDS
                                    : LOOK_SELDOM_MILLISECONDS;

        left = left < look ? left : look;
    }
    return left > 0 ? (int)left : 0;
}

/*
 * Waits until there is something to do, and does all of it but for reading
 * the output.  Returns APR_SUCCESS, or why there is no use in going on.
 */
static apr_status_t turn(ij_pump *pump, long long deadline)
{
    struct pollfd fds[AT_COUNT];
    bool has_more = move_body(pump);
    int n;

    if (pump->body_status != APR_SUCCESS) {
        return APR_INCOMPLETE;
    }
    set_poll(pump, fds);
    n = poll(fds, AT_COUNT, has_more ? 0 : time_to_wait(pump, deadline));
    if (n == -1 && errno != EINTR) {
        return errno;
    }
    if (pump->r->connection->aborted
        || (n > 0 && ij_client_is_gone(&pump->client,
                                       fds[AT_CLIENT].revents))) {
        return APR_ECONNABORTED;
    }
    if (n > 0 && fds[AT_ERR].revents != 0) {
        read_errors(pump);
    }
    if (n > 0 && (fds[AT_IN].revents & POLLERR) != 0) {
        close_in(pump);     /* nobody reads there any more */
    }
    if (n > 0 && fds[AT_SOCK].revents != 0) {
        read_answer(pump);
    }
    return ij_run_clock() >= deadline ? APR_TIMEUP : APR_SUCCESS;
}

/* --- from outside --- */

ij_pump *ij_pump_start(request_rec *r, ij_talk *talk,
                       const ij_client *client, const char *user,
                       int timeout_seconds)
{
    ij_pump *pump = apr_palloc(r->pool, sizeof(*pump));
    struct speaker *speaker = apr_palloc(r->pool, sizeof(*speaker));

    *speaker = (struct speaker){ r, user };
    pump->r = r;
    pump->talk = talk;
    pump->client = *client;
    pump->deadline = ij_run_clock() + timeout_seconds * 1000LL
                     + MARGIN_MILLISECONDS;
    pump->lines = (struct lines){ .say = log_line, .context = speaker };
    pump->body = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    pump->body_status = APR_SUCCESS;
    pump->status = APR_SUCCESS;
    pump->has_ended = false;
    pump->start = 0;
    pump->end = 0;
    if (r->main != NULL) {
        pump->client.may_send = false;
        close_in(pump);         /* the body is the main request's */
    }
    invite_body(r);
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

int ij_pump_gets(char *line, int size, void *context)
{
    ij_pump *pump = context;
    int length = 0, c = '\0';

    while (length < size - 1 && c != '\n') {
        if (pump->start == pump->end) {
            apr_status_t rv = ij_pump_fill(pump);

            if (rv != APR_SUCCESS) {
                line[length] = '\0';
                return APR_STATUS_IS_TIMEUP(rv) ? -1 : 0;
            }
        }
        c = (unsigned char)pump->buffer[pump->start++];
        line[length++] = (char)c;
    }
    line[length] = '\0';
    return c == '\n';
}

void ij_pump_finish(ij_pump *pump, int milliseconds)
{
    long long deadline = ij_run_clock() + milliseconds;
    int reads = 0;

    if (pump->talk->in != -1) {
        close_in(pump);
    }
    if (pump->talk->out != -1) {
        close_out(pump);        /* who stops reading early wants no more */
    }
    while (pump->talk->sock != -1 && turn(pump, deadline) == APR_SUCCESS) {
        /* the warden has not spoken yet */
    }
    while (pump->talk->err != -1 && reads++ < ERROR_READS_MAX
           && read_errors(pump)) {
        /* what was written before it spoke is all there */
    }
    lines_end(&pump->lines);
}
