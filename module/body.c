/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.c - the request's body, on its way from the client to the program
 *
 * It is read through httpd's input filters, but never waited for there: the
 * filters are asked without waiting, and when they have nothing the client's
 * connection is polled, with everything else that the pump waits for.
 *
 * The body is read to its end even if the program does not want it.  Many a
 * client reads no answer before it has sent everything.
 *
 * An HTTP/2 stream has no connection of its own to poll.  There the filters
 * are asked again after a while, soon at first and then less often.
 */
#include "module/body.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "http_protocol.h"
#include "util_filter.h"

enum {
    PIECE = 16384,
    LOOK_MIN_MILLISECONDS = 1,
    LOOK_MAX_MILLISECONDS = 64,
    LOOK_SELDOM_MILLISECONDS = 500      /* for the stream's end alone */
};

/*
 * httpd sends it by itself only for a reader that waits, which we never do.
 */
static void send_100_continue(request_rec *r)
{
    int status = r->status;

    r->status = HTTP_CONTINUE;
    ap_send_interim_response(r, 0);
    r->status = status;
}

void ij_body_init(ij_body *body, request_rec *r, const ij_client *client,
                  int *in)
{
    body->r = r;
    body->client = *client;
    body->in = in;
    body->pending = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    body->status = APR_SUCCESS;
    body->look_milliseconds = LOOK_MIN_MILLISECONDS;
    if (!client->may_send) {
        ij_body_close(body);
    }
    else if (r->expecting_100) {
        send_100_continue(r);
    }
}

void ij_body_close(ij_body *body)
{
    if (*body->in != -1) {
        close(*body->in);
        *body->in = -1;
    }
    apr_brigade_cleanup(body->pending);
}

/* --- from the client --- */

static bool wants_more(const ij_body *body)
{
    return body->client.may_send && body->status == APR_SUCCESS
        && APR_BRIGADE_EMPTY(body->pending);
}

/*
 * What is pending is kept while filters go on, so it must not be lent only
 * for a moment.  The end is in it, too.
 */
static void keep_pending(ij_body *body)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(body->pending);
         b != APR_BRIGADE_SENTINEL(body->pending); b = APR_BUCKET_NEXT(b)) {
        if (APR_BUCKET_IS_EOS(b)) {
            body->client.may_send = false;
        }
        (void)apr_bucket_setaside(b, body->r->pool);    /* or needs not */
    }
}

/* Returns whether there was something. */
static bool fetch(ij_body *body)
{
    apr_status_t rv = ap_get_brigade(body->r->input_filters, body->pending,
                                     AP_MODE_READBYTES, APR_NONBLOCK_READ,
                                     PIECE);

    if (APR_STATUS_IS_EAGAIN(rv)
        || (rv == APR_SUCCESS && APR_BRIGADE_EMPTY(body->pending))) {
        if (body->look_milliseconds < LOOK_MAX_MILLISECONDS) {
            body->look_milliseconds *= 2;
        }
        return false;
    }
    if (rv != APR_SUCCESS) {
        body->status = rv;
        ij_body_close(body);
        return false;
    }
    body->look_milliseconds = LOOK_MIN_MILLISECONDS;
    keep_pending(body);
    return true;
}

/* --- to the program --- */

/* Returns whether the whole bucket was written. */
static bool give_bucket(ij_body *body, apr_bucket *b)
{
    const char *data;
    apr_size_t size;
    ssize_t n;

    body->status = apr_bucket_read(b, &data, &size, APR_BLOCK_READ);
    if (body->status != APR_SUCCESS) {
        return false;
    }
    n = size > 0 ? write(*body->in, data, size) : 0;
    if (n == (ssize_t)size) {
        return true;
    }
    if (n > 0) {
        apr_bucket_split(b, (apr_size_t)n);
        apr_bucket_delete(b);
    }
    else if (errno != EAGAIN && errno != EINTR) {
        ij_body_close(body);    /* EPIPE: the program wants no more */
    }
    return false;
}

static void give(ij_body *body)
{
    if (*body->in == -1) {
        apr_brigade_cleanup(body->pending);
    }
    while (!APR_BRIGADE_EMPTY(body->pending)) {
        apr_bucket *b = APR_BRIGADE_FIRST(body->pending);

        if (APR_BUCKET_IS_EOS(b)) {
            ij_body_close(body);
            return;
        }
        if (!APR_BUCKET_IS_METADATA(b) && !give_bucket(body, b)) {
            return;
        }
        apr_bucket_delete(b);
    }
}

bool ij_body_move(ij_body *body)
{
    give(body);
    if (!wants_more(body) || !fetch(body)) {
        return false;
    }
    give(body);
    return true;
}

/* --- waiting --- */

short ij_body_in_events(const ij_body *body)
{
    return APR_BRIGADE_EMPTY(body->pending) ? 0 : POLLOUT;
}

short ij_body_client_events(const ij_body *body)
{
    return (short)(ij_client_events(&body->client)
                   | (wants_more(body) ? POLLIN : 0));
}

int ij_body_patience(const ij_body *body)
{
    if (body->client.fd != -1) {
        return INT_MAX;
    }
    return wants_more(body) ? body->look_milliseconds
                            : LOOK_SELDOM_MILLISECONDS;
}
