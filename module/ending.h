/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ending.h - tells how a program ended
 */
#ifndef IVLEJAIL_ENDING_H
#define IVLEJAIL_ENDING_H

#include "module/ask.h"
#include "module/pump.h"

/* From the end of a program's output to the program's: usual, and at most. */
enum {
    IJ_ENDING_SOON_MS = 100,
    IJ_ENDING_MS = 3000
};

/* Whether a limit or a signal ended it, or nobody knows how it ended. */
bool ij_ending_was_early(const ij_pump *pump);

/* Tells the administrator, and notes it for the user in pump->verdict. */
void ij_ending_tell(request_rec *r, const ij_job *job, const ij_pump *pump,
                    enum verdict_kind kind);

#endif
