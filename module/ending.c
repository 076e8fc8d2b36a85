/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ending.c - tells how a program ended
 */
#include "module/ending.h"

#include <sys/wait.h>

#include "apr_strings.h"

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

void ij_ending_tell(request_rec *r, const ij_job *job, const ij_pump *pump,
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
