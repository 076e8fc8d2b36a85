/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.c - what a user is told about a program: a page, an entry of a log
 *
 * Nothing in either is trusted: the program's user wrote the error output,
 * any client the URL.
 */
#include "module/report.h"

#include <inttypes.h>
#include <string.h>

#include "module/advice.h"
#include "module/page.h"
#include "module/text.h"

enum {
    WORD_MAX = 50,              /* of what a client sends: a method */
    URL_MAX = 1000,
    KIB = 1024
};

static void add_foreign(struct text *text, enum text_form form,
                        const char *words)
{
    text_add_foreign(text, form, words, strlen(words));
}

/* --- the page: what happened --- */

static void add_verdict(struct text *text, const struct report *report)
{
    text_add(text, "<p class=\"status\">");
    text_add(text, report->status);
    text_add(text, "</p>\n<h1>Your program ");
    verdict_add(text, report->verdict);
    text_add(text, "</h1>\n<p><code>");
    add_foreign(text, TEXT_HTML, report->program);
    text_add(text, "</code></p>\n");
}

static void add_block(struct text *text, const char *title, const char *bytes,
                      size_t size)
{
    text_addf(text, "<h2>%s</h2>\n<pre>", title);
    text_add_lines(text, TEXT_HTML, "", bytes, size);
    text_add(text, "</pre>\n");
}

static void add_wrong_line(struct text *text, const struct verdict *verdict)
{
    if (verdict->line[0] != '\0') {
        add_block(text, "The line at fault", verdict->line,
                  strlen(verdict->line));
    }
}

static const char errors_title[] = "Its error output (stderr)";

static void add_errors(struct text *text, const struct report *report)
{
    uint64_t total = report->verdict->errors->total;

    if (report->errors_size == 0) {
        text_addf(text, "<h2>%s</h2>\n<p class=\"soft\">It wrote nothing to "
                  "its error output.</p>\n", errors_title);
        return;
    }
    add_block(text, errors_title, report->errors, report->errors_size);
    if (total > report->errors_size) {
        text_addf(text, "<p class=\"soft\">This is the end of it: %" PRIu64
                  " of %" PRIu64 " KiB.</p>\n",
                  (uint64_t)report->errors_size / KIB, total / KIB);
    }
}

/* --- the page: what it used --- */

static void open_row(struct text *text, const char *name, bool is_hit)
{
    text_addf(text, "<tr%s><th scope=\"row\">%s</th><td>",
              is_hit ? " class=\"hit\"" : "", name);
}

static void add_time_row(struct text *text, const char *name, bool is_hit,
                         uint64_t microseconds, uint64_t limit)
{
    open_row(text, name, is_hit);
    verdict_add_seconds(text, microseconds);
    text_add(text, "</td><td>");
    if (limit == VERDICT_UNLIMITED) {
        text_add(text, "no limit");
    }
    else {
        text_addf(text, "of %" PRIu64 " s", limit);
    }
    text_add(text, "</td></tr>\n");
}

/* The limit is on the data that it may ask for, not on what it touches. */
static void add_memory_row(struct text *text, bool is_hit, uint64_t kib,
                           uint64_t limit)
{
    open_row(text, "Memory, at most", is_hit);
    verdict_add_size(text, kib);
    text_add(text, "</td><td>");
    if (limit == VERDICT_UNLIMITED) {
        text_add(text, "no limit");
    }
    else {
        text_add(text, "of ");
        verdict_add_size(text, limit / KIB);
        text_add(text, " data");
    }
    text_add(text, "</td></tr>\n");
}

/* Nobody counts these for one program: they are told where they were hit. */
static void add_other_rows(struct text *text, const struct verdict *verdict)
{
    uint64_t processes = cause_is_of_jail(verdict)
        ? verdict->limits.jail_processes : verdict->limits.processes;

    if (verdict->cause == CAUSE_FSIZE) {
        open_row(text, "Size of a file", true);
        text_add(text, "too large</td><td>");
        if (verdict->limits.file_bytes != VERDICT_UNLIMITED) {
            text_add(text, "of ");
            verdict_add_size(text, verdict->limits.file_bytes / KIB);
        }
        text_add(text, "</td></tr>\n");
    }
    if (verdict->cause == CAUSE_PROCESSES) {
        open_row(text, "Processes", true);
        text_add(text, "too many</td><td>");
        if (processes != VERDICT_UNLIMITED) {
            text_addf(text, "of %" PRIu64, processes);
        }
        text_add(text, "</td></tr>\n");
    }
}

