/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - the tags of the module's log lines
 *
 * Four digits, never reused, the same number when only the wording changes.
 * The helpers' own lines carry IJ2xxx (trampoline/code.h).
 */
#ifndef IVLEJAIL_LOG_H
#define IVLEJAIL_LOG_H

#define IJLOGNO(n) "IJ" #n ": "

#endif
