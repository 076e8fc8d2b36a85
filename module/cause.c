/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cause.c - in one word, what became of a request for a program
 *
 * Why a program failed comes before what it had printed by then: a header
 * that is missing is the consequence.
 */
#include "module/cause.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

#include "module/verdict.h"

enum {
    SECOND = 1000000,           /* in microseconds */
    SHELL_SIGNAL = 128,         /* exit status of who reports a signal */
    NEARLY_PERCENT = 90,        /* of the memory: the next piece was too much */
    LARGE_KIB = 16 * 1024       /* what a kernel without memory might choose */
};

const char *cause_word(enum cause cause)
{
    static const char *const words[CAUSE_COUNT] = {
#define CAUSE_WORD(symbol, word) [symbol] = (word),
        CAUSE_TABLE(CAUSE_WORD)
#undef CAUSE_WORD
    };

    return words[cause];
}

bool cause_is_limit(enum cause cause)
{
    return cause >= CAUSE_CPU && cause <= CAUSE_WALL;
}

/*
 * The kernel kills a jail's program also where the whole machine, or httpd's
 * service, is short of memory: that is no limit of the jail's.
 */
static bool killed_at_its_limit(const struct verdict *verdict)
{
    return verdict->events.kills > 0 && verdict->events.shortages > 0;
}

bool cause_is_of_jail(const struct verdict *verdict)
{
    return (verdict->cause == CAUSE_MEMORY
            && killed_at_its_limit(verdict))
        || (verdict->cause == CAUSE_PROCESSES
            && verdict->events.refusals > 0);
}

/* --- it was not started --- */

static enum cause of_no_start(uint32_t error)
{
    switch (error) {
    case EAGAIN:
        return CAUSE_PROCESSES;
    case ENOMEM:
        return CAUSE_MEMORY;
    default:
        return CAUSE_NO_JAIL;
    }
}

static enum cause of_refusal(const struct wire_answer *answer)
{
    switch (answer->refusal) {
    case WIRE_BUSY:
        return CAUSE_BUSY;
    case WIRE_NOT_EXECUTABLE:
        return CAUSE_NOT_EXECUTABLE;
    case WIRE_NO_INTERPRETER:
    case WIRE_DOS_LINE:
        return CAUSE_NO_INTERPRETER;
    case WIRE_CANNOT_START:
        return of_no_start(answer->error);
    case WIRE_BAD_REQUEST:
        return CAUSE_NO_JAIL;
    default:
        return CAUSE_NONE;      /* there is no program */
    }
}

/* --- it ended --- */

static enum cause of_limit(const struct wire_answer *answer)
{
    switch (answer->limit) {
    case WIRE_LIMIT_CPU:
        return CAUSE_CPU;
    case WIRE_LIMIT_FSIZE:
        return CAUSE_FSIZE;
    case WIRE_LIMIT_WALL:
        return CAUSE_WALL;
    default:
        return CAUSE_NONE;
    }
}

/* By a signal, or as a shell says of what it has run. */
static bool ended_by(int status, int signal)
{
    return WIFSIGNALED(status) ? WTERMSIG(status) == signal
                               : WEXITSTATUS(status) == SHELL_SIGNAL + signal;
}

/* Nobody of us has killed it, or there would be a limit. */
static bool lacked_memory(const struct verdict *verdict)
{
    uint64_t peak = verdict->answer.peak_kib;

    if (ended_by(verdict->answer.wait_status, SIGKILL)
        && peak >= LARGE_KIB) {
        return true;
    }
    return verdict->limits.data_bytes != VERDICT_UNLIMITED
        && peak >= verdict->limits.data_bytes / 1024 / 100 * NEARLY_PERCENT;
}

static bool used_its_cpu(const struct verdict *verdict)
{
    return ended_by(verdict->answer.wait_status, SIGXCPU)
        || (verdict->symptoms & SYMPTOM_CPU) != 0
        || verdict->answer.cpu_microseconds / SECOND
           >= verdict->limits.cpu_seconds;
}

/*
 * What the kernel has counted in the jail, if the program's end is like that:
 * another one of the same jail may have been meant.
 */
static enum cause of_events(const struct verdict *verdict)
{
    if (killed_at_its_limit(verdict)
        && ended_by(verdict->answer.wait_status, SIGKILL)) {
        return CAUSE_MEMORY;
    }
    if (verdict->events.refusals > 0
        && (verdict->symptoms & SYMPTOM_PROCESSES) != 0) {
        return CAUSE_PROCESSES;
    }
    return CAUSE_NONE;
}

/* A limit that it may have hit, where nobody can be sure; or CAUSE_NONE. */
static enum cause guess(const struct verdict *verdict)
{
    if ((verdict->symptoms & SYMPTOM_MEMORY) != 0
        || verdict->events.kills > 0) {
        return CAUSE_MEMORY;
    }
    if ((verdict->symptoms & SYMPTOM_PROCESSES) != 0
        || verdict->events.refusals > 0) {
        return CAUSE_PROCESSES;
    }
    if ((verdict->symptoms & SYMPTOM_FSIZE) != 0
        || ended_by(verdict->answer.wait_status, SIGXFSZ)) {
        return CAUSE_FSIZE;
    }
    if (used_its_cpu(verdict)) {
        return CAUSE_CPU;
    }
    return lacked_memory(verdict) ? CAUSE_MEMORY : CAUSE_NONE;
}

/* Of what it printed, as far as httpd has read it. */
static enum cause of_output(const struct verdict *verdict)
{
    switch (verdict->kind) {
    case VERDICT_BAD_HEADER:
    case VERDICT_LARGE_HEADER:
    case VERDICT_BAD_FRAMING:
        return CAUSE_BAD_HEADER;
    case VERDICT_NO_HEADER:
    case VERDICT_HALF_HEADER:
        return verdict->is_late ? CAUSE_WALL : CAUSE_NO_HEADER;
    case VERDICT_CUT_SHORT:
        return verdict->is_late ? CAUSE_WALL : CAUSE_CUT;
    default:
        return CAUSE_OK;
    }
}

/* What httpd did not want to wait for any longer may have failed of that. */
static enum cause of_failure(struct verdict *verdict)
{
    enum cause limit = of_limit(&verdict->answer);

    if (limit == CAUSE_NONE) {
        limit = of_events(verdict);
    }
    if (limit != CAUSE_NONE) {
        return limit;
    }
    if (verdict->is_late) {
        return of_output(verdict);
    }
    limit = guess(verdict);
    if (limit != CAUSE_NONE) {
        verdict->is_sure = false;
        return limit;
    }
    return WIFSIGNALED(verdict->answer.wait_status) ? CAUSE_SIGNAL
                                                    : CAUSE_EXIT;
}

/* --- all of it --- */

static enum cause find(struct verdict *verdict)
{
    if (verdict->answer.kind == WIRE_REFUSED) {
        return of_refusal(&verdict->answer);
    }
    if (verdict->kind == VERDICT_UNHEARD) {
        return CAUSE_ABORTED;
    }
    if (!verdict->has_ended && !verdict->still_runs) {
        return CAUSE_NO_JAIL;
    }
    if (verdict->has_ended && verdict->answer.wait_status != 0) {
        return of_failure(verdict);
    }
    return of_output(verdict);
}

void cause_find(struct verdict *verdict)
{
    verdict->is_sure = true;
    verdict->cause = find(verdict);
}
