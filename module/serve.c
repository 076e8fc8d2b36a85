/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.c - has a warden run a program, and gives its output to the client
 *
 * The warm way is talk.c alone: no process is started here, nothing
 * privileged runs.  If nobody is there to talk to, the trampoline is asked
 * for a warden, once, and the request goes to the place that it names.
 *
 * From then on this is CGI as mod_cgid does it: a header is read off the
 * program's output and the rest is passed on as it comes, with a flush
 * whenever nothing more is there.  One thing is done better: an answer that
 * was cut short, by a limit or a signal, is not passed off as a whole one.
 */
#include "module/serve.h"

#include <string.h>
#include <sys/wait.h>

#include "apr_portable.h"
#include "apr_strings.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"
#include "util_script.h"

#include "module/environment.h"
#include "module/lines.h"
#include "module/pump.h"
#include "module/talk.h"
#include "trampoline/layout.h"

enum {
    COLD_STARTS_MAX = 2,
    DEFAULT_TIMEOUT_SECONDS = 60,
    ENVIRONMENT_NAME_MAX = 256,
    END_SOON_MILLISECONDS = 100,    /* from the end of the output to the
                                       program's: usual, and at most */
    END_MILLISECONDS = 3000
};

/* For answers that say "not now". */
static int with_retry(request_rec *r, int status)
{
    if (status == HTTP_SERVICE_UNAVAILABLE) {
        apr_table_setn(r->err_headers_out, "Retry-After", "5");
    }
    return status;
}

/* --- the request --- */

static void add_variables(apr_table_t *to, const apr_table_t *from,
                          enum environment_origin origin)
{
    const apr_array_header_t *array = apr_table_elts(from);
    const apr_table_entry_t *entries = (apr_table_entry_t *)array->elts;
    char name[ENVIRONMENT_NAME_MAX];
    int i;

    for (i = 0; i < array->nelts; i++) {
        if (entries[i].key != NULL && entries[i].val != NULL
            && environment_name(entries[i].key, name, sizeof(name))
            && environment_allows(name, origin)) {
            apr_table_set(to, name, entries[i].val);
        }
    }
}

/*
 * httpd mixes what it computes for CGI into r->subprocess_env, where the
 * configuration has put its own; it is given an empty table instead, so that
 * each can be held against its own rule.
 */
static void set_environment(request_rec *r, struct wire_request *request)
{
    apr_table_t *configured = r->subprocess_env;
    apr_table_t *environment = apr_table_make(r->pool, 40);
    const apr_array_header_t *array;
    const apr_table_entry_t *entries;
    int i;

    r->subprocess_env = apr_table_make(r->pool, 40);
    ap_add_common_vars(r);
    ap_add_cgi_vars(r);
    add_variables(environment, configured, ENVIRONMENT_CONFIGURED);
    add_variables(environment, r->subprocess_env, ENVIRONMENT_REQUEST);
    r->subprocess_env = configured;

    array = apr_table_elts(environment);
    entries = (apr_table_entry_t *)array->elts;
    request->env = apr_palloc(r->pool, (apr_size_t)(array->nelts + 1)
                                       * sizeof(*request->env));
    for (i = 0; i < array->nelts; i++) {
        request->env[i] = apr_pstrcat(r->pool, entries[i].key, "=",
                                      entries[i].val, NULL);
    }
    request->env_count = (size_t)array->nelts;
}

static void set_interpreters(request_rec *r, const ij_dir_conf *conf,
                             struct wire_request *request)
{
    const ij_interpreter *interpreter
        = (ij_interpreter *)conf->interpreters->elts;
    apr_array_header_t *words = apr_array_make(r->pool, 8,
                                               sizeof(const char *));
    int i;
    size_t j;

    for (i = 0; i < conf->interpreters->nelts; i++) {
        for (j = 0; j < interpreter[i].count; j++) {
            APR_ARRAY_PUSH(words, const char *) = interpreter[i].words[j];
        }
    }
    request->interpreters = (const char **)words->elts;
    request->interpreter_count = (size_t)words->nelts;
}

static int timeout_of(const ij_job *job)
{
    return job->conf->timeout_seconds != IJ_UNSET
        ? job->conf->timeout_seconds : DEFAULT_TIMEOUT_SECONDS;
}

static void set_request(request_rec *r, const ij_job *job,
                        struct wire_request *request)
{
    memset(request, 0, sizeof(*request));
    request->kind = WIRE_SERVE;
    request->timeout_seconds = (uint32_t)timeout_of(job);
    request->root = job->root;
    request->filename = job->filename;
    request->uri = r->uri;
    request->method = r->method;
    set_interpreters(r, job->conf, request);
    set_environment(r, request);
}

/* The connection, where it belongs to this request alone. */
static ij_client client_of(request_rec *r)
{
    ij_client client = { .fd = -1, .may_send = true };
    apr_socket_t *socket;
    apr_os_sock_t fd;

    client.may_send = r->main == NULL && ap_request_has_body(r);
    if (r->connection->master == NULL) {
        socket = ap_get_conn_socket(r->connection);
        if (socket != NULL && apr_os_sock_get(&fd, socket) == APR_SUCCESS) {
            client.fd = fd;
        }
    }
    return client;
}

