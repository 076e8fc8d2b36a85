/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provision.c - a user's directories at the first request
 *
 * An account of the system is looked up by a child that has given up
 * everything first; all that comes back from it is two numbers.
 */
#include "provision.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "account.h"
#include "creds.h"
#include "say.h"
#include "users.h"

enum { ACCOUNT_SECONDS = 5 };

static _Noreturn void answer_account(const struct policy *policy,
                                     const char *user, int channel)
{
    const struct users_identity nobody = { policy->httpd_uid,
                                           policy->httpd_gid };
    struct users_identity id;

    creds_drop(nobody);
    if (account_find(user, &id)) {
        (void)!write(channel, &id, sizeof id);
    }
    _exit(0);
}

static struct users_identity ask_account(const struct policy *policy,
                                         const char *user)
{
    const struct timeval limit = { .tv_sec = ACCOUNT_SECONDS };
    struct users_identity id;
    int ends[2];
    pid_t pid;

    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0
         && setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)
            == 0, CODE_PROVISION, "socket pair");
    pid = fork();
    must(pid >= 0, CODE_PROVISION, "fork");
    if (pid == 0) {
        answer_account(policy, user, ends[1]);
    }
    (void)close(ends[1]);
    if (recv(ends[0], &id, sizeof id, 0) != (ssize_t)sizeof id) {
        die(CODE_USER_UNKNOWN, "'%s' is no account of the system", user);
    }
    (void)close(ends[0]);
    return id;
}

void provision_user(const struct policy *policy, int users, const char *user)
{
    const struct policy_profile *profile = &policy->profile;
    struct users_identity id;
    enum code code;

    if (profile->provision == PROVISION_SYSTEM) {
        id = ask_account(policy, user);
        errno = users_register(users, user, id.uid);
    }
    else {
        errno = users_allocate(users, user, profile->uid_min,
                               profile->uid_max, &id);
    }
    must(errno == 0, CODE_PROVISION, "uid for '%s'", user);
    code = users_check(policy, id);
    if (code != CODE_OK) {
        die(code, "account '%s' has uid %u and gid %u", user, id.uid, id.gid);
    }
    creds_use(CAP_CHOWN);
    errno = users_make(users, user, id);
    must(errno == 0 || errno == EEXIST, CODE_PROVISION, "directories of '%s' in '%s'",
         user, profile->users);
    creds_use_none();
}
