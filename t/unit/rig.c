/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig.c - a warden to test: plays the trampoline, then httpd
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scratch.h"

enum { PROGRAM_FD = 200 };      /* the warden's binary; above what we use */

double rig_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

void rig_sleep(double seconds)
{
    struct timespec t = { .tv_sec = (time_t) seconds };

    if (seconds <= 0) {
        return;
    }
    t.tv_nsec = (long) ((seconds - (double) t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}

/* --- directories --- */

static void usual_setup(struct setup *setup)
{
    size_t i;

    memset(setup, 0, sizeof(*setup));
    setup->version = SETUP_VERSION;
    setup->httpd_uid = getuid();
    setup->max_requests = 8;
    setup->queue = 16;
    setup->idle_seconds = 60;
    memcpy(setup->user, "alice", 6);
    for (i = 0; i < LIMIT_COUNT; i++) {
        setup->limits[i].rlim_cur = RLIM_INFINITY;
        setup->limits[i].rlim_max = RLIM_INFINITY;
    }
}

int rig_make(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    if (rig == NULL || geteuid() != 0) {
        fprintf(stderr, "# needs root\n");
        free(rig);
        return -1;
    }
    usual_setup(&rig->setup);
    snprintf(rig->top, sizeof(rig->top), "/tmp/rig.XXXXXX");
    if (mkdtemp(rig->top) == NULL || chmod(rig->top, 0755) != 0) {
        free(rig);
        return -1;
    }
    snprintf(rig->home, sizeof(rig->home), "%s/home", rig->top);
    snprintf(rig->socket, sizeof(rig->socket), "%s/socket", rig->top);
    *state = rig;
    return mkdir(rig->home, 0755)
           || chown(rig->home, RIG_UID, RIG_GID) ? -1 : 0;
}

void rig_kill(struct rig *rig)
{
    if (rig->warden > 0) {
        kill(rig->warden, SIGKILL);
        waitpid(rig->warden, NULL, 0);
        rig->warden = 0;
    }
}

int rig_remove(void **state)
{
    struct rig *rig = *state;
    int rv;

    rig_kill(rig);
    rv = scratch_remove(rig->top);
    free(rig);
    return rv;
}

const char *rig_path(const struct rig *rig, const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", rig->home, name);
    return path;
}

void rig_file(const struct rig *rig, const char *name, mode_t mode,
              const char *format, ...)
{
    va_list arguments;
    int fd = open(rig_path(rig, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                  0600);

    assert_true(fd >= 0);
    va_start(arguments, format);
    assert_true(vdprintf(fd, format, arguments) >= 0);
    va_end(arguments);
    assert_int_equal(fchown(fd, RIG_UID, RIG_GID), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

const char *rig_read(const struct rig *rig, const char *name)
{
    static char text[64 * 1024];
    int fd = open(rig_path(rig, name), O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    if (fd >= 0) {
        n = read(fd, text, sizeof(text) - 1);
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* --- the trampoline's part --- */

static int make_listener(const struct rig *rig)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, rig->socket, strlen(rig->socket) + 1);
    unlink(rig->socket);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)),
                     0);
    assert_int_equal(chmod(rig->socket, 0666), 0);
    assert_int_equal(listen(fd, 511), 0);
    return fd;
}

static int make_setup_pipe(const struct rig *rig)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], &rig->setup, sizeof(rig->setup)),
                     sizeof(rig->setup));
    close(ends[1]);
    return ends[0];
}

static void require(bool done, const char *what)
{
    if (!done) {
        perror(what);
        _exit(99);
    }
}

/* To 0..5, by way of numbers that are none of them. */
static void arrange_descriptors(int listener, int pin, int setup)
{
    int null = open("/dev/null", O_RDWR), i;
    const int wanted[] = { null, null, 2, listener, pin, setup };

    for (i = 0; i < 6; i++) {
        require(dup2(wanted[i], 100 + i) >= 0, "dup2");
    }
    for (i = 0; i < 6; i++) {
        require(dup2(100 + i, i) >= 0, "dup2");
    }
}

