/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_file.h - the small files in which the kernel speaks of control groups
 *
 * Those of a group's directory (cgroups(7)) and of /proc (proc(5)).
 */
#ifndef IVLEJAIL_GROUP_FILE_H
#define IVLEJAIL_GROUP_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "apr_pools.h"

/* The path of a file in a directory. */
const char *ij_group_file(apr_pool_t *p, const char *directory,
                          const char *name);

/* What a file says, as a string, size - 1 bytes of it at most; "" where it
   cannot be read. */
void ij_group_file_read(const char *path, char *text, size_t size);

/* The same in memory of the pool's, 4096 bytes at most. */
const char *ij_group_file_text(apr_pool_t *p, const char *path);

/* Writes a text into a file that is there.  Returns 0 or errno. */
int ij_group_file_put(apr_pool_t *p, const char *directory, const char *name,
                      const char *text);

bool ij_group_has_file(apr_pool_t *p, const char *directory,
                       const char *name);

#endif
