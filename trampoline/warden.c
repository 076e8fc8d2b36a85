/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden.c - the init of a jail
 *
 * Theory of operation.  The trampoline made the jail, entered it, dropped
 * every privilege and became this program: PID 1 of the jail's pid namespace,
 * running as the user, with a listening socket (setup.h).  httpd connects,
 * sends one request with the program's ends of three pipes, and reads the
 * answers (wire.h); the warden starts the program, enforces the limits that
 * a setrlimit(2) cannot, reaps, and kills what should not be there any more.
 *
 * It is trusted with nothing.  The user can starve it, stop it or lie in its
 * place, and hurts only the own jail: httpd takes its answers for a hostile
 * client's.  What it must do for the user is never to block on anything: one
 * thread, one epoll, and no open(2) of what the user made that could wait: it
 * opens the user's error log, and what stat(2) calls a regular file or a
 * directory, with O_NONBLOCK.  What it must do for the administrator is that
 * nothing outlives its request, and that no request is lost or run twice:
 *
 *   - It keeps an O_PATH descriptor of its pin, so that the jail stays
 *     mounted as long as it lives.
 *   - An idle warden MUST NOT lose a request that could connect: it shuts the
 *     listening socket down, after which connect(2) is refused at once, then
 *     serves all that had come before, and ends.
 *   - Out of descriptors it ends, and never spins; httpd starts another one.
 *
 * As PID 1 it gets no signal from inside that it has no handler for; when it
 * ends, the kernel kills everything in the jail.
 *
 *   warden.c      setup, the loop, who may connect, when to end
 *   connection.c  the connections and their states
 *   serve.c       the life of a request
 *   find.c        what a request means
 *   open.c        a file that is served
 *   listing.c     a directory that is listed
 *   start.c       a program that is run, with the next two
 *   request.c     argv and environment
 *   program.c     vfork and exec
 *   strays.c      processes that left their request
 *   logfile.c     the user's own error log
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"
#include "program.h"
#include "say.h"
#include "serve.h"
#include "setup.h"
#include "strays.h"
#include "turns.h"

enum {
    EVENTS = 32,            /* taken from epoll at a time */
    SILENT_MAX = 8,         /* connections beyond those that may be queued */
    FDS_PER_SLOT = 4,       /* socket, pipes */
    FDS_OTHER = 32,
    MILLISECOND = 1000,     /* in the microseconds of serve_now() */
    SECOND = 1000000,
    LONGEST_SLEEP = 60 * 60 * 1000      /* for epoll_wait(2) */
};

static struct setup setup;
static int epoll_fd, signal_fd;
static int listen_fd = SETUP_FD_LISTEN;     /* -1: not any more */
static bool listening = true;               /* epoll watches it */
static bool ending;         /* refuses connections, serves what has come */

/* --- beginning --- */

/* The trampoline passes descriptors through an exec, so they are not
   close-on-exec; from here on everything is, and programs get nothing. */
static void take_descriptors(void)
{
    int fd;

    for (fd = 0; fd < SETUP_FD_COUNT; fd++) {
        if (fcntl(fd, F_SETFD, fd <= STDERR_FILENO ? 0 : FD_CLOEXEC) != 0) {
            die_errno(CODE_INTERNAL, "descriptor %d is missing", fd);
        }
    }
    if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) != 0) {
        die_errno(CODE_INTERNAL, "cannot make the socket non-blocking");
    }
}

static void read_setup(void)
{
    ssize_t n = read(SETUP_FD_PIPE, &setup, sizeof(setup));

    if (n != (ssize_t) sizeof(setup) || setup.version != SETUP_VERSION) {
        die(CODE_INTERNAL, "setup of another version: install trampoline "
            "and warden together");
    }
    if (setup.max_requests < 1 || setup.max_requests > SETUP_REQUESTS_MAX
        || setup.queue > SETUP_REQUESTS_MAX || setup.idle_seconds < 1
        || setup.linger > 1
        || memchr(setup.user, '\0', sizeof(setup.user)) == NULL
        || !name_is_user(setup.user)) {
        die(CODE_INTERNAL, "setup with a value out of bounds");
    }
    close(SETUP_FD_PIPE);
}

