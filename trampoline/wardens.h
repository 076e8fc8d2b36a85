/*
 * wardens.h - which processes are wardens
 *
 * Not from a file that could be stale: a warden is a process whose
 * descriptor SETUP_FD_PIN is open on a pin of the keep.  The kernel says
 * which mount that is, and the number of a mount that is held open cannot
 * become another one's.
 */
#ifndef IVLEJAIL_WARDENS_H
#define IVLEJAIL_WARDENS_H

#include <stddef.h>

#include "keep.h"

struct wardens;

/*
 * The pins in the keep, by the number of their mounts.  Read from mountinfo,
 * which touches no pin.  The process is in the keep.
 */
struct wardens *wardens_of_keep(const struct keep *keep);

typedef void wardens_visitor(void *context, int pidfd, int pid,
                             const char *place, const char *user);

/*
 * Visits the warden(s) of each pin (of one user's: user not NULL).  Needs
 * CAP_SYS_PTRACE permitted: wardens are not dumpable.
 */
void wardens_each(const struct keep *keep, const struct wardens *wardens,
                  const char *user, wardens_visitor *visit, void *context);

void wardens_free(struct wardens *wardens);

#endif
