/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.c - "ivlejailctl doctor": whether jails can be made here
 *
 * A table of checks.  Each one runs in a process of its own, and what it
 * prints comes through a pipe: a line of finding.h, or, as a helper that it
 * runs or fail() has it, a complaint that is made one.  A check that has not
 * ended in time, since a file server hangs, is a finding, too.
 *
 * It looks from where httpd's helpers look: in httpd's mount namespace.
 */
#include "doctor.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "enter.h"
#include "finding.h"
#include "site.h"
#include "trampoline/layout.h"
#include "trampoline/path.h"

enum { CHECK_SECONDS = 30 };

/* What a check needs to make sense. */
enum need { NEED_NOTHING, NEED_HTTPD, NEED_PROFILE };

static const struct check {
    const char *name;
    check_function *run;
    enum need need;
} checks[] = {
    { "httpd", check_running, NEED_NOTHING },
    { "no-new-privs", check_no_new_privs, NEED_HTTPD },
    { "mount-namespace", check_mount_namespace, NEED_HTTPD },
    { "capabilities", check_capabilities, NEED_HTTPD },
    { "process-filter", check_process_filter, NEED_HTTPD },
    { "lsm", check_confinement, NEED_HTTPD },
    { "tasks", check_tasks, NEED_HTTPD },
    { "trampoline", check_trampoline, NEED_NOTHING },
    { "helpers", check_helpers, NEED_NOTHING },
    { "mounts", check_mounts, NEED_NOTHING },
    { "namespaces", check_namespaces, NEED_NOTHING },
    { "seccomp", check_filters, NEED_NOTHING },
    { "cgroup", check_cgroups, NEED_NOTHING },
    { "policy", check_policy, NEED_HTTPD },
    { "runtime", check_runtime, NEED_HTTPD },
    { "limits", check_limits, NEED_PROFILE },
    { "base", check_base, NEED_PROFILE },
    { "users", check_users, NEED_PROFILE },
    { "room", check_room, NEED_PROFILE }
};

static const struct check try = { "try", check_try, NEED_NOTHING };

enum { CHECK_COUNT = sizeof(checks) / sizeof(checks[0]) };

/*** One check ***/

static enum finding worst;          /* of all checks so far */
static volatile sig_atomic_t is_overdue;
static volatile pid_t running;      /* the leader of its process group */

/* Comes again, in case that nothing was waiting when it came. */
static void on_alarm(int number)
{
    (void)number;
    is_overdue = 1;
    (void)kill(-running, SIGKILL);
}

static void set_time_limit(int seconds)
{
    /* without SA_RESTART: what cannot be killed is not waited for */
    const struct sigaction action = { .sa_handler = on_alarm };
    const struct itimerval limit = { { seconds > 0, 0 }, { seconds, 0 } };

    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &limit, NULL);
}

static _Noreturn void be_check(const struct patient *patient,
                               const struct check *check, int output)
{
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(output, STDOUT_FILENO) == -1
        || dup2(output, STDERR_FILENO) == -1) {
        _exit(1);
    }
    check->run(patient);
    exit(0);
}

/* Starts it; *output is what it says. */
static void start(const struct patient *patient, const struct check *check,
                  FILE **output)
{
    int ends[2];

    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) == -1) {
        fail("cannot make a pipe: %m");
    }
    running = fork();
    if (running == -1) {
        fail("cannot make a process: %m");
    }
    if (running == 0) {
        be_check(patient, check, ends[1]);
    }
    (void)setpgid(running, running);
    close(ends[1]);
    *output = fdopen(ends[0], "r");
    if (*output == NULL) {
        fail("cannot read from a pipe: %m");
    }
}

static void report(enum finding kind, const char *line)
{
    finding_say(kind, "%s", line);
    worst = kind > worst ? kind : worst;
}

/* Prints a line as a finding, if it is none. */
static void take_line(char *line)
{
    static const char own[] = "ivlejailctl: ";
    enum finding kind;

    line[strcspn(line, "\n")] = '\0';
    if (!finding_kind(line, &kind)) {
        report(FINDING_FAULT, strncmp(line, own, strlen(own)) == 0
               ? line + strlen(own) : line);
        return;
    }
    puts(line);
    worst = kind > worst ? kind : worst;
}

/* It has said why, if it ended by itself. */
static void take_end(void)
{
    int status;

    if (is_overdue) {
        report(FINDING_FAULT, "no answer in time: look for a file system or "
               "a server that hangs");
        (void)waitpid(running, &status, WNOHANG);
    }
    else if (waitpid(running, &status, 0) == -1 || WIFSIGNALED(status)) {
        report(FINDING_FAULT, "the check was ended by a signal: try again");
    }
}

