/*
 * record.h - which process is a warden, so that it can be ended later
 *
 * A file "<user>@<pid>" that holds the process's start time: the pid may be
 * somebody else's by the time it is read.
 */
#ifndef IVLEJAIL_RECORD_H
#define IVLEJAIL_RECORD_H

#include <stdbool.h>
#include <sys/types.h>

#include "names.h"

enum { RECORD_NAME_MAX = NAME_USER_MAX + 1 + 10 + 1 };

void record_name(char name[RECORD_NAME_MAX], const char *user, pid_t pid);

/* Splits a name into the two; false if it is none. */
bool record_parse_name(const char *name, char user[NAME_USER_MAX + 1],
                       pid_t *pid);

/* False with errno. */
bool record_write(int dirfd, const char *name, int proc, pid_t pid);

/* A pidfd of the recorded process, or -1 if it has ended. */
int record_open_process(int dirfd, const char *name, int proc, pid_t pid);

#endif
