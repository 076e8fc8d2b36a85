/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note.h - what CustomLog can say of a request in a jail
 *
 *     LogFormat "%h %u %t \"%r\" %>s %{ivlejail-verdict}n" ...
 *
 * doc/verdicts.md lists the notes and the words.
 */
#ifndef IVLEJAIL_NOTE_H
#define IVLEJAIL_NOTE_H

#include "module/ask.h"

/* Of a request that does not even come to a jail. */
void ij_note_cause(request_rec *r, const char *user, enum cause cause);

/* When the request has been served, or could not be. */
void ij_note(request_rec *r, const ij_job *job, const ij_talk *talk,
             const struct verdict *verdict);

/*
 * A hook, before those that write logs.  What leads from a jail to a page
 * elsewhere (ErrorDocument) is logged as that page's request, with its notes.
 */
int ij_note_before_log(request_rec *r);

#endif
