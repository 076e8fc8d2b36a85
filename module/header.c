/* SPDX-License-Identifier: Apache-2.0 */
/*
 * header.c - the header of a program's answer
 *
 * It is read and checked as a whole (cgihead.c) before httpd is told anything
 * of it.  httpd's own reader knows no maximum, stops at NUL bytes, and leaves
 * much to be found out when the answer is half on its way.
 */
#include "module/header.h"

#include "apr_strings.h"
#include "http_core.h"
#include "http_protocol.h"
#include "util_script.h"

#include "module/cgihead.h"
#include "module/ending.h"
#include "module/origin.h"

/* --- no header, or none that is right --- */

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

/* --- its lines --- */

/*
 * Reads to the empty line, and adds what comes before it to lines.  Returns
 * CGIHEAD_END, what is wrong with the header, or CGIHEAD_MORE where reading
 * ended first (pump->status).
 */
static enum cgihead_event read_lines(ij_pump *pump, struct cgihead *head,
                                     apr_array_header_t *lines)
{
    enum cgihead_event event = CGIHEAD_MORE;

    do {
        const char *data = pump->buffer + pump->start;
        size_t size = pump->end - pump->start;

        event = cgihead_feed(head, &data, &size);
        pump->start = pump->end - size;
        if (event == CGIHEAD_LINE) {
            APR_ARRAY_PUSH(lines, const char *) = apr_pstrmemdup(
                lines->pool, head->line, head->length);
        }
    } while (event == CGIHEAD_LINE
             || (event == CGIHEAD_MORE && ij_pump_fill(pump) == APR_SUCCESS));
    return event;
}

/* --- what is wrong with it --- */

static enum verdict_kind kind_of_lack(const struct cgihead *head)
{
    return head->size == 0 ? VERDICT_NO_HEADER : VERDICT_HALF_HEADER;
}

static int refuse(request_rec *r, const ij_job *job, ij_pump *pump,
                  const struct cgihead *head, enum cgihead_event event)
{
    apr_cpystrn(pump->verdict->line, head->line, sizeof(pump->verdict->line));
    pump->verdict->fault = head->fault;
    switch (event) {
    case CGIHEAD_MORE:
        return answer_nothing(r, job, pump, kind_of_lack(head));
    case CGIHEAD_LARGE:
        end_wrong(r, job, pump, VERDICT_LARGE_HEADER);
        return HTTP_INTERNAL_SERVER_ERROR;
    case CGIHEAD_FRAMING:
        end_wrong(r, job, pump, VERDICT_BAD_FRAMING);
        return HTTP_BAD_GATEWAY;
    default:
        end_wrong(r, job, pump, VERDICT_BAD_HEADER);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
}

/* --- what it says --- */

struct giver {
    const apr_array_header_t *lines;
    int next;
};

/* Gives the lines to httpd, and then the empty one. */
static int give_line(char *line, int size, void *context)
{
    struct giver *giver = context;
    const char *next = "";

    if (giver->next < giver->lines->nelts) {
        next = APR_ARRAY_IDX(giver->lines, giver->next++, const char *);
    }
    apr_cpystrn(line, next, (apr_size_t)size);
    return 1;
}

/*
 * Has httpd understand the lines, as it does for mod_cgid.  Returns OK, or
 * what to answer where a condition of the request is not met.
 */
static int apply_cgi(request_rec *r, const apr_array_header_t *lines)
{
    struct giver giver = { .lines = lines, .next = 0 };
    char line[MAX_STRING_LEN];

    return ap_scan_script_header_err_core_ex(r, line, give_line, &giver,
                                             APLOG_MODULE_INDEX);
}

/*
 * An nph program's lines mean what they mean in HTTP: a status line and
 * fields for the client.
 */
static void apply_nph(request_rec *r, const apr_array_header_t *lines)
{
    int i;

    r->status = cgihead_status(APR_ARRAY_IDX(lines, 0, const char *),
                               &r->status_line);
    for (i = 1; i < lines->nelts; i++) {
        const char *line = APR_ARRAY_IDX(lines, i, const char *), *name;
        size_t length;
        const char *value = cgihead_value(line, &length);

        name = apr_pstrmemdup(r->pool, line, length);
        if (ap_cstr_casecmp(name, "Content-Type") == 0) {
            ap_set_content_type(r, value);
        }
        else {
            apr_table_addn(r->headers_out, name, value);
        }
    }
}

/*
 * Returns OK, or what to answer.  The length is httpd's to say, whatever its
 * environment tells it to believe: a program would not be held to its word.
 */
static int apply(request_rec *r, const ij_job *job, bool is_nph,
                 const apr_array_header_t *lines)
{
    apr_table_t *out = apr_table_copy(r->pool, r->headers_out);
    apr_table_t *err = apr_table_copy(r->pool, r->err_headers_out);
    int rc = OK;

    if (is_nph) {
        apply_nph(r, lines);
    }
    else {
        rc = apply_cgi(r, lines);
    }
    apr_table_unset(r->headers_out, "Content-Length");
    ij_origin_restrict(r, job, out, err);
    return rc;
}

int ij_header_read(request_rec *r, const ij_job *job, ij_pump *pump)
{
    apr_array_header_t *lines = apr_array_make(r->pool, 8,
                                               sizeof(const char *));
    struct cgihead head;
    enum cgihead_event event;
    int rc;

    cgihead_begin(&head, pump->talk->is_nph);
    event = read_lines(pump, &head, lines);
    if (event != CGIHEAD_END) {
        return refuse(r, job, pump, &head, event);
    }
    rc = apply(r, job, head.is_nph, lines);
    if (rc != OK) {
        (void)ij_pump_finish(pump, IJ_ENDING_MS);
        ij_ending_tell(r, job, pump, VERDICT_NONE);
    }
    return rc;
}
