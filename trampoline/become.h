/*
 * become.h - from a process without privilege to the warden
 *
 * Everything here runs after the drop.
 */
#ifndef IVLEJAIL_BECOME_H
#define IVLEJAIL_BECOME_H

#include "policy.h"
#include "setup.h"

enum become_word {
    BECOME_READY = 1,       /* from the child; no exit status of ours */
    BECOME_GO = 2           /* from the parent */
};

struct become {
    const struct policy *policy;
    const char *user;
    int channel;            /* to the parent: words, and our exit status */
    int warden;             /* O_PATH, to be executed */
    int null;               /* /dev/null */
    int listener, hold;     /* for the warden */
};

/* Every death of this process is reported to the parent, too. */
void become_report_death(int channel);

/*
 * Reads the settings, arranges the warden's descriptors, loads the filter,
 * says BECOME_READY, waits for BECOME_GO and executes the warden.
 */
_Noreturn void become_warden(const struct become *become);

#endif