static void become_user(void)
{
    const struct rlimit files = { 4096, 4096 };

    require(setrlimit(RLIMIT_NOFILE, &files) == 0, "setrlimit");
    require(setgroups(0, NULL) == 0, "setgroups");
    require(setresgid(RIG_GID, RIG_GID, RIG_GID) == 0, "setresgid");
    require(setresuid(RIG_UID, RIG_UID, RIG_UID) == 0, "setresuid");
    require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
}

/* As the trampoline does: also those two that the C library keeps. */
static void reset_signals(void)
{
    static const unsigned long dflt[4];
    int number;

    for (number = 1; number < NSIG; number++) {
        require(number == SIGKILL || number == SIGSTOP
                || syscall(SYS_rt_sigaction, number, dflt, NULL, NSIG / 8)
                   == 0, "rt_sigaction");
    }
}

static _Noreturn void be_warden(int listener, int pin, int setup)
{
    /* for a warden with sanitizers; the leak checker cannot trace init */
    char *argv[] = { "warden", NULL };
    char *envp[] = { "ASAN_OPTIONS=detect_leaks=0", NULL };

    require(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount");
    require(mount("proc", "/proc", "proc", 0, NULL) == 0, "mount /proc");
    arrange_descriptors(listener, pin, setup);
    reset_signals();
    require(chdir("/") == 0, "chdir");
    become_user();
    require(close_range(SETUP_FD_COUNT, ~0U, CLOSE_RANGE_CLOEXEC) == 0,
            "close_range");
    syscall(SYS_execveat, PROGRAM_FD, "", argv, envp, AT_EMPTY_PATH);
    require(false, "execveat");
    _exit(99);
}

static int open_program(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    int fd;

    assert_true(length > 0);
    path[length] = '\0';
    snprintf(strrchr(path, '/') + 1, sizeof("warden"), "warden");
    fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        fd = open("trampoline/warden", O_PATH | O_CLOEXEC);
    }
    return fd;
}

static void start_with(struct rig *rig, int listener)
{
    const unsigned long flags = SIGCHLD | CLONE_NEWPID | CLONE_NEWNS
                                | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;
    int setup = make_setup_pipe(rig), pin, fd;
    pid_t pid;

    fd = open_program();
    pin = open(rig->top, O_PATH | O_CLOEXEC);
    assert_true(fd >= 0 && pin >= 0);
    assert_true(dup2(fd, PROGRAM_FD) >= 0);
    close(fd);
    pid = (pid_t) syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        be_warden(listener, pin, setup);
    }
    assert_true(pid > 0);
    rig->warden = pid;
    close(PROGRAM_FD);
    close(listener);
    close(setup);
    close(pin);
}

void rig_start(struct rig *rig)
{
    start_with(rig, make_listener(rig));
}

int rig_make_started(void **state)
{
    if (rig_make(state) != 0) {
        return -1;
    }
    rig_start(*state);
    return 0;
}

int rig_wait(struct rig *rig)
{
    double end = rig_now() + PATIENCE;
    int status;

    while (rig_now() < end) {
        if (waitpid(rig->warden, &status, WNOHANG) == rig->warden) {
            rig->warden = 0;
            return status;
        }
        rig_sleep(0.005);
    }
    return -1;
}

/* --- looking at it --- */

static ino_t pid_namespace(const char *pid)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%.20s/ns/pid", pid);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static int count_entries(const char *path, ino_t namespace)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        n += entry->d_name[0] >= '0' && entry->d_name[0] <= '9'
             && (namespace == 0 || pid_namespace(entry->d_name)
                                   == namespace);
    }
    closedir(dir);
    return n;
}

int rig_processes(const struct rig *rig)
{
    char pid[24];
    ino_t namespace;

    snprintf(pid, sizeof(pid), "%d", (int) rig->warden);
    namespace = pid_namespace(pid);
    assert_int_not_equal(namespace, 0);
    return count_entries("/proc", namespace);
}

