/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials.h - by which names credentials come and go
 *
 * Pure functions without httpd.
 */
#ifndef IVLEJAIL_CREDENTIALS_H
#define IVLEJAIL_CREDENTIALS_H

#include <stdbool.h>

/* Headers of a request, in any case of letters. */
bool credential_in_request(const char *name);

/* Headers of an answer that set or end them, or hold for a whole host name. */
bool credential_in_answer(const char *name);

/* Variables, of names made by environment_name(). */
bool credential_in_environment(const char *name);

#endif
