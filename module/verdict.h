/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict.h - what became of a program, for its user to know
 *
 * Collected while the request goes its way.  What the user is told is what
 * the user could find out anyway by running the program.
 */
#ifndef IVLEJAIL_VERDICT_H
#define IVLEJAIL_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "module/cause.h"
#include "module/symptom.h"
#include "module/tail.h"
#include "module/text.h"
#include "trampoline/wire.h"

enum verdict_kind {
    VERDICT_NONE,               /* nothing that its user must know */
    VERDICT_REFUSED,            /* it cannot be run */
    VERDICT_NO_HEADER,          /* it printed nothing */
    VERDICT_HALF_HEADER,        /* its output ended before its header did */
    VERDICT_BAD_HEADER,         /* a line of its header is none */
    VERDICT_LARGE_HEADER,       /* its header goes over a maximum */
    VERDICT_BAD_FRAMING,        /* its header says where answers end */
    VERDICT_CUT_SHORT,          /* it failed in the middle of its answer */
    VERDICT_UNHEARD,            /* the client went before its end */
    VERDICT_REDIRECTED,         /* it ended after a redirect */
    VERDICT_ENDED,              /* it ended after its answer */
    VERDICT_COUNT
};

#define VERDICT_UNLIMITED UINT64_MAX

struct verdict_limits {         /* VERDICT_UNLIMITED: none */
    uint64_t cpu_seconds;
    uint64_t wall_seconds;
    uint64_t data_bytes;
    uint64_t file_bytes;
    uint64_t processes;
    uint64_t jail_bytes;        /* of the whole jail, as the next one */
    uint64_t jail_processes;
};

/* Counted by the kernel in the jail's group: for all programs in it. */
struct verdict_events {
    uint64_t kills;             /* for want of memory, whosever */
    uint64_t shortages;         /* of memory, at the jail's own limit */
    uint64_t refusals;          /* of more processes */
};

enum { VERDICT_LINE_MAX = 500 };

struct verdict {
    enum verdict_kind kind;
    bool has_ended;             /* answer is the warden's last word */
    bool still_runs;            /* or else its warden went */
    bool is_late;               /* httpd waits for it no longer */
    struct wire_answer answer;  /* of kind ENDED, or of REFUSED */
    struct verdict_limits limits;
    struct verdict_events before;   /* what was counted when it was asked for */
    struct verdict_events events;   /* and since then */
    char line[VERDICT_LINE_MAX + 1];    /* HALF_HEADER to BAD_FRAMING: what it
                                           printed in the wrong place */
    const char *fault;          /* the same: what is wrong with it, as in
                                   "it has <fault>"; NULL: it ended there */
    struct tail *errors;        /* its error output */
    unsigned int symptoms;      /* enum symptom, in that */
    enum cause cause;           /* CAUSE_NONE until it is known */
    bool is_sure;               /* of the cause; or else it seems so */
};

/* When all but the last three is there: writes those. */
void verdict_judge(struct verdict *verdict);

/* Whether there is something for a user's error log. */
bool verdict_is_news(const struct verdict *verdict);

/* Whether the program failed before it answered. */
bool verdict_is_failure(const struct verdict *verdict);

/*
 * What happened, in words of which "Your program" is the subject: "ended with
 * exit status 1 and printed no header".
 */
void verdict_add(struct text *text, const struct verdict *verdict);

/* "1.25 s", "12.5 MiB", "64 MiB": amounts as users read them. */
void verdict_add_seconds(struct text *text, uint64_t microseconds);
void verdict_add_size(struct text *text, uint64_t kib);

#endif
