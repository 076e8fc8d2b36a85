/*
 * open.h - opens what is served without a program: a file, or a listing
 */
#ifndef IVLEJAIL_OPEN_H
#define IVLEJAIL_OPEN_H

#include <stdbool.h>

#include "find.h"

/*
 * Opens what was found, which is no program.  Returns WIRE_NOT_REFUSED and
 * *fd, readable and close-on-exec, the caller's to close, with *error 0 or,
 * of an incomplete listing, EOVERFLOW; or why not, with *error 0 or an errno.
 */
enum wire_refusal open_found(const struct found *found, int *fd, int *error);

/*
 * Whether the file is a script whose first line ends as on DOS, with a
 * carriage return; false also where it cannot be read.
 */
bool open_has_dos_line(const struct found *found);

#endif
