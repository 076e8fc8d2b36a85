/* SPDX-License-Identifier: Apache-2.0 */
/*
 * header.c - the header of a program's answer
 */
#include "module/header.h"

#include "apr_strings.h"
#include "http_core.h"
#include "http_protocol.h"
#include "util_script.h"

#include "module/ending.h"
#include "module/origin.h"

/* No header came: what is answered instead. */
static int answer_nothing(request_rec *r, const ij_job *job, ij_pump *pump,
                          enum verdict_kind kind)
{
    if (APR_STATUS_IS_ECONNABORTED(pump->status)) {
        ij_ending_tell(r, job, pump, VERDICT_UNHEARD);
        r->connection->aborted = 1;
        return OK;
    }
    if (pump->body.status != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, pump->body.status, r,
                      IJLOGNO(0067) "cannot read the body of the request");
        pump->verdict->cause = CAUSE_ABORTED;
        return ap_map_http_request_error(pump->body.status,
                                         HTTP_BAD_REQUEST);
    }
    (void)ij_pump_finish(pump, IJ_ENDING_MS);
    ij_ending_tell(r, job, pump, kind);
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
    bool has_stopped = ij_pump_discard(pump, IJ_ENDING_MS);

    (void)ij_pump_finish(pump, IJ_ENDING_MS);
    ij_ending_tell(r, job, pump, kind);
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
        (void)ij_pump_finish(pump, IJ_ENDING_MS);
        ij_ending_tell(r, job, pump, VERDICT_NONE);
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

/* Of a header that was wrong nothing is left behind. */
int ij_header_read(request_rec *r, const ij_job *job, ij_pump *pump)
{
    apr_table_t *out = apr_table_copy(r->pool, r->headers_out);
    apr_table_t *err = apr_table_copy(r->pool, r->err_headers_out);
    int rc = scan_header(r, job, pump);

    if (verdict_is_failure(pump->verdict)) {
        r->headers_out = out;
        r->err_headers_out = err;
    }
    else {
        ij_origin_restrict(r, job, out, err);
    }
    return rc;
}
