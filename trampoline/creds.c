/* SPDX-License-Identifier: Apache-2.0 */
/*
 * creds.c - the one place where identity and capabilities change
 */
#include "creds.h"

#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <stdbool.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "say.h"

/* No way back: root is nobody special, nothing is fixed up, all locked. */
#define SECUREBITS (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED \
                    | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED \
                    | SECBIT_KEEP_CAPS_LOCKED \
                    | SECBIT_NO_CAP_AMBIENT_RAISE \
                    | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/* For a privileged process setuid(2) and setgid(2) set all three ids. */
void creds_take_root(void)
{
    if (setgid(0) != 0) {
        die_errno(CODE_IDS, "cannot become group 0");
    }
    if (setgroups(0, NULL) != 0) {
        die_errno(CODE_IDS, "cannot leave the caller's groups");
    }
    if (setuid(0) != 0) {
        die_errno(CODE_IDS, "cannot become root");
    }
}

static void set_caps(cap_t caps)
{
    if (cap_set_proc(caps) != 0) {
        die_errno(CODE_CAPS, "cannot set capabilities");
    }
    (void)cap_free(caps);
}

static cap_t get_caps(void)
{
    cap_t caps = cap_get_proc();

    if (caps == NULL) {
        die_errno(CODE_CAPS, "cannot read capabilities");
    }
    return caps;
}

/* A flag's value, set only for what is permitted in held. */
static void raise_held(cap_t caps, cap_flag_t flag, cap_t held,
                       const cap_value_t *list, int count)
{
    cap_flag_value_t permitted;
    int i;

    for (i = 0; i < count; i++) {
        if (cap_get_flag(held, list[i], CAP_PERMITTED, &permitted) != 0
            || (permitted == CAP_SET
                && cap_set_flag(caps, flag, 1, &list[i], CAP_SET) != 0)) {
            die_errno(CODE_CAPS, "cannot choose capability %d", list[i]);
        }
    }
}

void creds_keep_list(const cap_value_t *list, int count)
{
    cap_t held = get_caps();
    cap_t caps = cap_init();

    if (caps == NULL) {
        die_errno(CODE_CAPS, "cannot make a capability set");
    }
    raise_held(caps, CAP_PERMITTED, held, list, count);
    (void)cap_free(held);
    set_caps(caps);
}

void creds_use_list(const cap_value_t *list, int count)
{
    cap_t caps = get_caps();

    if (cap_clear_flag(caps, CAP_EFFECTIVE) != 0) {
        die_errno(CODE_CAPS, "cannot clear effective capabilities");
    }
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
    if ((gid_t)setfsgid((gid_t)-1) != gid
        || (uid_t)setfsuid((uid_t)-1) != uid) {
        die(CODE_IDS, "cannot access files as %u:%u", uid, gid);
    }
    /* going back to fsuid 0 makes the kernel raise file capabilities */
    creds_use_none();
}

void creds_fs_root(void)
{
    creds_fs_as(0, 0);
}

static void empty_bounding_set(void)
{
    int cap;

    for (cap = 0; cap < cap_max_bits(); cap++) {
        if (prctl(PR_CAPBSET_DROP, (unsigned long)cap, 0UL, 0UL, 0UL) != 0) {
            die_errno(CODE_CAPS, "cannot drop capability %d for good", cap);
        }
    }
    if (prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_CLEAR_ALL, 0UL,
              0UL, 0UL) != 0) {
        die_errno(CODE_CAPS, "cannot clear ambient capabilities");
    }
    if (prctl(PR_SET_SECUREBITS, (unsigned long)SECUREBITS, 0UL, 0UL, 0UL)
        != 0) {
        die_errno(CODE_CAPS, "cannot lock the securebits");
    }
}

/* Group first: without root's uid it could not be changed any more. */
static void take_identity(struct users_identity id)
{
    if (setresgid(id.gid, id.gid, id.gid) != 0) {
        die_errno(CODE_IDS, "cannot become group %u", id.gid);
    }
    if (setgroups(0, NULL) != 0) {
        die_errno(CODE_IDS, "cannot leave all groups");
    }
    if (setresuid(id.uid, id.uid, id.uid) != 0) {
        die_errno(CODE_IDS, "cannot become user %u", id.uid);
    }
}

static void verify_caps(void)
{
    cap_t caps = get_caps();
    cap_t empty = cap_init();
    int cap;

    if (empty == NULL || cap_compare(caps, empty) != 0
        || prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) != 1
        || prctl(PR_GET_SECUREBITS, 0UL, 0UL, 0UL, 0UL) != SECUREBITS) {
        die(CODE_REGAIN, "capabilities are left after they were dropped");
    }
    for (cap = 0; cap < cap_max_bits(); cap++) {
        if (prctl(PR_CAPBSET_READ, (unsigned long)cap, 0UL, 0UL, 0UL) != 0) {
            die(CODE_REGAIN, "capability %d is left in the bounding set",
                cap);
        }
    }
    (void)cap_free(caps);
    (void)cap_free(empty);
}

/* Each attempt to get something back must fail, and the sets be empty. */
static void verify_drop(struct users_identity id)
{
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid;

    if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0
        || setresgid((gid_t)-1, 0, (gid_t)-1) == 0
        || setgroups(0, NULL) == 0) {
        die(CODE_REGAIN, "privilege came back after it was dropped");
    }
    if (getresuid(&ruid, &euid, &suid) != 0 || ruid != id.uid
        || euid != id.uid || suid != id.uid
        || getresgid(&rgid, &egid, &sgid) != 0 || rgid != id.gid
        || egid != id.gid || sgid != id.gid || getgroups(0, NULL) != 0) {
        die(CODE_REGAIN, "identity is not %u:%u alone", id.uid, id.gid);
    }
    verify_caps();
}

void creds_drop(struct users_identity id)
{
    cap_t none;

    creds_use(CAP_SETUID, CAP_SETGID, CAP_SETPCAP);
    empty_bounding_set();
    take_identity(id);
    none = cap_init();
    if (none == NULL) {
        die_errno(CODE_CAPS, "cannot make a capability set");
    }
    set_caps(none);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) {
        die_errno(CODE_CAPS, "cannot set no_new_privs");
    }
    verify_drop(id);
}

void creds_filter(const struct policy_profile *profile)
{
    struct sock_fprog program = {
        .len = (unsigned short)profile->filter_count,
        .filter = (struct sock_filter *)profile->filter,
    };

    if (profile->filter_count == 0) {
        return;
    }
    if (prctl(PR_SET_SECCOMP, (unsigned long)SECCOMP_MODE_FILTER, &program,
              0UL, 0UL) != 0) {
        die_errno(CODE_SECCOMP, "cannot load the system call filter");
    }
}
