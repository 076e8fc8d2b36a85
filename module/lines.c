/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.c - a program's error output, cut into lines for the error log
 */
#include "module/lines.h"

static void complete(struct lines *lines)
{
    if (lines->length > 0 && lines->text[lines->length - 1] == '\r') {
        lines->length--;
    }
    lines->text[lines->length] = '\0';
    if (lines->length > 0 && lines->count++ < LINES_MAX
        && lines->say(lines->context, lines->text)) {
        lines->said++;
    }
    lines->length = 0;
}

void lines_feed(struct lines *lines, const char *data, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        if (data[i] == '\n') {
            complete(lines);
            continue;
        }
        if (lines->length == LINES_LENGTH) {
            complete(lines);
        }
        lines->text[lines->length++] = data[i] == '\0' ? ' ' : data[i];
    }
}

void lines_end(struct lines *lines)
{
    complete(lines);
}
