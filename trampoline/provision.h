/*
 * provision.h - a user's directories at the first request
 */
#ifndef IVLEJAIL_PROVISION_H
#define IVLEJAIL_PROVISION_H

#include "policy.h"

/*
 * Makes the directories of a user who has none, with a uid as the profile's
 * IvleJailProvision says.  Dies with CODE_PROVISION, CODE_USER_UNKNOWN (no
 * such account) or a code of users_check.  The user's lock is held.
 */
void provision_user(const struct policy *policy, int users, const char *user);

#endif
