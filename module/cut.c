/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cut.c - ends answers that are not whole
 */
#include "module/cut.h"

#include <stdbool.h>
#include <sys/socket.h>

#include "http_protocol.h"
#include "util_filter.h"

#include "module/ask.h"

static void pass(request_rec *r, apr_bucket_brigade *bb)
{
    (void)ap_pass_brigade(r->output_filters, bb);
    apr_brigade_cleanup(bb);
}

/* Whether it was begun without a length and without chunks (HTTP/1.0). */
static bool ends_with_connection(const request_rec *r)
{
    return r->main == NULL && r->sent_bodyct && !r->chunked
        && apr_table_get(r->headers_out, "Content-Length") == NULL;
}

/*
 * Only a reset tells the end of such an answer from a break.  Its last bytes
 * may be lost by that.
 */
static void reset_connection(request_rec *r, apr_bucket_brigade *bb)
{
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };
    int fd = ij_client_of(r).fd;

    if (fd != -1) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(
                                        r->connection->bucket_alloc));
        pass(r, bb);
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        r->connection->aborted = 1;     /* or it is shut down first */
    }
}

/* This kind of error makes httpd break off before the last chunk. */
void ij_cut_answer(request_rec *r, apr_bucket_brigade *bb)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;
    bool must_reset = ends_with_connection(r);

    r->no_cache = 1;
    r->connection->keepalive = AP_CONN_CLOSE;
    APR_BRIGADE_INSERT_TAIL(bb, ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL,
                                                       r->pool, list));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(list));
    pass(r, bb);
    if (must_reset) {
        reset_connection(r, bb);
    }
}
