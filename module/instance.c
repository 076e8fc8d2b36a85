/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance.c - the life of an instance: start, sweeps, end
 *
 * At a restart httpd unloads this module and loads it again, so nothing that
 * must last is kept in the module: the state lies in ap_retained_data, and
 * each generation hangs its own callbacks on it and takes them away again.
 *
 * The state is plain data in the parent's own memory, and the parent believes
 * nothing else: what its children could write (the scoreboard, shared memory)
 * decides nothing here.
 *
 * An instance is locked with a POSIX lock on /run/ivlejail/<instance>.pid.
 * It goes with the process that took it, whatever way that ends, children do
 * not inherit it, and F_GETLK says who has it.  The file is for root alone:
 * whoever can read a file can lock it against others, too.
 */
#include "module/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apr_strings.h"
#include "apr_thread_proc.h"
#include "http_core.h"
#include "http_main.h"

#include "module/groups.h"
#include "module/lines.h"
#include "module/run.h"
#include "trampoline/layout.h"

/* The layout is part of the key: a newer module would see an older state. */
#define RETAINED "ivlejail-instance-1"

enum {
    START_MILLISECONDS = 15000,
    STOP_MILLISECONDS = 30000
};

typedef struct ij_state {
    pid_t parent;               /* whose state it is; 0: nothing started */
    char name[NAME_INSTANCE_MAX + 1];
    char timount[PATH_MAX];
    int lock_fd;                /* the pid file, locked */
    apr_proc_t sweeper;         /* pid 0: none runs */
    long long next_sweep;       /* of ij_run_clock() */
    long long sweeper_started;
} ij_state;

static ij_state *state(void)
{
    ij_state *found = ap_retained_data_get(RETAINED);

    return found != NULL ? found
                         : ap_retained_data_create(RETAINED, sizeof(*found));
}

bool ij_instance_is_started(void)
{
    return state()->parent == getpid();
}

/* --- the pid file and its lock --- */

static const char *pid_path(apr_pool_t *p, const char *name)
{
    return apr_pstrcat(p, LAYOUT_RUN "/", name, ".pid", NULL);
}

/*
 * /run/ivlejail: made by whoever comes first, believed only as root's.  It is
 * never removed: another httpd may be about to use it, and what is mounted on
 * a directory elsewhere goes with it.
 */
static const char *make_run_directory(apr_pool_t *p)
{
    struct stat st;

    if (mkdir(LAYOUT_RUN, 0755) == 0) {
        if (chmod(LAYOUT_RUN, 0755) == -1) {
            return apr_psprintf(p, "cannot chmod " LAYOUT_RUN ": %s",
                                strerror(errno));
        }
    }
    else if (errno != EEXIST) {
        return apr_psprintf(p, "cannot make " LAYOUT_RUN ": %s",
                            strerror(errno));
    }
    if (lstat(LAYOUT_RUN, &st) == -1) {
        return apr_psprintf(p, "cannot look at " LAYOUT_RUN ": %s",
                            strerror(errno));
    }
    if (!S_ISDIR(st.st_mode) || st.st_uid != 0
        || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return LAYOUT_RUN " is not a directory of root that only root can "
               "write to: find out why, and remove it";
    }
    return NULL;
}

/* Who holds the lock of an open pid file, if anybody does. */
static const char *owner_of(apr_pool_t *p, const char *name, int fd)
{
    struct flock owner = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (fcntl(fd, F_GETLK, &owner) == -1 || owner.l_type == F_UNLCK) {
        return NULL;
    }
    return apr_psprintf(p, "another httpd (pid %ld) runs the instance '%s': "
                        "stop it, or give this one a name of its own with "
                        "IvleJailInstance", (long)owner.l_pid, name);
}

