/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h - "ivlejailctl doctor": whether jails can be made here
 */
#ifndef IVLEJAIL_CTL_DOCTOR_H
#define IVLEJAIL_CTL_DOCTOR_H

#include "ctl.h"

command_function doctor;

#endif
