/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - the system calls that no jailed process may make
 */
#ifndef IVLEJAIL_FILTER_H
#define IVLEJAIL_FILTER_H

#include "apr_pools.h"

/*
 * Compiles the default filter into an array of struct sock_filter, as
 * hexadecimal text from p: what stands behind "seccomp" in the policy.
 * Returns 0 or errno.
 */
int ij_filter_hex(apr_pool_t *p, const char **hex);

#endif