int rig_descriptors(const struct rig *rig)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/fd", (int) rig->warden);
    return count_entries(path, 0);
}

/* Waits until that is what is seen; returns false if it never is. */
static bool comes_to(const struct rig *rig,
                     int (*look)(const struct rig *), int wanted)
{
    double end = rig_now() + PATIENCE;

    while (look(rig) != wanted) {
        if (rig_now() > end) {
            return false;
        }
        rig_sleep(0.005);
    }
    return true;
}

bool rig_settles(const struct rig *rig, int wanted)
{
    return comes_to(rig, rig_processes, wanted);
}

/* -1: it runs.  Of the line in /proc, which proc(5) explains, the first. */
static int current_call(const struct rig *rig)
{
    char path[64];
    FILE *file;
    int call;

    snprintf(path, sizeof(path), "/proc/%d/syscall", (int) rig->warden);
    file = fopen(path, "re");
    assert_non_null(file);
    if (fscanf(file, "%d", &call) != 1) {
        call = -1;
    }
    fclose(file);
    return call;
}

bool rig_is_in(const struct rig *rig, int call)
{
    return comes_to(rig, current_call, call);
}

/* --- httpd's part --- */

struct wire_request rig_request(const struct rig *rig, const char *name)
{
    /* a few at a time: tests keep several requests */
    static char filenames[8][PATH_MAX], uris[8][PATH_MAX];
    static size_t next;
    char *filename = filenames[next % 8], *uri = uris[next++ % 8];
    struct wire_request request = {
        .kind = WIRE_SERVE, .timeout_seconds = PATIENCE,
        .root = rig->home, .filename = filename, .uri = uri, .method = "GET"
    };

    snprintf(filename, PATH_MAX, "%s/%s", rig->home, name);
    snprintf(uri, PATH_MAX, "/my/%s", name);
    return request;
}

int rig_connect(const struct rig *rig, struct client *client)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const struct timeval limit = { .tv_sec = PATIENCE };
    int rv = 0;

    client->in = client->out = client->err = client->file = -1;
    client->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (client->sock < 0) {
        return errno;
    }
    memcpy(address.sun_path, rig->socket, strlen(rig->socket) + 1);
    if (setsockopt(client->sock, SOL_SOCKET, SO_RCVTIMEO, &limit,
                   sizeof(limit)) != 0
        || connect(client->sock, (struct sockaddr *) &address,
                   sizeof(address)) != 0) {
        rv = errno;
        close(client->sock);
        client->sock = -1;
    }
    return rv;
}

int rig_send(struct client *client, const struct wire_request *request)
{
    int in[2], out[2], err[2], rv;

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0
        || pipe2(err, O_CLOEXEC) != 0) {
        return errno;
    }
    rv = wire_send_request(client->sock, request,
                           (int[]) { in[0], out[1], err[1] });
    close(in[0]);
    close(out[1]);
    close(err[1]);
    client->in = in[1];
    client->out = out[0];
    client->err = err[0];
    return rv;
}

int rig_answer(struct client *client, struct wire_answer *answer)
{
    return wire_recv_answer(client->sock, 0, answer, &client->file);
}

static void assert_answer(struct client *client, enum wire_answer_kind kind)
{
    struct wire_answer answer;

    assert_int_equal(rig_answer(client, &answer), 0);
    assert_int_equal(answer.kind, kind);
}

static void ask(const struct rig *rig, struct client *client,
                const struct wire_request *request)
{
    assert_int_equal(rig_connect(rig, client), 0);
    assert_int_equal(rig_send(client, request), 0);
}

void rig_accepted(const struct rig *rig, struct client *client,
                  const struct wire_request *request)
{
    ask(rig, client, request);
    assert_answer(client, WIRE_ACCEPTED);
}

void rig_started(const struct rig *rig, struct client *client,
                 const struct wire_request *request)
{
    rig_accepted(rig, client, request);
    assert_answer(client, WIRE_STARTED);
}

