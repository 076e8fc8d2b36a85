/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.c - gives a program's output to the client
 *
 * This is CGI as mod_cgid does it: a header is read off the program's output
 * and the rest is passed on as it comes, with a flush whenever nothing more
 * is there.  One thing is done better: an answer that was cut short, by a
 * limit or a signal, is not passed off as a whole one.
 */
#include "module/serve.h"

#include "http_protocol.h"
#include "http_request.h"
#include "mod_core.h"
#include "util_filter.h"

#include "module/cut.h"
#include "module/ending.h"
#include "module/explain.h"
#include "module/file.h"
#include "module/header.h"
#include "module/index.h"
#include "module/note.h"
#include "module/origin.h"
#include "module/pump.h"
#include "module/talk.h"

/*
 * As much as a pipe holds.  In pieces of IJ_PUMP_BUFFER, a long output costs
 * twice the time; most have no second piece.
 */
enum { LONG_PIECE = 65536 };

/* --- the answer --- */

/*
 * httpd cuts a range (RFC 9110, 14.2) out of what has its end with it.  A short
 * output has that or not, as the program has ended or not by the time that we
 * look; one of mod_cgid's never has.  Behind our filters may be those of a page
 * that includes the output.
 */
static void leave_ranges(request_rec *r)
{
    ap_filter_t *filter = r->output_filters;

    while (filter != NULL && filter->frec != ap_byterange_filter_handle) {
        filter = filter->next;
    }
    if (filter != NULL && filter->r == r) {
        ap_remove_output_filter(filter);
    }
}

/* Passes on what is in bb and empties it. */
static apr_status_t pass(request_rec *r, apr_bucket_brigade *bb)
{
    apr_status_t rv = ap_pass_brigade(r->output_filters, bb);

    apr_brigade_cleanup(bb);
    return rv == APR_SUCCESS && r->connection->aborted ? APR_ECONNABORTED
                                                       : rv;
}

static apr_status_t pass_flush(request_rec *r, apr_bucket_brigade *bb)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;

    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(list));
    return pass(r, bb);
}

/*
 * Reads a piece of the output, at most *piece, into a bucket of bb.  After a
 * full one, the next may be long.
 */
static apr_status_t append(request_rec *r, ij_pump *pump,
                           apr_bucket_brigade *bb, apr_size_t *piece,
                           bool wait)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;
    apr_size_t size = *piece;
    char *data = apr_bucket_alloc(size, list);
    apr_status_t rv = ij_pump_read(pump, data, &size, wait);

    if (rv != APR_SUCCESS) {
        apr_bucket_free(data);
        return rv;
    }
    if (size == *piece) {
        *piece = LONG_PIECE;
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_heap_create(data, size,
                                                       apr_bucket_free,
                                                       list));
    return APR_SUCCESS;
}

/*
 * Passes the output on until it ends, or reading it does (pump->status); what
 * came last may be left in bb.  Returns whether the client took it.
 */
static bool pass_output(request_rec *r, ij_pump *pump, apr_bucket_brigade *bb)
{
    apr_size_t piece = IJ_PUMP_BUFFER;
    apr_status_t rv;

    do {
        rv = append(r, pump, bb, &piece, false);
        if (APR_STATUS_IS_EAGAIN(rv)) {
            if (pass_flush(r, bb) != APR_SUCCESS) {
                return false;
            }
            rv = append(r, pump, bb, &piece, true);
        }
        if (rv == APR_SUCCESS && pass(r, bb) != APR_SUCCESS) {
            return false;
        }
    } while (rv == APR_SUCCESS);
    return !APR_STATUS_IS_ECONNABORTED(rv);
}

/* Ends the answer: with all of it, or so that it is no whole one. */
static void pass_end(request_rec *r, const ij_job *job, ij_pump *pump,
                     apr_bucket_brigade *bb)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;

    if (APR_STATUS_IS_EOF(pump->status) && !ij_ending_was_early(pump)) {
        ij_ending_tell(r, job, pump, VERDICT_ENDED);
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(list));
        (void)pass(r, bb);
    }
    else {
        ij_ending_tell(r, job, pump, VERDICT_CUT_SHORT);
        ij_cut_answer(r, bb);
    }
}

