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

#include <sys/wait.h>

#include "apr_strings.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"
#include "util_script.h"

#include "module/explain.h"
#include "module/lines.h"
#include "module/pump.h"
#include "module/talk.h"

enum {
    END_SOON_MILLISECONDS = 100,    /* from the end of the output to the
                                       program's: usual, and at most */
    END_MILLISECONDS = 3000
};

/* --- the program's end --- */

static const char *limit_text(const struct wire_answer *answer)
{
    switch (answer->limit) {
    case WIRE_LIMIT_CPU:
        return ", at its limit of CPU time (IvleJailLimit cpu)";
    case WIRE_LIMIT_FSIZE:
        return ", at its limit of file size (IvleJailLimit fsize)";
    case WIRE_LIMIT_WALL:
        return ", at its limit of time (IvleJailTimeout)";
    default:
        return "";
    }
}

static const char *end_text(apr_pool_t *p, const ij_pump *pump)
{
    const struct wire_answer *answer = &pump->answer;
    bool is_signal = WIFSIGNALED(answer->wait_status);

    if (!pump->has_ended) {
        return pump->talk->sock == -1 ? "its warden went" : "it still runs";
    }
    return apr_psprintf(p, "%s %d%s; %" APR_UINT64_T_FMT " ms, CPU %"
                        APR_UINT64_T_FMT " ms, memory %" APR_UINT64_T_FMT
                        " KiB", is_signal ? "signal" : "exit status",
                        is_signal ? WTERMSIG(answer->wait_status)
                                  : WEXITSTATUS(answer->wait_status),
                        limit_text(answer), answer->wall_microseconds / 1000,
                        answer->cpu_microseconds / 1000, answer->peak_kib);
}

static bool was_cut_short(const ij_pump *pump)
{
    if (!pump->has_ended) {
        return pump->talk->sock == -1;
    }
    return pump->answer.limit != WIRE_LIMIT_NONE
        || WIFSIGNALED(pump->answer.wait_status);
}

static const struct {
    const char *what;
    int level;
} ends[VERDICT_COUNT] = {
    [VERDICT_NONE]        = { "was not heard and ended", APLOG_DEBUG },
    [VERDICT_NO_HEADER]   = { "ended without a header", APLOG_ERR },
    [VERDICT_HALF_HEADER] = { "ended without a complete header", APLOG_ERR },
    [VERDICT_BAD_HEADER]  = { "printed no header and ended", APLOG_ERR },
    [VERDICT_BAD_FRAMING] = { "framed its answer and ended", APLOG_ERR },
    [VERDICT_CUT_SHORT]   = { "was cut short", APLOG_ERR },
    [VERDICT_UNHEARD]     = { "was not heard to its end by the client",
                              APLOG_INFO },
    [VERDICT_REDIRECTED]  = { "redirected and ended", APLOG_DEBUG },
    [VERDICT_ENDED]       = { "ended", APLOG_DEBUG }
};

static void log_end(request_rec *r, const ij_job *job, const ij_pump *pump,
                    enum verdict_kind kind)
{
    ap_log_rerror(APLOG_MARK, ends[kind].level, 0, r, IJLOGNO(0065)
                  "'%s' of '%s' %s: %s", job->filename, job->jail.user,
                  ends[kind].what, end_text(r->pool, pump));
    if (pump->lines.count > LINES_MAX) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, IJLOGNO(0066)
                      "stderr of '%s': %" APR_SIZE_T_FMT " more lines, "
                      "ignoring", job->jail.user,
                      pump->lines.count - LINES_MAX);
    }
}

/* Tells the administrator, and notes it for the user. */
static void tell_end(request_rec *r, const ij_job *job, const ij_pump *pump,
                     enum verdict_kind kind)
{
    struct verdict *verdict = pump->verdict;

    log_end(r, job, pump, kind);
    verdict->kind = kind;
    verdict->has_ended = pump->has_ended;
    verdict->still_runs = pump->talk->sock != -1;
    if (pump->has_ended) {
        verdict->answer = pump->answer;
    }
}

