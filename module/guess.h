/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guess.h - whether a request means a file, by what others like it meant
 *
 * A program needs three pipes, a file none, and only the warden knows which
 * it is.  So what a user's requests for one extension meant is remembered,
 * and pipes are left out where it was files lately.  A wrong guess costs time
 * and nothing else.  Pure functions without httpd; threads may call them at
 * the same time.
 */
#ifndef IVLEJAIL_GUESS_H
#define IVLEJAIL_GUESS_H

#include <stdbool.h>

/* Whether the last two of the user's requests with path's extension, none
   being one, meant files.  Others may be mistaken for them, but rarely. */
bool guess_is_file(const char *user, const char *path);

/* What the request turned out to mean. */
void guess_learn(const char *user, const char *path, bool is_file);

#endif
