/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims.h - who holds how many of httpd's workers, counted without a lock
 *
 * A table in memory that processes share, one word for each request that is
 * in a jail: a claim names the process, the user and the profile.  A process
 * may be killed at any moment, or be stopped in the midst of claiming, and
 * nobody waits for it.  Pure functions without httpd; the words are C11
 * atomics.
 */
#ifndef IVLEJAIL_CLAIMS_H
#define IVLEJAIL_CLAIMS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2,
               "another process's lock may never be given back");

enum {
    CLAIMS_PROFILES = 256,          /* that are told apart */
    CLAIMS_PARTS = 64               /* of the table: a user has one of them */
};

typedef struct claims {
    size_t size;                            /* of a part */
    atomic_size_t used[CLAIMS_PARTS];       /* from here on no place of the
                                               part ever was */
    _Atomic uint64_t places[];              /* claims; 0: free */
} claims;

/* How many claims may be held at a time: of a user in a profile, and of a
   user in all of them. */
typedef struct claims_limits {
    size_t jail, user;
} claims_limits;

typedef enum claims_end {
    CLAIMS_HELD,
    CLAIMS_OVER_JAIL,
    CLAIMS_OVER_USER,
    CLAIMS_OVER_THREADS,            /* of one child: module/crew.h */
    CLAIMS_OVER_STREAMS,
    CLAIMS_FULL                     /* the table */
} claims_end;

/* The bytes of a table of so many places, all of which one part can have. */
size_t claims_bytes(size_t size);

/* Makes a table of memory that is all zeros. */
void claims_init(claims *table, size_t size);

/*
 * The claim of a process (at most 22 bits, as Linux has it) for a user in a
 * profile, of which the number counts.  Of the name 34 bits of a hash are
 * kept: one user in some ten thousand millions shares another one's limits.
 */
uint64_t claims_word(pid_t pid, size_t profile, const char *user);

/* What of it says who the user is. */
uint64_t claims_user(uint64_t word);

/*
 * Takes a place for a claim.  At no moment more are held than the limits
 * say; where two come for the last place at the same moment, both may be
 * refused.  Claims of processes that are not alive are taken back before
 * anything is refused.  CLAIMS_HELD, and *place is what to give back; or why
 * not.
 */
claims_end claims_take(claims *table, uint64_t word,
                       const claims_limits *limits, bool (*is_alive)(pid_t),
                       size_t *place);

void claims_give_back(claims *table, uint64_t word, size_t place);

/* Takes back what a process of the same number held before its end. */
void claims_forget(claims *table, pid_t pid);

#endif
