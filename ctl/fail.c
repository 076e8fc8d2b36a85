/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail.c - how ivlejailctl fails
 */
#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Names may come from the disk: they may not forge lines or move a cursor. */
static void print_line(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0)));

static void print_line(const char *format, va_list arguments)
{
    char line[2048];
    char *c;

    vsnprintf(line, sizeof(line), format, arguments);
    for (c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = '?';
        }
    }
    fprintf(stderr, "ivlejailctl: %s\n", line);
}

void fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
    exit(1);
}

void fail_usage(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
    fputs("Try \"ivlejailctl --help\".\n", stderr);
    exit(2);
}
