/*
 * users.h - the directories of a user, and who the user is
 *
 * Used by the trampoline and by ivlejailctl.  The identity of a jail is the
 * owner of users/<user>/home/<user>; nothing else says who a user is.
 */
#ifndef IVLEJAIL_USERS_H
#define IVLEJAIL_USERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "code.h"
#include "policy.h"

/* The owner of whatever has none here: unmapped ids, squashed root. */
enum { USERS_NOBODY = 65534 };

struct users_identity {
    uid_t uid;
    gid_t gid;
};

/*
 * Makes the directories of a user below usersfd, all or nothing: built as
 * ".new-<user>" and renamed into place; a rest of an interrupted attempt is
 * used again.  (Not with RENAME_NOREPLACE, which NFS does not have: a rename
 * does not replace a directory that is not empty, and a user's never is.)
 * root 0755 users/<user>, root 0755 .../home with .passwd and .group (0644),
 * uid:gid 0700 .../home/<user> and .../tmp.  The caller has checked the name
 * and the ids, and holds the user's lock if somebody else might do the same.
 * Returns 0 or errno; EEXIST: there already.
 */
int users_make(int usersfd, const char *user, struct users_identity id);

/*
 * Allocates a uid of [min, max] through the register (".uids/<uid>" -> user,
 * made exclusively), beginning at a place given by the name, so that it does
 * not get slower with the number of users.  A uid that was given to this user
 * before is given again, if it is met before a free one.  gid = uid.
 * Returns 0 or errno; ENOSPC: the range is full.
 */
int users_allocate(int usersfd, const char *user, uid_t min, uid_t max,
                   struct users_identity *id);

/* Registers a uid that was chosen by hand.  EEXIST: another user's. */
int users_register(int usersfd, const char *user, uid_t uid);

/*
 * Whether an identity may be a jail's: uid in the profile's range and not 0,
 * gid neither 0 nor httpd's.  Returns CODE_OK or the code of the refusal.
 */
enum code users_check(const struct policy *policy, struct users_identity id);

#endif
