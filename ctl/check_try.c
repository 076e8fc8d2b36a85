/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_try.c - a jail, made as httpd makes it
 *
 * The trampoline is run by httpd's User, with no capability that httpd does
 * not have, and its first line is what counts.  The jail that it has made
 * expires like any other.
 */
#include "check.h"

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enter.h"
#include "finding.h"
#include "helper.h"

/* As a child of httpd: what its parent cannot have, it cannot either. */
static void become_httpd(const struct patient *patient)
{
    const gid_t group = patient->policy.httpd_gid;
    int i;

    for (i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++) {
        if (!check_has_capability(patient, i)) {
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
        }
    }
    if (setgroups(1, &group) == -1 || setgid(group) == -1
        || setuid(patient->policy.httpd_uid) == -1) {
        fail("cannot become httpd's User: %m");
    }
}

static _Noreturn void be_trampoline(const struct patient *patient, int output)
{
    const struct options *options = patient->options;
    struct helper trampoline;

    helper_init(&trampoline, "trampoline", patient->policy.warden);
    helper_add(&trampoline, options->instance);
    helper_add(&trampoline, options->profile != NULL ? options->profile
                                                     : DEFAULT_PROFILE);
    helper_add(&trampoline, options->try_user);
    become_httpd(patient);
    if (dup2(output, STDOUT_FILENO) == -1
        || dup2(output, STDERR_FILENO) == -1) {
        _exit(1);
    }
    helper_exec(&trampoline);
}

/*
 * Returns its exit status.  Its output goes to a file, not through a pipe:
 * nothing of a jail that stays may keep one open.
 */
static int run_trampoline(const struct patient *patient, char *line,
                          size_t size)
{
    int output = memfd_create("trampoline", MFD_CLOEXEC), status;
    pid_t pid = output == -1 ? -1 : fork();
    ssize_t n;

    if (pid == 0) {
        be_trampoline(patient, output);
    }
    if (pid == -1 || waitpid(pid, &status, 0) == -1) {
        fail("cannot run the trampoline: %m");
    }
    n = pread(output, line, size - 1, 0);
    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    close(output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

void check_try(const struct patient *patient)
{
    const char *user = patient->options->try_user, *meaning;
    char line[1024];
    int status;

    if (!patient->sealed) {
        finding_fault("no jail of '%s' can be tried without a running httpd "
                      "and its policy: see above", user);
        return;
    }
    status = run_trampoline(patient, line, sizeof(line));
    meaning = enter_meaning((enum code)status);
    if (status == 0) {
        finding_ok("a jail of '%s' answers at %s", user, line);
    }
    else if (strstr(line, meaning) != NULL) {
        finding_fault("no jail of '%s': %s", user, line);
    }
    else {
        finding_fault("no jail of '%s': %s: %s", user, line, meaning);
    }
}
