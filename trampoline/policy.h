/*
 * policy.h - the sealed policy: what the administrator wrote, for the helpers
 *
 * A text file, written by the root httpd parent (module/seal.c) and read by
 * trampoline, timount and ivlejailctl.  One "key value..." a line, single
 * spaces, no comments, no empty lines; the last line is "end".  Sizes are
 * bytes, times seconds, numbers decimal; "unlimited" where a limit may be.
 * The keys come in exactly this order, the limits in that of limits.h:
 * unknown, repeated and missing keys are errors.
 *
 *   ivlejail-policy 1
 *   instance default
 *   httpd 33 33                        uid and gid of httpd's User and Group
 *   warden /usr/lib/ivlejail/warden
 *   profile default 9f0c2a11           name, generation
 *   base /var/lib/ivlejail/bases/teach/20261123T101500
 *   users /var/lib/ivlejail/users
 *   uids 70000 99999
 *   provision off                      off, range or system
 *   network none                       none or host
 *   cgroup off                         on: the program "cgroup" sets one up
 *   mount proc /proc - -               kind, target, source, options; 0..16
 *   limit cpu 25 30                    each resource of limits.h, soft, hard
 *   max-requests 8 16                  at a time, queued
 *   idle 60
 *   linger off                         off or on
 *   memory.max 268435456 on            each key of groups.h: its value or "-",
 *                                      and whether the kernel keeps it
 *   seccomp 0600...                    struct sock_filter[] in hex, or "off"
 *   profile graphics 1c44aa09
 *   ...
 *   end
 *
 * Paths are absolute, resolved, and hold no space or control character.
 * Mount options: "-", or comma-separated: rw (bind; it is read-only without),
 * exec (tmpfs), size=BYTES (tmpfs).
 */
#ifndef IVLEJAIL_POLICY_H
#define IVLEJAIL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "code.h"
#include "names.h"

#define POLICY_VERSION "1"

#define POLICY_ID_MAX 4294967294u   /* (uid_t)-1 means "none" */

enum {
    POLICY_SIZE_MAX = 256 * 1024,
    POLICY_MOUNTS_MAX = 16,
    POLICY_UID_MIN = 1000       /* below are the system's accounts */
};

enum policy_provision { PROVISION_OFF, PROVISION_RANGE, PROVISION_SYSTEM };
enum policy_network { NETWORK_NONE, NETWORK_HOST };
enum policy_mount_kind { MOUNT_PROC, MOUNT_TMPFS, MOUNT_DEVPTS, MOUNT_BIND };

/* Their names, in the policy and in the kernel; NULL-terminated. */
extern const char *const policy_mount_kinds[];

struct policy_mount {
    enum policy_mount_kind kind;
    const char *target;         /* in the jail */
    const char *source;         /* bind: outside; else NULL */
    bool writable;              /* bind */
    bool executable;            /* tmpfs */
    uint64_t size;              /* tmpfs, bytes; 0: the kernel's default */
};

struct policy_profile {
    const char *name;
    const char *generation;
    const char *base;
    const char *users;
    uid_t uid_min, uid_max;
    enum policy_provision provision;
    enum policy_network network;
    unsigned int has_group;     /* 0 or 1 */
    struct policy_mount mounts[POLICY_MOUNTS_MAX];
    size_t mount_count;
    char *settings, *settings_end;  /* for settings_parse() */
    unsigned int settings_line;     /* number of the line before */
};

struct policy {
    const char *instance;
    uid_t httpd_uid;
    gid_t httpd_gid;
    const char *warden;
    struct policy_profile profile;  /* the one that was asked for */
};

struct policy_error {
    enum code code;             /* says what is wrong, and the remedy */
    char text[128];             /* where, and on what; no newline */
};

/*
 * Parses a whole policy and keeps the wanted profile.
 *
 * text     size bytes, and one more that is writable (a NUL is put there);
 *          changed: the strings of *policy point into it
 * profile  its name, or NULL: only the head of *policy is wanted, but every
 *          profile is checked, except for its settings (settings.h)
 * Returns true, or false with *error set; *policy is then undefined.
 * Pure: no system call, no allocation.
 */
bool policy_parse(char *text, size_t size, const char *profile,
                  struct policy *policy, struct policy_error *error);

/*
 * Reads and parses the policy "policy" below the directory dirfd (the
 * instance's runtime directory): open, check the same descriptor (regular,
 * root's, not group- or world-writable, one link, at most POLICY_SIZE_MAX),
 * parse, and compare the instance.  The text stays in a static buffer: one
 * policy at a time.
 */
bool policy_read(int dirfd, const char *instance, const char *profile,
                 struct policy *policy, struct policy_error *error);

#endif
