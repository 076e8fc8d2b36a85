/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ending.c - tells how a program ended
 */
#include "module/ending.h"

#include <sys/wait.h>

#include "apr_strings.h"

#include "module/errlog.h"
#include "module/events.h"

/* Then it was the machine, or httpd's service, that had no more memory. */
static bool has_no_own_limit(const struct verdict *verdict)
{
    return verdict->cause == CAUSE_MEMORY && !cause_is_of_jail(verdict)
        && verdict->limits.data_bytes == VERDICT_UNLIMITED;
}

static const char *limit_text(apr_pool_t *p, const struct verdict *verdict)
{
    static const char *const limits[CAUSE_COUNT] = {
        [CAUSE_CPU]       = "CPU time (IvleJailLimit cpu)",
        [CAUSE_MEMORY]    = "memory (IvleJailLimit data)",
        [CAUSE_FSIZE]     = "file size (IvleJailLimit fsize)",
        [CAUSE_PROCESSES] = "processes (IvleJailLimit nproc)",
        [CAUSE_WALL]      = "time (IvleJailTimeout)"
    };
    static const char *const jail_limits[CAUSE_COUNT] = {
        [CAUSE_MEMORY]    = "memory (IvleJailCgroup memory.max)",
        [CAUSE_PROCESSES] = "processes (IvleJailCgroup pids.max)"
    };

    if (!cause_is_limit(verdict->cause)) {
        return "";
    }
    if (has_no_own_limit(verdict)) {
        return ", it seems for want of memory";
    }
    return apr_pstrcat(p, verdict->is_sure ? ", at its limit of "
                                           : ", it seems at its limit of ",
                       cause_is_of_jail(verdict)
                       ? jail_limits[verdict->cause]
                       : limits[verdict->cause], NULL);
}

static const char *end_text(apr_pool_t *p, const struct verdict *verdict)
{
    const struct wire_answer *answer = &verdict->answer;
    bool is_signal = WIFSIGNALED(answer->wait_status);

    if (!verdict->has_ended) {
        return verdict->still_runs ? "it still runs" : "its warden went";
    }
    return apr_psprintf(p, "%s %d%s; %" APR_UINT64_T_FMT " ms, CPU %"
                        APR_UINT64_T_FMT " ms, memory %" APR_UINT64_T_FMT
                        " KiB", is_signal ? "signal" : "exit status",
                        is_signal ? WTERMSIG(answer->wait_status)
                                  : WEXITSTATUS(answer->wait_status),
                        limit_text(p, verdict),
                        answer->wall_microseconds / 1000,
                        answer->cpu_microseconds / 1000, answer->peak_kib);
}

bool ij_ending_was_early(const ij_pump *pump)
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
    [VERDICT_LARGE_HEADER] = { "printed too large a header and ended",
                               APLOG_ERR },
    [VERDICT_BAD_FRAMING] = { "printed a header that is not a program's to "
                              "send and ended", APLOG_ERR },
    [VERDICT_CUT_SHORT]   = { "was cut short", APLOG_ERR },
    [VERDICT_UNHEARD]     = { "was not heard to its end by the client",
                              APLOG_INFO },
    [VERDICT_REDIRECTED]  = { "redirected and ended", APLOG_DEBUG },
    [VERDICT_ENDED]       = { "ended", APLOG_DEBUG }
};

/* A program may do well but for its exit status: that is for those who look. */
static int level_of(const struct verdict *verdict)
{
    int level = ends[verdict->kind].level;

    return level == APLOG_DEBUG && verdict->cause != CAUSE_OK ? APLOG_INFO
                                                              : level;
}

static void log_end(request_rec *r, const ij_job *job, const ij_pump *pump)
{
    const struct verdict *verdict = pump->verdict;

    ap_log_rerror(APLOG_MARK, level_of(verdict), 0, r, IJLOGNO(0065)
                  "'%s' of '%s' %s: %s%s%s; verdict %s", job->filename,
                  job->jail.user, ends[verdict->kind].what,
                  end_text(r->pool, verdict),
                  verdict->fault != NULL ? "; its header has " : "",
                  verdict->fault != NULL ? verdict->fault : "",
                  cause_word(verdict->cause));
    ij_errlog_end(r, job->jail.user, &pump->lines);
}

void ij_ending_tell(request_rec *r, const ij_job *job, const ij_pump *pump,
                    enum verdict_kind kind)
{
    struct verdict *verdict = pump->verdict;

    verdict->kind = kind;
    verdict->has_ended = pump->has_ended;
    verdict->still_runs = pump->talk->sock != -1;
    verdict->is_late = APR_STATUS_IS_TIMEUP(pump->status);
    if (pump->has_ended) {
        verdict->answer = pump->answer;
    }
    if (pump->has_ended && pump->answer.wait_status != 0) {
        verdict->events = ij_events_since(r, job, pump->talk,
                                          &verdict->before);
    }
    verdict_judge(verdict);
    log_end(r, job, pump);
}
