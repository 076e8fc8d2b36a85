/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preload_valgrind.c - what httpd with our module needs below valgrind 3.19
 *
 * That valgrind does not know two system calls.  For pidfd_open(2) a thread
 * waits for the process, without reaping it, and lets go of a pipe: poll(2)
 * tells of that as it tells of a pidfd.  For want of seccomp(2), libseccomp
 * is told what this kernel can do, instead of trying.
 */
#include <fcntl.h>
#include <pthread.h>
#include <seccomp.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECCOMP_API = 6 };       /* Linux 5.5, libseccomp 2.5 */

struct watch {
    pid_t pid;
    int fd;
};

int pidfd_open(pid_t pid, unsigned int flags);

__attribute__((constructor)) static void set_seccomp_api(void)
{
    (void)seccomp_api_set(SECCOMP_API);
}

static void *wait_and_close(void *data)
{
    const struct watch watch = *(struct watch *)data;
    siginfo_t info;

    (void)waitid(P_PID, (id_t)watch.pid, &info, WEXITED | WNOWAIT);
    close(watch.fd);
    return NULL;
}

/* For one process at a time, as the module uses it. */
int pidfd_open(pid_t pid, unsigned int flags)
{
    static struct watch watch;
    pthread_t thread;
    int ends[2];

    (void)flags;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    watch.pid = pid;
    watch.fd = ends[1];
    if (pthread_create(&thread, NULL, wait_and_close, &watch) != 0) {
        return -1;
    }
    pthread_detach(thread);
    return ends[0];
}
