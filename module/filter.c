/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.c - the system calls that no jailed process may make
 *
 * It is a second wall: the warden and its programs have no capability and
 * cannot get one.  The filter takes away what an ordinary user may do and no
 * web program needs, above all the parts of the kernel where most holes were
 * found (new namespaces, keyrings, bpf, io_uring, userfaultfd, perf), and
 * what the user could do to their own warden, which has the same uid:
 * trace it, read its memory, change its limits or its scheduling.
 *
 * All else is allowed: a list of what *is* allowed breaks with each new libc.
 * EPERM is what a program expects of such a call; ENOSYS where libc has an
 * older call to fall back on.  Another architecture's calls (32 bit programs
 * among them) end the process: they would pass the filter by.
 *
 * Arguments of 32 bits are compared under a mask: the kernel does not look
 * at the upper half of the register, so neither may the filter.
 */
#include "module/filter.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apr_strings.h"

#include "trampoline/settings.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080    /* unshare only: a signal to clone */
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LOW_HALF UINT64_C(0xffffffff)

static const char *const forbidden[] = {
    /* mounts */
    "mount", "umount", "umount2", "open_tree", "open_tree_attr", "move_mount",
    "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "pivot_root",
    "setns",
    /* files by number, past all directories */
    "open_by_handle_at",
    /* keyrings */
    "add_key", "keyctl", "request_key",
    /* large and young parts of the kernel */
    "bpf", "io_uring_enter", "io_uring_register", "io_uring_setup",
    "perf_event_open", "userfaultfd",
    /* other processes of the same user */
    "kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv",
    "process_vm_writev", "ptrace",
    /* the machine */
    "acct", "delete_module", "finit_module", "init_module",
    "kexec_file_load", "kexec_load", "quotactl", "quotactl_fd", "reboot",
    "swapoff", "swapon", "syslog"
};

/* unshare and clone: new namespaces, one bit each. */
static const uint64_t namespaces[] = {
    CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
    CLONE_NEWPID, CLONE_NEWNET
};

/* Calls on a process by its id, which must be 0: the caller itself. */
static const char *const on_oneself[] = {
    "prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam",
    "sched_setscheduler"
};

/*
 * Adds a rule for a call of this name, where this machine and libseccomp
 * know one.  Returns 0 or a negative errno.
 */
static int add(scmp_filter_ctx filter, int error, const char *name,
               unsigned int count, struct scmp_arg_cmp a,
               struct scmp_arg_cmp b)
{
    const struct scmp_arg_cmp arguments[] = { a, b };
    int call = seccomp_syscall_resolve_name(name);

    if (call < 0) {
        return 0;
    }
    return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint16_t)error),
                                  call, count, arguments);
}

static int forbid(scmp_filter_ctx filter, const char *name)
{
    return add(filter, EPERM, name, 0, SCMP_A0_64(SCMP_CMP_EQ, 0),
               SCMP_A1_64(SCMP_CMP_EQ, 0));
}

static int forbid_where(scmp_filter_ctx filter, const char *name,
                        struct scmp_arg_cmp condition)
{
    return add(filter, EPERM, name, 1, condition, condition);
}

static int add_forbidden(scmp_filter_ctx filter)
{
    size_t i;
    int rv = 0;

    for (i = 0; i < COUNT(forbidden) && rv == 0; i++) {
        rv = forbid(filter, forbidden[i]);
    }
    return rv;
}

static int add_namespaces(scmp_filter_ctx filter)
{
    size_t i;
    int rv = 0;

    for (i = 0; i < COUNT(namespaces) && rv == 0; i++) {
        struct scmp_arg_cmp has_flag = SCMP_A0_64(SCMP_CMP_MASKED_EQ,
                                                  namespaces[i],
                                                  namespaces[i]);

        rv = forbid_where(filter, "unshare", has_flag);
        if (rv == 0) {
            rv = forbid_where(filter, "clone", has_flag);
        }
    }
    if (rv == 0) {
        rv = forbid_where(filter, "unshare",
                          SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_NEWTIME,
                                     CLONE_NEWTIME));
    }
    if (rv == 0) {
        /* Its flags lie in memory, where no filter can look. */
        rv = add(filter, ENOSYS, "clone3", 0, SCMP_A0_64(SCMP_CMP_EQ, 0),
                 SCMP_A1_64(SCMP_CMP_EQ, 0));
    }
    return rv;
}

static int add_on_oneself(scmp_filter_ctx filter)
{
    size_t i;
    int rv = 0;

    for (i = 0; i < COUNT(on_oneself) && rv == 0; i++) {
        rv = forbid_where(filter, on_oneself[i],
                          SCMP_A0_64(SCMP_CMP_NE, 0));
    }
    return rv;
}

