/* SPDX-License-Identifier: Apache-2.0 */
/*
 * say.c - how a helper dies
 *
 * Everything is put into one buffer and goes out with one write(2), so that
 * the lines of two helpers with the same stderr never mix.
 */
#include "say.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* with newline and NUL */
enum { LINE_SIZE = 512, DETAIL_SIZE = 320, WRITE_SECONDS = 2 };

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

void say_write(int fd, const char *text, size_t length)
{
    (void)alarm(WRITE_SECONDS);
    (void)!write(fd, text, length);     /* there is nobody else to tell */
    (void)alarm(0);
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
    say_write(say_fd, line, length + 1);
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

void say_at_death(void (*undo)(int status))
{
    say_undo = undo;
}

static void undo_once(enum code code)
{
    void (*undo)(int status) = say_undo;

    say_undo = NULL;
    if (undo != NULL) {
        undo((int)code);
    }
}

void die_silently(enum code code)
{
    undo_once(code);
    _exit((int)code);
}

/* Undoes first: without a reader, writing the line is a deadly SIGPIPE. */
void say_and_exit(enum code code, int error, const char *format, ...)
{
    char detail[DETAIL_SIZE], line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    undo_once(code);
    (void)snprintf(line, sizeof line - 1, "%s: IJ2%03d: %s: %s%s%s",
                   say_program, (int)code, detail,
                   error == 0 ? "" : strerror(error),
                   error == 0 ? "" : ": ", meaning(code));
    write_line(line);
    _exit((int)code);
}
