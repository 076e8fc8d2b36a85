/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk.h - the conversation with a warden, up to the start of the program
 */
#ifndef IVLEJAIL_TALK_H
#define IVLEJAIL_TALK_H

#include <stdbool.h>

#include "trampoline/wire.h"

typedef struct ij_talk {
    int sock;                   /* -1: over.  Closing it is the abort */
    int in, out, err;           /* our ends of the program's pipes; -1 */
    int file;                   /* what is served instead of a program; -1 */
    bool is_nph;                /* the program prints a whole answer of HTTP */
    const char *path;           /* of the socket of the warden */
    uid_t uid;                  /* the warden's; -1 before it has answered */
} ij_talk;

typedef enum ij_talk_end {
    IJ_TALK_STARTED,            /* the program runs */
    IJ_TALK_FILE,               /* talk->file is a regular file */
    IJ_TALK_LISTING,            /* talk->file has the entries of a directory */
    IJ_TALK_REFUSED,            /* answer->refusal says why */
    IJ_TALK_NOBODY,             /* no warden took the request: cold start */
    IJ_TALK_SILENT,             /* a warden is there, but does not answer */
    IJ_TALK_QUEUED,             /* accepted, but not started in time */
    IJ_TALK_LOST,               /* accepted, and then the warden was gone */
    IJ_TALK_WRONG,              /* the warden answered nonsense */
    IJ_TALK_ABORTED,            /* the client went while we waited */
    IJ_TALK_FAILED              /* our own system said no */
} ij_talk_end;

/* The client, to notice that it is gone. */
typedef struct ij_client {
    const struct conn_rec *connection;
    int fd;                     /* to poll(2); -1: the connection says it */
    bool may_send;              /* a body is to come: its end is no abort */
} ij_client;

/* Events to poll the client for, and whether they say that it is gone. */
short ij_client_events(const ij_client *client);
bool ij_client_is_gone(const ij_client *client, short revents);

/* Milliseconds that all wardens of one request have to accept it. */
enum { IJ_TALK_PATIENCE = 5000 };

/*
 * Connects to path and has the request started there.  It must be accepted
 * within *patience, from which the time that this took is taken; then it
 * waits for its turn at most timeout_seconds of the request.  *talk holds
 * open descriptors if, and only if, the program was started; or one,
 * talk->file, for the other two good ends; and path in any case.  *error is
 * an errno or 0.
 */
ij_talk_end ij_talk_begin(const char *path, const struct wire_request *request,
                          const ij_client *client, long long *patience,
                          ij_talk *talk, struct wire_answer *answer,
                          int *error);

/* Closes what is still open. */
void ij_talk_close(ij_talk *talk);

/*
 * Sends an entry for the user's error log, without waiting for anything.
 * Returns 0 and *sock, from where the one answer comes; or errno.
 */
int ij_talk_log(const char *path, const struct wire_log *log, int *sock);

#endif
