/* SPDX-License-Identifier: Apache-2.0 */
/*
 * become.c - from a process without privilege to the warden
 */
#include "become.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "say.h"
#include "settings.h"

enum { FD_ABOVE = 32 };     /* out of the way of the descriptors of setup.h */

static int death_channel;

static void report_death(int status)
{
    const char byte = (char)status;

    (void)!write(death_channel, &byte, 1);
}

void become_report_death(int channel)
{
    death_channel = channel;
    say_at_death(report_death);
}

static void read_settings(const struct policy *policy,
                          struct settings *settings)
{
    struct policy_error error;

    if (!settings_parse(&policy->profile, settings, &error)) {
        die(error.code, "%s", error.text);
    }
}

/* A pipe that holds what the warden is to know, and then ends. */
static int make_setup(const struct become *become,
                      const struct settings *settings)
{
    struct setup setup = {
        .version = SETUP_VERSION,
        .httpd_uid = become->policy->httpd_uid,
        .max_requests = settings->max_requests,
        .queue = settings->queue,
        .idle_seconds = settings->idle_seconds,
        .linger = settings->linger,
    };
    int ends[2];

    memcpy(setup.limits, settings->limits, sizeof setup.limits);
    memcpy(setup.user, become->user, strlen(become->user));
    must(pipe2(ends, O_CLOEXEC) == 0
         && write(ends[1], &setup, sizeof setup) == (ssize_t)sizeof setup,
         CODE_INTERNAL, "settings");
    (void)close(ends[1]);
    return ends[0];
}

static int move_high(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_ABOVE);

    must(high >= 0, CODE_INTERNAL, "descriptor %d", fd);
    return high;
}

/*
 * Everything is close-on-exec but what dup2 puts in place.  /dev/null is not
 * taken from the base image, and stderr goes on as another descriptor.
 */
static void arrange_descriptors(const struct become *become, int setup)
{
    const int wanted[SETUP_FD_COUNT] = {
        become->null, become->null, become->null, become->listener,
        become->hold, setup
    };
    int high[SETUP_FD_COUNT];
    int fd;

    say_init("trampoline", move_high(STDERR_FILENO));
    death_channel = move_high(death_channel);
    for (fd = 0; fd < SETUP_FD_COUNT; fd++) {
        high[fd] = move_high(wanted[fd]);
    }
    for (fd = 0; fd < SETUP_FD_COUNT; fd++) {
        must(dup2(high[fd], fd) == fd, CODE_INTERNAL, "descriptor %d", fd);
    }
    /* root's: above all the lock, which would last as long as our copy */
    must(close_range(SETUP_FD_COUNT, FD_ABOVE - 1, 0) == 0, CODE_INTERNAL,
         "close_range");
}

static void load_filter(struct settings *settings)
{
    const struct sock_fprog program = {
        .len = (unsigned short)settings->filter_count,
        .filter = settings->filter,
    };

    must(settings->filter_count == 0
         || prctl(PR_SET_SECCOMP, (unsigned long)SECCOMP_MODE_FILTER,
                  &program, 0UL, 0UL) == 0, CODE_SECCOMP, "%zu instructions",
         settings->filter_count);
}

static void wait_for_go(void)
{
    const char ready = BECOME_READY;
    char word = 0;

    if (write(death_channel, &ready, 1) != 1
        || read(death_channel, &word, 1) != 1 || word != BECOME_GO) {
        _exit(CODE_FORK);       /* the parent has died: it has said why */
    }
}

_Noreturn void become_warden(const struct become *become)
{
    static struct settings settings;
    char *argv[] = { (char *)"warden", NULL };
    char *envp[] = { NULL };
    int warden = move_high(become->warden);

    read_settings(become->policy, &settings);
    arrange_descriptors(become, make_setup(become, &settings));
    load_filter(&settings);
    wait_for_go();
    (void)execveat(warden, "", argv, envp, AT_EMPTY_PATH);
    die_errno(CODE_EXEC, "execveat");
}
