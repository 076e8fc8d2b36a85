/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.c - a program that says what it finds around itself
 *
 *   probe              a report: "name value" lines
 *   probe CALL PID     the outcome of a system call on another process
 *
 * As a CGI program it has no arguments and takes them from PROBE_CALL and
 * PROBE_PID in its environment; behind a real httpd it begins with a header.
 * Static, so that it runs in any base image.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#define IOPRIO_WHO_PROCESS 1

/* --- the report ----------------------------------------------------------- */

/* Each line of a file, or each string of a list of them. */
static void report_file(const char *name, const char *path, char end)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    FILE *in = fopen(path, "re");

    if (in == NULL) {
        printf("%s (%s)\n", name, strerror(errno));
        return;
    }
    while ((length = getdelim(&line, &size, end, in)) > 0) {
        line[length - (line[length - 1] == end)] = '\0';
        printf("%s %s\n", name, line);
    }
    free(line);
    fclose(in);
}

/* Entries of a directory, as "entry -> target"; not our own descriptor. */
static void report_links(const char *name, const char *path)
{
    char target[4096];
    DIR *directory = opendir(path);
    struct dirent *entry;
    ssize_t length;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.'
            || strtol(entry->d_name, NULL, 10) == dirfd(directory)) {
            continue;
        }
        length = readlinkat(dirfd(directory), entry->d_name, target,
                            sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        printf("%s %s -> %s\n", name, entry->d_name, target);
    }
    if (directory != NULL) {
        closedir(directory);
    }
}

static void report_processes(void)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strtol(entry->d_name, NULL, 10) > 0) {
            printf("process %s\n", entry->d_name);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
}

static void report_limits(void)
{
    struct rlimit limit;
    int resource;

    for (resource = 0; resource < RLIM_NLIMITS; resource++) {
        if (getrlimit((__rlimit_resource_t)resource, &limit) == 0) {
            printf("limit %d %lld %lld\n", resource,
                   (long long)limit.rlim_cur, (long long)limit.rlim_max);
        }
    }
}

static void report_timers(void)
{
    static const __itimer_which_t timers[] = { ITIMER_REAL, ITIMER_VIRTUAL,
                                               ITIMER_PROF };
    struct itimerval value;
    size_t i;

    for (i = 0; i < sizeof timers / sizeof *timers; i++) {
        if (getitimer(timers[i], &value) == 0) {
            printf("timer %zu %s\n", i,
                   value.it_value.tv_sec == 0 && value.it_value.tv_usec == 0
                   ? "stopped" : "running");
        }
    }
}

static void report_scheduling(void)
{
    unsigned int tsc = 0;

    printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
    printf("policy %d\n", sched_getscheduler(0));
    printf("ioprio %ld\n", syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0));
    printf("timerslack %d\n", prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
    printf("thp-disabled %d\n", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    printf("tsc %d %u\n", prctl(PR_GET_TSC, &tsc, 0, 0, 0), tsc);
}

/* "type;uid;gid;permissions;description" and how many keys are in it. */
static void report_keyring(void)
{
    char text[256] = "";
    int keys[64];
    long length = syscall(SYS_keyctl, KEYCTL_DESCRIBE,
                          KEY_SPEC_SESSION_KEYRING, text, sizeof text - 1);

    printf("keyring %s\n", length > 0 ? text : strerror(errno));
    length = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, keys,
                     sizeof keys);
    printf("keys %ld\n", length < 0 ? -1 : length / (long)sizeof *keys);
}

static void report_network(void)
{
    struct ifaddrs *all = NULL, *one;

    if (getifaddrs(&all) != 0) {
        printf("interface (%s)\n", strerror(errno));
        return;
    }
    for (one = all; one != NULL; one = one->ifa_next) {
        if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_PACKET) {
            printf("interface %s %s\n", one->ifa_name,
                   one->ifa_flags & IFF_UP ? "up" : "down");
        }
    }
    freeifaddrs(all);
}

static void report_session(void)
{
    pid_t pid = getpid();

    printf("pid %d\n", pid);
    printf("parent %d\n", getppid());
    printf("session %s\n", getsid(0) == pid ? "own" : "foreign");
    printf("group %s\n", getpgrp() == pid ? "own" : "foreign");
}

static void report(void)
{
    char directory[4096];

    report_file("environment", "/proc/self/environ", '\0');
    report_links("descriptor", "/proc/self/fd");
    report_file("status", "/proc/self/status", '\n');
    report_file("mount", "/proc/self/mountinfo", '\n');
    report_file("oom_score_adj", "/proc/self/oom_score_adj", '\n');
    report_file("personality", "/proc/self/personality", '\n');
    report_links("namespace", "/proc/self/ns");
    report_processes();
    report_limits();
    report_timers();
    report_scheduling();
    report_keyring();
    report_network();
    report_session();
    printf("directory %s\n", getcwd(directory, sizeof directory));
}

/* --- one system call on another process ---------------------------------- */

static long read_memory(pid_t pid)
{
    char here[8];
    struct iovec local = { here, sizeof here };
    struct iovec remote = { (void *)report, sizeof here };

    return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static long take_descriptor(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    return fd < 0 ? -1 : syscall(SYS_pidfd_getfd, fd, 3, 0);
}

static long lower_limit(pid_t pid)
{
    const struct rlimit none = { 0, 0 };

    return prlimit(pid, RLIMIT_NOFILE, &none, NULL);
}

static long try_call(const char *call, pid_t pid)
{
    if (strcmp(call, "attach") == 0) {
        return ptrace(PTRACE_ATTACH, pid, NULL, NULL);
    }
    if (strcmp(call, "seize") == 0) {
        return ptrace(PTRACE_SEIZE, pid, NULL, NULL);
    }
    if (strcmp(call, "read") == 0) {
        return read_memory(pid);
    }
    if (strcmp(call, "descriptor") == 0) {
        return take_descriptor(pid);
    }
    if (strcmp(call, "limit") == 0) {
        return lower_limit(pid);
    }
    if (strcmp(call, "kill") == 0) {
        return kill(pid, SIGKILL);
    }
    errno = EINVAL;
    return -1;
}

int main(int argc, char **argv)
{
    const char *call = argc == 3 ? argv[1] : getenv("PROBE_CALL");
    const char *pid = argc == 3 ? argv[2] : getenv("PROBE_PID");

    if (getenv("GATEWAY_INTERFACE") != NULL) {
        printf("Content-Type: text/plain\n\n");
    }
    if (call == NULL || pid == NULL) {
        report();
        return 0;
    }
    printf("%s\n", try_call(call, (pid_t)strtol(pid, NULL, 10)) < 0
           ? strerror(errno) : "done");
    return 0;
}
