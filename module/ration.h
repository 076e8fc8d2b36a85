/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ration.h - how many lines of the error log a user may fill
 *
 * Pure.  A full ration is RATION_MAX; what was taken comes back, so many
 * lines a second.
 */
#ifndef IVLEJAIL_RATION_H
#define IVLEJAIL_RATION_H

#include <stdbool.h>

enum {
    RATION_MAX = 2000,
    RATION_PER_SECOND = 5
};

struct ration {
    int taken;                  /* 0 at first */
    long long since;            /* milliseconds: what has come back by then */
};

/* Whether there is one more at that time. */
bool ration_take(struct ration *ration, long long now);

#endif
