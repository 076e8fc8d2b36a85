/*
 * arguments.h - the three names that trampoline and provision are started with
 */
#ifndef IVLEJAIL_ARGUMENTS_H
#define IVLEJAIL_ARGUMENTS_H

#include "policy.h"

struct arguments {
    const char *instance, *profile, *user;
};

/* Dies with CODE_USAGE or CODE_NAME. */
void arguments_read(int argc, char **argv, struct arguments *arguments);

/* The policy of the instance, with the profile; run is its directory. */
void arguments_read_policy(const struct arguments *arguments, int run,
                           struct policy *policy);

#endif
