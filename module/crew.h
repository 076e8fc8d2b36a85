/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew.h - the threads of one child of httpd: how many of them a user holds,
 * and whose streams wait for one
 *
 * A request of HTTP/1 has a thread of the MPM's.  Of HTTP/2, each stream has
 * one of mod_http2's, and all streams of a connection together have one of the
 * MPM's, which goes on with the connection as long as one of them lasts.
 * Neither can be had from another child.
 *
 * Without httpd; one crew in a process, which all of its threads may call.
 */
#ifndef IVLEJAIL_CREW_H
#define IVLEJAIL_CREW_H

#include <pthread.h>

#include "module/claims.h"

/* A claim, in the child that has it.  The caller's memory, until it leaves. */
typedef struct crew_member {
    uint64_t word;              /* claims_word() */
    const void *connection;     /* the client's */
    bool is_stream;
    bool is_held;               /* from joining to leaving; false at first */

    /* crew.c's own */
    struct crew_member *next;
    pthread_cond_t called;
    bool leads;                 /* the one that counts for its connection */
} crew_member;

/* How many threads of the MPM's, and of mod_http2's, a user may hold. */
typedef struct crew_limits {
    size_t threads, streams;
} crew_limits;

/* Milliseconds that a stream may wait where others need its thread, too. */
enum { CREW_PATIENCE = 1000 };

/*
 * Has a member hold its threads, and what claim() takes of other things, or
 * says why not: CLAIMS_HELD, and it is to leave; or CLAIMS_OVER_THREADS,
 * CLAIMS_OVER_STREAMS or what claim() returned, and it is forgotten.  A stream
 * may wait for others of its user's to leave, for so many milliseconds of
 * patience at most, and those of one jail are taken in the order in which they
 * came.
 */
claims_end crew_join(crew_member *member, const crew_limits *limits,
                     int patience, claims_end (*claim)(void *), void *data);

/* After what claim() took was given back: others may be waiting for it. */
void crew_leave(crew_member *member);

#endif
