/*
 * identity.h - whose jail it is, and the directories that prove it
 */
#ifndef IVLEJAIL_IDENTITY_H
#define IVLEJAIL_IDENTITY_H

#include <stdbool.h>

#include "policy.h"
#include "users.h"

struct identity {
    struct users_identity id;
    int home;           /* users/<user>/home, becomes /home */
    int own;            /* users/<user>/home/<user>; its owner is the jail's */
    int tmp;            /* users/<user>/tmp, becomes /tmp */
    bool own_is_mount;  /* own is the root of another file system */
};

/*
 * Finds, or where the profile provisions has "provision" make, the user's
 * directories, and takes the identity from the owner of own, read from the
 * descriptor.  Dies with one of CODE_USER_* or as that program did.  The
 * user's lock is held.
 */
void identity_find(const struct policy *policy, const char *user,
                   struct identity *identity);

#endif
