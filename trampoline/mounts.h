/*
 * mounts.h - the kernel's own file systems in a warden's private namespace
 */
#ifndef IVLEJAIL_MOUNTS_H
#define IVLEJAIL_MOUNTS_H

#include "policy.h"

/*
 * Copies the jail's namespace, so that the pinned tree is never changed, and
 * mounts proc, tmpfs and devpts in the copy as the profile says.  To be
 * called by PID 1 of the new pid namespace: a proc shows its mounter's.
 */
void mounts_make_private(const struct policy_profile *profile);

#endif
