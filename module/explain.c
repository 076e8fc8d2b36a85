/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c - tells users what became of their programs
 *
 * The page replaces httpd's error page, and what an ErrorDocument says, for
 * the errors that a program made; its status stays.  It goes to whoever may
 * see the program's answers, and is kept by nobody: it may hold secrets.
 *
 * The log is the user's file, so the user's warden writes it.  Nothing waits
 * for that: the entry is sent when the answer is on its way, and what the
 * warden says is heard when httpd is done with the request, which is after
 * the client has everything.  The pool's end is that moment for all kinds of
 * requests; httpd runs its own logging in the same way.
 */
#include "module/explain.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "apr_buckets.h"
#include "apr_strings.h"
#include "apr_time.h"
#include "http_protocol.h"
#include "util_filter.h"

#include "module/admit.h"
#include "module/advice.h"
#include "module/events.h"
#include "module/report.h"
#include "module/run.h"
#include "module/values.h"

enum {
    LOG_MILLISECONDS = 1000,
    SYMPTOMS_SIZE = 8 * 1024    /* of error output that is told to nobody */
};

/* --- what is told --- */

static uint64_t limit_of(const ij_job *job, enum limit limit)
{
    rlim_t soft = job->limits[limit].soft;

    return soft == RLIM_INFINITY ? VERDICT_UNLIMITED : (uint64_t)soft;
}

/* "-", "max", or digits. */
static uint64_t group_limit_of(const ij_job *job, enum group_key key)
{
    uint64_t value;

    return job->group_directory != NULL
        && value_number(job->group[key], 0, UINT64_MAX, &value)
        ? value : VERDICT_UNLIMITED;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct tail *new_tail(apr_pool_t *p, apr_size_t size)
{
    struct tail *tail = apr_palloc(p, sizeof(*tail));

    tail->total = 0;
    tail->size = size;
    tail->bytes = apr_palloc(p, size);
    return tail;
}

struct verdict *ij_explain_begin(request_rec *r, const ij_job *job)
{
    struct verdict *verdict = apr_pcalloc(r->pool, sizeof(*verdict));

    verdict->limits.cpu_seconds = limit_of(job, LIMIT_CPU);
    verdict->limits.wall_seconds = (uint64_t)job->timeout_seconds;
    verdict->limits.data_bytes = least(limit_of(job, LIMIT_DATA),
                                       limit_of(job, LIMIT_AS));
    verdict->limits.file_bytes = limit_of(job, LIMIT_FSIZE);
    verdict->limits.processes = limit_of(job, LIMIT_NPROC);
    verdict->limits.jail_bytes = group_limit_of(job, GROUP_MEMORY);
    verdict->limits.jail_processes = group_limit_of(job, GROUP_PIDS);
    verdict->before = ij_events_before(r, job);
    verdict->errors = new_tail(r->pool, job->explains
                                        || job->error_log != NULL
                                        ? TAIL_MAX : SYMPTOMS_SIZE);
    return verdict;
}

static const char *time_text(apr_pool_t *p)
{
    apr_time_exp_t now;

    apr_time_exp_gmt(&now, apr_time_now());
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                        now.tm_year + 1900, now.tm_mon + 1, now.tm_mday,
                        now.tm_hour, now.tm_min, now.tm_sec);
}

/* As the error log names it, if it has spoken of the request. */
static const char *id_of(const request_rec *r)
{
    while (r->log_id == NULL && r->main != NULL) {
        r = r->main;
    }
    return r->log_id != NULL ? r->log_id : "-";
}

/* What runs it by its extension, or NULL. */
static const char *interpreter_of(const ij_job *job)
{
    const ij_interpreter *all = (ij_interpreter *)job->interpreters->elts;
    int i;

    for (i = 0; i < job->interpreters->nelts; i++) {
        if (advice_has_extension(job->filename, all[i].extension)) {
            return all[i].words[1];
        }
    }
    return NULL;
}

