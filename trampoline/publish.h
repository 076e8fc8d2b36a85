/*
 * publish.h - what makes a jail known: pin and socket
 *
 * The last things that a cold start does.  What has been published is taken
 * back if the start fails after all.
 */
#ifndef IVLEJAIL_PUBLISH_H
#define IVLEJAIL_PUBLISH_H

#include <stdbool.h>

#include "jail.h"
#include "keep.h"
#include "policy.h"

/*
 * Opens (and makes) the directories for sockets and pins of the profile's
 * generation, while the lock is held.  Once, before the others.
 */
void publish_open(const struct keep *keep, const struct policy *policy,
                  const char *user);

/* Whether a warden listens on the user's socket. */
bool publish_is_answered(void);

/* The socket that publish() will bind; to be inherited by the warden. */
int publish_make_socket(void);

/*
 * Puts the pin on its place (a new jail's only) and binds the socket for
 * httpd's User.  The process is in the keep.
 */
void publish(const struct jail *jail, int listener);

/* The line that httpd waits for. */
void publish_announce(const char *instance);

#endif
