/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sorted.h - looking a name up in a list of names
 *
 * Pure functions without httpd.
 */
#ifndef IVLEJAIL_SORTED_H
#define IVLEJAIL_SORTED_H

#include <stdbool.h>
#include <stddef.h>

#define SORTED_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Whether compare(name, another) is 0 for one of so many names, which are in
 * the order of compare: strcmp(3) or strcasecmp(3).
 */
bool sorted_holds(const char *const names[], size_t count, const char *name,
                  int (*compare)(const char *, const char *));

#endif
