/*
 * sweep.h - what timount does with pins and wardens
 */
#ifndef IVLEJAIL_SWEEP_H
#define IVLEJAIL_SWEEP_H

#include "keep.h"

struct sweep_counts {
    unsigned long marked;       /* unused since this sweep */
    unsigned long expired;      /* unused since the last one: unmounted */
    unsigned long busy;         /* held by a warden */
};

/*
 * One call of umount2(MNT_EXPIRE) for each pin, then removes what belonged
 * to those that went, and empty directories and control groups (groups: of
 * groups_open(), or -1).  Never waits for a lock: what is locked is left for
 * the next sweep.
 */
void sweep(const struct keep *keep, int groups, struct sweep_counts *counts);

/*
 * Kills all that is in a user's control groups (all users': NULL), ends the
 * wardens and unmounts the pins.  The user's lock, or all of it, is held.
 * Returns the number of pins.
 */
unsigned long sweep_evict(const struct keep *keep, int groups,
                          const char *user);

/* A line for each pin and each warden; touches neither. */
void sweep_list(const struct keep *keep);

#endif