static void add_usage(struct text *text, const struct verdict *verdict)
{
    const struct wire_answer *answer = &verdict->answer;

    if (!verdict->has_ended) {
        return;
    }
    text_add(text, "<h2>What it used</h2>\n<table>\n");
    add_time_row(text, "CPU time", verdict->cause == CAUSE_CPU,
                 answer->cpu_microseconds, verdict->limits.cpu_seconds);
    add_time_row(text, "Time", verdict->cause == CAUSE_WALL,
                 answer->wall_microseconds, verdict->limits.wall_seconds);
    add_memory_row(text, verdict->cause == CAUSE_MEMORY, answer->peak_kib,
                   verdict->limits.data_bytes);
    add_other_rows(text, verdict);
    text_add(text, "</table>\n");
}

static void add_foot(struct text *text, const struct report *report)
{
    text_add(text, "<footer>");
    text_add(text, report->time);
    text_add(text, ", request <code>");
    add_foreign(text, TEXT_HTML, report->id);
    text_add(text, "</code></footer>\n");
}

size_t report_page(const struct report *report, char *page, size_t size)
{
    struct text text = { .bytes = page, .size = size };

    page_begin(&text, report->status);
    add_verdict(&text, report);
    add_wrong_line(&text, report->verdict);
    advice_add(&text, report->verdict, report->program, report->interpreter);
    if (report->verdict->kind != VERDICT_REFUSED) {
        add_errors(&text, report);
    }
    add_usage(&text, report->verdict);
    add_foot(&text, report);
    page_end(&text);
    return text.length;
}

/* --- the entry --- */

static void add_cut(struct text *text, const char *words, size_t max)
{
    size_t length = strnlen(words, max);

    text_add_foreign(text, TEXT_PLAIN, words, length);
    text_add(text, words[length] != '\0' ? "..." : "");
}

static void add_first_line(struct text *text, const struct report *report)
{
    const struct wire_answer *answer = &report->verdict->answer;

    text_add(text, report->time);
    text_add(text, " ");
    add_cut(text, report->id, WORD_MAX);
    text_add(text, " ");
    add_cut(text, report->method, WORD_MAX);
    text_add(text, " ");
    add_cut(text, report->url, URL_MAX);
    text_add(text, ": ");
    verdict_add(text, report->verdict);
    if (report->verdict->has_ended) {
        text_add(text, " (CPU ");
        verdict_add_seconds(text, answer->cpu_microseconds);
        text_add(text, ", time ");
        verdict_add_seconds(text, answer->wall_microseconds);
        text_add(text, ", memory ");
        verdict_add_size(text, answer->peak_kib);
        text_add(text, ")");
    }
    text_add(text, "\n");
}

static void add_indented(struct text *text, const char *bytes, size_t size)
{
    text_add_lines(text, TEXT_PLAIN, "    ", bytes, size);
}

static size_t line_before(const char *bytes, size_t end)
{
    const char *newline = memrchr(bytes, '\n', end - 1);

    return newline != NULL ? (size_t)(newline + 1 - bytes) : 0;
}

/* Where the last lines begin that fit into max bytes: one, in any case. */
static size_t find_last(const char *bytes, size_t size, size_t max)
{
    size_t from = size;

    while (from > 0) {
        struct text measure = { .size = 0 };
        size_t before = line_before(bytes, from);

        add_indented(&measure, bytes + before, from - before);
        if (measure.length > max) {
            return from == size ? before : from;
        }
        max -= measure.length;
        from = before;
    }
    return 0;
}

static void end_entry(struct text *text)
{
    if (text->length > text->size) {
        text->length = text->size;
        text->bytes[text->length - 1] = '\n';
    }
    text->bytes[text->length] = '\0';
}

void report_entry(const struct report *report, char entry[REPORT_ENTRY_MAX])
{
    struct text text = { .bytes = entry, .size = REPORT_ENTRY_MAX - 1 };
    size_t from = find_last(report->errors, report->errors_size,
                            REPORT_ERRORS_MAX);

    add_first_line(&text, report);
    if (from > 0 || report->verdict->errors->total > report->errors_size) {
        text_add(&text, "    ...\n");
    }
    add_indented(&text, report->errors + from, report->errors_size - from);
    end_entry(&text);
}
