/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding.h - what a check of "ivlejailctl doctor" has to say
 *
 * One line on stdout each: "ok", "warning" or "fault", the check's name and a
 * colon, what was found, and for the latter two, what to do about it.
 */
#ifndef IVLEJAIL_CTL_FINDING_H
#define IVLEJAIL_CTL_FINDING_H

#include <stdbool.h>
#include <stddef.h>

enum finding { FINDING_OK, FINDING_WARNING, FINDING_FAULT };

/* The name in all lines that follow; not copied. */
void finding_begin(const char *check);

/* What would keep jails from being made, or from holding what they promise. */
#define finding_fault(...) finding_say(FINDING_FAULT, __VA_ARGS__)

/* What works, but not for everybody, or not with all limits. */
#define finding_warning(...) finding_say(FINDING_WARNING, __VA_ARGS__)

#define finding_ok(...) finding_say(FINDING_OK, __VA_ARGS__)

void finding_say(enum finding kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Which kind a line is that finding_say() has printed; false: it is none. */
bool finding_kind(const char *line, enum finding *kind);

#endif
