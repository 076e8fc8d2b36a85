/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.c - asks for a program to be started
 *
 * The warm way is talk.c alone: no process is started here, nothing
 * privileged runs.  If nobody is there to talk to, the trampoline is asked
 * for a warden, once, and the request goes to the place that it names.
 */
#include "module/ask.h"

#include <errno.h>
#include <string.h>

#include "apr_portable.h"
#include "apr_strings.h"
#include "http_core.h"
#include "util_script.h"

#include "module/credentials.h"
#include "module/environment.h"
#include "module/guess.h"
#include "module/index.h"
#include "module/lines.h"

enum {
    COLD_STARTS_MAX = 2,
    ENVIRONMENT_NAME_MAX = 256
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

static bool passes(const char *name, enum environment_origin origin,
                   const ij_job *job)
{
    return environment_allows(name, origin)
        && (job->passes_credentials || !credential_in_environment(name));
}

/* The values stay where they are. */
static void add_variables(apr_pool_t *pool, apr_table_t *to,
                          const apr_table_t *from,
                          enum environment_origin origin, const ij_job *job)
{
    const apr_array_header_t *array = apr_table_elts(from);
    const apr_table_entry_t *entries = (apr_table_entry_t *)array->elts;
    char name[ENVIRONMENT_NAME_MAX];
    int i;

    for (i = 0; i < array->nelts; i++) {
        if (entries[i].key != NULL && entries[i].val != NULL
            && environment_name(entries[i].key, name, sizeof(name))
            && passes(name, origin, job)) {
            apr_table_setn(to, apr_pstrdup(pool, name), entries[i].val);
        }
    }
}

/*
 * httpd mixes what it computes for CGI into r->subprocess_env, where the
 * configuration has put its own; it is given an empty table instead, so that
 * each can be held against its own rule.
 */
static void set_environment(request_rec *r, const ij_job *job,
                            struct wire_request *request)
{
    apr_table_t *configured = r->subprocess_env;
    apr_table_t *environment = apr_table_make(r->pool, 40);
    const apr_array_header_t *array;
    const apr_table_entry_t *entries;
    int i;

    r->subprocess_env = apr_table_make(r->pool, 40);
    ap_add_common_vars(r);
    ap_add_cgi_vars(r);
    add_variables(r->pool, environment, configured, ENVIRONMENT_CONFIGURED,
                  job);
    add_variables(r->pool, environment, r->subprocess_env,
                  ENVIRONMENT_REQUEST, job);
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

static void set_interpreters(request_rec *r,
                             const apr_array_header_t *interpreters,
                             struct wire_request *request)
{
    const ij_interpreter *interpreter = (ij_interpreter *)interpreters->elts;
    apr_array_header_t *words = apr_array_make(r->pool, 8,
                                               sizeof(const char *));
    int i;
    size_t j;

