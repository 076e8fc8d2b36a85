/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cgihead.c - the header of a program's answer
 */
/* LINK: module_cgihead.o */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "module/cgihead.h"

/* Each line that was told, in brackets, and how it ended. */
struct heard {
    char text[2 * CGIHEAD_SIZE_MAX];
    enum cgihead_event end;
    size_t left;                /* bytes behind the last event */
};

static struct cgihead head;

static void hear_line(struct heard *heard)
{
    size_t length = strlen(heard->text);

    assert_int_equal(strlen(head.line), head.length);
    snprintf(heard->text + length, sizeof(heard->text) - length, "[%s]",
             head.line);
}

/* Feeds so many bytes at a time. */
static void hear_as(bool is_nph, struct heard *heard, const char *data,
                    size_t size, size_t piece)
{
    heard->text[0] = '\0';
    heard->end = CGIHEAD_MORE;
    cgihead_begin(&head, is_nph);
    while (size > 0 && heard->end == CGIHEAD_MORE) {
        size_t now = size < piece ? size : piece;

        size -= now;
        do {
            heard->end = cgihead_feed(&head, &data, &now);
            if (heard->end == CGIHEAD_LINE) {
                hear_line(heard);
            }
        } while (heard->end == CGIHEAD_LINE);
        size += now;
    }
    heard->left = size;
}

static void hear(struct heard *heard, const char *data, size_t size,
                 size_t piece)
{
    hear_as(false, heard, data, size, piece);
}

static void test_events(void **state)
{
    static const struct {
        const char *data;
        enum cgihead_event end;
        const char *lines;
    } table[] = {
        { "", CGIHEAD_MORE, "" },
        { "\n", CGIHEAD_END, "" },
        { "\r\n", CGIHEAD_END, "" },
        { "A: b", CGIHEAD_MORE, "" },
        { "A: b\n", CGIHEAD_MORE, "[A: b]" },
        { "A: b\n\nbody", CGIHEAD_END, "[A: b]" },
        { "A: b\r\nB:\r\r\n\r\n", CGIHEAD_END, "[A: b][B:]" },
        { "A: b\nB: c\r\n\n", CGIHEAD_END, "[A: b][B: c]" },
        { "A:\tb \t c\377: \n\n", CGIHEAD_END, "[A:\tb \t c\377: ]" },
        { "a!#$%&'*+-.^_`|~9:\n\n", CGIHEAD_END, "[a!#$%&'*+-.^_`|~9:]" },
        { "hello\n", CGIHEAD_WRONG, "" },
        { "A: b\nhello\n", CGIHEAD_WRONG, "[A: b]" },
        { "<p>A: b\n", CGIHEAD_WRONG, "" },
        { ": b\n", CGIHEAD_WRONG, "" },
        { "A : b\n", CGIHEAD_WRONG, "" },
        { "A b: c\n", CGIHEAD_WRONG, "" },
        { "A: b\n c: d\n", CGIHEAD_WRONG, "[A: b]" },
        { "\303\244: b\n", CGIHEAD_WRONG, "" },
        { "\357\273\277A: b\n", CGIHEAD_WRONG, "" },
        { "A: b\rC: d\n", CGIHEAD_WRONG, "" },
        { "\rA: b\n", CGIHEAD_WRONG, "" },
        { "A: \001\n", CGIHEAD_WRONG, "" },
        { "A: \033[31m\n", CGIHEAD_WRONG, "" },
        { "A: \177\n", CGIHEAD_WRONG, "" },
        { "Status: 200\n", CGIHEAD_MORE, "[Status: 200]" },
        { "status:599 Words\n", CGIHEAD_MORE, "[status:599 Words]" },
        { "Status:\t 404\t\n", CGIHEAD_MORE, "[Status:\t 404\t]" },
        { "Status:\n", CGIHEAD_WRONG, "" },
        { "Status: 20\n", CGIHEAD_WRONG, "" },
        { "Status: 2000\n", CGIHEAD_WRONG, "" },
        { "Status: 200OK\n", CGIHEAD_WRONG, "" },
        { "Status: -200\n", CGIHEAD_WRONG, "" },
        { "Status: 099\n", CGIHEAD_WRONG, "" },
        { "Status: 600\n", CGIHEAD_WRONG, "" },
        { "Status: OK\n", CGIHEAD_WRONG, "" },
        { "Statuses: OK\n", CGIHEAD_MORE, "[Statuses: OK]" },
        { "Stat: OK\n", CGIHEAD_MORE, "[Stat: OK]" },
        { "Status: 100\n", CGIHEAD_FRAMING, "" },
        { "STATUS: 199 x\n", CGIHEAD_FRAMING, "" },
        { "Transfer-Encoding: chunked\n", CGIHEAD_FRAMING, "" },
        { "transfer-encoding:\n", CGIHEAD_FRAMING, "" },
        { "Trailer: X\n", CGIHEAD_FRAMING, "" },
        { "TE: trailers\n\n", CGIHEAD_END, "[TE: trailers]" },
    };
    static struct heard heard;
    size_t i, piece;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (piece = 1; piece < 8; piece++) {
            hear(&heard, table[i].data, strlen(table[i].data), piece);
            assert_int_equal(heard.end, table[i].end);
            assert_string_equal(heard.text, table[i].lines);
            assert_int_equal(head.fault != NULL, heard.end > CGIHEAD_END);
        }
    }
}

