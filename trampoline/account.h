/*
 * account.h - the ids of an account of the system
 *
 * NSS modules have no place in a setuid program, so getent(1) asks them.
 * For a process that has given up everything (creds_drop).
 */
#ifndef IVLEJAIL_ACCOUNT_H
#define IVLEJAIL_ACCOUNT_H

#include <stdbool.h>

#include "users.h"

/* False: there is no such account, or no answer that makes sense. */
bool account_find(const char *user, struct users_identity *id);

#endif
