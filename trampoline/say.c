/* SPDX-License-Identifier: Apache-2.0 */
/*
 * say.c - how a helper dies
 *
 * Everything is put into one buffer and goes out with one write(2), so that
 * the lines of two helpers with the same stderr never mix.
 */
#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 512 };       /* with the newline */

static const char *say_program = "ivlejail";
static int say_fd = STDERR_FILENO;
static void (*say_undo)(int status);

/* Names come from the caller: they may not forge lines or move a cursor. */
static void replace_control_bytes(char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < ' ' || c == 0x7f) {
            text[i] = '?';
        }
    }
}

/* code CODE_OK: a warning.  error: an errno that ends the line, or 0. */
static void say(enum code code, int error, const char *format,
                va_list arguments) SAY_PRINTF(3, 0);

static void say(enum code code, int error, const char *format,
                va_list arguments)
{
    static const char mark[] = "...";
    char kind[16], text[LINE_SIZE], line[LINE_SIZE];
    size_t length = sizeof(line) - 1;
    int n;

    snprintf(kind, sizeof(kind), code == CODE_OK ? "warning" : "IJ2%03d",
             (int)code);
    vsnprintf(text, sizeof(text), format, arguments);
    n = snprintf(line, sizeof(line), "%s: %s: %s%s%s", say_program, kind, text,
                 error == 0 ? "" : ": ", error == 0 ? "" : strerror(error));
    if (n < 0 || (size_t)n > length) {
        memcpy(line + length - strlen(mark), mark, strlen(mark));
    }
    else {
        length = (size_t)n;
    }
    replace_control_bytes(line, length);
    line[length++] = '\n';
    if (write(say_fd, line, length) == -1) {
        return;     /* nobody listens, and there is nobody else to tell */
    }
}

/* Before the line: without a reader, writing it is a deadly SIGPIPE. */
static void undo(enum code code)
{
    void (*function)(int status) = say_undo;

    say_undo = NULL;
    if (function != NULL) {
        function((int)code);
    }
}

void say_init(const char *program, int fd)
{
    say_program = program;
    say_fd = fd;
}

void say_at_death(void (*function)(int status))
{
    say_undo = function;
}

void say_warning(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(CODE_OK, 0, format, arguments);
    va_end(arguments);
}

void die(enum code code, const char *format, ...)
{
    va_list arguments;

    undo(code);
    va_start(arguments, format);
    say(code, 0, format, arguments);
    va_end(arguments);
    _exit((int)code);
}

void die_errno(enum code code, const char *format, ...)
{
    int error = errno;
    va_list arguments;

    undo(code);
    va_start(arguments, format);
    say(code, error, format, arguments);
    va_end(arguments);
    _exit((int)code);
}

void die_silently(enum code code)
{
    undo(code);
    _exit((int)code);
}