/*
 * As many as may be running, queued and silent, but never more than there are
 * descriptors for; what is beyond waits in the socket's backlog.
 */
static void make_slots(void)
{
    size_t wanted = (size_t) setup.max_requests + setup.queue + SILENT_MAX;
    struct rlimit files;
    size_t possible;
    int rv;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0
        || files.rlim_cur < FDS_OTHER + FDS_PER_SLOT) {
        die(CODE_LIMITS, "too few descriptors");
    }
    possible = (size_t) (files.rlim_cur - FDS_OTHER) / FDS_PER_SLOT;
    rv = connection_init(wanted < possible ? wanted : possible, epoll_fd);
    if (rv != 0) {
        errno = rv;
        die_errno(CODE_INTERNAL, "no memory for connections");
    }
}

/* Returns 0 or -1. */
static int watch(int fd, uint32_t events, void *tag, int operation)
{
    struct epoll_event event = { .events = events, .data.ptr = tag };

    return epoll_ctl(epoll_fd, operation, fd, &event);
}

static void make_loop(void)
{
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (sigprocmask(SIG_SETMASK, &child, NULL) != 0) {
        die_errno(CODE_INTERNAL, "cannot block SIGCHLD");
    }
    signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (signal_fd < 0 || epoll_fd < 0
        || watch(signal_fd, EPOLLIN, &signal_fd, EPOLL_CTL_ADD) != 0
        || watch(listen_fd, EPOLLIN, &listen_fd, EPOLL_CTL_ADD) != 0) {
        die_errno(CODE_INTERNAL, "cannot make the event loop");
    }
}

static void set_up(void)
{
    int rv;

    say_init("warden", STDERR_FILENO);
    /* the same uid could read and change our memory otherwise */
    if (prctl(PR_SET_DUMPABLE, 0) != 0) {
        die_errno(CODE_INTERNAL, "cannot become non-dumpable");
    }
    take_descriptors();
    read_setup();
    rv = program_cap_limits(setup.limits);
    if (rv == 0) {
        rv = strays_init();
    }
    if (rv != 0) {
        errno = rv;
        die_errno(CODE_INTERNAL, "cannot read limits or /proc");
    }
    make_loop();
    make_slots();
    serve_init(&setup);
    turns_make_short();
}

/* --- connections --- */

static bool is_httpd(int sock)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0
           && peer.uid == setup.httpd_uid;
}

static void welcome(int sock)
{
    struct connection *c;

    if (!is_httpd(sock)) {
        close(sock);
        return;
    }
    c = connection_new(sock);
    if (c != NULL) {
        serve_begin(c);
    }
}

static void close_listener(void)
{
    /* not there when it was shut down before */
    (void) watch(listen_fd, 0, NULL, EPOLL_CTL_DEL);
    close(listen_fd);
    listen_fd = -1;
    ending = true;
}

/* Returns whether there may be another one. */
static bool accept_one(void)
{
    int sock = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (sock >= 0) {
        welcome(sock);
        return true;
    }
    if (errno == EINTR || errno == ECONNABORTED) {
        return true;
    }
    if (errno == EAGAIN && !ending) {
        return false;
    }
    /* EAGAIN, EINVAL: it is shut down, and nothing is left in it.  Else there
       are no descriptors or no memory: what waits must go to another warden */
    close_listener();
    return false;
}

static bool has_room(void)
{
    return connection_count(CONNECTION_FREE) > 0;
}

static void listen_while(bool wanted)
{
    if (listening != wanted) {
        if (watch(listen_fd, wanted ? EPOLLIN : 0, &listen_fd, EPOLL_CTL_MOD)
            != 0) {
            die_errno(CODE_INTERNAL, "cannot watch the socket");
        }
        listening = wanted;
    }
}

