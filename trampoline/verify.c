/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.c - that a process that has dropped its privilege has none left
 */
#include "verify.h"

#include <grp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "say.h"

static void verify_caps(int securebits)
{
    cap_t caps = cap_get_proc();
    cap_t empty = cap_init();
    int cap;

    must(caps != NULL && empty != NULL && cap_compare(caps, empty) == 0
         && prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1
         && prctl(PR_GET_SECUREBITS, 0UL, 0UL, 0UL, 0UL) == securebits,
         CODE_REGAIN, "capabilities");
    for (cap = 0; cap < VERIFY_CAPS_END; cap++) {
        must(prctl(PR_CAPBSET_READ, (unsigned long)cap, 0UL, 0UL, 0UL) != 1,
             CODE_REGAIN, "bounding set, capability %d", cap);
    }
    (void)cap_free(caps);
    (void)cap_free(empty);
}

void verify_drop(struct users_identity id, int securebits)
{
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid;

    must(setresuid((uid_t)-1, 0, (uid_t)-1) != 0
         && setresgid((gid_t)-1, 0, (gid_t)-1) != 0
         && setgroups(0, NULL) != 0, CODE_REGAIN, "root");
    must(getresuid(&ruid, &euid, &suid) == 0 && ruid == id.uid
         && euid == id.uid && suid == id.uid
         && getresgid(&rgid, &egid, &sgid) == 0 && rgid == id.gid
         && egid == id.gid && sgid == id.gid && getgroups(0, NULL) == 0,
         CODE_REGAIN, "not %u:%u alone", id.uid, id.gid);
    verify_caps(securebits);
}
