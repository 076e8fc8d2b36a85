/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admit.c - how many of httpd's workers a user may hold
 *
 * A worker that is in a jail waits for programs that nobody has read.  So
 * there are limits, of which the lowest holds:
 *
 *   as many requests in a jail as its warden lets run and wait;
 *   half of all workers for one user, whatever the profiles;
 *   not the last eighth of the threads of one child, the MPM's, and of
 *   mod_http2's for streams: connections that are kept alive, and streams,
 *   cannot go to another child.
 *
 * What is more is refused: at once, or, if it is a stream, when it has waited
 * a little in vain (crew.c), since all that a page needs comes at once then.
 *
 * Where a worker has to write the rest of an answer after the handler (not
 * under event), the request keeps its claim until that is done.
 */
#include "module/admit.h"

#include <stdint.h>
#include <unistd.h>

#include "ap_mpm.h"
#include "apr_atomic.h"
#include "apr_optional.h"
#include "apr_shm.h"
#include "apr_strings.h"
#include "apr_time.h"
#include "http_core.h"
#include "http_main.h"
#include "mod_http2.h"

#include "module/claims.h"
#include "module/crew.h"

#define CLAIMS_KEY "ivlejail-claims"

/* The layout is part of the key: a newer module would see an older table. */
#define RETAINED "ivlejail-claims-2"

enum {
    SPARE_PART = 8,
    LINES_PER_SECOND = 3        /* of a child, of refusals */
};

struct ij_claim {
    ij_claim *next;
    crew_member member;
    const ij_profile *profile;
    size_t place;
    unsigned int depth;         /* handlers that go on under it */
    bool is_kept;               /* to the end of the request */
};

/* What lasts over restarts. */
typedef struct ij_kept {
    claims *table;
} ij_kept;

/* Found out by the parent, for all children of a generation. */
static struct {
    claims *table;
    size_t workers;             /* of all children */
    size_t of_user;             /* that a user may hold of these */
    crew_limits all, of_child;  /* the same of one child */
    bool is_async;
    pid_t pid;                  /* of this child, as the next ones */
    apr_uint32_t second, lines; /* in which refusals were logged last */
    apr_uint32_t unlogged;      /* refusals since */
} admission;

/* --- the parent --- */

static size_t ask_mpm(int what)
{
    int number = 0;

    return ap_mpm_query(what, &number) == APR_SUCCESS && number > 0
        ? (size_t)number : 1;
}

/*
 * mod_http2 has threads of its own in each child, for streams: H2MaxWorkers, or
 * by default three for two of the MPM's.
 */
static size_t ask_http2(server_rec *s)
{
    APR_OPTIONAL_FN_TYPE(http2_get_num_workers) *ask
        = APR_RETRIEVE_OPTIONAL_FN(http2_get_num_workers);
    int least = 0, most = 0;

    if (ask != NULL) {
        ask(s, &least, &most);
    }
    return most > 0 ? (size_t)most : ask_mpm(AP_MPMQ_MAX_THREADS);
}

static size_t all_but_a_part(size_t threads)
{
    size_t spare = threads / SPARE_PART;

    return threads > 1 ? threads - (spare > 0 ? spare : 1) : SIZE_MAX;
}

static void find_shares(server_rec *s)
{
    size_t threads = ask_mpm(AP_MPMQ_MAX_THREADS);
    int is_async = 0;

    admission.workers = ask_mpm(AP_MPMQ_MAX_DAEMONS) * threads;
    admission.of_user = admission.workers > 1 ? admission.workers / 2 : 1;
    admission.all = (crew_limits){ threads, ask_http2(s) };
    admission.of_child = (crew_limits){
        all_but_a_part(admission.all.threads),
        all_but_a_part(admission.all.streams)
    };
    admission.is_async = ap_mpm_query(AP_MPMQ_IS_ASYNC, &is_async)
        == APR_SUCCESS && is_async != 0;
}

static size_t requests_of(const ij_profile *profile)
{
    return (size_t)profile->max_requests + (size_t)profile->queue;
}