const char *ij_instance_owner(const char *name, apr_pool_t *p)
{
    int fd = open(pid_path(p, name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    const char *owner;

    if (fd == -1) {
        return NULL;
    }
    owner = owner_of(p, name, fd);
    close(fd);
    return owner;
}

static const char *lock_fault(apr_pool_t *p, const char *name, int fd,
                              int error)
{
    const char *owner = owner_of(p, name, fd);

    return owner != NULL ? owner
                         : apr_psprintf(p, "cannot lock '%s': %s",
                                        pid_path(p, name), strerror(error));
}

static const char *write_pid(apr_pool_t *p, const char *name, int fd)
{
    char line[32];
    int length = snprintf(line, sizeof(line), "%ld\n", (long)getpid());

    if (fchmod(fd, 0600) == -1 || ftruncate(fd, 0) == -1
        || pwrite(fd, line, (size_t)length, 0) != length) {
        return apr_psprintf(p, "cannot write '%s': %s", pid_path(p, name),
                            strerror(errno));
    }
    return NULL;
}

/* Whoever ends removes the file before it drops the lock on it. */
static bool was_removed(int fd)
{
    struct stat st;

    return fstat(fd, &st) == -1 || st.st_nlink == 0;
}

/* Takes the lock; *fd holds it.  Closing any descriptor of it drops it. */
static const char *take_lock(apr_pool_t *p, const char *name, int *fd)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    const char *fault;
    int file = open(pid_path(p, name),
                    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (file == -1) {
        return apr_psprintf(p, "cannot open '%s': %s", pid_path(p, name),
                            strerror(errno));
    }
    if (fcntl(file, F_SETLK, &whole) == -1) {
        fault = lock_fault(p, name, file, errno);
    }
    else if (was_removed(file)) {
        fault = apr_psprintf(p, "another httpd, which ran the instance '%s', "
                             "has just ended: start this one again", name);
    }
    else {
        fault = write_pid(p, name, file);
    }
    if (fault != NULL) {
        close(file);
        return fault;
    }
    *fd = file;
    return NULL;
}

void ij_instance_child_init(void)
{
    ij_state *instance = state();

    /* Who could write to the pid file could send root's tools astray. */
    if (instance->parent != 0 && instance->parent != getpid()) {
        close(instance->lock_fd);
    }
}

/* --- timount --- */

static bool log_line(void *context, const char *line)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, context, IJLOGNO(0040) "%s", line);
    return true;
}

/* Runs "timount <instance> <verb>"; its own lines go to the log. */
static const char *timount(const ij_state *instance, const char *verb,
                           int milliseconds, server_rec *s, apr_pool_t *p)
{
    const char *const argv[] = { instance->timount, instance->name, verb,
                                 NULL };
    struct lines lines = { .say = log_line, .context = s };
    ij_run run;
    int rv = ij_run_bounded(argv, milliseconds, &run);

    lines_feed(&lines, run.err, strlen(run.err));
    lines_end(&lines);
    if (rv != 0) {
        return apr_psprintf(p, "\"%s %s %s\" did not end well: %s", argv[0],
                            argv[1], argv[2], strerror(rv));
    }
    if (!WIFEXITED(run.status) || WEXITSTATUS(run.status) != 0) {
        return apr_psprintf(p, "\"%s %s %s\" failed, %s %d", argv[0], argv[1],
                            argv[2],
                            WIFEXITED(run.status) ? "exit status" : "signal",
                            WIFEXITED(run.status) ? WEXITSTATUS(run.status)
                                                  : WTERMSIG(run.status));
    }
    return NULL;
}

/* --- sweeps --- */

static void sweeper_news(int reason, void *data, int status)
{
    ij_state *instance = data;

    (void)status;       /* a sweep that failed has said so in the log */
    if (reason == APR_OC_REASON_DEATH || reason == APR_OC_REASON_LOST) {
        instance->sweeper.pid = 0;
        apr_proc_other_child_unregister(data);
    }
}

/* Has httpd's loop wait for a sweep, also one of before a restart. */
static void adopt_sweeper(apr_pool_t *p)
{
    ij_state *instance = state();

    if (instance->sweeper.pid != 0) {
        apr_proc_other_child_register(&instance->sweeper, sweeper_news,
                                      instance, NULL, p);
    }
}

