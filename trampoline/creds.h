/*
 * creds.h - the one place where identity and capabilities change
 */
#ifndef IVLEJAIL_CREDS_H
#define IVLEJAIL_CREDS_H

#include <sys/capability.h>
#include <sys/types.h>

#include "users.h"

/*
 * Ends the time in which the caller may signal us: real, effective and saved
 * uid and gid 0, no supplementary groups.
 */
void creds_take_root(void);

/*
 * Keeps these capabilities as permitted (those of them that the process
 * has), gives up all others for good, and has none effective.
 */
#define creds_keep(...) \
    creds_keep_list((const cap_value_t[]){ __VA_ARGS__ }, \
                    (int)(sizeof (cap_value_t[]){ __VA_ARGS__ } \
                          / sizeof(cap_value_t)))
void creds_keep_list(const cap_value_t *list, int count);

/*
 * Makes exactly these effective, as far as they are permitted: a step that
 * needs one that is missing says so itself.  Every use ends with none.
 */
#define creds_use(...) \
    creds_use_list((const cap_value_t[]){ __VA_ARGS__ }, \
                   (int)(sizeof (cap_value_t[]){ __VA_ARGS__ } \
                         / sizeof(cap_value_t)))
void creds_use_list(const cap_value_t *list, int count);
void creds_use_none(void);

/*
 * File accesses as somebody else, who then needs no help from CAP_DAC_*:
 * sockets of httpd's User.  As 0:0 undoes it.
 */
void creds_fs_as(uid_t uid, gid_t gid);

/*
 * Becomes a user, for ever: gid, groups, uid, bounding and ambient sets,
 * locked securebits, no_new_privs; then tries to get root back and dies if
 * that works.
 */
void creds_drop(struct users_identity id);

#endif
