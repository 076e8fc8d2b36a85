/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch.h - a directory for a test's files, and the descriptors of a test
 */
#ifndef IVLEJAIL_SCRATCH_H
#define IVLEJAIL_SCRATCH_H

/*
 * Becomes an ordinary user, to whom permissions mean something, and enters a
 * new directory, in memory.  Returns 0 or -1, as a set-up of cmocka.
 */
int scratch_enter(void);

/* Its path, while there is one. */
const char *scratch_path(void);

/* Removes it with all that is in it.  Returns 0 or not. */
int scratch_leave(void);

/* Removes a directory with all that is in it, no link followed.  As nftw(3). */
int scratch_remove(const char *path);

/* How many descriptors this process has. */
int scratch_count_fds(void);

#endif
