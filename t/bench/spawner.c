/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawner.c - the least that a warden could be: starts the program that a
 * request names, and says when it has ended
 *
 *   spawner SOCKET [session] [limits] [answers] [events] [look]
 *
 * It guards nothing.  What a warden does in addition, it does for each word:
 *
 *   session   the program has a session of its own
 *   limits    ... its resource limits, and an empty signal mask
 *   answers   ACCEPTED and STARTED are said
 *   events    all waiting is done in one epoll, and the program's group killed
 *   look      the file and its directory are looked up first
 *
 * So bench-micro can say what each costs, and what is left when there is none
 * of it.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trampoline/limits.h"
#include "trampoline/wire.h"

enum { BACKLOG = 16, EVENTS = 32, CPU_SECONDS = 60 };

static const char *environment[] = { "QUERY_STRING=10", NULL };

static struct {
    bool session, limits, answers, events, look;
} also;

static struct rlimit limits[LIMIT_COUNT];
static int listen_fd, epoll_fd, signal_fd;

static void must(bool succeeded, const char *what)
{
    if (!succeeded) {
        (void)dprintf(2, "spawner: %s: %s\n", what, strerror(errno));
        _exit(1);
    }
}

/* --- beginning --- */

static void take_words(char **words)
{
    const struct {
        const char *name;
        bool *flag;
    } known[] = {
        { "session", &also.session }, { "limits", &also.limits },
        { "answers", &also.answers }, { "events", &also.events },
        { "look", &also.look }
    };
    size_t i;

    for (; *words != NULL; words++) {
        for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            if (strcmp(*words, known[i].name) == 0) {
                *known[i].flag = true;
                break;
            }
        }
        must(i < sizeof(known) / sizeof(known[0]), *words);
    }
}

static void listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    must(strlen(path) < sizeof(address.sun_path), "path");
    memcpy(address.sun_path, path, strlen(path));
    listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    must(listen_fd >= 0
         && bind(listen_fd, (struct sockaddr *)&address,
                 sizeof(address)) == 0
         && listen(listen_fd, BACKLOG) == 0
         && chmod(path, 0777) == 0, path);
}

/* Its own, but for a limit on time, which the kernel has to count for. */
static void find_limits(void)
{
    int i;

    for (i = 0; i < LIMIT_COUNT; i++) {
        must(getrlimit(limit_kinds[i].resource, &limits[i]) == 0, "getrlimit");
    }
    limits[LIMIT_CPU].rlim_cur = CPU_SECONDS;
}

static void watch(int fd, int operation)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP,
                                 .data.fd = fd };

    must(epoll_ctl(epoll_fd, operation, fd, &event) == 0, "epoll_ctl");
}

static void make_loop(void)
{
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    must(sigprocmask(SIG_SETMASK, &child, NULL) == 0, "sigprocmask");
    signal_fd = signalfd(-1, &child, SFD_CLOEXEC);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    must(signal_fd >= 0 && epoll_fd >= 0, "epoll");
    watch(signal_fd, EPOLL_CTL_ADD);
    watch(listen_fd, EPOLL_CTL_ADD);
}

/* --- a request --- */

static void await_event(void)
{
    struct epoll_event events[EVENTS];

    must(epoll_wait(epoll_fd, events, EVENTS, -1) > 0, "epoll_wait");
}

static int accept_one(void)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    int sock;

    if (also.events) {
        await_event();
    }
    sock = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    must(sock >= 0, "accept4");
    if (also.events) {
        must(getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0,
             "SO_PEERCRED");
        watch(sock, EPOLL_CTL_ADD);
    }
    return sock;
}

static void say(int sock, enum wire_answer_kind kind, int status)
{
    const struct wire_answer answer = { .version = WIRE_VERSION, .kind = kind,
                                        .wait_status = status };

    errno = wire_send_answer(sock, &answer, -1);
    must(errno == 0, "answer");
}

static void look_at(const char *program)
{
    struct stat st;

    must(stat(program, &st) == 0 && S_ISREG(st.st_mode), program);
}

static _Noreturn void be_program(const char *path, const int *pipes)
{
    const char *const argv[] = { path, NULL };
    sigset_t none;
    int i;

    if (also.session) {
        (void)setsid();
    }
    for (i = 0; i < WIRE_PIPES; i++) {
        (void)dup2(pipes[i], i);
    }
    for (i = 0; also.limits && i < LIMIT_COUNT; i++) {
        (void)setrlimit(limit_kinds[i].resource, &limits[i]);
    }
    if (also.limits || also.events) {
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
    }
    if (also.look && chdir("/usr/bin") != 0) {
        _exit(127);
    }
    execve(path, (char **)argv, (char **)environment);
    _exit(127);
}

static pid_t start(const char *path, const int *pipes)
{
    pid_t pid = vfork();
    int i;

    if (pid == 0) {
        be_program(path, pipes);
    }
    must(pid > 0, "vfork");
    for (i = 0; i < WIRE_PIPES; i++) {
        close(pipes[i]);
    }
    return pid;
}

static int await_end(pid_t pid)
{
    struct signalfd_siginfo info;
    struct rusage usage;
    int status;

    if (also.events) {
        await_event();
        must(read(signal_fd, &info, sizeof(info)) > 0, "signalfd");
    }
    must(wait4(pid, &status, 0, &usage) == pid, "wait4");
    if (also.events) {
        (void)kill(-pid, SIGKILL);
    }
    return status;
}

static void serve(int sock)
{
    static char buffer[WIRE_STRINGS_MAX];
    static struct wire_unpacked unpacked;
    int pipes[WIRE_PIPES];
    const char *reason;
    pid_t pid;

    errno = wire_recv_request(sock, 0, buffer, &unpacked, pipes, &reason);
    must(errno == 0, "request");
    if (also.look) {
        look_at(unpacked.request.filename);
    }
    if (also.answers) {
        say(sock, WIRE_ACCEPTED, 0);
    }
    pid = start(unpacked.request.filename, pipes);
    if (also.answers) {
        say(sock, WIRE_STARTED, 0);
    }
    say(sock, WIRE_ENDED, await_end(pid));
    if (also.events) {
        watch(sock, EPOLL_CTL_DEL);
    }
    close(sock);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)dprintf(2, "usage: spawner SOCKET [session] [limits] [answers] "
                      "[events] [look]\n");
        return 2;
    }
    take_words(argv + 2);
    listen_at(argv[1]);
    find_limits();
    if (also.events) {
        make_loop();
    }
    for (;;) {
        serve(accept_one());
    }
}
