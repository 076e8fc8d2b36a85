/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice.h - how users can put right what was wrong with a program
 *
 * For people who learn: in plain words, and in the program's language where
 * something must be written into it.
 */
#ifndef IVLEJAIL_ADVICE_H
#define IVLEJAIL_ADVICE_H

#include <stdbool.h>

#include "module/verdict.h"

/* Whether a name in the path ends so: what follows it may be PATH_INFO. */
bool advice_has_extension(const char *path, const char *extension);

/*
 * Adds a section of HTML, if there is something to say.  program is the
 * path; interpreter that of IvleJailInterpreter for it, or NULL.
 */
void advice_add(struct text *text, const struct verdict *verdict,
                const char *program, const char *interpreter);

#endif