/* --- the header --- */

/* No header came: what is answered instead. */
static int answer_nothing(request_rec *r, const ij_job *job, ij_pump *pump,
                          enum verdict_kind kind)
{
    if (APR_STATUS_IS_ECONNABORTED(pump->status)) {
        tell_end(r, job, pump, VERDICT_UNHEARD);
        r->connection->aborted = 1;
        return OK;
    }
    if (pump->body.status != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, pump->body.status, r,
                      IJLOGNO(0067) "cannot read the body of the request");
        return ap_map_http_request_error(pump->body.status,
                                         HTTP_BAD_REQUEST);
    }
    (void)ij_pump_finish(pump, END_MILLISECONDS);
    tell_end(r, job, pump, kind);
    return APR_STATUS_IS_TIMEUP(pump->status)
           || (pump->has_ended && pump->answer.limit == WIRE_LIMIT_WALL)
        ? HTTP_GATEWAY_TIME_OUT : HTTP_INTERNAL_SERVER_ERROR;
}

/*
 * Ends a program whose header is wrong.  What it goes on to print is read, or
 * it might fail of that; if it does not stop, how we stop it is no news.
 */
static void end_wrong(request_rec *r, const ij_job *job, ij_pump *pump,
                      enum verdict_kind kind)
{
    bool has_stopped = ij_pump_discard(pump, END_MILLISECONDS);

    (void)ij_pump_finish(pump, END_MILLISECONDS);
    tell_end(r, job, pump, kind);
    if (!has_stopped) {
        pump->verdict->has_ended = false;
        pump->verdict->still_runs = true;
    }
}

/*
 * The framing of the answer is httpd's: a program must not be able to write
 * another answer behind its own into a connection, which may be one that a
 * proxy shares among its clients.
 */
static bool frames_itself(const request_rec *r)
{
    return apr_table_get(r->headers_out, "Transfer-Encoding") != NULL
        || ap_is_HTTP_INFO(r->status);
}

/* After a header that httpd could read.  Returns OK, or what to answer. */
static int check_header(request_rec *r, const ij_job *job, ij_pump *pump,
                        int rc)
{
    if (apr_table_get(r->subprocess_env, AP_TRUST_CGILIKE_CL_ENVVAR)
        == NULL) {
        apr_table_unset(r->headers_out, "Content-Length");
    }
    if (rc == OK && frames_itself(r)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, IJLOGNO(0068)
                      "'%s' of '%s' sent a Transfer-Encoding header or a "
                      "status below 200", job->filename, job->jail.user);
        end_wrong(r, job, pump, VERDICT_BAD_FRAMING);
        return HTTP_BAD_GATEWAY;
    }
    if (rc != OK) {     /* a condition of the request is not met */
        (void)ij_pump_finish(pump, END_MILLISECONDS);
        tell_end(r, job, pump, VERDICT_NONE);
    }
    return rc;
}

/* Returns OK, or what to answer. */
static int scan_header(request_rec *r, const ij_job *job, ij_pump *pump)
{
    char line[MAX_STRING_LEN];
    int rc;

    if (ij_pump_fill(pump) != APR_SUCCESS) {
        return answer_nothing(r, job, pump, VERDICT_NO_HEADER);
    }
    rc = ap_scan_script_header_err_core_ex(r, line, ij_pump_gets, pump,
                                           APLOG_MODULE_INDEX);
    if (pump->status == APR_SUCCESS && rc != HTTP_INTERNAL_SERVER_ERROR) {
        return check_header(r, job, pump, rc);
    }
    apr_cpystrn(pump->verdict->line, line, sizeof(pump->verdict->line));
    if (pump->status != APR_SUCCESS) {
        return answer_nothing(r, job, pump, VERDICT_HALF_HEADER);
    }
    end_wrong(r, job, pump, VERDICT_BAD_HEADER);
    return rc;
}

