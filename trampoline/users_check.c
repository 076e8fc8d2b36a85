/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users_check.c - whether an identity may be a jail's
 */
#include "users.h"

enum code users_check(const struct policy *policy, struct users_identity id)
{
    if (id.uid == 0) {
        return CODE_USER_ROOT;
    }
    if (id.uid == USERS_NOBODY || id.uid < policy->profile.uid_min
        || id.uid > policy->profile.uid_max) {
        return CODE_USER_RANGE;
    }
    if (id.gid == 0 || id.gid == policy->httpd_gid) {
        return CODE_USER_GROUP;
    }
    return CODE_OK;
}
