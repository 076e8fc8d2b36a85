/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base.h - "ivlejailctl base": base images and their generations
 */
#ifndef IVLEJAIL_CTL_BASE_H
#define IVLEJAIL_CTL_BASE_H

#include "ctl.h"

command_function base_build, base_check, base_list, base_use;

#endif
