/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hierarchy.h - where a process is among the control groups of version 2
 *
 * Pure functions on what the kernel says: cgroups(7), proc(5).
 */
#ifndef IVLEJAIL_HIERARCHY_H
#define IVLEJAIL_HIERARCHY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The group in a text of /proc/PID/cgroup ("0::/path", among lines of version
 * 1).  False: there is none, or it does not fit.
 */
bool hierarchy_group(const char *text, char *group, size_t size);

/*
 * The directory of a group by a line of /proc/PID/mountinfo: false where that
 * is not of cgroup2, or a mount in which the group does not lie.
 */
bool hierarchy_directory(const char *line, const char *group, char *directory,
                         size_t size);

/* Whether word is one of those in text, which spaces or newlines separate. */
bool hierarchy_has_word(const char *text, const char *word);

/*
 * The number behind "key " at the start of one of the lines of text, as in
 * memory.events; 0: there is none.
 */
unsigned long long hierarchy_count(const char *text, const char *key);

#endif