static void warn_of_shares(const ij_site *site, server_rec *s)
{
    int i;

    for (i = 0; i < site->profiles->nelts; i++) {
        const ij_profile *profile = APR_ARRAY_IDX(site->profiles, i,
                                                  ij_profile *);

        if (profile->generation != NULL
            && requests_of(profile) > admission.of_user) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, IJLOGNO(0090)
                         "profile '%s': of the %" APR_SIZE_T_FMT " requests "
                         "of a user that may run and wait, httpd takes %"
                         APR_SIZE_T_FMT ", half of its workers: raise "
                         "MaxRequestWorkers, or lower IvleJailMaxRequests",
                         profile->name, requests_of(profile),
                         admission.of_user);
        }
    }
}

/*
 * For all children that there can ever be, until httpd is stopped.  A restart
 * may bring more threads of the MPM's, up to its limit, and mod_http2's by
 * default with them.
 */
static size_t count_places(void)
{
    size_t threads = ask_mpm(AP_MPMQ_HARD_LIMIT_THREADS);
    size_t streams = threads + threads / 2 + 1;

    if (streams < admission.all.streams) {
        streams = admission.all.streams;
    }
    return ask_mpm(AP_MPMQ_HARD_LIMIT_DAEMONS) * (threads + streams);
}

/*
 * One table for all generations: children that end gracefully take a part of
 * httpd's workers for as long as their requests do.  So it stays where it is
 * when the module is loaded anew, and the parent knows where, and nothing of
 * what is in it.
 */
static apr_status_t find_table(void)
{
    ij_kept *kept = ap_retained_data_get(RETAINED);
    size_t size = count_places();
    apr_shm_t *memory;
    apr_status_t rv = APR_SUCCESS;

    if (kept == NULL) {
        kept = ap_retained_data_create(RETAINED, sizeof(*kept));
    }
    if (kept->table == NULL) {
        rv = apr_shm_create(&memory, claims_bytes(size), NULL, ap_pglobal);
        if (rv == APR_SUCCESS) {
            kept->table = apr_shm_baseaddr_get(memory);
            claims_init(kept->table, size);
        }
    }
    admission.table = kept->table;
    return rv;
}

const char *ij_admit_start(const ij_site *site, server_rec *s,
                           apr_pool_t *ptemp)
{
    char text[120];
    apr_status_t rv;

    find_shares(s);
    rv = find_table();
    if (rv != APR_SUCCESS) {
        return apr_psprintf(ptemp, "cannot make shared memory to count "
                            "requests in: %s",
                            apr_strerror(rv, text, sizeof(text)));
    }
    warn_of_shares(site, s);
    return NULL;
}

/* --- a child --- */

void ij_admit_child_init(void)
{
    admission.pid = getpid();
    if (admission.table != NULL) {
        claims_forget(admission.table, admission.pid);
    }
}

/*
 * A number may be another process's by now, a program's in a jail even; but
 * not of one in our process group.
 */
static bool is_child_of_httpd(pid_t pid)
{
    return getpgid(pid) == getpgrp();
}

static apr_status_t give_back(void *data)
{
    ij_claim *claim = data;

    if (claim->member.is_held) {
        claims_give_back(admission.table, claim->member.word, claim->place);
        crew_leave(&claim->member);
    }
    return APR_SUCCESS;
}

/* --- refusals --- */

static const char *reason_text(apr_pool_t *p, claims_end end,
                               const ij_profile *profile)
{
    switch (end) {
    case CLAIMS_OVER_JAIL:
        return apr_psprintf(p, "%" APR_SIZE_T_FMT " of profile '%s' run and "
                            "wait (IvleJailMaxRequests)",
                            requests_of(profile), profile->name);
    case CLAIMS_OVER_USER:
        return apr_psprintf(p, "%" APR_SIZE_T_FMT " take half of httpd's "
                            "workers (raise MaxRequestWorkers)",
                            admission.of_user);
    case CLAIMS_OVER_THREADS:
        return apr_psprintf(p, "%" APR_SIZE_T_FMT " take as many of the %"
                            APR_SIZE_T_FMT " threads of this child of httpd "
                            "as they may (raise ThreadsPerChild)",
                            admission.of_child.threads,
                            admission.all.threads);
    case CLAIMS_OVER_STREAMS:
        return apr_psprintf(p, "%" APR_SIZE_T_FMT " take as many of the %"
                            APR_SIZE_T_FMT " threads for HTTP/2 of this child "
                            "of httpd as they may (raise H2MaxWorkers)",
                            admission.of_child.streams,
                            admission.all.streams);
    default:
        return "httpd has no place to count them (H2MaxWorkers was raised "
               "since it was started?)";
    }
}

