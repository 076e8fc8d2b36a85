/*
 * names.h - the forms of the names that cross trust boundaries
 *
 * Every name that is used as a path component passes one of these checks
 * first.  '@' separates names in file names and is in none of them.
 */
#ifndef IVLEJAIL_NAMES_H
#define IVLEJAIL_NAMES_H

#include <stdbool.h>
#include <stdint.h>

enum {
    NAME_USER_MAX = 32,         /* bytes, without the NUL */
    NAME_INSTANCE_MAX = 16,
    NAME_PROFILE_MAX = 16,
    NAME_GENERATION_LEN = 8     /* exactly, hexadecimal, lower case */
};

/* [a-z0-9_][a-z0-9_.-]{0,31} without ".." */
bool name_is_user(const char *s);

/* [a-z][a-z0-9-]{0,15} */
bool name_is_instance(const char *s);
bool name_is_profile(const char *s);

/* [0-9a-f]{8} */
bool name_is_generation(const char *s);

/*
 * The start of the one-byte range of the instance's lock file that stands
 * for a user, in all profiles and generations: FNV-1a of the name, in
 * [1, 2^62).  Two users whose names collide only wait for each other.
 */
int64_t name_lock_offset(const char *user);

#endif
