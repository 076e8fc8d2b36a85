/*
 * strays.h - processes that outlive the request that started them
 *
 * A program's process group dies with its request.  What has left the group
 * (setsid, a daemon) becomes a child of the warden when its parent ends, and
 * is a stray: it may belong to any request that runs when it is first seen,
 * so it is killed when all of those have ended.
 *
 * A stray that forks and ends all the time is never seen twice.  It does not
 * survive either: when no request runs, kill(-1) gets everything at once, and
 * strays_sweep() asks for such a moment where requests never leave one.
 */
#ifndef IVLEJAIL_STRAYS_H
#define IVLEJAIL_STRAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct strays_request {     /* one that runs */
    pid_t pid;
    uint64_t number;        /* requests are numbered as they start, from 1 */
};

/* Opens the list of the warden's children.  Returns 0 or errno. */
int strays_init(void);

/* Kills a program that has ended, as its group; its members are no strays. */
void strays_kill_group(pid_t leader);

/* Forgets a process that was reaped. */
void strays_forget(pid_t pid);

/*
 * Looks at all children after a request ended, while others run; next is the
 * number of the next request.  Returns whether the next request should wait
 * until none runs, for strays_kill_all().
 */
bool strays_sweep(const struct strays_request *running, size_t count,
                  uint64_t next);

/* Kills every process in the jail but the warden; no request may run. */
void strays_kill_all(void);

/* There are none. */
void strays_clear(void);

#endif
