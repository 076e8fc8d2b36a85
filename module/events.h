/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.h - what the kernel has counted in a jail's control group
 *
 * The files are the kernel's: no user can write them, and no jail sees them.
 */
#ifndef IVLEJAIL_EVENTS_H
#define IVLEJAIL_EVENTS_H

#include "module/ask.h"

/*
 * Before a program is asked for: what was counted for others.  Zeros where
 * the jail has no group (yet).
 */
struct verdict_events ij_events_before(request_rec *r, const ij_job *job);

/*
 * When it has ended: what was counted since, in the jail of talk.  Where that
 * is another one than was looked at before, nobody knows: zeros.
 */
struct verdict_events ij_events_since(request_rec *r, const ij_job *job,
                                      const ij_talk *talk,
                                      const struct verdict_events *before);

#endif
