/*
 * verify.h - that a process that has dropped its privilege has none left
 */
#ifndef IVLEJAIL_VERIFY_H
#define IVLEJAIL_VERIFY_H

#include "users.h"

/*
 * More capabilities than any kernel has.  Not cap_max_bits(3): that asks the
 * kernel once, and is too few for ever where the answer was an error.
 */
enum { VERIFY_CAPS_END = 64 };

/*
 * Tries to get root back, and dies with CODE_REGAIN if that works or if an
 * id, a group, a capability, or a securebit is not what it must be.
 */
void verify_drop(struct users_identity id, int securebits);

#endif
