/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl.h - what all commands of ivlejailctl get, and how they fail
 */
#ifndef IVLEJAIL_CTL_H
#define IVLEJAIL_CTL_H

#include <stdbool.h>
#include <sys/types.h>

struct options {
    const char *instance;
    const char *profile;        /* NULL: not given */
    const char *users;          /* resolved; NULL: as the profile says */
    const char *bases;          /* resolved */
    const char *kind;           /* NULL: the builder's default */
    const char *include;        /* NULL: the builder's default */
    uid_t uid;                  /* 0: to be allocated */
    bool purge;
    const char *try_user;       /* NULL: not given */
};

#define DEFAULT_PROFILE "default"

/*
 * A command: its operands (as many as its row in the table says) and the
 * options that it knows.  Returns the exit status, or ends with fail().
 */
typedef int command_function(const struct options *options, char **operands);

/*
 * One line on stderr, and the end with exit status 1.  The line says what
 * could not be done to what, why, and what to do about it.
 */
#define fail(...) fail_with(1, __VA_ARGS__)

/* The same for a wrong command line: exit status 2. */
#define fail_usage(...) fail_with(2, __VA_ARGS__)

_Noreturn void fail_with(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Names may come from the disk: they may not forge lines or move a cursor. */
void replace_control_bytes(char *c);

#endif
