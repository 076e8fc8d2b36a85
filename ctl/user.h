/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.h - "ivlejailctl user": the users' directories
 */
#ifndef IVLEJAIL_CTL_USER_H
#define IVLEJAIL_CTL_USER_H

#include "ctl.h"

command_function user_add, user_list, user_show;
command_function user_remove;   /* remove.c */

#endif
