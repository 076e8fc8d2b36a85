/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_httpd.c - the process that starts the helpers
 *
 * Whatever a service manager has taken from it, its children and so the
 * helpers do without.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "finding.h"

/*** What is read of it ***/

bool check_read_line(int dirfd, const char *path, char *line, size_t size)
{
    int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd == -1 ? -1 : read(fd, line, size - 1);
    int error = errno;

    if (fd != -1) {
        close(fd);
    }
    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    errno = error;
    return n >= 0;
}

static FILE *open_status(const struct patient *patient)
{
    int fd = openat(patient->process, "status", O_RDONLY | O_CLOEXEC);
    FILE *status = fd == -1 ? NULL : fdopen(fd, "r");

    if (status == NULL) {
        fail("cannot look at httpd (pid %d): %m: if it has just ended, try "
             "again", (int)patient->httpd);
    }
    return status;
}

const char *check_status(const struct patient *patient, const char *field)
{
    static char line[256];
    FILE *status = open_status(patient);
    size_t length = strlen(field);

    while (fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, field, length) == 0
            && strncmp(line + length, ":\t", 2) == 0) {
            fclose(status);
            line[strcspn(line, "\n")] = '\0';
            return line + length + 2;
        }
    }
    fail("httpd's status has no '%s': Linux 5.12 or later is needed", field);
}

bool check_has_capability(const struct patient *patient, int capability)
{
    unsigned long long set = strtoull(check_status(patient, "CapBnd"), NULL,
                                      16);

    return (set >> capability & 1) != 0;
}

/*** The checks ***/

void check_running(const struct patient *patient)
{
    if (patient->httpd == 0) {
        finding_fault("no httpd runs the instance '%s': start it, or name "
                      "another one with --instance",
                      patient->options->instance);
    }
    else if (strncmp(check_status(patient, "Uid"), "0\t0\t0\t", 6) != 0) {
        finding_fault("pid %d is not root's: start httpd as root, it gives "
                      "that up in its children", (int)patient->httpd);
    }
    else {
        finding_ok("pid %d runs the instance '%s' as root",
                   (int)patient->httpd, patient->options->instance);
    }
}

void check_no_new_privs(const struct patient *patient)
{
    if (strcmp(check_status(patient, "NoNewPrivs"), "0") != 0) {
        finding_fault("httpd runs with no_new_privs, so that set-user-ID has "
                      "no effect: remove NoNewPrivileges= (and what implies "
                      "it) from its service, and restart it");
    }
    else {
        finding_ok("set-user-ID programs work below httpd");
    }
}

void check_mount_namespace(const struct patient *patient)
{
    finding_ok(patient->own_mounts
               ? "httpd has one of its own (PrivateTmp= or the like), which "
                 "is fine: ivlejailctl enters it"
               : "httpd shares that of this shell");
}

/* A filter can be seen; what is in it cannot. */
void check_process_filter(const struct patient *patient)
{
    if (strcmp(check_status(patient, "Seccomp"), "0") != 0) {
        finding_warning("httpd runs under a system call filter: if --try "
                        "shows that no jail is made, allow @mount, @setuid, "
                        "unshare and setns in SystemCallFilter= of its "
                        "service, and no RestrictNamespaces=");
    }
    else {
        finding_ok("httpd runs under no system call filter");
    }
}

static const struct {
    int number;
    const char *name;
} needed[] = {
    { CAP_CHOWN, "CAP_CHOWN" },
    { CAP_KILL, "CAP_KILL" },
    { CAP_NET_ADMIN, "CAP_NET_ADMIN" },
    { CAP_SETGID, "CAP_SETGID" },
    { CAP_SETPCAP, "CAP_SETPCAP" },
    { CAP_SETUID, "CAP_SETUID" },
    { CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
    { CAP_SYS_CHROOT, "CAP_SYS_CHROOT" },
    { CAP_SYS_PTRACE, "CAP_SYS_PTRACE" }
};

/* Without CAP_SYS_NICE and CAP_SYS_RESOURCE they do what they can. */
void check_capabilities(const struct patient *patient)
{
    char missing[256] = "";
    size_t i, length = 0;

    for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!check_has_capability(patient, needed[i].number)) {
            length += (size_t)snprintf(missing + length,
                                       sizeof(missing) - length, " %s",
                                       needed[i].name);
        }
    }
    if (length > 0) {
        finding_fault("the helpers cannot have%s, which httpd was started "
                      "without: remove or extend CapabilityBoundingSet= of "
                      "its service, or give that to its container", missing);
    }
    else {
        finding_ok("the helpers can have all that they need");
    }
}

/* Of AppArmor, "name (enforce)"; of SELinux, "user:role:type:level". */
static bool is_confined(const char *label)
{
    char enforced[8];

    return strstr(label, "(enforce)") != NULL
        || (strchr(label, ':') != NULL && strstr(label, "unconfined") == NULL
            && check_read_line(AT_FDCWD, "/sys/fs/selinux/enforce", enforced,
                               sizeof(enforced))
            && strcmp(enforced, "1") == 0);
}

/* Where no security module has a label, there is an error instead. */
void check_confinement(const struct patient *patient)
{
    char label[256], modules[256];

    (void)check_read_line(patient->process, "attr/current", label,
                          sizeof(label));
    (void)check_read_line(AT_FDCWD, "/sys/kernel/security/lsm", modules,
                          sizeof(modules));
    if (is_confined(label)) {
        finding_warning("httpd is confined as '%s': if --try shows that no "
                        "jail is made, allow it there to mount, to pivot_root "
                        "and to run the trampoline", label);
    }
    else {
        finding_ok("httpd is not confined (label '%s'; modules of the "
                   "kernel: %s)", label,
                   modules[0] == '\0' ? "cannot be seen" : modules);
    }
}
