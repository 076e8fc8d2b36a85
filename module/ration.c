/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ration.c - how many lines of the error log a user may fill
 */
#include "module/ration.h"

enum { EACH_MILLISECONDS = 1000 / RATION_PER_SECOND };

bool ration_take(struct ration *ration, long long now)
{
    long long back = (now - ration->since) / EACH_MILLISECONDS;

    if (back >= ration->taken) {
        ration->taken = 0;
        ration->since = now;
    }
    else {
        ration->taken -= (int)back;
        ration->since += back * EACH_MILLISECONDS;
    }
    if (ration->taken >= RATION_MAX) {
        return false;
    }
    ration->taken++;
    return true;
}