    for (i = 0; i < interpreters->nelts; i++) {
        for (j = 0; j < interpreter[i].count; j++) {
            APR_ARRAY_PUSH(words, const char *) = interpreter[i].words[j];
        }
    }
    request->interpreters = (const char **)words->elts;
    request->interpreter_count = (size_t)words->nelts;
}

static void set_request(request_rec *r, const ij_job *job,
                        struct wire_request *request)
{
    memset(request, 0, sizeof(*request));
    request->timeout_seconds = (uint32_t)job->timeout_seconds;
    request->root = job->root;
    request->filename = job->filename;
    request->uri = r->uri;
    request->method = r->method;
    request->lists = job->lists;
    request->indexes = (const char **)job->indexes->elts;
    request->index_count = (size_t)job->indexes->nelts;
    set_interpreters(r, job->interpreters, request);
}

ij_client ij_client_of(request_rec *r)
{
    ij_client client = { .connection = r->connection, .fd = -1 };
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

static bool log_said(void *context, const char *line)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, (request_rec *)context,
                  IJLOGNO(0061) "%s", line);
    return true;
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
    [WIRE_DOS_LINE]       = { HTTP_INTERNAL_SERVER_ERROR, APLOG_ERR,
                              "its #! line ends with a carriage return, as "
                              "on DOS" },
    [WIRE_CANNOT_START]   = { HTTP_SERVICE_UNAVAILABLE, APLOG_ERR,
                              "no process could be started" },
    [WIRE_CANNOT_LOG]     = { HTTP_INTERNAL_SERVER_ERROR, APLOG_ERR,
                              "the warden speaks of a log that was not sent" },
    [WIRE_NEEDS_SLASH]    = { HTTP_MOVED_PERMANENTLY, APLOG_DEBUG,
                              "a directory, the URL of which has no '/' at "
                              "its end" },
    [WIRE_NEEDS_PIPES]    = { HTTP_INTERNAL_SERVER_ERROR, APLOG_ERR,
                              "the warden wants pipes that it has" }
};

/* What is wrong with the program, and not where it is or who asks for it. */
static void note_refusal(const struct wire_answer *answer,
                         struct verdict *verdict)
{
    if (answer->refusal == WIRE_NOT_EXECUTABLE
        || answer->refusal == WIRE_NO_INTERPRETER
        || answer->refusal == WIRE_DOS_LINE
        || answer->refusal == WIRE_CANNOT_START) {
        verdict->kind = VERDICT_REFUSED;
    }
    verdict->answer = *answer;
    verdict_judge(verdict);
}

static int answer_refusal(request_rec *r, const ij_job *job,
                          const struct wire_answer *answer,
                          struct verdict *verdict)
{
    note_refusal(answer, verdict);
    ap_log_rerror(APLOG_MARK, refusals[answer->refusal].level,
                  (apr_status_t)answer->error, r, IJLOGNO(0063)
                  "'%s' of '%s': %s%s%s", job->filename, job->jail.user,
                  refusals[answer->refusal].text,
                  verdict->cause != CAUSE_NONE ? "; verdict " : "",
                  verdict->cause != CAUSE_NONE ? cause_word(verdict->cause)
                                               : "");
    if (answer->refusal == WIRE_NEEDS_SLASH) {
        return ij_index_add_slash(r);
    }
    return with_retry(r, refusals[answer->refusal].status);
}

/* What is answered where no program was started. */
static int answer_end(request_rec *r, const ij_job *job, ij_talk_end end,
                      const struct wire_answer *answer, int error,
                      struct verdict *verdict)
{
    const char *why;
    int status = HTTP_SERVICE_UNAVAILABLE;

    verdict->cause = CAUSE_NO_JAIL;
    switch (end) {
    case IJ_TALK_REFUSED:
        return answer_refusal(r, job, answer, verdict);
    case IJ_TALK_ABORTED:
        verdict->cause = CAUSE_ABORTED;
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, IJLOGNO(0130)
                      "the client of '%s' went before '%s' had its turn; "
                      "verdict aborted", job->jail.user, job->filename);
        r->connection->aborted = 1;
        return OK;
    case IJ_TALK_NOBODY:
        why = "is gone again";
        break;
    case IJ_TALK_SILENT:
        why = "does not answer (stopped or starved by its user, "
              "or by a file server?)";
        break;
    case IJ_TALK_QUEUED:
        verdict->cause = CAUSE_BUSY;
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
        if (error == E2BIG || error == EINVAL) {
            status = HTTP_INTERNAL_SERVER_ERROR;    /* it never fits */
        }
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, error, r, IJLOGNO(0064)
                  "the warden of '%s' in '%s' %s; verdict %s",
                  job->jail.user, job->jail.profile, why,
                  cause_word(verdict->cause));
    return with_retry(r, status);
}

/* Whether the request was served, or will be, as far as the warden says. */
static bool is_served(ij_talk_end end)
{
    return end == IJ_TALK_STARTED || end == IJ_TALK_FILE
        || end == IJ_TALK_LISTING;
}