static struct report report_on(request_rec *r, const ij_job *job,
                               const struct verdict *verdict, int status)
{
    char *errors = apr_palloc(r->pool, verdict->errors->size);
    struct report report = {
        .verdict = verdict,
        .status = ap_get_status_line(status),
        .program = job->filename,
        .interpreter = interpreter_of(job),
        .method = r->method,
        .url = r->unparsed_uri,
        .time = time_text(r->pool),
        .id = id_of(r),
        .errors = errors,
        .errors_size = tail_copy(verdict->errors, errors)
    };

    return report;
}

/* --- the page --- */

static void set_headers(request_rec *r, int status)
{
    r->status = status;
    r->status_line = NULL;
    ap_set_content_type(r, "text/html; charset=utf-8");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   "default-src 'none'; style-src 'unsafe-inline'");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
}

static int send_page(request_rec *r, const struct report *report, int status)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, list);
    size_t size = report_page(report, NULL, 0);
    char *page = apr_palloc(r->pool, size);

    (void)report_page(report, page, size);
    set_headers(r, status);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_pool_create(page, size, r->pool,
                                                       list));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(list));
    (void)ap_pass_brigade(r->output_filters, bb);
    return OK;
}

/* Into the middle of another page goes a short word, not a page. */
static bool wants_page(const request_rec *r, const ij_job *job,
                       const struct verdict *verdict, int status)
{
    return job->explains && r->main == NULL && ap_is_HTTP_ERROR(status)
        && verdict_is_failure(verdict);
}

/* --- the log --- */

/* An entry that the warden has not answered yet. */
struct pending {
    request_rec *r;
    const char *user, *path;
    int sock;
    long long deadline;
};

static void log_failure(const struct pending *pending, int error)
{
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, error, pending->r,
                  IJLOGNO(0069) "IvleJailErrorLog: '%s' of '%s' was not "
                  "written, ignoring", pending->path, pending->user);
}

/* Returns 0 or errno, also the one that the warden says it met. */
static int hear(const struct pending *pending)
{
    struct pollfd fd = { .fd = pending->sock, .events = POLLIN };
    long long left = pending->deadline - ij_run_clock();
    struct wire_answer answer;
    int rv;

    if (poll(&fd, 1, left > 0 ? (int)left : 0) == -1 && errno != EINTR) {
        return errno;
    }
    rv = wire_recv_answer(pending->sock, MSG_DONTWAIT, &answer, NULL);
    if (rv != 0) {
        return rv == EAGAIN ? ETIMEDOUT : rv;
    }
    if (answer.kind == WIRE_REFUSED) {
        return answer.error != 0 ? (int)answer.error : EPROTO;
    }
    return answer.kind == WIRE_ENDED ? 0 : EPROTO;
}

static apr_status_t finish(void *data)
{
    struct pending *pending = data;
    int error = hear(pending);

    if (error != 0) {
        log_failure(pending, error);
    }
    wire_hang_up(pending->sock);
    return APR_SUCCESS;
}

static void send_entry(request_rec *r, const ij_job *job, const ij_talk *talk,
                       const struct report *report)
{
    struct pending *pending = apr_palloc(r->pool, sizeof(*pending));
    char *entry = apr_palloc(r->pool, REPORT_ENTRY_MAX);
    const struct wire_log log = { .path = job->error_log, .text = entry };
    int error;

    report_entry(report, entry);
    pending->r = r;
    pending->user = job->jail.user;
    pending->path = job->error_log;
    pending->deadline = ij_run_clock() + LOG_MILLISECONDS;
    error = ij_talk_log(talk->path, &log, &pending->sock);
    if (error != 0) {
        log_failure(pending, error);
        return;
    }
    apr_pool_cleanup_register(r->pool, pending, finish,
                              apr_pool_cleanup_null);
    ij_admit_keep(r);
}

/* --- both --- */

int ij_explain_end(request_rec *r, const ij_job *job, const ij_talk *talk,
                   const struct verdict *verdict, int status)
{
    bool has_page = wants_page(r, job, verdict, status);
    bool has_entry = job->error_log != NULL && verdict_is_news(verdict);
    struct report report;

    if (!has_page && !has_entry) {
        return status;
    }
    report = report_on(r, job, verdict, status);
    if (has_page) {
        status = send_page(r, &report, status);
    }
    if (has_entry) {
        send_entry(r, job, talk, &report);
    }
    return status;
}
