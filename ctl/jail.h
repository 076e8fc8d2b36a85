/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.h - "ivlejailctl jail": what timount does, for an administrator
 */
#ifndef IVLEJAIL_CTL_JAIL_H
#define IVLEJAIL_CTL_JAIL_H

#include "ctl.h"
#include "helper.h"

command_function jail_list, jail_sweep, jail_evict;

/*
 * timount of an instance that has been entered, with its arguments: a verb,
 * and a user or NULL.
 */
void jail_timount(struct helper *timount, const char *instance,
                  const char *verb, const char *user);

#endif