/* Whether this can be an answer to this request. */
static bool is_answer_to(const struct wire_request *request,
                         const struct wire_answer *answer)
{
    size_t length = strlen(request->uri);
    bool has_slash = length > 0 && request->uri[length - 1] == '/';

    if (answer->index > request->index_count) {
        return false;
    }
    if (answer->kind == WIRE_LISTING) {
        return request->lists && has_slash;
    }
    return answer->kind != WIRE_REFUSED
        || (answer->refusal != WIRE_NEEDS_PIPES
            && (answer->refusal != WIRE_NEEDS_SLASH || !has_slash));
}

/* One request, on its way to whoever serves it. */
struct asking {
    request_rec *r;
    const ij_job *job;
    const ij_client *client;
    struct wire_request request;
    long long patience;
    ij_talk *talk;
    struct wire_answer *answer;
    int error;                  /* behind how the last attempt ended */
};

static ij_talk_end attempt(struct asking *a, const char *path)
{
    return ij_talk_begin(path, &a->request, a->client, &a->patience, a->talk,
                         a->answer, &a->error);
}

/*
 * Another attempt is made only where the last one found nobody who took the
 * request, so that no request runs twice.  Two cold starts: the first one may
 * find a warden that listens still and is about to end idly, and then the
 * second one makes a new one.  Returns OK and *end, or what to answer.
 */
static int ask_wardens(struct asking *a, ij_talk_end *end)
{
    const ij_jail *jail = &a->job->jail;
    apr_pool_t *pool = a->r->pool;
    int starts, rc;
    ij_cold cold;

    *end = attempt(a, apr_psprintf(pool, IJ_JAIL_SOCKET, jail->instance,
                                   jail->profile, jail->generation,
                                   jail->user));
    for (starts = 0; *end == IJ_TALK_NOBODY && starts < COLD_STARTS_MAX;
         starts++) {
        rc = start_cold(a->r, a->job, &cold);
        if (rc != OK) {
            return rc;
        }
        *end = attempt(a, apr_pstrdup(pool, cold.path));
    }
    return OK;
}

/* Also where a warden is older than httpd, which was upgraded meanwhile. */
static bool wants_pipes(const struct asking *a, ij_talk_end end)
{
    return a->request.kind == WIRE_FETCH && end == IJ_TALK_REFUSED
        && (a->answer->refusal == WIRE_NEEDS_PIPES
            || a->answer->refusal == WIRE_BAD_REQUEST);
}

static void expect_program(struct asking *a)
{
    a->request.kind = WIRE_SERVE;
    set_environment(a->r, a->job, &a->request);
}

/*
 * Pipes and an environment are for programs; where files are expected they are
 * left out, and a program is asked for once more, with them.
 */
static int ask_as_guessed(struct asking *a, ij_talk_end *end)
{
    const char *user = a->job->jail.user, *path = a->job->filename;
    int rc;

    if (a->r->method_number == M_GET && guess_is_file(user, path)) {
        a->request.kind = WIRE_FETCH;
    }
    else {
        expect_program(a);
    }
    rc = ask_wardens(a, end);
    if (rc == OK && wants_pipes(a, *end)) {
        expect_program(a);
        rc = ask_wardens(a, end);
    }
    if (rc == OK && is_served(*end)) {
        guess_learn(user, path, *end != IJ_TALK_STARTED);
    }
    return rc;
}

int ij_ask(request_rec *r, const ij_job *job, const ij_client *client,
           ij_talk *talk, struct wire_answer *answer,
           struct verdict *verdict)
{
    struct asking asking = { .r = r, .job = job, .client = client,
                             .patience = IJ_TALK_PATIENCE, .talk = talk,
                             .answer = answer };
    ij_talk_end end;
    int rc;

    set_request(r, job, &asking.request);
    rc = ask_as_guessed(&asking, &end);
    if (rc != OK) {
        verdict->cause = CAUSE_NO_JAIL;
        return rc;
    }
    if ((is_served(end) || end == IJ_TALK_REFUSED)
        && !is_answer_to(&asking.request, answer)) {
        end = IJ_TALK_WRONG;
    }
    if (is_served(end)) {
        return OK;
    }
    ij_talk_close(talk);
    return answer_end(r, job, end, answer, asking.error, verdict);
}
