/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arguments.c - the three names that trampoline and provision are started with
 */
#include "arguments.h"

#include "names.h"
#include "say.h"

void arguments_read(int argc, char **argv, struct arguments *arguments)
{
    if (argc != 4) {
        die(CODE_USAGE, "usage: <instance> <profile> <user>");
    }
    *arguments = (struct arguments){ argv[1], argv[2], argv[3] };
    if (!name_is_instance(argv[1]) || !name_is_profile(argv[2])
        || !name_is_user(argv[3])) {
        die(CODE_NAME, "'%s' '%s' '%s'", argv[1], argv[2], argv[3]);
    }
}

void arguments_read_policy(const struct arguments *arguments, int run,
                           struct policy *policy)
{
    struct policy_error error;

    if (!policy_read(run, arguments->instance, arguments->profile, policy,
                     &error)) {
        die(error.code, "%s", error.text);
    }
}
