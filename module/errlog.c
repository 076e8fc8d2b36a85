/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errlog.c - programs' error output in httpd's error log
 */
#include "module/errlog.h"

#include "apr_hash.h"
#include "apr_strings.h"
#include "apr_thread_mutex.h"

#include "module/conf.h"
#include "module/ration.h"
#include "module/run.h"

enum { USERS_MAX = 4096 };      /* beyond, all have a full ration again */

static apr_thread_mutex_t *lock;
static apr_pool_t *pool;        /* of the rations */
static apr_hash_t *rations;     /* by user: struct ration */

apr_status_t ij_errlog_child_init(apr_pool_t *pchild)
{
    apr_status_t rv = apr_pool_create(&pool, pchild);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rations = apr_hash_make(pool);
    return apr_thread_mutex_create(&lock, APR_THREAD_MUTEX_DEFAULT, pchild);
}

static struct ration *ration_of(const char *user)
{
    struct ration *ration = apr_hash_get(rations, user, APR_HASH_KEY_STRING);

    if (ration != NULL) {
        return ration;
    }
    if (apr_hash_count(rations) >= USERS_MAX) {
        apr_pool_clear(pool);
        rations = apr_hash_make(pool);
    }
    ration = apr_pcalloc(pool, sizeof(*ration));
    apr_hash_set(rations, apr_pstrdup(pool, user), APR_HASH_KEY_STRING,
                 ration);
    return ration;
}

/* Without the lock nobody may say anything. */
static bool may_say(const char *user)
{
    bool may;

    if (lock == NULL || apr_thread_mutex_lock(lock) != APR_SUCCESS) {
        return false;
    }
    may = ration_take(ration_of(user), ij_run_clock());
    (void)apr_thread_mutex_unlock(lock);
    return may;
}

struct speaker {
    request_rec *r;
    const char *user;
};

static bool log_line(void *context, const char *line)
{
    const struct speaker *speaker = context;

    if (!may_say(speaker->user)) {
        return false;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, speaker->r, IJLOGNO(0060)
                  "stderr of '%s': %s", speaker->user, line);
    return true;
}

struct lines ij_errlog_lines(request_rec *r, const char *user)
{
    struct speaker *speaker = apr_palloc(r->pool, sizeof(*speaker));

    *speaker = (struct speaker){ r, user };
    return (struct lines){ .say = log_line, .context = speaker };
}

void ij_errlog_end(request_rec *r, const char *user,
                   const struct lines *lines)
{
    if (lines->count > lines->said) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, IJLOGNO(0066)
                      "stderr of '%s': %" APR_SIZE_T_FMT " more lines, "
                      "ignoring", user, lines->count - lines->said);
    }
}
