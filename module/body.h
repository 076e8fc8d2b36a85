/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.h - the request's body, on its way from the client to the program
 */
#ifndef IVLEJAIL_BODY_H
#define IVLEJAIL_BODY_H

#include <stdbool.h>

#include "apr_buckets.h"
#include "httpd.h"

#include "module/talk.h"

typedef struct ij_body {
    request_rec *r;
    ij_client client;
    int *in;                        /* the program's input; -1: closed */
    apr_bucket_brigade *pending;    /* taken from the client, not yet given
                                       to the program */
    apr_status_t status;            /* of reading it from the client */
    int look_milliseconds;          /* between looks, where nothing can be
                                       polled */
} ij_body;

/*
 * Invites the body, before anything is answered: a client may be waiting for
 * a "100 Continue".  *in stays the caller's.
 */
void ij_body_init(ij_body *body, request_rec *r, const ij_client *client,
                  int *in);

/*
 * Takes a piece and gives it, as far as that can be done without waiting.
 * Returns whether there was one; then there may be more at once, for filters
 * hold what no poll(2) sees.
 */
bool ij_body_move(ij_body *body);

/* The program gets no more; what still comes is dropped. */
void ij_body_close(ij_body *body);

/* Events to poll the program's input and the client's connection for. */
short ij_body_in_events(const ij_body *body);
short ij_body_client_events(const ij_body *body);

/* For how long these may be waited for: milliseconds, at most. */
int ij_body_patience(const ij_body *body);

#endif
