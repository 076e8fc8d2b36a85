/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgihead.c - the header of a program's answer: cut into lines and checked
 */
#include "module/cgihead.h"

#include <string.h>
#include <strings.h>

static enum cgihead_event fail(struct cgihead *head, enum cgihead_event event,
                               const char *fault)
{
    head->fault = fault;
    return event;
}

/* --- a line --- */

/* RFC 9110 5.6.2 */
static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* What a name and a value may hold together; RFC 9110 5.5. */
static bool is_text(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_called(const char *line, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(line, name, length) == 0;
}

static const char *skip_blanks(const char *text)
{
    while (is_blank(*text)) {
        text++;
    }
    return text;
}

int cgihead_status(const char *line, const char **text)
{
    const char *digits = skip_blanks(strchr(line, ' '));

    *text = digits;
    return (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0';
}

const char *cgihead_value(const char *line, size_t *name_length)
{
    const char *colon = strchr(line, ':');

    *name_length = (size_t)(colon - line);
    return skip_blanks(colon + 1);
}

/* A status and perhaps words: "404", "404 Not here". */
static enum cgihead_event check_status(struct cgihead *head,
                                       const char *value)
{
    if (!is_digit(value[0]) || !is_digit(value[1]) || !is_digit(value[2])
        || (value[3] != '\0' && !is_blank(value[3]))
        || value[0] < '1' || value[0] > '5') {
        return fail(head, CGIHEAD_WRONG, "a status that is none of 200 to 599");
    }
    if (value[0] == '1') {
        return fail(head, CGIHEAD_FRAMING, "a status below 200");
    }
    return CGIHEAD_LINE;
}

/*
 * The framing of the answer is httpd's: a program must not be able to write
 * another answer behind its own into a connection, which may be one that a
 * proxy shares among its clients.
 */
static enum cgihead_event check_field(struct cgihead *head)
{
    size_t name = 0;

    while (is_token_char(head->line[name])) {
        name++;
    }
    if (name == 0 || head->line[name] != ':') {
        return fail(head, CGIHEAD_WRONG, "a line without a name and a colon");
    }
    if (is_called(head->line, name, "Transfer-Encoding")) {
        return fail(head, CGIHEAD_FRAMING, "a Transfer-Encoding");
    }
    if (is_called(head->line, name, "Trailer")) {
        return fail(head, CGIHEAD_FRAMING, "a Trailer");
    }
    return !head->is_nph && is_called(head->line, name, "Status")
        ? check_status(head, skip_blanks(head->line + name + 1))
        : CGIHEAD_LINE;
}

/* RFC 9112 4 */
static enum cgihead_event check_status_line(struct cgihead *head)
{
    const char *line = head->line;

    if (strncmp(line, "HTTP/", 5) != 0 || !is_digit(line[5]) || line[6] != '.'
        || !is_digit(line[7]) || line[8] != ' ') {
        return fail(head, CGIHEAD_WRONG, "no status line");
    }
    return check_status(head, skip_blanks(line + 8));
}

static enum cgihead_event end_line(struct cgihead *head)
{
    if (head->length == 0) {
        return head->is_nph && head->lines == 0
            ? fail(head, CGIHEAD_WRONG, "no status line") : CGIHEAD_END;
    }
    head->is_told = true;
    if (++head->lines > CGIHEAD_LINES_MAX) {
        return fail(head, CGIHEAD_LARGE, "too many lines");
    }
    return head->is_nph && head->lines == 1 ? check_status_line(head)
                                            : check_field(head);
}

/* --- bytes --- */

static void begin_line(struct cgihead *head)
{
    head->is_told = false;
    head->length = 0;
    head->ends = 0;
    head->line[0] = '\0';
}

/* A byte of a line that is none of its end. */
static enum cgihead_event add(struct cgihead *head, char c)
{
    if (head->ends > 0) {
        return fail(head, CGIHEAD_WRONG, "a CR without its LF");
    }
    if (!is_text(c)) {
        return fail(head, CGIHEAD_WRONG, "a control byte");
    }
    if (head->length == CGIHEAD_LINE_MAX) {
        return fail(head, CGIHEAD_LARGE, "too long a line");
    }
    head->line[head->length++] = c;
    head->line[head->length] = '\0';
    return CGIHEAD_MORE;
}

void cgihead_begin(struct cgihead *head, bool is_nph)
{
    head->is_nph = is_nph;
    head->size = 0;
    head->lines = 0;
    head->fault = NULL;
    begin_line(head);
}

enum cgihead_event cgihead_feed(struct cgihead *head, const char **data,
                                size_t *size)
{
    enum cgihead_event event = CGIHEAD_MORE;

    if (head->is_told) {
        begin_line(head);
    }
    while (event == CGIHEAD_MORE && *size > 0) {
        char c = *(*data)++;

        (*size)--;
        if (++head->size > CGIHEAD_SIZE_MAX) {
            event = fail(head, CGIHEAD_LARGE, "too many bytes");
        }
        else if (c == '\n') {
            event = end_line(head);
        }
        else if (c == '\r') {
            head->ends++;
        }
        else {
            event = add(head, c);
        }
    }
    return event;
}
