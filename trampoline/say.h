/*
 * say.h - how a helper dies
 *
 * One line on stderr, one write(2): program, stable code, on what, why it
 * failed, what that means and the remedy (from the table of code.h).  At most
 * 512 bytes, control bytes replaced.
 *
 *   trampoline: IJ2040: 'eve' in '/var/...': no such user: ivlejailctl ...
 *   trampoline: IJ2071: home: Operation not permitted: tree not cloned: ...
 */
#ifndef IVLEJAIL_SAY_H
#define IVLEJAIL_SAY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "code.h"

#define SAY_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Name for the lines, and the descriptor they go to (2 until then). */
void say_init(const char *program, int fd);

/*
 * Called once by die(), with the exit status, before the process exits: takes
 * back what has been published already.  NULL: nothing.  It may not die.
 */
void say_at_death(void (*undo)(int status));

/*
 * Writes for at most two seconds, until SIGALRM interrupts it or ends the
 * process: who has given us a pipe that is full may want us to hang, with the
 * lock.
 */
void say_write(int fd, const char *text, size_t length);

/* One line without a code: something that does not end the program. */
void say_warning(const char *format, ...) SAY_PRINTF(1, 2);

/*
 * Ends the process with exit status code, after a line on what failed (the
 * rest: a format and its arguments); the second adds strerror(errno).
 */
#define die(code, ...) say_and_exit(code, 0, __VA_ARGS__)
#define die_errno(code, ...) say_and_exit(code, errno, __VA_ARGS__)
_Noreturn void say_and_exit(enum code code, int error, const char *format,
                            ...) SAY_PRINTF(3, 4);

/* A step: done or dead. */
#define must(done, code, ...) \
    do { \
        if (!(done)) { \
            die_errno(code, __VA_ARGS__); \
        } \
    } while (0)

/* Ends without a line: a process that we wait for has written it. */
_Noreturn void die_silently(enum code code);

#endif