/* Returns the same; of a header that was wrong nothing is left behind. */
static int read_header(request_rec *r, const ij_job *job, ij_pump *pump)
{
    apr_table_t *out = apr_table_copy(r->pool, r->headers_out);
    apr_table_t *err = apr_table_copy(r->pool, r->err_headers_out);
    int rc = scan_header(r, job, pump);

    if (verdict_is_failure(pump->verdict)) {
        r->headers_out = out;
        r->err_headers_out = err;
    }
    return rc;
}

/* --- the answer --- */

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

/* Reads a piece of the output into a bucket of bb. */
static apr_status_t append(request_rec *r, ij_pump *pump,
                           apr_bucket_brigade *bb, bool wait)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;
    apr_size_t size = IJ_PUMP_BUFFER;
    char *data = apr_bucket_alloc(size, list);
    apr_status_t rv = ij_pump_read(pump, data, &size, wait);

    if (rv != APR_SUCCESS) {
        apr_bucket_free(data);
        return rv;
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
    apr_status_t rv;

    do {
        rv = append(r, pump, bb, false);
        if (APR_STATUS_IS_EAGAIN(rv)) {
            if (pass_flush(r, bb) != APR_SUCCESS) {
                return false;
            }
            rv = append(r, pump, bb, true);
        }
        if (rv == APR_SUCCESS && pass(r, bb) != APR_SUCCESS) {
            return false;
        }
    } while (rv == APR_SUCCESS);
    return !APR_STATUS_IS_ECONNABORTED(rv);
}

/*
 * An answer that was cut short must not look whole: this kind of error makes
 * httpd break the connection off before the last chunk, or say 502 if it has
 * sent nothing yet.
 */
static void append_break(request_rec *r, apr_bucket_brigade *bb)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;

    r->no_cache = 1;
    r->connection->keepalive = AP_CONN_CLOSE;
    APR_BRIGADE_INSERT_TAIL(bb, ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL,
                                                       r->pool, list));
}

/* Ends the answer: with all of it, or with a break. */
static void pass_end(request_rec *r, const ij_job *job, ij_pump *pump,
                     apr_bucket_brigade *bb)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;
    bool is_whole = APR_STATUS_IS_EOF(pump->status) && !was_cut_short(pump);

    if (!is_whole) {
        append_break(r, bb);
    }
    tell_end(r, job, pump, is_whole ? VERDICT_ENDED : VERDICT_CUT_SHORT);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(list));
    (void)pass(r, bb);
}

/* Waits for the program's end, but keeps nothing back for long. */
static void await_end(request_rec *r, ij_pump *pump, apr_bucket_brigade *bb)
{
    if (!ij_pump_finish(pump, END_SOON_MILLISECONDS)) {
        (void)pass_flush(r, bb);
        (void)ij_pump_finish(pump, END_MILLISECONDS);
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
    if (!pass_output(r, pump, bb)) {
        tell_end(r, job, pump, VERDICT_UNHEARD);
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
    (void)ij_pump_finish(pump, END_MILLISECONDS);
    tell_end(r, job, pump, VERDICT_REDIRECTED);
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

/* --- all of it --- */

/* Where *location is set, the request is to be answered from there. */
static int respond(request_rec *r, const ij_job *job, ij_pump *pump,
                   const char **location)
{
    int rc = read_header(r, job, pump);
    const char *target;

    if (rc == HTTP_NOT_MODIFIED) {
        r->status = rc;     /* and no error page: mod_cache may want it */
        return OK;
    }
    if (rc != OK || r->connection->aborted) {
        return rc;
    }
    target = apr_table_get(r->headers_out, "Location");
    if (target == NULL || r->status != HTTP_OK) {
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
    const char *location = NULL;
    int rc = ij_ask(r, job, &client, talk, verdict);

    if (rc == OK && talk->sock != -1) {
        apr_pool_cleanup_register(r->pool, talk, close_talk,
                                  apr_pool_cleanup_null);
        rc = respond(r, job, ij_pump_start(r, talk, &client, job->jail.user,
                                           job->timeout_seconds, verdict),
                     &location);
        ij_talk_close(talk);
    }
    rc = ij_explain_end(r, job, talk, verdict, rc);
    return location != NULL ? redirect(r, location) : rc;
}
