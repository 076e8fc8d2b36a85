/*
 * keep.h - an instance's runtime directory, its lock and its keep
 */
#ifndef IVLEJAIL_KEEP_H
#define IVLEJAIL_KEEP_H

#include <stdbool.h>
#include <sys/types.h>

#include "names.h"

enum {
    KEEP_PLACE_MAX = NAME_PROFILE_MAX + 1 + NAME_GENERATION_LEN + 1,
    KEEP_LOCK_SECONDS = 10
};

struct keep {
    int proc;       /* /proc of the caller's namespace */
    int home;       /* the caller's mount namespace */
    int run;        /* /run/ivlejail/<instance> */
    int lock;       /* its lock file; every process locks through its own */
    int ns;         /* the keep: a mount namespace */
    int pins;       /* its directory of pins: usable from any namespace */
};

/*
 * Opens all of it.  Dies with CODE_KEEP where the instance does not run,
 * CODE_RUNDIR where somebody but root could have made it.
 */
void keep_open(struct keep *keep, const char *instance);

/*
 * Its two halves: proc, home and run, and what is in run.  False where the
 * instance does not run, or what is there is damaged.
 */
bool keep_open_run(struct keep *keep, const char *instance);
bool keep_open_rest(struct keep *keep);

/*
 * path_open_beneath(); -1: it is not there.  Dies of any other failure: what
 * is only out of reach must not be made again, nor taken for damage.
 */
int keep_open_part(int dirfd, const char *name, int flags);

/*
 * Locks a user's byte for writing, for at most KEEP_LOCK_SECONDS, or all of
 * the file (user NULL).  The lock goes with the last copy of keep->lock.
 */
void keep_lock(const struct keep *keep, const char *user);

/* fcntl(2) with F_OFD_SETLK or F_OFD_SETLKW and a type, on the same range. */
int keep_lock_range(const struct keep *keep, const char *user, int command,
                    short type);

/*
 * The directory "<profile>@<generation>" below dirfd; made, where it is not
 * there yet, with that mode.  Returns the descriptor or -1 with errno.
 */
int keep_make_place(int dirfd, const char *place, mode_t mode);

/* "<profile>@<generation>" */
void keep_place(char place[KEEP_PLACE_MAX], const char *profile,
                const char *generation);

#endif
