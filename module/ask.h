/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.h - asks for a program to be started
 */
#ifndef IVLEJAIL_ASK_H
#define IVLEJAIL_ASK_H

#include "module/conf.h"
#include "module/spawn.h"
#include "module/talk.h"
#include "module/verdict.h"

/* A request, when it is clear whose it is and where it leads. */
typedef struct ij_job {
    ij_jail jail;
    const char *trampoline;
    const char *root;               /* in the jail, as the next one */
    const char *filename;
    const apr_array_header_t *interpreters;     /* ij_interpreter */
    apr_array_header_t *indexes;    /* const char *: names of files */
    bool lists;                     /* IvleJailListing */
    int timeout_seconds;
    const ij_limit *limits;         /* of the profile, LIMIT_COUNT */
    const char *const *group;       /* the same, GROUP_KEYS */
    const char *group_directory;    /* where jails have theirs; NULL: none */
    bool explains;                  /* IvleJailExplain */
    const char *error_log;          /* in the jail; NULL: none */
    bool passes_credentials;        /* ij_origin_passes() */
} ij_job;

/* The client's connection, where it belongs to this request alone. */
ij_client ij_client_of(request_rec *r);

/*
 * Returns OK, and if the client is still there *talk is open: to a program, or
 * to a file alone where *answer is of kind FILE or LISTING.  Or what to
 * answer, and why is in the log, and in *verdict where it is the program's
 * fault.
 */
int ij_ask(request_rec *r, const ij_job *job, const ij_client *client,
           ij_talk *talk, struct wire_answer *answer,
           struct verdict *verdict);

#endif
