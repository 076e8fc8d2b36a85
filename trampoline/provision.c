/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provision.c - a user's directories at the first request
 *
 * Accounts of the system are looked up by getent(1), in a process that has
 * given up everything: NSS modules have no place in a setuid program.
 */
#include "provision.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "creds.h"
#include "say.h"
#include "users.h"

#define GETENT "/usr/bin/getent"

enum {
    GETENT_SECONDS = 5,
    GETENT_LINE_MAX = 1024,
    PASSWD_UID = 2,     /* fields of passwd(5), from 0 */
    PASSWD_GID = 3
};

/* The child's half: never returns, and has nothing that it could lend. */
static _Noreturn void exec_getent(const struct policy *policy,
                                  const char *user, int out)
{
    const struct users_identity nobody = { policy->httpd_uid,
                                           policy->httpd_gid };
    char *argv[] = { (char *)"getent", (char *)"passwd", (char *)user, NULL };
    char *envp[] = { NULL };

    creds_drop(nobody);
    if (dup2(out, STDOUT_FILENO) != STDOUT_FILENO) {
        die_errno(CODE_PROVISION, "cannot redirect getent");
    }
    (void)execve(GETENT, argv, envp);
    die_errno(CODE_PROVISION, "cannot execute '" GETENT "'");
}

static int remaining_ms(const struct timespec *deadline)
{
    struct timespec now;
    int64_t ms;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    ms = (int64_t)(deadline->tv_sec - now.tv_sec) * 1000
         + (deadline->tv_nsec - now.tv_nsec) / 1000000;
    return ms > 0 ? (int)ms : 0;
}

/* Reads until end of file, the line is too long, or time is over. */
static bool read_line(int fd, char *line, size_t size)
{
    struct pollfd input = { .fd = fd, .events = POLLIN };
    struct timespec deadline;
    size_t length = 0;
    ssize_t n;

    (void)clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += GETENT_SECONDS;
    while (length < size - 1
           && poll(&input, 1, remaining_ms(&deadline)) == 1) {
        n = read(fd, line + length, size - 1 - length);
        if (n <= 0) {
            line[length] = '\0';
            return n == 0;
        }
        length += (size_t)n;
    }
    return false;
}

static bool parse_id(const char *field, uint32_t *id)
{
    uint64_t value = 0;
    size_t digits;

    for (digits = 0; field[digits] >= '0' && field[digits] <= '9'; digits++) {
        value = value * 10 + (uint64_t)(field[digits] - '0');
        if (value >= UINT32_MAX) {
            return false;
        }
    }
    *id = (uint32_t)value;
    return digits > 0 && field[digits] == ':';
}

/* "name:x:uid:gid:..." and the name is the one that was asked for. */
static bool parse_passwd(const char *line, const char *user,
                         struct users_identity *id)
{
    const char *field = line;
    int number;

    if (strncmp(line, user, strlen(user)) != 0 || line[strlen(user)] != ':') {
        return false;
    }
    for (number = 0; number <= PASSWD_GID; number++) {
        if ((number == PASSWD_UID && !parse_id(field, &id->uid))
            || (number == PASSWD_GID && !parse_id(field, &id->gid))) {
            return false;
        }
        field = strchr(field, ':');
        if (field == NULL) {
            return false;
        }
        field++;
    }
    return true;
}

static struct users_identity ask_system(const struct policy *policy,
                                        const char *user)
{
    struct users_identity id;
    char line[GETENT_LINE_MAX];
    bool complete;
    int ends[2], status;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
        die_errno(CODE_PROVISION, "cannot start getent");
    }
    if (pid == 0) {
        exec_getent(policy, user, ends[1]);
    }
    (void)close(ends[1]);
    complete = read_line(ends[0], line, sizeof line);
    (void)close(ends[0]);
    if (!complete) {
        die(CODE_PROVISION, "getent has not answered within %d s: see "
            "nsswitch.conf(5)", GETENT_SECONDS);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0
        || !parse_passwd(line, user, &id)) {
        die(CODE_USER_UNKNOWN, "the system has no account for user '%s'",
            user);
    }
    return id;
}

static struct users_identity choose(const struct policy *policy, int users,
                                    const char *user)
{
    const struct policy_profile *profile = &policy->profile;
    struct users_identity id;
    int error;

    if (profile->provision == PROVISION_SYSTEM) {
        id = ask_system(policy, user);
        if (users_check(policy, id) != CODE_OK) {
            die(users_check(policy, id), "the account of user '%s' has uid "
                "%u and gid %u, which profile '%s' does not allow: see "
                "IvleJailUidRange", user, id.uid, id.gid, profile->name);
        }
        error = users_register(users, user, id.uid);
    }
    else {
        error = users_allocate(users, user, profile->uid_min,
                               profile->uid_max, &id);
    }
    if (error != 0) {
        errno = error;
        die_errno(CODE_PROVISION, "cannot register a uid for user '%s' in "
                  "'%s'", user, profile->users);
    }
    return id;
}

void provision_user(const struct policy *policy, int users, const char *user)
{
    struct users_identity id = choose(policy, users, user);
    int error;

    creds_use(CAP_CHOWN);
    error = users_make(users, user, id);
    creds_use_none();
    if (error != 0 && error != EEXIST) {
        errno = error;
        die_errno(CODE_PROVISION, "cannot make the directories of user '%s' "
                  "in '%s'", user, policy->profile.users);
    }
}
