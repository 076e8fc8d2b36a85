/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.h - the page that shows what is in a directory
 *
 * Pure: from what a warden sends of a directory to HTML.  Nothing in it is
 * trusted: the names are the user's, and the warden is, too.
 *
 * A page of 10,000 long names would be some megabytes, so it is made piece by
 * piece: begin, a row for each entry, end.
 */
#ifndef IVLEJAIL_LISTING_H
#define IVLEJAIL_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "module/text.h"
#include "trampoline/wire.h"

enum { LISTING_ROW_MAX = 4096 };    /* bytes, of a name that grows most */

struct listing {
    const char *path;           /* decoded URL-path, with '/' at its end */
    bool has_parent;            /* a link to "../" leads somewhere */
    bool is_cut;                /* there is more than this in the directory */
    const struct wire_entry *entries;
    size_t count;
};

/*
 * Reads the entries that the size bytes are: directories first, then by name,
 * whatever the case of letters.  Returns false, with *count undefined, if the
 * bytes are not of the right form.  Where entries is NULL it only counts: call
 * it twice.  The names point into bytes.
 */
bool listing_read(const char *bytes, size_t size, struct wire_entry *entries,
                  size_t *count);

/* The pieces of the page, in this order; a row for each entry. */
void listing_begin(struct text *text, const struct listing *listing);
void listing_row(struct text *text, const struct wire_entry *entry);
void listing_end(struct text *text, const struct listing *listing);

#endif
