/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.h - has a warden run a program, and gives its output to the client
 */
#ifndef IVLEJAIL_SERVE_H
#define IVLEJAIL_SERVE_H

#include "module/conf.h"
#include "module/spawn.h"

typedef struct ij_job {
    ij_jail jail;
    const char *trampoline;
    const char *root;               /* in the jail, as the next one */
    const char *filename;
    const ij_dir_conf *conf;
} ij_job;

/* Returns as a handler does: OK, or what to answer. */
int ij_serve(request_rec *r, const ij_job *job);

#endif