/* Waits for the program's end, but keeps nothing back for long. */
static void await_end(request_rec *r, ij_pump *pump, apr_bucket_brigade *bb)
{
    if (!ij_pump_finish(pump, IJ_ENDING_SOON_MS)) {
        (void)pass_flush(r, bb);
        (void)ij_pump_finish(pump, IJ_ENDING_MS);
    }
}

static int send_output(request_rec *r, const ij_job *job, ij_pump *pump)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, list);

    if (pump->start < pump->end) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_transient_create(
                                        pump->buffer + pump->start,
                                        pump->end - pump->start, list));
    }
    leave_ranges(r);
    if (!pass_output(r, pump, bb)) {
        ij_ending_tell(r, job, pump, VERDICT_UNHEARD);
        r->connection->aborted |= APR_STATUS_IS_ECONNABORTED(pump->status);
        return OK;
    }
    if (APR_STATUS_IS_EOF(pump->status)) {
        await_end(r, pump, bb);
    }
    pass_end(r, job, pump, bb);
    return OK;
}

/* --- redirects --- */

/* As for any redirect, the program comes to its end, unheard. */
static void discard_output(request_rec *r, const ij_job *job,
                           ij_pump *pump)
{
    while (ij_pump_fill(pump) == APR_SUCCESS) {
        /* not of interest */
    }
    (void)ij_pump_finish(pump, IJ_ENDING_MS);
    ij_ending_tell(r, job, pump, VERDICT_REDIRECTED);
    ij_talk_close(pump->talk);      /* its turn is the next one's now */
}

static int redirect(request_rec *r, const char *location)
{
    int rc;

    if (location[0] != '/') {
        return HTTP_MOVED_TEMPORARILY;
    }
    /*
     * What the program has left of the body must be gone before the headers
     * that say where it ends: it would be taken for the client's next request.
     */
    rc = ap_discard_request_body(r);
    if (rc != OK) {
        return rc;
    }
    /* A GET without a body, whatever the request was. */
    r->method = "GET";
    r->method_number = M_GET;
    apr_table_unset(r->headers_in, "Content-Length");
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    ap_internal_redirect_handler(location, r);
    return OK;
}

/* --- what is no program --- */

static int give_file(request_rec *r, ij_talk *talk,
                     const struct wire_answer *answer)
{
    int fd = talk->file;

    talk->file = -1;        /* whom it is given to closes it */
    return answer->kind == WIRE_LISTING ? ij_index_list(r, answer, fd)
                                        : ij_file_serve(r, fd);
}

/* --- all of it --- */

/* Where *location is set, the request is to be answered from there. */
static int respond(request_rec *r, const ij_job *job, ij_pump *pump,
                   const char **location)
{
    int rc = ij_header_read(r, job, pump);
    const char *target;

    if (rc == HTTP_NOT_MODIFIED) {
        r->status = rc;     /* and no error page: mod_cache may want it */
        return OK;
    }
    if (rc != OK || r->connection->aborted) {
        return rc;
    }
    target = apr_table_get(r->headers_out, "Location");
    if (target == NULL || r->status != HTTP_OK || pump->talk->is_nph) {
        return send_output(r, job, pump);
    }
    discard_output(r, job, pump);
    *location = target;
    return OK;
}

static apr_status_t close_talk(void *talk)
{
    ij_talk_close(talk);
    return APR_SUCCESS;
}

int ij_serve(request_rec *r, const ij_job *job)
{
    ij_client client = ij_client_of(r);
    ij_talk *talk = apr_palloc(r->pool, sizeof(*talk));
    struct verdict *verdict = ij_explain_begin(r, job);
    apr_table_t *headers_in = ij_origin_hide(r, job);
    struct wire_answer answer;
    const char *location = NULL;
    int rc = ij_ask(r, job, &client, talk, &answer, verdict);

    if (rc == OK && talk->file != -1) {
        ij_index_name(r, job, &answer);
        rc = give_file(r, talk, &answer);
    }
    else if (rc == OK && talk->sock != -1) {
        apr_pool_cleanup_register(r->pool, talk, close_talk,
                                  apr_pool_cleanup_null);
        ij_index_name(r, job, &answer);
        rc = respond(r, job, ij_pump_start(r, talk, &client, job->jail.user,
                                           job->timeout_seconds, verdict),
                     &location);
        ij_talk_close(talk);
    }
    ij_note(r, job, talk, verdict);
    rc = ij_explain_end(r, job, talk, verdict, rc);
    r->headers_in = headers_in;
    return location != NULL ? redirect(r, location) : rc;
}
