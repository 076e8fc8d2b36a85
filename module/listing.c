/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.c - the page that shows what is in a directory
 */
#include "module/listing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module/page.h"

/* --- the entries --- */

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

/* As strcasecmp(3) in the C locale, whatever the locale is. */
static int compare_names(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) - lower(*b);
}

/* Names that only differ in case have an order, too: always the same one. */
static int compare(const void *left, const void *right)
{
    const struct wire_entry *a = left, *b = right;
    int order = (a->type != WIRE_ENTRY_DIRECTORY)
        - (b->type != WIRE_ENTRY_DIRECTORY);

    if (order == 0) {
        order = compare_names(a->name, b->name);
    }
    return order != 0 ? order : strcmp(a->name, b->name);
}

bool listing_read(const char *bytes, size_t size, struct wire_entry *entries,
                  size_t *count)
{
    size_t used = 0;

    for (*count = 0; used < size; (*count)++) {
        struct wire_entry entry;
        size_t length = wire_unpack_entry(bytes + used, size - used, &entry);

        if (length == 0) {
            return false;
        }
        used += length;
        if (entries != NULL) {
            entries[*count] = entry;
        }
    }
    if (entries != NULL && *count > 0) {
        qsort(entries, *count, sizeof(*entries), compare);
    }
    return true;
}

/* --- a row --- */

/* RFC 3986, 2.3: these may stand in any part of a URL. */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9') || strchr("-._~", c) != NULL;
}

static void add_url(struct text *text, const char *name)
{
    for (; *name != '\0'; name++) {
        const char word[] = { *name, '\0' };

        if (is_unreserved(*name)) {
            text_add(text, word);
        }
        else {
            text_addf(text, "%%%02X", (unsigned char)*name);
        }
    }
}

static void add_size(struct text *text, uint64_t bytes)
{
    static const char units[] = "KMGTPE";
    uint64_t hundredths;
    size_t unit;

    if (bytes < 1024) {
        text_addf(text, "%" PRIu64 " B", bytes);
        return;
    }
    hundredths = bytes / 1024 * 100 + bytes % 1024 * 100 / 1024;
    for (unit = 0; hundredths >= 1024 * 100; unit++) {
        hundredths /= 1024;
    }
    text_addf(text, "%" PRIu64 ".%" PRIu64 " %ciB", hundredths / 100,
              hundredths / 10 % 10, units[unit]);
}

static void add_time(struct text *text, int64_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm tm;

    if (gmtime_r(&when, &tm) == NULL || tm.tm_year < -1900
        || tm.tm_year > 9999 - 1900) {
        return;         /* no date that anybody has a name for */
    }
    text_addf(text, "%04d-%02d-%02d %02d:%02d", tm.tm_year + 1900,
              tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min);
}

void listing_row(struct text *text, const struct wire_entry *entry)
{
    bool is_directory = entry->type == WIRE_ENTRY_DIRECTORY;
    const char *slash = is_directory ? "/" : "";

    text_add(text, "<tr><th scope=\"row\"><a href=\"");
    add_url(text, entry->name);
    text_add(text, slash);
    text_add(text, "\">");
    text_add_foreign(text, TEXT_HTML, entry->name, strlen(entry->name));
    text_add(text, slash);
    text_add(text, "</a></th><td>");
    if (!is_directory) {
        add_size(text, entry->size);
    }
    text_add(text, "</td><td>");
    add_time(text, entry->mtime);
    text_add(text, "</td></tr>\n");
}

/* --- the page --- */

void listing_begin(struct text *text, const struct listing *listing)
{
    page_begin(text, listing->path);
    text_add(text, "<h1>");
    text_add_foreign(text, TEXT_HTML, listing->path, strlen(listing->path));
    text_add(text, "</h1>\n");
    if (listing->has_parent) {
        text_add(text, "<p><a href=\"../\">Parent directory</a></p>\n");
    }
    if (listing->count > 0) {
        text_add(text, "<table class=\"files\">\n<thead><tr>"
                 "<th scope=\"col\">Name</th><th scope=\"col\">Size</th>"
                 "<th scope=\"col\">Modified (UTC)</th></tr></thead>\n"
                 "<tbody>\n");
    }
    else {
        text_add(text, "<p class=\"soft\">There is nothing here.</p>\n");
    }
}

void listing_end(struct text *text, const struct listing *listing)
{
    if (listing->count > 0) {
        text_add(text, "</tbody>\n</table>\n");
    }
    if (listing->is_cut) {
        text_addf(text, "<p class=\"soft\">There is more here than can be "
                  "listed: these are %zu entries of it.</p>\n",
                  listing->count);
    }
    page_end(text);
}
