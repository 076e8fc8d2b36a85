/*
 * jail.h - the pinned tree of a jail
 */
#ifndef IVLEJAIL_JAIL_H
#define IVLEJAIL_JAIL_H

#include <stdbool.h>

#include "identity.h"
#include "keep.h"
#include "policy.h"

struct jail {
    int ns;         /* its mount namespace */
    int hold;       /* O_PATH on its pin: while it is open, no sweep takes it */
    bool is_new;    /* hold is a mount that is not on its pin yet */
};

/*
 * The jail that is pinned already, or a new one.  A new one hangs on this
 * process alone until it is published; any failure leaves nothing behind.
 * The user's lock is held.  Afterwards the process is in the keep.
 */
void jail_find_or_make(const struct keep *keep, const struct policy *policy,
                       const char *user, const struct identity *identity,
                       struct jail *jail);

#endif
