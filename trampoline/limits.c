/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.c - the resource limits that a profile sets, in one order
 */
#include "limits.h"

const struct limit_kind limit_kinds[LIMIT_COUNT] = {
#define LIMIT_ENTRY(symbol, name, resource) { name, resource },
    LIMIT_TABLE(LIMIT_ENTRY)
#undef LIMIT_ENTRY
};
