/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provision.c - makes a user's directories at the first request
 *
 * Run as root by the trampoline, which holds the user's lock; not setuid:
 *
 *   provision <instance> <profile> <user>
 *
 * Trusted: the sealed policy.  An account of the system is looked up by a
 * child that has given up everything first; all that comes back from it is
 * two numbers.  Errors are one line on stderr, with the exit status of code.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "account.h"
#include "arguments.h"
#include "creds.h"
#include "keep.h"
#include "path.h"
#include "rootonly.h"
#include "say.h"
#include "users.h"

enum { ACCOUNT_SECONDS = 5 };

/*
 * Neither httpd nor a user runs as nobody: whoever has the same uid could
 * trace getent and choose the ids of a new user.
 */
static _Noreturn void answer_account(const char *user, int channel)
{
    const struct users_identity nobody = { 65534, 65534 };
    struct users_identity id;

    creds_drop(nobody);
    if (account_find(user, &id)) {
        (void)!write(channel, &id, sizeof id);
    }
    _exit(0);
}

static struct users_identity ask_account(const char *user)
{
    const struct timeval limit = { .tv_sec = ACCOUNT_SECONDS };
    struct users_identity id;
    int ends[2];
    ssize_t n;
    pid_t pid;

    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0
         && setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)
            == 0, CODE_PROVISION, "socket pair");
    pid = fork();
    must(pid >= 0, CODE_PROVISION, "fork");
    if (pid == 0) {
        answer_account(user, ends[1]);
    }
    (void)close(ends[1]);
    n = recv(ends[0], &id, sizeof id, 0);
    must(n >= 0, CODE_PROVISION, "account of '%s'", user);
    if (n != (ssize_t)sizeof id) {
        die(CODE_USER_UNKNOWN, "'%s' is no account of the system", user);
    }
    (void)close(ends[0]);
    return id;
}

static void require_allowed(const struct policy *policy, const char *user,
                            struct users_identity id)
{
    enum code code = users_check(policy, id);

    if (code != CODE_OK) {
        die(code, "account '%s' has uid %u and gid %u", user, id.uid, id.gid);
    }
}

/* Nothing is registered that would be refused. */
static struct users_identity choose(const struct policy *policy, int users,
                                    const char *user)
{
    const struct policy_profile *profile = &policy->profile;
    struct users_identity id;

    if (profile->provision == PROVISION_SYSTEM) {
        id = ask_account(user);
        require_allowed(policy, user, id);
        errno = users_register(users, user, id.uid);
    }
    else {
        errno = users_allocate(users, user, profile->uid_min,
                               profile->uid_max, &id);
    }
    must(errno == 0, CODE_PROVISION, "uid for '%s'", user);
    return id;
}

static void make(const struct policy *policy, const char *user)
{
    size_t culprit;
    int users = path_open_trusted(policy->profile.users, &culprit);
    struct users_identity id;

    must(users >= 0, CODE_USER_DIR, "'%.*s' is not root's alone",
         (int)culprit, policy->profile.users);
    id = choose(policy, users, user);
    creds_use(CAP_CHOWN);
    errno = users_make(users, user, id);
    must(errno == 0 || errno == EEXIST, CODE_PROVISION,
         "directories of '%s' in '%s'", user, policy->profile.users);
    creds_use_none();
}

int main(int argc, char **argv)
{
    static struct policy policy;
    struct arguments arguments;
    struct keep keep;

    rootonly_start("provision");
    arguments_read(argc, argv, &arguments);
    creds_keep(CAP_CHOWN, CAP_SETUID, CAP_SETGID, CAP_SETPCAP);
    if (!keep_open_run(&keep, arguments.instance)) {
        die(CODE_KEEP, "instance '%s'", arguments.instance);
    }
    arguments_read_policy(&arguments, keep.run, &policy);
    if (policy.profile.provision == PROVISION_OFF) {
        die(CODE_USER_UNKNOWN, "profile '%s' provisions nobody",
            policy.profile.name);
    }
    make(&policy, arguments.user);
    return 0;
}
