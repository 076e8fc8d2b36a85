/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_text.c - somebody else's bytes on a page, and in the error log
 */
/* LINK: module_text.o module_lines.o module_tail.o module_symptom.o */
#include "fuzz.h"

#include "module/lines.h"
#include "module/symptom.h"
#include "module/tail.h"
#include "module/text.h"

/* Of the page: nothing that a browser obeys, and one form only. */
static void check_html(const char *html, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        FUZZ_REQUIRE(html[i] != '<' && html[i] != '>');
        FUZZ_REQUIRE((unsigned char)html[i] >= ' ' || html[i] == '\t'
                     || html[i] == '\n');
    }
}

static void blank(char *html, const char *word)
{
    while ((html = strstr(html, word)) != NULL) {
        memset(html, ' ', strlen(word));
    }
}

/* What would be needed is told, and no more than the size is written. */
static void show(enum text_form form, const char *bytes, size_t size)
{
    struct text measure = { .size = 0 }, text;

    text_add_lines(&measure, form, "", bytes, size);
    text = (struct text){ .bytes = fuzz_copy(NULL, 0, measure.length),
                          .size = measure.length };
    text_add_lines(&text, form, "", bytes, size);
    FUZZ_REQUIRE(text.length == measure.length);
    if (form == TEXT_HTML) {
        static const char *const entities[] = {
            "&lt;", "&gt;", "&amp;", "<i>", "</i>"
        };
        size_t i;

        /* our own marks and entities are taken out, then nothing may be left */
        for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
            blank(text.bytes, entities[i]);
        }
        check_html(text.bytes, text.length);
    }
    free(text.bytes);
}

static bool check_line(void *context, const char *line)
{
    size_t *count = context;

    FUZZ_REQUIRE(line[0] != '\0' && strlen(line) <= LINES_LENGTH);
    FUZZ_REQUIRE(strchr(line, '\n') == NULL);
    FUZZ_REQUIRE(++*count <= LINES_MAX);
    return true;
}

/* In two pieces, as from a pipe: where it is cut makes no difference. */
static void feed(const char *bytes, size_t size, size_t cut)
{
    static char around[TAIL_MAX], end[TAIL_MAX];
    static struct tail tail = { .size = sizeof(around), .bytes = around };
    size_t count = 0, kept;
    struct lines lines = { .say = check_line, .context = &count };

    tail.total = 0;
    lines_feed(&lines, bytes, cut);
    tail_feed(&tail, bytes, cut);
    lines_feed(&lines, bytes + cut, size - cut);
    tail_feed(&tail, bytes + cut, size - cut);
    lines_end(&lines);
    kept = tail_copy(&tail, end);
    FUZZ_REQUIRE(tail.total == size && kept <= size);
    FUZZ_REQUIRE(memcmp(end, bytes + size - kept, kept) == 0);
    (void)symptoms_in(end, kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = fuzz_copy(data, size, 0);

    show(TEXT_PLAIN, bytes, size);
    show(TEXT_HTML, bytes, size);
    feed(bytes, size, size > 0 ? data[0] % size : 0);
    free(bytes);
    return 0;
}