/* --- to the start of the program --- */

static void log_said(void *context, const char *line)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, (request_rec *)context,
                  IJLOGNO(0061) "%s", line);
}

/* Returns OK and the warden's socket in *cold, or what to answer. */
static int start_cold(request_rec *r, const ij_job *job, ij_cold *cold)
{
    struct lines lines = { .say = log_said, .context = r };

    ij_spawn(job->trampoline, &job->jail, cold);
    lines_feed(&lines, cold->said, strlen(cold->said));
    lines_end(&lines);
    if (cold->error != 0) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, cold->error, r, IJLOGNO(0062)
                      "'%s %s %s %s' did not end with a socket's path",
                      job->trampoline, job->jail.instance, job->jail.profile,
                      job->jail.user);
    }
    return cold->status == HTTP_OK ? OK : with_retry(r, cold->status);
}

static const struct {
    int status;
    int level;
    const char *text;
} refusals[WIRE_REFUSAL_COUNT] = {
    [WIRE_NOT_REFUSED]    = { HTTP_INTERNAL_SERVER_ERROR, APLOG_ERR,
                              "refused without a reason" },
    [WIRE_BUSY]           = { HTTP_SERVICE_UNAVAILABLE, APLOG_ERR,
                              "too many requests of this user at a time "
                              "(IvleJailMaxRequests)" },
    [WIRE_BAD_REQUEST]    = { HTTP_INTERNAL_SERVER_ERROR, APLOG_ERR,
                              "the warden does not understand the request "
                              "(are module and helpers of one version?)" },
    [WIRE_NOT_FOUND]      = { HTTP_NOT_FOUND, APLOG_INFO, "not found" },
    [WIRE_FORBIDDEN]      = { HTTP_FORBIDDEN, APLOG_INFO,
                              "not for the user to read, not a file, or one "
                              "that is never served" },
    [WIRE_NOT_EXECUTABLE] = { HTTP_FORBIDDEN, APLOG_ERR,
                              "neither executable (chmod +x it) nor of an "
                              "extension of IvleJailInterpreter" },
    [WIRE_NO_INTERPRETER] = { HTTP_INTERNAL_SERVER_ERROR, APLOG_ERR,
                              "its interpreter (#! or IvleJailInterpreter) "
                              "cannot be executed in the jail" },
    [WIRE_CANNOT_START]   = { HTTP_SERVICE_UNAVAILABLE, APLOG_ERR,
                              "no process could be started" }
};

static int answer_refusal(request_rec *r, const ij_job *job,
                          const struct wire_answer *answer)
{
    ap_log_rerror(APLOG_MARK, refusals[answer->refusal].level,
                  (apr_status_t)answer->error, r, IJLOGNO(0063)
                  "'%s' of '%s': %s", job->filename, job->jail.user,
                  refusals[answer->refusal].text);
    return with_retry(r, refusals[answer->refusal].status);
}

/* What is answered where no program was started. */
static int answer_end(request_rec *r, const ij_job *job, ij_talk_end end,
                      const struct wire_answer *answer, int error)
{
    const char *why;
    int status = HTTP_SERVICE_UNAVAILABLE;

    switch (end) {
    case IJ_TALK_REFUSED:
        return answer_refusal(r, job, answer);
    case IJ_TALK_ABORTED:
        r->connection->aborted = 1;
        return OK;
    case IJ_TALK_NOBODY:
        why = "is gone again";
        break;
    case IJ_TALK_SILENT:
        why = "does not answer (stopped or starved by its user?)";
        break;
    case IJ_TALK_QUEUED:
        why = "had no turn for the request within IvleJailTimeout";
        break;
    case IJ_TALK_LOST:
        why = "went while the request waited for its turn";
        break;
    case IJ_TALK_WRONG:
        why = "answered nonsense";
        status = HTTP_INTERNAL_SERVER_ERROR;
        break;
    default:
        why = "cannot be talked to";
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, error, r, IJLOGNO(0064)
                  "the warden of '%s' in '%s' %s", job->jail.user,
                  job->jail.profile, why);
    return with_retry(r, status);
}

/*
 * Has the program started.  Another attempt is made only where the last one
 * found nobody who took the request, so that no request runs twice.  Two cold
 * starts: the first one may find a warden that listens still and is about to
 * end idly, and then the second one makes a new one.
 */
static int start(request_rec *r, const ij_job *job, const ij_client *client,
                 ij_talk *talk)
{
    const char *warm = apr_pstrcat(r->pool, LAYOUT_RUN "/",
                                   job->jail.instance, "/" LAYOUT_SOCK "/",
                                   job->jail.profile, "@",
                                   job->jail.generation, "/", job->jail.user,
                                   NULL);
    struct wire_request request;
    struct wire_answer answer;
    ij_talk_end end;
    ij_cold cold;
    int error, starts, rc;

    set_request(r, job, &request);
    end = ij_talk_begin(warm, &request, client, talk, &answer, &error);
    for (starts = 0; end == IJ_TALK_NOBODY && starts < COLD_STARTS_MAX;
         starts++) {
        rc = start_cold(r, job, &cold);
        if (rc != OK) {
            return rc;
        }
        end = ij_talk_begin(cold.path, &request, client, talk, &answer,
                            &error);
    }
    return end == IJ_TALK_STARTED
        ? OK : answer_end(r, job, end, &answer, error);
}

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

