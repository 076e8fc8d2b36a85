/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding.c - what a check of "ivlejailctl doctor" has to say
 */
#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

static const char *const words[] = { "ok ", "warning ", "fault " };

static const char *name = "";

void finding_begin(const char *check)
{
    name = check;
}

void finding_say(enum finding kind, const char *format, ...)
{
    char line[2048];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    replace_control_bytes(line);
    printf("%s%s: %s\n", words[kind], name, line);
    fflush(stdout);
}

bool finding_kind(const char *line, enum finding *kind)
{
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncmp(line, words[i], strlen(words[i])) == 0) {
            *kind = (enum finding)i;
            return true;
        }
    }
    return false;
}
