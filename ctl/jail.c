/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.c - "ivlejailctl jail": what timount does, for an administrator
 *
 * The jails are seen in httpd's mount namespace only, so that is entered
 * first.  What timount complains about it says itself.
 */
#include "jail.h"

#include <stddef.h>

#include "enter.h"
#include "trampoline/names.h"

void jail_timount(struct helper *timount, const char *instance,
                  const char *verb, const char *user)
{
    struct policy policy;

    enter_read_policy(instance, NULL, &policy);
    helper_init(timount, "timount", policy.warden);
    helper_add(timount, instance);
    helper_add(timount, verb);
    if (user != NULL) {
        helper_add(timount, user);
    }
}

static int run(const struct options *options, const char *verb,
               const char *user)
{
    struct helper timount;

    enter_running_instance(options->instance);
    jail_timount(&timount, options->instance, verb, user);
    return helper_run(&timount) == 0 ? 0 : 1;
}

int jail_list(const struct options *options, char **operands)
{
    (void)operands;
    return run(options, "list", NULL);
}

int jail_sweep(const struct options *options, char **operands)
{
    (void)operands;
    return run(options, "sweep", NULL);
}

int jail_evict(const struct options *options, char **operands)
{
    if (!name_is_user(operands[0])) {
        fail_usage("'%s' cannot be a user's name: [a-z0-9_.-], at most %d "
                   "bytes", operands[0], NAME_USER_MAX);
    }
    return run(options, "evict", operands[0]);
}
