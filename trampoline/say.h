/*
 * say.h - how a helper dies
 *
 * One line on stderr, one write(2): program, stable code, what was attempted
 * on what, why it failed, remedy.  At most 512 bytes, control bytes replaced.
 *
 *   trampoline: IJ2040: no directory for user 'eve' in '/var/...': create it
 *   with "ivlejailctl user add eve"
 */
#ifndef IVLEJAIL_SAY_H
#define IVLEJAIL_SAY_H

#include "code.h"

#define SAY_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Name for the lines, and the descriptor they go to (2 until then). */
void say_init(const char *program, int fd);

/*
 * Called once by die(), with the exit status, before the process exits: takes
 * back what has been published already.  NULL: nothing.  It may not die.
 */
void say_at_death(void (*undo)(int status));

/* One line without a code: something that does not end the program. */
void say_warning(const char *format, ...) SAY_PRINTF(1, 2);

/* Ends the process with exit status code; the second adds strerror(errno). */
_Noreturn void die(enum code code, const char *format, ...)
    SAY_PRINTF(2, 3);
_Noreturn void die_errno(enum code code, const char *format, ...)
    SAY_PRINTF(2, 3);

/* The same without a line: a process that we wait for has written it. */
_Noreturn void die_silently(enum code code);

#endif
