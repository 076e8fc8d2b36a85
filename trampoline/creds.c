/* SPDX-License-Identifier: Apache-2.0 */
/*
 * creds.c - the one place where identity and capabilities change
 */
#include "creds.h"

#include <errno.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "say.h"
#include "verify.h"

/* No way back: root is nobody special, nothing is fixed up, all locked. */
#define SECUREBITS (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED \
                    | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED \
                    | SECBIT_KEEP_CAPS_LOCKED \
                    | SECBIT_NO_CAP_AMBIENT_RAISE \
                    | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/* For a privileged process setuid(2) and setgid(2) set all three ids. */
void creds_take_root(void)
{
    must(setgid(0) == 0, CODE_IDS, "setgid 0");
    must(setgroups(0, NULL) == 0, CODE_IDS, "setgroups");
    must(setuid(0) == 0, CODE_IDS, "setuid 0");
}

static cap_t some(cap_t caps)
{
    must(caps != NULL, CODE_CAPS, "capability set");
    return caps;
}

static void set_caps(cap_t caps)
{
    must(cap_set_proc(caps) == 0, CODE_CAPS, "cap_set_proc");
    (void)cap_free(caps);
}

/* A flag's value, set only for what is permitted in held. */
static void raise_held(cap_t caps, cap_flag_t flag, cap_t held,
                       const cap_value_t *list, int count)
{
    cap_flag_value_t permitted;
    int i;

    for (i = 0; i < count; i++) {
        must(cap_get_flag(held, list[i], CAP_PERMITTED, &permitted) == 0
             && (permitted == CAP_CLEAR
                 || cap_set_flag(caps, flag, 1, &list[i], CAP_SET) == 0),
             CODE_CAPS, "capability %d", list[i]);
    }
}

void creds_keep_list(const cap_value_t *list, int count)
{
    cap_t held = some(cap_get_proc());
    cap_t caps = some(cap_init());

    raise_held(caps, CAP_PERMITTED, held, list, count);
    (void)cap_free(held);
    set_caps(caps);
}

void creds_use_list(const cap_value_t *list, int count)
{
    cap_t caps = some(cap_get_proc());

    must(cap_clear_flag(caps, CAP_EFFECTIVE) == 0, CODE_CAPS, "effective");
    raise_held(caps, CAP_EFFECTIVE, caps, list, count);
    set_caps(caps);
}

void creds_use_none(void)
{
    creds_use_list(NULL, 0);
}

/* setfsuid and setfsgid cannot report a failure: ask what they are now. */
void creds_fs_as(uid_t uid, gid_t gid)
{
    creds_use(CAP_SETUID, CAP_SETGID);
    (void)setfsgid(gid);
    (void)setfsuid(uid);
    must((gid_t)setfsgid((gid_t)-1) == gid
         && (uid_t)setfsuid((uid_t)-1) == uid, CODE_IDS,
         "file accesses as %u:%u", uid, gid);
    /* going back to fsuid 0 makes the kernel raise file capabilities */
    creds_use_none();
}

static void empty_bounding_set(void)
{
    int cap;

    /* EINVAL: the kernel has no such capability; verify_drop() looks */
    for (cap = 0; cap < VERIFY_CAPS_END; cap++) {
        must(prctl(PR_CAPBSET_DROP, (unsigned long)cap, 0UL, 0UL, 0UL) == 0
             || errno == EINVAL, CODE_CAPS, "bounding set: %d", cap);
    }
    must(prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_CLEAR_ALL, 0UL,
               0UL, 0UL) == 0, CODE_CAPS, "ambient set");
    must(prctl(PR_SET_SECUREBITS, (unsigned long)SECUREBITS, 0UL, 0UL, 0UL)
         == 0, CODE_CAPS, "securebits");
}

/* Group first: without root's uid it could not be changed any more. */
static void take_identity(struct users_identity id)
{
    must(setresgid(id.gid, id.gid, id.gid) == 0, CODE_IDS, "group %u", id.gid);
    must(setgroups(0, NULL) == 0, CODE_IDS, "setgroups");
    must(setresuid(id.uid, id.uid, id.uid) == 0, CODE_IDS, "user %u", id.uid);
}

void creds_drop(struct users_identity id)
{
    creds_use(CAP_SETUID, CAP_SETGID, CAP_SETPCAP);
    empty_bounding_set();
    take_identity(id);
    set_caps(some(cap_init()));
    must(prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0, CODE_CAPS,
         "no_new_privs");
    verify_drop(id, SECUREBITS);
}