static void begin_to_end(void)
{
    ending = true;
    /* not only masked: it would report its shutdown without end */
    if (watch(listen_fd, 0, NULL, EPOLL_CTL_DEL) != 0
        || shutdown(listen_fd, SHUT_RD) != 0) {
        die_errno(CODE_INTERNAL, "cannot shut the socket down");
    }
}

static void accept_the_rest(void)
{
    while (listen_fd >= 0 && has_room() && accept_one()) {
    }
}

/* --- the loop --- */

static bool has_ended(void)
{
    return ending && listen_fd < 0
           && connection_count(CONNECTION_SILENT) == 0
           && serve_quiet_since() != SERVE_NEVER
           && !(setup.linger && serve_has_children());
}

/* SERVE_NEVER: it is not idle, or ends already. */
static int64_t idle_deadline(void)
{
    int64_t since = serve_quiet_since();

    if (ending || since == SERVE_NEVER) {
        return SERVE_NEVER;
    }
    return since + (int64_t) setup.idle_seconds * SECOND;
}

static void expire(void)
{
    int64_t now = serve_now();

    serve_expire(now);
    if (idle_deadline() > now) {
        return;
    }
    /* processes that may linger keep the warden, and so themselves, alive */
    if (setup.linger && serve_has_children()) {
        serve_stay_quiet();
    }
    else {
        begin_to_end();
    }
}

/* For epoll_wait(2): until the next deadline, rounded up. */
static int next_timeout(void)
{
    int64_t now = serve_now(), next = serve_deadline();

    if (idle_deadline() < next) {
        next = idle_deadline();
    }
    if (next <= now) {
        return 0;
    }
    if (next - now >= (int64_t) LONGEST_SLEEP * MILLISECOND) {
        return LONGEST_SLEEP;
    }
    return (int) ((next - now + MILLISECOND - 1) / MILLISECOND);
}

static void reap_children(void)
{
    struct signalfd_siginfo info;

    /* one SIGCHLD stands for any number of children */
    if (read(signal_fd, &info, sizeof(info)) == (ssize_t) sizeof(info)) {
        serve_reap();
    }
}

/*
 * Connections first: a request that httpd gave up must not start when a
 * program that ended makes room for it.  New ones last: they use slots again
 * that events of the same round may still point to.
 */
static void handle(const struct epoll_event *events, int count)
{
    bool child = false, newcomer = false, disowned = false;
    int i;

    for (i = 0; i < count; i++) {
        if (events[i].data.ptr == &signal_fd) {
            child = true;
        }
        else if (events[i].data.ptr == &listen_fd) {
            newcomer = true;
            disowned = (events[i].events & EPOLLHUP) != 0;
        }
        else {
            serve_event(events[i].data.ptr,
                        events[i].events & (EPOLLRDHUP | EPOLLHUP));
        }
    }
    if (child) {
        reap_children();
    }
    if (disowned && !ending) {
        begin_to_end();     /* the trampoline has taken the socket back */
    }
    if (newcomer && !ending && has_room()) {
        accept_one();
    }
}

/* Without a free slot, new connections wait in the backlog. */
static void make_use_of_room(void)
{
    if (ending) {
        accept_the_rest();
    }
    else {
        listen_while(has_room());
    }
}

static void loop(void)
{
    struct epoll_event events[EVENTS];
    int count;

    for (;;) {
        expire();
        make_use_of_room();
        if (has_ended()) {
            return;
        }
        count = epoll_wait(epoll_fd, events, EVENTS, next_timeout());
        if (count < 0 && errno != EINTR) {
            die_errno(CODE_INTERNAL, "cannot wait for events");
        }
        handle(events, count);
    }
}

int main(void)
{
    set_up();
    loop();
    return 0;
}
