/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.c - the life of a request in the warden
 */
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "find.h"
#include "logfile.h"
#include "open.h"
#include "start.h"
#include "strays.h"

enum {
    SECOND = 1000000,
    PATIENCE = 5 * SECOND   /* for a request after its connection: httpd sends
                               it at once, and gives up after as long */
};

static const struct setup *setup;
static uint64_t next_number;
static int64_t quiet_since;
static bool holding;        /* start nothing until nothing runs */
static struct found target; /* of the request that is looked at just now */

int64_t serve_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);   /* cannot fail */
    return (int64_t) now.tv_sec * SECOND + now.tv_nsec / 1000;
}

void serve_init(const struct setup *new_setup)
{
    setup = new_setup;
    next_number = 1;
    quiet_since = serve_now();
}

static size_t running(void)
{
    return connection_count(CONNECTION_RUNNING);
}

static size_t queued(void)
{
    return connection_count(CONNECTION_QUEUED);
}

/* --- answers --- */

/* An answer that cannot be sent has no reader: the connection's end follows
   as an event. */
static void answer(const struct connection *c,
                   const struct wire_answer *message)
{
    if (c->sock >= 0) {
        (void) wire_send_answer(c->sock, message, -1);
    }
}

static struct wire_answer answer_of(enum wire_answer_kind kind)
{
    const struct wire_answer message = { .version = WIRE_VERSION,
                                         .kind = kind };

    return message;
}

static void refuse_found(struct connection *c, enum wire_refusal refusal,
                         int error, uint32_t index_number)
{
    struct wire_answer message = answer_of(WIRE_REFUSED);

    message.refusal = refusal;
    message.error = (uint32_t) error;
    message.index = index_number;
    answer(c, &message);
    connection_free(c);
}

static void refuse(struct connection *c, enum wire_refusal refusal, int error)
{
    refuse_found(c, refusal, error, 0);
}

/* --- what starts no program --- */

static void hand_over(struct connection *c, const struct found *found)
{
    struct wire_answer message = answer_of(found->kind == FIND_DIRECTORY
                                           ? WIRE_LISTING : WIRE_FILE);
    enum wire_refusal refusal;
    int fd, error;

    refusal = open_found(found, &fd, &error);
    if (refusal != WIRE_NOT_REFUSED) {
        refuse_found(c, refusal, error, found->index_number);
        return;
    }
    message.error = (uint32_t) error;
    message.index = found->index_number;
    error = wire_send_answer(c->sock, &message, fd);
    close(fd);
    if (error != 0) {
        /* the user may have too many descriptors under way (unix(7)) */
        refuse(c, WIRE_CANNOT_START, error);
        return;
    }
    connection_free(c);
}

/*
 * Looks what the request means, and answers at once what needs no program.
 * Returns whether it needs one, which is what *found is about then.
 */
static bool needs_program(struct connection *c, struct found *found)
{
    enum wire_refusal refusal = find_target(&c->unpacked.request, found);

    if (refusal != WIRE_NOT_REFUSED) {
        refuse_found(c, refusal, found->error, found->index_number);
        return false;
    }
    if (found->kind != FIND_PROGRAM) {
        hand_over(c, found);
        return false;
    }
    return true;
}

/* --- start --- */

static void start(struct connection *c, const struct found *found)
{
    struct wire_answer started = answer_of(WIRE_STARTED);
    enum wire_refusal refusal;
    int error = 0;

    refusal = start_found(&c->unpacked.request, found, c->pipes,
                          setup->limits, &c->pid, &error);
    connection_close_pipes(c);
    if (refusal != WIRE_NOT_REFUSED) {
        refuse_found(c, refusal, error, found->index_number);
        return;
    }
    connection_move(c, CONNECTION_RUNNING);
    c->number = next_number++;
    c->timed_out = false;
    c->started = serve_now();
    c->deadline = c->started
                  + (int64_t) c->unpacked.request.timeout_seconds * SECOND;
    started.index = found->index_number;
    started.is_nph = find_is_nph(found);
    answer(c, &started);
}

static bool may_start(void)
{
    return !holding && running() < setup->max_requests;
}

static void start_queued(void)
{
    struct connection *c;

    while (may_start() && queued() > 0) {
        c = connection_first(CONNECTION_QUEUED);
        if (needs_program(c, &target)) {
            start(c, &target);
        }
    }
    serve_stay_quiet();
}

/*
 * Only who waits for something is watched: a file is on its way before epoll
 * could have been told of it.
 *
 * httpd may have given up before we came to its connection: then this answer
 * cannot be sent, and what nobody was promised must not run.
 */
static void admit(struct connection *c)
{
    const struct wire_answer accepted = answer_of(WIRE_ACCEPTED);
    int error;

    if (running() + queued() >= setup->max_requests + setup->queue) {
        refuse(c, WIRE_BUSY, 0);
        return;
    }
    error = connection_watch(c);
    if (error != 0) {
        refuse(c, WIRE_CANNOT_START, error);
    }
    else if (wire_send_answer(c->sock, &accepted, -1) != 0) {
        connection_free(c);
    }
    else if (queued() == 0 && may_start()) {
        start(c, &target);
    }
    else {
        connection_move(c, CONNECTION_QUEUED);
    }
}

/* httpd has expected a file, perhaps because it was one lately. */
static void admit_with_pipes(struct connection *c)
{
    if (c->unpacked.request.kind == WIRE_FETCH) {
        refuse(c, WIRE_NEEDS_PIPES, 0);
    }
    else {
        admit(c);
    }
}

static void write_log(struct connection *c)
{
    const struct wire_answer ended = answer_of(WIRE_ENDED);
    const struct wire_log *log = &c->unpacked.log;
    int error = logfile_append(log->path, log->text);

    if (error != 0) {
        refuse(c, WIRE_CANNOT_LOG, error);
        return;
    }
    answer(c, &ended);
    connection_free(c);
}

