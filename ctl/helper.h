/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper.h - the programs in LIBEXECDIR that do the work for us
 */
#ifndef IVLEJAIL_HELPER_H
#define IVLEJAIL_HELPER_H

#include <limits.h>

/* argv of a helper; the first one is its path */
enum { HELPER_ARGUMENTS_MAX = 10 };

struct helper {
    char path[PATH_MAX];
    const char *argv[HELPER_ARGUMENTS_MAX];
    int argc;
};

/*
 * A helper as installed, or, if beside is not NULL, in the same directory as
 * that program.  Fails if anybody but root could have put it there.
 */
void helper_init(struct helper *helper, const char *name, const char *beside);

/* One more argument; it is not copied. */
void helper_add(struct helper *helper, const char *argument);

/* Becomes it. */
_Noreturn void helper_exec(const struct helper *helper);

/* Runs it.  Returns its exit status; 1, if it was killed. */
int helper_run(const struct helper *helper);

/* Runs it and gives each line of its output, without the newline, to line. */
int helper_lines(const struct helper *helper,
                 void (*line)(void *context, char *text), void *context);

#endif