static void test_nph(void **state)
{
    static const struct {
        const char *data;
        enum cgihead_event end;
        const char *lines;
    } table[] = {
        { "HTTP/1.1 200 OK\r\n\r\n", CGIHEAD_END, "[HTTP/1.1 200 OK]" },
        { "HTTP/1.0 404\n", CGIHEAD_MORE, "[HTTP/1.0 404]" },
        { "HTTP/9.9   599 x\n", CGIHEAD_MORE, "[HTTP/9.9   599 x]" },
        { "HTTP/1.1 200 OK\nStatus: x\n\n", CGIHEAD_END,
          "[HTTP/1.1 200 OK][Status: x]" },
        { "HTTP/1.1 200 OK\nno colon\n", CGIHEAD_WRONG,
          "[HTTP/1.1 200 OK]" },
        { "HTTP/1.1 200 OK\nHTTP/1.1 200 OK\n", CGIHEAD_WRONG,
          "[HTTP/1.1 200 OK]" },
        { "HTTP/1.1 200 OK\nTrailer: x\n", CGIHEAD_FRAMING,
          "[HTTP/1.1 200 OK]" },
        { "HTTP/1.1 100 Go\n", CGIHEAD_FRAMING, "" },
        { "\n", CGIHEAD_WRONG, "" },
        { "A: b\n", CGIHEAD_WRONG, "" },
        { "HTTP/1.1 600\n", CGIHEAD_WRONG, "" },
        { "HTTP/1.1 20\n", CGIHEAD_WRONG, "" },
        { "HTTP/1.1 \n", CGIHEAD_WRONG, "" },
        { "HTTP/1.1\n", CGIHEAD_WRONG, "" },
        { "HTTP/1 200\n", CGIHEAD_WRONG, "" },
        { "HTTP/11 200\n", CGIHEAD_WRONG, "" },
        { "HTTP/1.1\t200\n", CGIHEAD_WRONG, "" },
        { "http/1.1 200\n", CGIHEAD_WRONG, "" },
        { " HTTP/1.1 200\n", CGIHEAD_WRONG, "" },
        { "HTTP/\n", CGIHEAD_WRONG, "" },
    };
    static struct heard heard;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        hear_as(true, &heard, table[i].data, strlen(table[i].data), 3);
        assert_int_equal(heard.end, table[i].end);
        assert_string_equal(heard.text, table[i].lines);
    }
}

static void test_parts(void **state)
{
    const char *text;
    size_t length;

    (void)state;
    assert_int_equal(cgihead_status("HTTP/1.1  404 Not here", &text), 404);
    assert_string_equal(text, "404 Not here");
    assert_string_equal(cgihead_value("X-A:\t b: c ", &length), "b: c ");
    assert_int_equal(length, strlen("X-A"));
    assert_string_equal(cgihead_value("X:", &length), "");
    assert_int_equal(length, 1);
}

static void test_rest_is_left(void **state)
{
    static const char data[] = "A: b\n\nthe\n\0body";
    static struct heard heard;

    (void)state;
    hear(&heard, data, sizeof(data) - 1, sizeof(data));
    assert_int_equal(heard.end, CGIHEAD_END);
    assert_int_equal(heard.left, sizeof("the\n\0body") - 1);
}

