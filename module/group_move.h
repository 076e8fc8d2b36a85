/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_move.h - moving processes from one control group to another
 */
#ifndef IVLEJAIL_GROUP_MOVE_H
#define IVLEJAIL_GROUP_MOVE_H

#include <stdbool.h>

#include "apr_pools.h"

/*
 * From one directory to another: this process and what it has started, or
 * everybody; also what they start meanwhile.  Returns 0 or errno.
 */
int ij_group_move(apr_pool_t *p, const char *from, const char *to,
                  bool everybody);

#endif
