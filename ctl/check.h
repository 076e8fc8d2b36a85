/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - the checks of "ivlejailctl doctor"
 *
 * Each runs in a process of its own that is ended when it takes too long, so
 * it may look at file systems that hang, take namespaces, and give up with
 * fail().  It says what it found with finding.h, and a line that says "ok"
 * for each thing that was looked at and is well.
 */
#ifndef IVLEJAIL_CTL_CHECK_H
#define IVLEJAIL_CTL_CHECK_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl.h"
#include "trampoline/policy.h"

/* What is examined; whatever runs is httpd's mount namespace. */
struct patient {
    const struct options *options;
    pid_t httpd;                /* 0: no httpd runs the instance */
    int process;                /* its directory in /proc; -1: it does not */
    bool own_mounts;            /* its mount namespace was not ours */
    bool sealed;                /* policy holds */
    struct policy policy;       /* its head, or all of the profile */
};

typedef void check_function(const struct patient *patient);

/* check_httpd.c: the process that starts the helpers */
check_function check_running, check_no_new_privs, check_mount_namespace,
    check_process_filter, check_capabilities, check_confinement, check_tasks;

/* check_helpers.c: what is installed */
check_function check_trampoline, check_helpers;

/* check_kernel.c: what it can do, and lets root do */
check_function check_mounts, check_namespaces, check_filters, check_cgroups;

/* check_policy.c: what is sealed */
check_function check_policy, check_runtime, check_limits, check_base;

/* check_users.c: the users directory, and some of what is in it */
check_function check_users, check_room;

/* check_try.c: a jail, made as httpd makes it */
check_function check_try;

/*
 * The value of "Name:\t..." in /proc/PID/status, in a static buffer; fails if
 * there is none.
 */
const char *check_status(const struct patient *patient, const char *field);

/* The first line of a small file without its end; false: errno. */
bool check_read_line(int dirfd, const char *path, char *line, size_t size);

/*
 * Whether the bounding set of httpd (ours, if it does not run) has it: what
 * is not in there no helper can have.
 */
bool check_has_capability(const struct patient *patient, int capability);

/* A number in a file; UINT64_MAX: none there ("max"). */
uint64_t check_read_number(const char *path);

#endif