/* What came from httpd, which may have closed the connection since. */
static void take(struct connection *c, bool closed)
{
    if (c->unpacked.request.kind == WIRE_LOG) {
        write_log(c);
    }
    else if (closed) {
        connection_free(c);     /* nobody waits for it any more */
    }
    else {
        if (needs_program(c, &target)) {
            admit_with_pipes(c);
        }
        serve_stay_quiet();
    }
}

static void receive(struct connection *c, bool closed)
{
    const char *reason;
    int rv = wire_recv_request(c->sock, MSG_DONTWAIT, c->buffer, &c->unpacked,
                               c->pipes, &reason);

    if (rv == 0) {
        take(c, closed);
    }
    else if (rv == EPROTO) {
        refuse(c, WIRE_BAD_REQUEST, EPROTO);
    }
    else if (rv != EAGAIN || closed || connection_watch(c) != 0) {
        connection_free(c);     /* somebody only asked if we listen */
    }
}

void serve_begin(struct connection *c)
{
    c->deadline = serve_now() + PATIENCE;
    receive(c, false);
}

/* --- end --- */

static void abandon(struct connection *c)
{
    if (c->state != CONNECTION_RUNNING) {
        connection_free(c);
        return;
    }
    (void) kill(-c->pid, SIGKILL);
    connection_hang_up(c);
}

void serve_event(struct connection *c, bool closed)
{
    if (c->state == CONNECTION_SILENT) {
        receive(c, closed);
    }
    else if (c->state != CONNECTION_FREE) {
        abandon(c);     /* httpd went, or says more than it may */
    }
}

static uint64_t microseconds(const struct timeval *t)
{
    return (uint64_t) t->tv_sec * SECOND + (uint64_t) t->tv_usec;
}

/* The kernel sends SIGXCPU at the soft limit and SIGKILL at the hard one. */
static enum wire_limit limit_hit(const struct connection *c, int status,
                                 uint64_t cpu)
{
    if (!WIFSIGNALED(status)) {
        return WIRE_LIMIT_NONE;     /* it was faster than its time limit */
    }
    if (c->timed_out) {
        return WIRE_LIMIT_WALL;
    }
    if (WTERMSIG(status) == SIGXFSZ) {
        return WIRE_LIMIT_FSIZE;
    }
    if (WTERMSIG(status) == SIGXCPU
        || (WTERMSIG(status) == SIGKILL
            && cpu / SECOND >= setup->limits[LIMIT_CPU].rlim_cur)) {
        return WIRE_LIMIT_CPU;
    }
    return WIRE_LIMIT_NONE;
}

static void end(struct connection *c, int status, const struct rusage *usage)
{
    struct wire_answer message = answer_of(WIRE_ENDED);

    strays_kill_group(c->pid);
    message.wait_status = status;
    message.cpu_microseconds = microseconds(&usage->ru_utime)
                               + microseconds(&usage->ru_stime);
    message.peak_kib = (uint64_t) usage->ru_maxrss;
    message.wall_microseconds = (uint64_t) (serve_now() - c->started);
    message.limit = limit_hit(c, status, message.cpu_microseconds);
    answer(c, &message);
    connection_free(c);
}

static struct connection *connection_of(pid_t pid)
{
    struct connection *c = connection_first(CONNECTION_RUNNING);

    while (c != NULL && c->pid != pid) {
        c = connection_next(c);
    }
    return c;
}

static bool sweep(void)
{
    struct strays_request list[SETUP_REQUESTS_MAX];
    struct connection *c;
    size_t n = 0;

    for (c = connection_first(CONNECTION_RUNNING); c != NULL;
         c = connection_next(c)) {
        list[n].pid = c->pid;
        list[n++].number = c->number;
    }
    return strays_sweep(list, n, next_number);
}

/* After requests ended; childless: the kernel says that nothing is left. */
static void settle(bool childless)
{
    if (setup->linger || childless) {
        strays_clear();
    }
    else if (running() == 0) {
        strays_kill_all();
    }
    else if (sweep()) {
        holding = true;
    }
    if (running() == 0) {
        holding = false;
    }
    start_queued();
}

void serve_reap(void)
{
    struct connection *c;
    struct rusage usage;
    bool ended = false;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        c = connection_of(pid);
        if (c == NULL) {
            strays_forget(pid);
        }
        else {
            end(c, status, &usage);
            ended = true;
        }
    }
    if (ended) {
        settle(pid < 0);    /* ECHILD */
    }
}

/* --- time --- */

void serve_expire(int64_t now)
{
    struct connection *c;

    while ((c = connection_first(CONNECTION_SILENT)) != NULL
           && c->deadline <= now) {
        connection_free(c);
    }
    for (c = connection_first(CONNECTION_RUNNING); c != NULL;
         c = connection_next(c)) {
        if (c->deadline <= now) {
            (void) kill(-c->pid, SIGKILL);
            c->timed_out = true;
            c->deadline = SERVE_NEVER;
        }
    }
}

int64_t serve_deadline(void)
{
    /* all silent ones have the same patience: the first is the next */
    struct connection *c = connection_first(CONNECTION_SILENT);
    int64_t next = c == NULL ? SERVE_NEVER : c->deadline;

    for (c = connection_first(CONNECTION_RUNNING); c != NULL;
         c = connection_next(c)) {
        if (c->deadline < next) {
            next = c->deadline;
        }
    }
    return next;
}

int64_t serve_quiet_since(void)
{
    return queued() + running() == 0 ? quiet_since : SERVE_NEVER;
}

void serve_stay_quiet(void)
{
    quiet_since = serve_now();
}

bool serve_has_children(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}
