/*
 * serve.h - the life of a request in the warden
 *
 *   silent -> queued -> running -> free
 *
 * What needs no program is answered and free at once: FILE, LISTING, REFUSED.
 * Else ACCEPTED when it is queued, STARTED when its program runs, ENDED when
 * that was reaped; a queued one may turn out to need no program any more.
 * httpd closing the connection ends it too: a queued request never runs, a
 * running program is killed.  A log entry is written as soon as it is there,
 * also where httpd is gone.
 */
#ifndef IVLEJAIL_SERVE_H
#define IVLEJAIL_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"
#include "setup.h"

#define SERVE_NEVER INT64_MAX

/* CLOCK_MONOTONIC in microseconds. */
int64_t serve_now(void);

/* The setup must stay; its limits can be set (program_cap_limits). */
void serve_init(const struct setup *setup);

/* Something came from httpd, or httpd closed the connection. */
void serve_event(struct connection *c, bool closed);

/* A new connection: its request may be there already. */
void serve_begin(struct connection *c);

/* Children have ended: reaps all of them and answers. */
void serve_reap(void);

/* Ends what is over its time. */
void serve_expire(int64_t now);

/* When that will be necessary next. */
int64_t serve_deadline(void);

/* Since when nothing has been queued or running; SERVE_NEVER: something is. */
int64_t serve_quiet_since(void);

/* Counts from now again. */
void serve_stay_quiet(void);

/* Whether there are processes in the jail, e.g. such as may linger. */
bool serve_has_children(void);

#endif
