/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.h - cold start: a warden for a user that has none
 */
#ifndef IVLEJAIL_SPAWN_H
#define IVLEJAIL_SPAWN_H

#include <sys/un.h>

#include "module/conf.h"
#include "module/run.h"
#include "trampoline/layout.h"

/* Whose warden, where. */
typedef struct ij_jail {
    const char *instance;
    const char *profile;
    const char *generation;     /* as of this httpd's own policy */
    const char *user;
} ij_jail;

/* Where its warden listens: instance, profile, generation, user. */
#define IJ_JAIL_SOCKET LAYOUT_RUN "/%s/" LAYOUT_SOCK "/%s@%s/%s"

typedef struct ij_cold {
    int status;                 /* HTTP_OK, or what to answer */
    int error;                  /* errno, or 0 */
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    char said[IJ_RUN_ERR];      /* the trampoline's last words */
} ij_cold;

/* Once in each child of httpd, with a pool that lives as long. */
apr_status_t ij_spawn_child_init(apr_pool_t *pchild);

/*
 * Has the trampoline make or find the warden of a jail.  Of several threads
 * that want the same one, one does it and all get its result.
 */
void ij_spawn(const char *trampoline, const ij_jail *jail, ij_cold *cold);

#endif