static void log_end(request_rec *r, const ij_job *job, const ij_pump *pump,
                    const char *what, int level)
{
    ap_log_rerror(APLOG_MARK, level, 0, r, IJLOGNO(0065)
                  "'%s' of '%s' %s: %s", job->filename, job->jail.user, what,
                  end_text(r->pool, pump));
    if (pump->lines.count > LINES_MAX) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, IJLOGNO(0066)
                      "stderr of '%s': %" APR_SIZE_T_FMT " more lines, "
                      "ignoring", job->jail.user,
                      pump->lines.count - LINES_MAX);
    }
}

/* --- the answer --- */

/* No header came: what is answered instead. */
static int answer_nothing(request_rec *r, const ij_job *job, ij_pump *pump)
{
    if (APR_STATUS_IS_ECONNABORTED(pump->status)) {
        log_end(r, job, pump, "was not waited for by the client", APLOG_INFO);
        r->connection->aborted = 1;
        return OK;
    }
    if (pump->body_status != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, pump->body_status, r,
                      IJLOGNO(0067) "cannot read the body of the request");
        return ap_map_http_request_error(pump->body_status,
                                         HTTP_BAD_REQUEST);
    }
    ij_pump_finish(pump, END_MILLISECONDS);
    log_end(r, job, pump, "ended without a complete header", APLOG_ERR);
    return APR_STATUS_IS_TIMEUP(pump->status)
           || pump->answer.limit == WIRE_LIMIT_WALL
        ? HTTP_GATEWAY_TIME_OUT : HTTP_INTERNAL_SERVER_ERROR;
}

/* Reads the header.  Returns OK, or what to answer. */
static int read_header(request_rec *r, const ij_job *job, ij_pump *pump)
{
    char line[MAX_STRING_LEN];
    int rc;

    if (ij_pump_fill(pump) != APR_SUCCESS) {
        return answer_nothing(r, job, pump);
    }
    rc = ap_scan_script_header_err_core_ex(r, line, ij_pump_gets, pump,
                                           APLOG_MODULE_INDEX);
    if (pump->status != APR_SUCCESS) {
        return answer_nothing(r, job, pump);
    }
    /* The framing of the answer is httpd's. */
    if (apr_table_get(r->subprocess_env, AP_TRUST_CGILIKE_CL_ENVVAR)
        == NULL) {
        apr_table_unset(r->headers_out, "Content-Length");
    }
    if (rc == OK && apr_table_get(r->headers_out, "Transfer-Encoding")) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, IJLOGNO(0068)
                      "'%s' of '%s' sent a Transfer-Encoding header",
                      job->filename, job->jail.user);
        return HTTP_BAD_GATEWAY;
    }
    return rc;
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
    log_end(r, job, pump, is_whole ? "ended" : "was cut short",
            is_whole ? APLOG_DEBUG : APLOG_ERR);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(list));
    (void)pass(r, bb);
}

/* Waits for the program's end, but keeps nothing back for long. */
static void await_end(request_rec *r, ij_pump *pump, apr_bucket_brigade *bb)
{
    ij_pump_finish(pump, END_SOON_MILLISECONDS);
    if (pump->talk->sock != -1) {
        (void)pass_flush(r, bb);
        ij_pump_finish(pump, END_MILLISECONDS);
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
        log_end(r, job, pump, "was not heard to its end by the client",
                APLOG_INFO);
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
    ij_pump_finish(pump, END_MILLISECONDS);
    log_end(r, job, pump, "redirected and ended", APLOG_DEBUG);
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

static int respond(request_rec *r, const ij_job *job, ij_pump *pump)
{
    int rc = read_header(r, job, pump);
    const char *location;

    if (rc == HTTP_NOT_MODIFIED) {
        r->status = rc;     /* and no error page: mod_cache may want it */
        return OK;
    }
    if (rc != OK || r->connection->aborted) {
        return rc;
    }
    location = apr_table_get(r->headers_out, "Location");
    if (location != NULL && r->status == HTTP_OK) {
        discard_output(r, job, pump);
        return redirect(r, location);
    }
    return send_output(r, job, pump);
}

static apr_status_t close_talk(void *talk)
{
    ij_talk_close(talk);
    return APR_SUCCESS;
}

int ij_serve(request_rec *r, const ij_job *job)
{
    ij_client client = client_of(r);
    ij_talk *talk = apr_palloc(r->pool, sizeof(*talk));
    int rc = start(r, job, &client, talk);

    if (rc != OK || talk->sock == -1) {
        return rc;
    }
    apr_pool_cleanup_register(r->pool, talk, close_talk,
                              apr_pool_cleanup_null);
    rc = respond(r, job, ij_pump_start(r, talk, &client, job->jail.user,
                                       timeout_of(job)));
    ij_talk_close(talk);
    return rc;
}
