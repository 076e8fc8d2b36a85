/*
 * sanitise.h - nothing that the caller prepared reaches the jail
 *
 * The caller of a setuid program chooses its descriptors, environment,
 * signals, timers, limits and scheduling.  All of it is undone here, or the
 * program ends.
 */
#ifndef IVLEJAIL_SANITISE_H
#define IVLEJAIL_SANITISE_H

/*
 * 0-2 open (on /dev/null if they were not), all others closed.  First of
 * all: otherwise the next open() could become somebody's stderr.
 */
void sanitise_descriptors(void);

/* Empty environment, umask 077, working directory "/". */
void sanitise_environment(void);

/* Every signal default and unblocked, no interval timer running. */
void sanitise_signals(void);

/*
 * Resource limits, nice, scheduling class, affinity, I/O priority,
 * oom_score_adj, and a session keyring of its own.  Needs real uid root (the
 * caller could undo it before) and uses CAP_SYS_NICE and CAP_SYS_RESOURCE as
 * far as the process has them: without the latter (containers) a hard limit
 * stays as low as it was.
 */
void sanitise_resources(void);

#endif
