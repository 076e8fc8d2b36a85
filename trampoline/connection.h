/*
 * connection.h - the warden's connections, in slots made once at its start
 */
#ifndef IVLEJAIL_CONNECTION_H
#define IVLEJAIL_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "wire.h"

enum connection_state {
    CONNECTION_FREE,
    CONNECTION_SILENT,      /* accepted, no request yet */
    CONNECTION_QUEUED,      /* its request waits */
    CONNECTION_RUNNING,     /* its program runs, or was killed just now */
    CONNECTION_STATES
};

struct connection {
    TAILQ_ENTRY(connection) link;   /* in the list of its state */
    enum connection_state state;
    int sock;                       /* -1: closed by httpd */
    bool is_watched;                /* events of the socket point to it */
    int pipes[WIRE_PIPES];          /* of a queued request; else -1 */
    int64_t deadline;               /* silent, running: CLOCK_MONOTONIC, us */
    int64_t started;                /* running: the same */
    uint64_t number;                /* running: in the order of starts */
    pid_t pid;                      /* running */
    bool timed_out;                 /* running: was killed for that */
    struct wire_unpacked unpacked;  /* points into buffer */
    char buffer[WIRE_STRINGS_MAX];
};

TAILQ_HEAD(connection_list, connection);

/*
 * Makes the slots (memory is only used where requests have been), and keeps
 * the descriptor of the epoll that watches the sockets.  Returns 0 or errno.
 */
int connection_init(size_t slots, int epoll);

/* A slot for an accepted socket, now silent.  NULL, with the socket closed:
   none is free. */
struct connection *connection_new(int sock);

/* From now on events of the socket point to it.  Returns 0 or errno. */
int connection_watch(struct connection *c);

void connection_move(struct connection *c, enum connection_state state);

/* Closes the socket; no more events. */
void connection_hang_up(struct connection *c);

/* Closes what is open and frees the slot. */
void connection_free(struct connection *c);

void connection_close_pipes(struct connection *c);

/* The connections of a state, those that came into it first first. */
struct connection *connection_first(enum connection_state state);
struct connection *connection_next(const struct connection *c);
size_t connection_count(enum connection_state state);

#endif
