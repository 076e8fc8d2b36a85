/* SPDX-License-Identifier: Apache-2.0 */
/*
 * values.h - the values of directives, checked
 *
 * Pure functions without httpd: true, and *value is set, or false.
 */
#ifndef IVLEJAIL_VALUES_H
#define IVLEJAIL_VALUES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "trampoline/groups.h"
#include "trampoline/limits.h"

/* Decimal, without a sign, within [min, max]. */
bool value_number(const char *text, uint64_t min, uint64_t max,
                  uint64_t *value);

/* The same with K, M or G (of 1024) behind it, or nothing; at least 1. */
bool value_size(const char *text, uint64_t *value);

/* A limit as its resource counts: a number, a size, or "unlimited". */
bool value_limit(enum limit limit, const char *text, rlim_t *value);

/* What value_limit() takes, for the error message. */
const char *value_limit_form(enum limit limit);

/* The resource of a name, or LIMIT_COUNT. */
enum limit value_resource(const char *name);

/* The key of IvleJailCgroup of a name, or GROUP_KEYS. */
enum group_key value_group_key(const char *name);

enum { VALUE_GROUP_MAX = 48 };

/*
 * The value of such a key, as the policy writes it: "max", a number, or for
 * cpu.max "QUOTA/PERIOD" in microseconds.  period: a second argument, or
 * NULL.  What leaves no room for a warden is refused.
 */
bool value_group(enum group_key key, const char *text, const char *period,
                 char sealed[VALUE_GROUP_MAX]);

/* What value_group() takes, for the error message. */
const char *value_group_form(enum group_key key);

/*
 * A path that may stand in the sealed policy: absolute, not "/" itself, no
 * empty, "." or ".." component, no space and no control character.
 */
bool value_path(const char *text);

#endif
