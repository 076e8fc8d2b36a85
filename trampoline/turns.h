/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns.h - when a process gets a processor
 */
#ifndef IVLEJAIL_TURNS_H
#define IVLEJAIL_TURNS_H

/*
 * From now on the caller's turns are short, and so come soon after it has
 * something to do; its children's are not.  Changes nothing before Linux 6.12.
 */
void turns_make_short(void);

#endif