static void start_sweep(ij_state *instance, server_rec *s, apr_pool_t *p)
{
    const char *const argv[] = { instance->timount, instance->name, "sweep",
                                 NULL };
    pid_t pid;
    int rv = ij_run_start(argv, -1, -1, &pid);

    if (rv != 0) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s, IJLOGNO(0041)
                     "cannot start '%s': no jail expires until it can",
                     instance->timount);
        return;
    }
    instance->sweeper.pid = pid;
    instance->sweeper_started = ij_run_clock();
    adopt_sweeper(p);
}

void ij_instance_monitor(server_rec *s, apr_pool_t *p)
{
    ij_state *instance = state();
    long long now = ij_run_clock();

    if (!ij_instance_is_started() || now < instance->next_sweep) {
        return;
    }
    instance->next_sweep = now + ij_site_of(s)->expire_seconds * 1000LL;
    if (instance->sweeper.pid != 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, IJLOGNO(0042)
                     "the sweep of %ld seconds ago (pid %ld) has not ended, "
                     "no other one is started",
                     (long)((now - instance->sweeper_started) / 1000),
                     (long)instance->sweeper.pid);
        return;
    }
    start_sweep(instance, s, p);
}

/* --- start and end --- */

static const char *take_instance(ij_state *instance, const ij_site *site,
                                 apr_pool_t *ptemp)
{
    const char *fault = make_run_directory(ptemp);

    if (fault == NULL) {
        fault = take_lock(ptemp, site->instance, &instance->lock_fd);
    }
    if (fault == NULL) {
        apr_cpystrn(instance->name, site->instance, sizeof(instance->name));
        instance->parent = getpid();
        instance->next_sweep = ij_run_clock() + site->expire_seconds * 1000LL;
    }
    return fault;
}

const char *ij_instance_start(ij_site *site, server_rec *s,
                              apr_pool_t *pconf, apr_pool_t *ptemp)
{
    ij_state *instance = state();
    const char *helper = ij_site_helper(ptemp, site, "timount"), *fault;

    if (strlen(helper) >= sizeof(instance->timount)) {
        return "the path of IvleJailTrampoline is too long";
    }
    if (!ij_instance_is_started()) {
        fault = take_instance(instance, site, ptemp);
        if (fault != NULL) {
            return fault;
        }
    }
    else if (strcmp(site->instance, instance->name) != 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, IJLOGNO(0043)
                     "IvleJailInstance: changing '%s' to '%s' takes a stop "
                     "and a start, ignoring", instance->name, site->instance);
    }
    site->instance = apr_pstrdup(pconf, instance->name);
    apr_cpystrn(instance->timount, helper, sizeof(instance->timount));
    adopt_sweeper(pconf);
    return timount(instance, "start", START_MILLISECONDS, s, ptemp);
}

/* The parent ends; its pools are still whole. */
static apr_status_t end(void *data)
{
    ij_state *instance = state();
    const char *fault;

    (void)data;
    if (!ij_instance_is_started()) {
        return APR_SUCCESS;
    }
    fault = timount(instance, "stop", STOP_MILLISECONDS, ap_server_conf,
                    ap_pglobal);
    if (fault != NULL) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf, IJLOGNO(0044)
                     "jails may be left: %s", fault);
    }
    ij_groups_end(instance->name, ap_pglobal);
    unlink(pid_path(ap_pglobal, instance->name));
    close(instance->lock_fd);
    instance->parent = 0;
    return APR_SUCCESS;
}

static apr_status_t forget_end(void *data)
{
    apr_pool_cleanup_kill(ap_pglobal, data, end);
    return APR_SUCCESS;
}

/*
 * When the parent ends, httpd destroys ap_pglobal.  A usual cleanup of that
 * pool would run after pconf is gone, and this code with it; a pre-cleanup
 * runs before.  And when only pconf goes, for a restart, end() must not stay
 * behind as a pointer into a module that is no longer there.
 */
void ij_instance_end_with_parent(apr_pool_t *pconf)
{
    apr_pool_pre_cleanup_register(ap_pglobal, pconf, end);
    apr_pool_cleanup_register(pconf, pconf, forget_end,
                              apr_pool_cleanup_null);
}
