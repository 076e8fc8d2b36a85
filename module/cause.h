/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cause.h - in one word, what became of a request for a program
 *
 * The words are the note "ivlejail-verdict", for CustomLog, and are in the
 * line of the error log: they do not change (doc/verdicts.md).
 */
#ifndef IVLEJAIL_CAUSE_H
#define IVLEJAIL_CAUSE_H

#include <stdbool.h>

#define CAUSE_TABLE(X) \
    X(CAUSE_NONE, NULL)     /* it was not for a program */ \
    X(CAUSE_OK, "ok") \
    X(CAUSE_EXIT, "exit") \
    X(CAUSE_SIGNAL, "signal") \
    X(CAUSE_CPU, "cpu") \
    X(CAUSE_MEMORY, "memory") \
    X(CAUSE_FSIZE, "fsize") \
    X(CAUSE_PROCESSES, "processes") \
    X(CAUSE_WALL, "wall") \
    X(CAUSE_NO_HEADER, "no-header") \
    X(CAUSE_BAD_HEADER, "bad-header") \
    X(CAUSE_NOT_EXECUTABLE, "not-executable") \
    X(CAUSE_NO_INTERPRETER, "no-interpreter") \
    X(CAUSE_CUT, "cut") \
    X(CAUSE_ABORTED, "aborted") \
    X(CAUSE_BUSY, "busy") \
    X(CAUSE_NO_JAIL, "no-jail")

enum cause {
#define CAUSE_ENUM(symbol, word) symbol,
    CAUSE_TABLE(CAUSE_ENUM)
#undef CAUSE_ENUM
    CAUSE_COUNT
};

struct verdict;

/* NULL for CAUSE_NONE. */
const char *cause_word(enum cause cause);

/* Whether it is a limit that the administrator has set. */
bool cause_is_limit(enum cause cause);

/* Whether the kernel has counted that in the jail's control group. */
bool cause_is_of_jail(const struct verdict *verdict);

/*
 * Finds the cause from everything else that is in *verdict, its symptoms
 * among it, and writes cause and is_sure.  Where the kernel or the warden
 * does not say that a limit was hit, failure and symptoms may: that is a
 * guess, not sure.
 */
void cause_find(struct verdict *verdict);

#endif
