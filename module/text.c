/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - text with pieces in it that somebody else has written
 */
#include "module/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* --- our own words --- */

static void add_bytes(struct text *text, const char *bytes, size_t size)
{
    if (text->length < text->size) {
        size_t room = text->size - text->length;

        memcpy(text->bytes + text->length, bytes, size < room ? size : room);
    }
    text->length += size;
}

void text_add(struct text *text, const char *words)
{
    add_bytes(text, words, strlen(words));
}

void text_addf(struct text *text, const char *format, ...)
{
    char words[256];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    if (length >= 0) {
        text_add(text, words);
    }
}

/* --- characters --- */

/* The least code point that needs this many bytes: a longer form is wrong. */
static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

static size_t length_by_first(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc0 && first < 0xe0) {
        return 2;
    }
    if (first >= 0xe0 && first < 0xf0) {
        return 3;
    }
    return first >= 0xf0 && first < 0xf8 ? 4 : 0;
}

/* Returns how many bytes the first character has; 0: it is none. */
static size_t decode(const char *bytes, size_t size, uint32_t *code)
{
    const unsigned char *s = (const unsigned char *)bytes;
    size_t length = length_by_first(s[0]), i;

    if (length == 0 || length > size) {
        return 0;
    }
    *code = length == 1 ? s[0] : s[0] & (0x7fu >> length);
    for (i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (s[i] & 0x3fu);
    }
    if (*code < least[length] || *code > 0x10ffff
        || (*code >= 0xd800 && *code <= 0xdfff)) {
        return 0;
    }
    return length;
}

/* What acts instead of being seen. */
static bool is_control(uint32_t code)
{
    return (code < 0x20 && code != '\t') || (code >= 0x7f && code < 0xa0)
        || code == 0x061c || code == 0x200e || code == 0x200f
        || (code >= 0x2028 && code <= 0x202e)
        || (code >= 0x2066 && code <= 0x2069);
}

/* --- somebody else's --- */

/* As C and Python write it. */
static void add_escape(struct text *text, enum text_form form, uint32_t code)
{
    bool is_byte = code < 0x100;

    text_add(text, form == TEXT_HTML ? "<i>" : "");
    text_addf(text, is_byte ? "\\x%02x" : "\\u%04x", (unsigned int)code);
    text_add(text, form == TEXT_HTML ? "</i>" : "");
}

static void add_character(struct text *text, enum text_form form,
                          const char *bytes, size_t size)
{
    static const struct {
        char character;
        const char *entity;
    } entities[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" } };
    size_t i;

    for (i = 0; form == TEXT_HTML && i < 3; i++) {
        if (bytes[0] == entities[i].character) {
            text_add(text, entities[i].entity);
            return;
        }
    }
    add_bytes(text, bytes, size);
}

void text_add_foreign(struct text *text, enum text_form form,
                      const char *bytes, size_t size)
{
    size_t i = 0;

    while (i < size) {
        uint32_t code;
        size_t length = decode(bytes + i, size - i, &code);

        if (length == 0) {
            add_escape(text, form, (unsigned char)bytes[i]);
            length = 1;
        }
        else if (is_control(code)) {
            add_escape(text, form, code);
        }
        else {
            add_character(text, form, bytes + i, length);
        }
        i += length;
    }
}

/* The end of a line as DOS has it is not shown. */
static size_t without_cr(const char *line, size_t length)
{
    return length > 0 && line[length - 1] == '\r' ? length - 1 : length;
}

void text_add_lines(struct text *text, enum text_form form,
                    const char *before, const char *bytes, size_t size)
{
    while (size > 0) {
        const char *newline = memchr(bytes, '\n', size);
        size_t length = newline != NULL ? (size_t)(newline - bytes) : size;
        size_t used = newline != NULL ? length + 1 : length;

        text_add(text, before);
        text_add_foreign(text, form, bytes, without_cr(bytes, length));
        text_add(text, "\n");
        bytes += used;
        size -= used;
    }
}
