/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail.c - how ivlejailctl fails
 */
#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void replace_control_bytes(char *c)
{
    for (; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = '?';
        }
    }
}

void fail_with(int status, const char *format, ...)
{
    char line[2048];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    replace_control_bytes(line);
    fprintf(stderr, "ivlejailctl: %s\n", line);
    if (status == 2) {
        fputs("Try \"ivlejailctl --help\".\n", stderr);
    }
    exit(status);
}