/* Whether there were not too many lines in this second.  Two threads that see
   it change may allow some more. */
static bool may_log(void)
{
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(apr_time_now());

    if (apr_atomic_xchg32(&admission.second, now) != now) {
        apr_atomic_set32(&admission.lines, 0);
    }
    return apr_atomic_inc32(&admission.lines) < LINES_PER_SECOND;
}

static void log_refusal(request_rec *r, claims_end end,
                        const ij_profile *profile, const char *user)
{
    if (!may_log()) {
        apr_atomic_inc32(&admission.unlogged);
        return;
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, IJLOGNO(0091)
                  "too many requests of '%s': %s; %u others were refused "
                  "since this was said last", user,
                  reason_text(r->pool, end, profile),
                  apr_atomic_xchg32(&admission.unlogged, 0));
}

/* --- admission --- */

static size_t number_of(const ij_site *site, const ij_profile *profile)
{
    int i = 0;

    while (i < site->profiles->nelts
           && APR_ARRAY_IDX(site->profiles, i, ij_profile *) != profile) {
        i++;
    }
    return (size_t)i;
}

/*
 * A request and all that it leads to are one after the other in one worker.
 * Redirects share the pool, and parts of a page have pools below it.
 */
static apr_pool_t *outermost_pool(const request_rec *r)
{
    while (r->main != NULL) {
        r = r->main;
    }
    return r->pool;
}

static ij_claim *first_claim(const request_rec *r)
{
    void *found = NULL;

    apr_pool_userdata_get(&found, CLAIMS_KEY, outermost_pool(r));
    return found;
}

/* The record of a jail, perhaps a new one. */
static ij_claim *find_claim(const request_rec *r, uint64_t word)
{
    apr_pool_t *pool = outermost_pool(r);
    ij_claim *first = first_claim(r), *claim;

    for (claim = first; claim != NULL && claim->member.word != word;
         claim = claim->next) {
        /* the next one */
    }
    if (claim == NULL) {
        claim = apr_pcalloc(pool, sizeof(*claim));
        claim->next = first;
        claim->member.word = word;
        apr_pool_userdata_setn(claim, CLAIMS_KEY, NULL, pool);
        apr_pool_cleanup_register(pool, claim, give_back,
                                  apr_pool_cleanup_null);
    }
    return claim;
}

/* Of what all children share. */
static claims_end take_place(void *data)
{
    ij_claim *claim = data;
    const claims_limits limits = { .jail = requests_of(claim->profile),
                                   .user = admission.of_user };

    return admission.table == NULL ? CLAIMS_FULL
        : claims_take(admission.table, claim->member.word, &limits,
                      is_child_of_httpd, &claim->place);
}

static claims_end take(ij_claim *claim, const request_rec *r,
                       const ij_profile *profile)
{
    const conn_rec *master = r->connection->master;

    claim->profile = profile;
    claim->member.is_stream = master != NULL;
    claim->member.connection = master != NULL ? master : r->connection;
    return crew_join(&claim->member, &admission.of_child, CREW_PATIENCE,
                     take_place, claim);
}

int ij_admit(request_rec *r, const ij_profile *profile, const char *user,
             ij_claim **claim)
{
    uint64_t word = claims_word(admission.pid,
                                number_of(ij_site_of(r->server), profile),
                                user);
    ij_claim *found = find_claim(r, word);
    claims_end end = found->member.is_held ? CLAIMS_HELD
                                           : take(found, r, profile);

    if (end != CLAIMS_HELD) {
        log_refusal(r, end, profile, user);
        return HTTP_SERVICE_UNAVAILABLE;
    }
    found->depth++;
    *claim = found;
    return OK;
}

void ij_admit_keep(request_rec *r)
{
    ij_claim *claim;

    for (claim = first_claim(r); claim != NULL; claim = claim->next) {
        claim->is_kept |= claim->depth > 0;
    }
}

/* A part of a page has nothing left to write: the page has. */
void ij_admit_end(const request_rec *r, ij_claim *claim)
{
    bool writes_later = !admission.is_async && r->main == NULL;

    claim->depth--;
    if (claim->depth == 0 && !writes_later && !claim->is_kept) {
        (void)give_back(claim);
    }
}