void rig_start_serving(struct rig *rig, struct client *client,
                       const char *name)
{
    struct wire_request request = rig_request(rig, name);
    int listener = make_listener(rig);

    ask(rig, client, &request);
    start_with(rig, listener);
    assert_answer(client, WIRE_ACCEPTED);
    assert_answer(client, WIRE_STARTED);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void rig_close(struct client *client)
{
    close_fd(&client->sock);
    close_fd(&client->in);
    close_fd(&client->out);
    close_fd(&client->err);
    close_fd(&client->file);
}

bool rig_is_open(const struct client *client)
{
    char byte;

    return recv(client->sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1
           && errno == EAGAIN;
}

/* Appends what is there; closes the descriptor at end of file. */
static void drain(int *fd, char *buffer, size_t size, size_t *used)
{
    char waste[4096];
    bool full = *used >= size - 1;
    ssize_t n = full ? read(*fd, waste, sizeof(waste))
                     : read(*fd, buffer + *used, size - 1 - *used);

    if (n <= 0) {
        close_fd(fd);
    }
    else if (!full) {
        *used += (size_t) n;
    }
    buffer[*used] = '\0';
}

/* Returns whether that was the last message. */
static bool take_answer(struct client *client, struct outcome *outcome)
{
    int rv = rig_answer(client, &outcome->last);

    assert_int_equal(rv, 0);
    outcome->accepted |= outcome->last.kind == WIRE_ACCEPTED;
    outcome->started |= outcome->last.kind == WIRE_STARTED;
    return outcome->last.kind != WIRE_ACCEPTED
           && outcome->last.kind != WIRE_STARTED;
}

void rig_finish(struct client *client, struct outcome *outcome)
{
    struct wire_answer answer;
    size_t err_size = 0;
    bool last = false;

    memset(outcome, 0, sizeof(*outcome));
    close_fd(&client->in);
    while (!last || client->out >= 0 || client->err >= 0) {
        struct pollfd fds[] = { { .fd = client->out, .events = POLLIN },
                                { .fd = client->err, .events = POLLIN },
                                { .fd = last ? -1 : client->sock,
                                  .events = POLLIN } };

        assert_true(poll(fds, 3, PATIENCE * 1000) > 0);
        if (fds[0].revents != 0) {
            drain(&client->out, outcome->out, sizeof(outcome->out),
                  &outcome->out_size);
        }
        if (fds[1].revents != 0) {
            drain(&client->err, outcome->err, sizeof(outcome->err),
                  &err_size);
        }
        if (fds[2].revents != 0) {
            last = take_answer(client, outcome);
        }
    }
    outcome->file = client->file;
    /* so the warden has closed the connection, too */
    assert_int_equal(rig_answer(client, &answer), ECONNRESET);
    rig_close(client);
}

void rig_ask(const struct rig *rig, const struct wire_request *request,
             struct outcome *outcome)
{
    struct client client;

    ask(rig, &client, request);
    rig_finish(&client, outcome);
}

void rig_run(const struct rig *rig, const char *name,
             struct outcome *outcome)
{
    struct wire_request request = rig_request(rig, name);

    rig_ask(rig, &request, outcome);
}

static int serve(struct client *client, const struct wire_request *request)
{
    struct wire_answer answer = { .kind = 0 };
    int rv = rig_send(client, request);

    while (rv == 0 && answer.kind != WIRE_ENDED
           && answer.kind != WIRE_FILE) {
        rv = rig_answer(client, &answer);
        if (rv == 0 && (answer.kind == WIRE_REFUSED
                        || answer.wait_status != 0)) {
            rv = EPROTO;
        }
    }
    return rv;
}

int rig_serve(const struct rig *rig, const char *name)
{
    struct wire_request request = rig_request(rig, name);
    struct client client;
    int rv = rig_connect(rig, &client);

    if (rv == 0) {
        rv = serve(&client, &request);
    }
    rig_close(&client);
    return rv;
}
