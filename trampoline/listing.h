/*
 * listing.h - the entries of a directory, for a page that lists them
 */
#ifndef IVLEJAIL_LISTING_H
#define IVLEJAIL_LISTING_H

#include "wire.h"

enum { LISTING_NAMES_MAX = 10000 };     /* how many are looked at */

/*
 * Lists the directories and regular files in a directory, and links that lead
 * to such, but no names that begin with a dot; closes directory.  Returns 0
 * and *fd, a sealed memfd of entries in no order (wire_unpack_entry), the
 * caller's to close; the same and EOVERFLOW: some were left out, because
 * there are too many or they cannot be looked at; or another errno.
 */
int listing_make(int directory, int *fd);

#endif
