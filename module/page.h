/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - the frame and the looks of the pages that we write ourselves
 *
 * HTML in UTF-8, without any reference to elsewhere and without scripts; the
 * looks are good on a phone, on paper and in the dark.  What is between
 * begin and end is the caller's: h1, h2, p, pre, code, table, footer, and the
 * classes "soft", "status", "hit", "files" (a table with names in front) and
 * "clock" (not shown on a phone).
 */
#ifndef IVLEJAIL_PAGE_H
#define IVLEJAIL_PAGE_H

#include "module/text.h"

/* Up to the page's content; the title may be anybody's words. */
void page_begin(struct text *text, const char *title);

void page_end(struct text *text);

#endif
