/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cgihead.c - the header of a program's answer, in two pieces; the first
 * byte says where it is cut, and whether the program is an nph one
 */
/* LINK: module_cgihead.o */
#include "fuzz.h"

#include <strings.h>

#include "module/cgihead.h"

static void check_field(const char *line)
{
    size_t length;
    const char *value = cgihead_value(line, &length);

    FUZZ_REQUIRE(length > 0 && line[length] == ':');
    FUZZ_REQUIRE(value > line + length && value <= line + strlen(line));
    FUZZ_REQUIRE(strncasecmp(line, "Transfer-Encoding:", 18) != 0);
    FUZZ_REQUIRE(strncasecmp(line, "Trailer:", 8) != 0);
}

static void check_line(const struct cgihead *head)
{
    FUZZ_REQUIRE(strlen(head->line) == head->length && head->length > 0);
    FUZZ_REQUIRE(head->length <= CGIHEAD_LINE_MAX);
    FUZZ_REQUIRE(strpbrk(head->line, "\r\n\177\033") == NULL);
    if (head->is_nph && head->lines == 1) {
        const char *text;
        int status = cgihead_status(head->line, &text);

        FUZZ_REQUIRE(strlen(text) >= 3);
        FUZZ_REQUIRE(status >= 200 && status <= 599);
    }
    else {
        check_field(head->line);
    }
}

/* Returns whether it goes on behind these bytes. */
static int feed(struct cgihead *head, const char *data, size_t size)
{
    enum cgihead_event event;

    do {
        size_t before = size;

        event = cgihead_feed(head, &data, &size);
        FUZZ_REQUIRE(size <= before);
        FUZZ_REQUIRE((event > CGIHEAD_END) == (head->fault != NULL));
        FUZZ_REQUIRE(head->lines <= CGIHEAD_LINES_MAX
                     || event == CGIHEAD_LARGE);
        if (event == CGIHEAD_LINE) {
            check_line(head);
        }
    } while (event == CGIHEAD_LINE);
    FUZZ_REQUIRE(event != CGIHEAD_MORE || size == 0);
    return event == CGIHEAD_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cgihead head;
    size_t cut;
    char *bytes;

    if (size < 1) {
        return 0;
    }
    bytes = fuzz_copy(data + 1, --size, 0);
    cut = (size_t)(data[0] >> 1) < size ? (size_t)(data[0] >> 1) : size;
    cgihead_begin(&head, (data[0] & 1) != 0);
    if (feed(&head, bytes, cut)) {
        (void)feed(&head, bytes + cut, size - cut);
    }
    free(bytes);
    return 0;
}
