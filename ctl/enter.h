/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enter.h - the running instance
 */
#ifndef IVLEJAIL_ENTER_H
#define IVLEJAIL_ENTER_H

#include <stdbool.h>

#include "trampoline/policy.h"

/*
 * Enters the mount namespace of the httpd that runs an instance, for good:
 * under PrivateTmp= only that one has the runtime directory's contents.  Open
 * before what the administrator named by path.
 * Returns false, in the caller's own namespace, if no httpd runs it.
 */
bool enter_instance(const char *instance);

/* The same, for commands that make no sense without; or fails. */
void enter_running_instance(const char *instance);

/* Only looks: the process that would be entered, httpd's parent, or 0. */
pid_t enter_find(const char *instance);

/* The instance's runtime directory; it has been entered. */
int enter_run_directory(const char *instance);

/*
 * The sealed policy; profile NULL: only its head.  Its strings stay where
 * they are until the next call.
 */
void enter_read_policy(const char *instance, const char *profile,
                       struct policy *policy);

/* What a code of the helpers means, and its remedy. */
const char *enter_meaning(enum code code);

#endif
