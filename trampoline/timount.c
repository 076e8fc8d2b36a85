/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timount.c - founds an instance, sweeps its jails, ends it
 *
 * Run by root only, in httpd's mount namespace; not setuid:
 *
 *   timount <instance> start            httpd's parent, before it seals
 *   timount <instance> sweep            httpd's monitor hook, ivlejailctl
 *   timount <instance> evict <user>     ivlejailctl
 *   timount <instance> list             ivlejailctl
 *   timount <instance> stop             httpd's parent, at its end
 *
 * Trusted: the keep, and files of root's in the runtime directory.  Nothing
 * here reads what httpd's children or users can write, and nothing touches
 * a user's file, so that no dead file server can stop a sweep.
 *
 * Errors are one line on stderr, with the exit status of code.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "creds.h"
#include "found.h"
#include "groups.h"
#include "keep.h"
#include "layout.h"
#include "names.h"
#include "path.h"
#include "rootonly.h"
#include "say.h"
#include "sweep.h"

static _Noreturn void die_of_usage(void)
{
    die(CODE_USAGE, "usage: timount <instance> "
        "start|sweep|evict <user>|list|stop");
}

static void command_start(const char *instance, const char *user)
{
    (void)user;
    found_instance(instance);
}

/* One sweeper at a time: two could mark and unmount in the same second. */
static bool lock_sweep(const struct keep *keep)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd = path_open_beneath(keep->run, LAYOUT_SWEEP, O_RDWR);

    must(fd >= 0, CODE_RUNDIR, "'" LAYOUT_SWEEP "'");
    return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

/* Where they cannot be had, jails must end all the same. */
static int open_groups(const struct keep *keep)
{
    int groups = groups_open(keep->run);

    if (groups < 0 && errno != ENOENT) {
        say_warning("control groups stay as they are: %s", strerror(errno));
    }
    return groups;
}

static void command_sweep(const char *instance, const char *user)
{
    struct sweep_counts counts;
    struct keep keep;
    char line[128];
    int length;

    (void)user;
    keep_open(&keep, instance);
    if (!lock_sweep(&keep)) {
        say_warning("another sweep is running");
        return;
    }
    sweep(&keep, open_groups(&keep), &counts);
    length = snprintf(line, sizeof line, "marked %lu, expired %lu, busy %lu\n",
                      counts.marked, counts.expired, counts.busy);
    (void)!write(STDOUT_FILENO, line, (size_t)length);
}

static void command_evict(const char *instance, const char *user)
{
    struct keep keep;

    if (user == NULL) {
        die_of_usage();
    }
    if (!name_is_user(user)) {
        die(CODE_NAME, "user '%s'", user);
    }
    keep_open(&keep, instance);
    keep_lock(&keep, user);
    (void)sweep_evict(&keep, open_groups(&keep), user);
}

static void command_list(const char *instance, const char *user)
{
    struct keep keep;

    (void)user;
    keep_open(&keep, instance);
    sweep_list(&keep);
}

/*
 * Without a policy no start begins; with all of the lock none is under way.
 * A keep that is damaged is removed all the same.
 */
static void command_stop(const char *instance, const char *user)
{
    struct keep keep;

    (void)user;
    if (!keep_open_run(&keep, instance)) {
        return;
    }
    must(unlinkat(keep.run, LAYOUT_POLICY, 0) == 0 || errno == ENOENT,
         CODE_RUNDIR, "remove '" LAYOUT_POLICY "'");
    if (keep_open_rest(&keep)) {
        keep_lock(&keep, NULL);
        (void)sweep_evict(&keep, open_groups(&keep), NULL);
    }
    found_remove(instance);
}

static const struct command {
    const char *name;
    void (*run)(const char *instance, const char *user);
    int arguments;
} commands[] = {
    { "start", command_start, 0 },
    { "sweep", command_sweep, 0 },
    { "evict", command_evict, 1 },
    { "list", command_list, 0 },
    { "stop", command_stop, 0 },
};

static const struct command *find_command(int argc, char **argv)
{
    size_t i;

    for (i = 0; argc >= 3 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[2], commands[i].name) == 0
            && argc == 3 + commands[i].arguments) {
            return &commands[i];
        }
    }
    die_of_usage();
}

int main(int argc, char **argv)
{
    const struct command *command;

    rootonly_start("timount");
    command = find_command(argc, argv);
    if (!name_is_instance(argv[1])) {
        die(CODE_NAME, "instance '%s'", argv[1]);
    }
    creds_keep(CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_SETUID, CAP_SETGID,
               CAP_KILL, CAP_SYS_PTRACE);
    command->run(argv[1], argv[3]);
    return 0;
}