/* These take a kind of id (process, group, user) and an id. */
static int add_priorities(scmp_filter_ctx filter)
{
    int rv = forbid_where(filter, "setpriority",
                          SCMP_A0_64(SCMP_CMP_NE, PRIO_PROCESS));

    if (rv == 0) {
        rv = forbid_where(filter, "setpriority", SCMP_A1_64(SCMP_CMP_NE, 0));
    }
    if (rv == 0) {
        rv = forbid_where(filter, "ioprio_set",
                          SCMP_A0_64(SCMP_CMP_NE, IOPRIO_WHO_PROCESS));
    }
    if (rv == 0) {
        rv = forbid_where(filter, "ioprio_set", SCMP_A1_64(SCMP_CMP_NE, 0));
    }
    return rv;
}

/*
 * personality(2) may be 0 (the usual one) and 0xffffffff (a question).  Two
 * exceptions on one argument are more than libseccomp can say; but a word of
 * 32 bits is neither all zeros nor all ones just when somewhere, going round,
 * a one stands next to a zero.
 */
static int add_personality(scmp_filter_ctx filter)
{
    unsigned int i;
    int rv = 0;

    for (i = 0; i < 32 && rv == 0; i++) {
        uint64_t one = UINT64_C(1) << i, zero = UINT64_C(1) << (i + 1) % 32;

        rv = forbid_where(filter, "personality",
                          SCMP_A0_64(SCMP_CMP_MASKED_EQ, one | zero, one));
    }
    return rv;
}

static int add_sockets_and_terminals(scmp_filter_ctx filter)
{
    int rv = forbid_where(filter, "socket",
                          SCMP_A0_64(SCMP_CMP_MASKED_EQ, LOW_HALF, AF_VSOCK));

    if (rv == 0) {
        rv = forbid_where(filter, "socket",
                          SCMP_A0_64(SCMP_CMP_MASKED_EQ, LOW_HALF,
                                     AF_PACKET));
    }
    if (rv == 0) {
        rv = forbid_where(filter, "ioctl",
                          SCMP_A1_64(SCMP_CMP_MASKED_EQ, LOW_HALF, TIOCSTI));
    }
    if (rv == 0) {
        rv = forbid_where(filter, "ioctl",
                          SCMP_A1_64(SCMP_CMP_MASKED_EQ, LOW_HALF,
                                     TIOCLINUX));
    }
    return rv;
}

static int build(scmp_filter_ctx filter)
{
    static int (*const parts[])(scmp_filter_ctx) = {
        add_forbidden, add_namespaces, add_on_oneself, add_priorities,
        add_personality, add_sockets_and_terminals
    };
    size_t i;
    /* A binary tree: most calls are decided after a few comparisons. */
    int rv = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);

    if (rv == 0) {
        rv = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
                              SCMP_ACT_KILL_PROCESS);
    }
    for (i = 0; i < COUNT(parts) && rv == 0; i++) {
        rv = parts[i](filter);
    }
    return -rv;
}

/* libseccomp writes the program to a descriptor, from where it is read. */
static int export(scmp_filter_ctx filter, int fd, struct sock_filter *program,
                  size_t *size)
{
    ssize_t n;
    int rv = seccomp_export_bpf(filter, fd);

    if (rv != 0) {
        return -rv;
    }
    n = pread(fd, program, SETTINGS_FILTER_MAX * sizeof(*program) + 1, 0);
    if (n < 0) {
        return errno;
    }
    if ((size_t)n > SETTINGS_FILTER_MAX * sizeof(*program)) {
        return E2BIG;
    }
    *size = (size_t)n;
    return 0;
}

static int compile(struct sock_filter *program, size_t *size)
{
    scmp_filter_ctx filter;
    int fd, rv;

    filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL) {
        return ENOMEM;
    }
    fd = memfd_create("ivlejail-filter", MFD_CLOEXEC);
    if (fd == -1) {
        rv = errno;
    }
    else {
        rv = build(filter);
        if (rv == 0) {
            rv = export(filter, fd, program, size);
        }
        close(fd);
    }
    seccomp_release(filter);
    return rv;
}

static const char *to_hex(apr_pool_t *p, const unsigned char *bytes,
                          size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = apr_palloc(p, 2 * size + 1);
    size_t i;

    for (i = 0; i < size; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * size] = '\0';
    return hex;
}

int ij_filter_hex(apr_pool_t *p, const char **hex)
{
    struct sock_filter program[SETTINGS_FILTER_MAX + 1];
    size_t size = 0;
    int rv = compile(program, &size);

    if (rv == 0) {
        *hex = to_hex(p, (const unsigned char *)program, size);
    }
    return rv;
}
