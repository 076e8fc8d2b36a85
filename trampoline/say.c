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

enum { LINE_SIZE = 512, DETAIL_SIZE = 320 };    /* with newline and NUL */

static const char *say_program = "ivlejail";
static int say_fd = STDERR_FILENO;
static void (*say_undo)(int status);

static const char *meaning(enum code code)
{
    switch (code) {
#define CODE_MEANING(symbol, status, http, text) case symbol: return text;
    CODE_TABLE(CODE_MEANING)
#undef CODE_MEANING
    default:
        return "internal error";
    }
}

/* Names come from the caller: they may not forge lines or move a cursor. */
static void write_line(char *line)
{
    size_t length = strlen(line), i;

    for (i = 0; i < length; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
    line[length] = '\n';
    (void)!write(say_fd, line, length + 1);     /* there is nobody else */
}

/* error: an errno, or 0. */
static void say(enum code code, int error, const char *format,
                va_list arguments) SAY_PRINTF(3, 0);

static void say(enum code code, int error, const char *format,
                va_list arguments)
{
    char detail[DETAIL_SIZE], line[LINE_SIZE];

    (void)vsnprintf(detail, sizeof detail, format, arguments);
    (void)snprintf(line, sizeof line - 1, "%s: IJ2%03d: %s: %s%s%s",
                   say_program, (int)code, detail,
                   error == 0 ? "" : strerror(error),
                   error == 0 ? "" : ": ", meaning(code));
    write_line(line);
}

void say_warning(const char *format, ...)
{
    char detail[DETAIL_SIZE], line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    (void)snprintf(line, sizeof line - 1, "%s: warning: %s", say_program,
                   detail);
    write_line(line);
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

static void undo(enum code code)
{
    void (*function)(int status) = say_undo;

    say_undo = NULL;
    if (function != NULL) {
        function((int)code);
    }
}

void die_silently(enum code code)
{
    undo(code);
    _exit((int)code);
}

/* Undoes first: without a reader, writing the line is a deadly SIGPIPE. */
static _Noreturn void die_saying(enum code code, int error,
                                 const char *format, va_list arguments)
    SAY_PRINTF(3, 0);

static _Noreturn void die_saying(enum code code, int error,
                                 const char *format, va_list arguments)
{
    undo(code);
    say(code, error, format, arguments);
    _exit((int)code);
}

void die(enum code code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    die_saying(code, 0, format, arguments);
}

void die_errno(enum code code, const char *format, ...)
{
    int error = errno;
    va_list arguments;

    va_start(arguments, format);
    die_saying(code, error, format, arguments);
}

void must(bool done, enum code code, const char *format, ...)
{
    int error = errno;
    va_list arguments;

    if (!done) {
        va_start(arguments, format);
        die_saying(code, error, format, arguments);
    }
}