static void examine(const struct patient *patient, const struct check *check)
{
    char *line = NULL;
    size_t size = 0;
    FILE *output;

    finding_begin(check->name);
    start(patient, check, &output);
    is_overdue = 0;
    set_time_limit(CHECK_SECONDS);
    while (getline(&line, &size, output) != -1) {
        take_line(line);
    }
    set_time_limit(0);
    free(line);
    fclose(output);
    take_end();
}

/* Those with this need. */
static void examine_all(const struct patient *patient, enum need need)
{
    size_t i;

    for (i = 0; i < CHECK_COUNT; i++) {
        if (checks[i].need == need) {
            examine(patient, &checks[i]);
        }
    }
}

/*** Profiles ***/

/* The shortest text of one is longer than this. */
enum { PROFILE_SIZE_MIN = 200 };

typedef char profile_name[NAME_PROFILE_MAX + 1];

/*
 * All profiles in the sealed policy, which has been read: it is root's, and
 * whole.  Returns how many.
 */
static size_t read_profile_names(int run, profile_name *names, size_t most)
{
    FILE *policy = fdopen(path_open_beneath(run, LAYOUT_POLICY, O_RDONLY),
                          "r");
    char *line = NULL, *rest;
    size_t count = 0, size = 0;

    while (policy != NULL && count < most
           && getline(&line, &size, policy) != -1) {
        rest = line;
        if (strcmp(strsep(&rest, " \n"), "profile") == 0) {
            snprintf(names[count++], sizeof(profile_name), "%s",
                     strsep(&rest, " \n"));
        }
    }
    free(line);
    if (policy != NULL) {
        fclose(policy);
    }
    return count;
}

static void examine_profiles(struct patient *patient, int run)
{
    static profile_name names[POLICY_SIZE_MAX / PROFILE_SIZE_MIN];
    const char *only = patient->options->profile;
    size_t most = sizeof(names) / sizeof(names[0]);
    size_t count = patient->sealed ? read_profile_names(run, names, most) : 0;
    struct policy_error error;
    size_t i;

    for (i = 0; i < count; i++) {
        if ((only == NULL || strcmp(only, names[i]) == 0)
            && policy_read(run, patient->options->instance, names[i],
                           &patient->policy, &error)) {
            examine_all(patient, NEED_PROFILE);
        }
    }
}

/*** All of it ***/

static bool is_in_our_mounts(const struct patient *patient)
{
    char ours[64], its[64];
    ssize_t n = readlink("/proc/self/ns/mnt", ours, sizeof(ours));
    ssize_t m = readlinkat(patient->process, "ns/mnt", its, sizeof(its));

    return n > 0 && n == m && memcmp(ours, its, (size_t)n) == 0;
}

/* Finds httpd and goes to where its helpers look from. */
static void visit(struct patient *patient)
{
    const char *instance = patient->options->instance;
    char path[32];

    patient->process = -1;
    patient->httpd = enter_find(instance);
    if (patient->httpd == 0) {
        return;
    }
    snprintf(path, sizeof(path), "/proc/%d", (int)patient->httpd);
    patient->process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    patient->own_mounts = !is_in_our_mounts(patient);
    enter_running_instance(instance);
}

/* The head of the policy; what is wrong with it is check_policy's to say. */
static int open_policy(struct patient *patient)
{
    char path[sizeof(LAYOUT_RUN) + 1 + NAME_INSTANCE_MAX];
    struct policy_error error;
    size_t culprit;
    int run;

    snprintf(path, sizeof(path), LAYOUT_RUN "/%s", patient->options->instance);
    run = patient->httpd == 0 ? -1 : path_open_trusted(path, &culprit);
    patient->sealed = run != -1
        && policy_read(run, patient->options->instance, NULL,
                       &patient->policy, &error);
    return run;
}

int doctor(const struct options *options, char **operands)
{
    struct patient patient = { .options = options };
    int run;

    (void)operands;
    if (options->try_user != NULL) {
        site_require_name(options->try_user);
    }
    visit(&patient);
    run = open_policy(&patient);
    examine_all(&patient, NEED_NOTHING);
    if (patient.httpd != 0) {
        examine_all(&patient, NEED_HTTPD);
        examine_profiles(&patient, run);
    }
    if (options->try_user != NULL) {
        examine(&patient, &try);
    }
    return worst == FINDING_FAULT ? 1 : 0;
}