static void test_nul(void **state)
{
    static const char *const data[] = { "\0", "A: b\0\n", "A\0: b\n",
                                        "\0A: b\n" };
    static const size_t sizes[] = { 1, 6, 6, 6 };
    static struct heard heard;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
        hear(&heard, data[i], sizes[i], 1);
        assert_int_equal(heard.end, CGIHEAD_WRONG);
    }
}

/* --- maxima --- */

/* Lines of so many bytes each, with their ends, and the empty one. */
static size_t make_lines(char *data, size_t lines, size_t bytes)
{
    size_t i;

    for (i = 0; i < lines; i++) {
        memset(data, 'x', bytes);
        data[1] = ':';
        data[bytes - 1] = '\n';
        data += bytes;
    }
    *data = '\n';
    return lines * bytes + 1;
}

static void test_maxima(void **state)
{
    static const struct {
        size_t lines, bytes;
        enum cgihead_event end;
    } table[] = {
        { 1, CGIHEAD_LINE_MAX + 1, CGIHEAD_END },
        { 1, CGIHEAD_LINE_MAX + 2, CGIHEAD_LARGE },
        { CGIHEAD_LINES_MAX, 10, CGIHEAD_END },
        { CGIHEAD_LINES_MAX + 1, 10, CGIHEAD_LARGE },
        { 16, CGIHEAD_SIZE_MAX / 16 - 1, CGIHEAD_END },
        { 16, CGIHEAD_SIZE_MAX / 16, CGIHEAD_LARGE },   /* the empty line */
    };
    static char data[2 * CGIHEAD_SIZE_MAX];
    static struct heard heard;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        size_t size = make_lines(data, table[i].lines, table[i].bytes);

        hear(&heard, data, size, 4096);
        assert_int_equal(heard.end, table[i].end);
        assert_true(head.size <= CGIHEAD_SIZE_MAX + 1);
    }
}

/* Neither CRs nor half a line get around a maximum. */
static void test_endless(void **state)
{
    static char data[4 * CGIHEAD_SIZE_MAX];
    static struct heard heard;

    (void)state;
    memset(data, '\r', sizeof(data));
    hear(&heard, data, sizeof(data), 1000);
    assert_int_equal(heard.end, CGIHEAD_LARGE);
    memset(data, 'x', sizeof(data));
    hear(&heard, data, sizeof(data), 1000);
    assert_int_equal(heard.end, CGIHEAD_LARGE);
    assert_int_equal(head.length, CGIHEAD_LINE_MAX);
}

/* --- anything at all --- */

static uint32_t dice;

static uint32_t roll(uint32_t sides)
{
    dice = dice * 1664525 + 1013904223;
    return (dice >> 8) % sides;
}

/* Mostly what a header is made of, and sometimes any byte. */
static void make_noise(char *data, size_t size)
{
    static const char *const words[] = {
        "A", ":", ": ", "\n", "\n", "\r\n", "Status: ", "200", " ", "Trailer",
        "Transfer-Encoding", "\t", "x-Y", "\303", "text/plain", "\r"
    };
    size_t i = 0;

    while (i < size) {
        const char *word = words[roll(sizeof(words) / sizeof(words[0]))];

        if (roll(20) == 0) {
            data[i++] = (char)roll(256);
        }
        for (; *word != '\0' && i < size; word++) {
            data[i++] = *word;
        }
    }
}

static void assert_is_clean(const char *lines)
{
    for (; *lines != '\0'; lines++) {
        unsigned char byte = (unsigned char)*lines;

        assert_true(byte == '\t' || (byte >= ' ' && byte != 0x7f));
    }
}

static void test_noise(void **state)
{
    static struct heard whole, pieces;
    char data[200];
    int i;

    (void)state;
    for (i = 0; i < 20000; i++) {
        size_t size = roll(sizeof(data));

        make_noise(data, size);
        hear(&whole, data, size, sizeof(data));
        hear(&pieces, data, size, 1 + roll(9));
        assert_int_equal(whole.end, pieces.end);
        assert_int_equal(whole.left, pieces.left);
        assert_string_equal(whole.text, pieces.text);
        assert_is_clean(whole.text);
        assert_null(strcasestr(whole.text, "[transfer-encoding:"));
        assert_null(strcasestr(whole.text, "[trailer:"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_nph),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_rest_is_left),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_maxima),
        cmocka_unit_test(test_endless),
        cmocka_unit_test(test_noise),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
