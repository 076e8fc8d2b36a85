/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sanitise.c - nothing that the caller prepared reaches the jail
 */
#include "sanitise.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "creds.h"
#include "limits.h"
#include "say.h"

#define IOPRIO_WHO_PROCESS 1

/*
 * What the warden runs with; each program gets the profile's limits later.
 * Not here are those that Linux ignores.
 */
static const struct {
    int resource;
    struct rlimit wanted;
} sane_limits[] = {
    { RLIMIT_CPU,      { RLIM_INFINITY, RLIM_INFINITY } },
    { RLIMIT_FSIZE,    { RLIM_INFINITY, RLIM_INFINITY } },
    { RLIMIT_DATA,     { RLIM_INFINITY, RLIM_INFINITY } },
    { RLIMIT_STACK,    { 8 << 20,       RLIM_INFINITY } },
    { RLIMIT_CORE,     { 0,             RLIM_INFINITY } },
    { RLIMIT_NPROC,    { RLIM_INFINITY, RLIM_INFINITY } },
    { RLIMIT_NOFILE,   { 4096,          LIMIT_NOFILE_MAX } },
    { RLIMIT_MEMLOCK,  { 64 << 10,      64 << 10 } },
    { RLIMIT_AS,       { RLIM_INFINITY, RLIM_INFINITY } },
    { RLIMIT_MSGQUEUE, { 819200,        819200 } },
    { RLIMIT_SIGPENDING, { 4096,        4096 } },
    { RLIMIT_NICE,     { 0,             0 } },
    { RLIMIT_RTPRIO,   { 0,             0 } },
    { RLIMIT_RTTIME,   { RLIM_INFINITY, RLIM_INFINITY } },
};

void sanitise_descriptors(void)
{
    int fd;

    for (fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd) {
            _exit(CODE_INTERNAL);   /* nowhere to say it */
        }
    }
    must(close_range(3, ~0U, 0) == 0, CODE_INTERNAL, "close_range");
}

void sanitise_environment(void)
{
    (void)clearenv();           /* glibc's cannot fail */
    (void)umask(077);
    must(chdir("/") == 0, CODE_INTERNAL, "chdir '/'");
}

/*
 * Not by sigaction(3): it refuses two signals that the C library keeps for
 * itself, and a caller may have ignored those, too (posix_spawn(3) does).
 */
void sanitise_signals(void)
{
    /* the kernel's struct sigaction, with SIG_DFL, no flags, an empty mask */
    static const unsigned long dflt[4];
    const struct itimerval never = { { 0, 0 }, { 0, 0 } };
    sigset_t none;
    int number;

    for (number = ITIMER_REAL; number <= (int)ITIMER_PROF; number++) {
        must(setitimer(number, &never, NULL) == 0,
             CODE_INTERNAL, "timer %d", number);
    }
    for (number = 1; number < NSIG; number++) {
        must(number == SIGKILL || number == SIGSTOP
             || syscall(SYS_rt_sigaction, number, dflt, NULL, NSIG / 8)
                == 0, CODE_INTERNAL, "signal %d", number);
    }
    (void)sigemptyset(&none);
    must(sigprocmask(SIG_SETMASK, &none, NULL) == 0, CODE_INTERNAL,
         "signal mask");
}

/* The wanted limit, or without CAP_SYS_RESOURCE what comes nearest. */
static void set_limit(int resource, struct rlimit wanted)
{
    struct rlimit now;

    must(getrlimit(resource, &now) == 0, CODE_LIMITS, "limit %d", resource);
    if (setrlimit(resource, &wanted) != 0) {
        wanted.rlim_max = MIN(wanted.rlim_max, now.rlim_max);
        wanted.rlim_cur = MIN(wanted.rlim_cur, wanted.rlim_max);
        must(setrlimit(resource, &wanted) == 0, CODE_LIMITS, "limit %d",
             resource);
    }
}

static void reset_scheduling(void)
{
    const struct sched_param param = { 0 };
    cpu_set_t all;

    memset(&all, 0xff, sizeof all);
    must(sched_setscheduler(0, SCHED_OTHER, &param) == 0
         && setpriority(PRIO_PROCESS, 0, 0) == 0, CODE_LIMITS,
         "scheduling class and nice");
    must(sched_setaffinity(0, sizeof all, &all) == 0, CODE_LIMITS,
         "CPU affinity");
    must(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0) == 0
         || errno == ENOSYS, CODE_LIMITS, "I/O priority");
}

/* A process's other settings that an execve(2) does not reset. */
static void reset_process(void)
{
    must(personality(PER_LINUX) != -1, CODE_LIMITS, "personality");
    must(prctl(PR_SET_TIMERSLACK, 0UL, 0UL, 0UL, 0UL) == 0
         && prctl(PR_SET_THP_DISABLE, 0UL, 0UL, 0UL, 0UL) == 0, CODE_LIMITS,
         "timer slack and huge pages");
    /* without it, every program that asks for the time dies; EINVAL: it
       cannot be taken away on this architecture */
    must(prctl(PR_SET_TSC, (unsigned long)PR_TSC_ENABLE, 0UL, 0UL, 0UL) == 0
         || errno == EINVAL, CODE_LIMITS, "time stamp counter");
}

/*
 * Lowering needs CAP_SYS_RESOURCE.  Without it a jail keeps a value that
 * makes it *more* likely to be killed: worth a line, not a refusal.
 */
static void reset_oom_score(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, "0", 1) != 1) {
        say_warning("cannot reset oom_score_adj: %s: the jail keeps the "
                    "caller's", strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void leave_keyring(void)
{
    must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0
         || errno == ENOSYS, CODE_LIMITS, "session keyring");
}

void sanitise_resources(void)
{
    size_t i;

    creds_use(CAP_SYS_RESOURCE, CAP_SYS_NICE);
    for (i = 0; i < sizeof sane_limits / sizeof *sane_limits; i++) {
        set_limit(sane_limits[i].resource, sane_limits[i].wanted);
    }
    reset_scheduling();
    reset_process();
    reset_oom_score();
    creds_use_none();
    leave_keyring();
}
