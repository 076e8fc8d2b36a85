/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish.c - what makes a jail known: pin, record, socket
 *
 * In this order: a socket without a pin would be a jail that no sweep finds,
 * and a warden without a record one that no stop ends.  Each step notes what
 * it has published, and retract() takes it back, in the reverse order, when
 * the program dies.  If it is killed instead, the next start or sweep finds
 * a pin, a record or a socket that nobody answers, and uses or removes it.
 */
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "creds.h"
#include "layout.h"
#include "record.h"
#include "say.h"

enum { BACKLOG = 512 };     /* more than httpd's children ever have threads */

static struct {
    const struct keep *keep;
    const struct policy *policy;
    const char *user;
    char place[KEEP_PLACE_MAX];
    char record[RECORD_NAME_MAX];
    int sockets, wardens, pins;
    bool pinned, recorded, bound;
} own;

/* errno ENOSPC deserves its own code: the remedy is another one. */
static _Noreturn void die_publishing(enum code code, const char *what)
{
    if (errno == ENOSPC || errno == EDQUOT) {
        die(CODE_SPACE, "no space left for the %s of user '%s' in '"
            LAYOUT_RUN "/%s': enlarge that tmpfs (mount -o remount,size=...)",
            what, own.user, own.policy->instance);
    }
    die_errno(code, "cannot make the %s of user '%s'", what, own.user);
}

static int open_below(int run, const char *directory, int mode)
{
    int parent = keep_open_place(run, directory, 0);
    int fd;

    if (parent < 0) {
        die_errno(CODE_KEEP, "cannot open '%s' of instance '%s'", directory,
                  own.policy->instance);
    }
    fd = keep_open_place(parent, own.place, mode);
    if (fd < 0) {
        die_publishing(CODE_RUNDIR, directory);
    }
    (void)close(parent);
    return fd;
}

void publish_open(const struct keep *keep, const struct policy *policy,
                  const char *user)
{
    struct stat st;

    own.keep = keep;
    own.policy = policy;
    own.user = user;
    /* a stop removes the policy first, then waits for this lock */
    if (fstatat(keep->run, LAYOUT_POLICY, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        die(CODE_KEEP, "instance '%s' is stopping: start httpd",
            policy->instance);
    }
    keep_place(own.place, policy->profile.name, policy->profile.generation);
    (void)umask(0);             /* these modes are meant */
    own.sockets = open_below(keep->run, LAYOUT_SOCK, 0711);
    own.wardens = open_below(keep->run, LAYOUT_WARDENS, 0700);
    own.pins = keep_open_place(keep->pins, own.place, 0700);
    (void)umask(077);
    if (own.pins < 0) {
        die_publishing(CODE_PIN, LAYOUT_PINS);
    }
}

/* Relative to the directory's descriptor, so that no path is walked. */
static void enter_sockets(struct sockaddr_un *address)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    /* name_is_user has bounded it; the rest is zero */
    memcpy(address->sun_path, own.user, strlen(own.user));
    if (fchdir(own.sockets) != 0) {
        die_errno(CODE_SOCKET, "cannot enter the directory of sockets");
    }
}

int publish_make_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        die_errno(CODE_SOCKET, "cannot make a socket");
    }
    return fd;
}

/*
 * The socket is httpd's, and root has no CAP_DAC_OVERRIDE.  A full backlog
 * (EAGAIN) is an answer, too.
 */
bool publish_is_answered(void)
{
    struct sockaddr_un address;
    int probe = publish_make_socket();
    int rc, error;

    enter_sockets(&address);
    creds_fs_as(own.policy->httpd_uid, own.policy->httpd_gid);
    rc = connect(probe, (struct sockaddr *)&address, sizeof address);
    error = errno;
    creds_fs_root();
    (void)close(probe);
    if (rc == 0 || error == EAGAIN) {
        return true;
    }
    if (error != ENOENT && error != ECONNREFUSED) {
        errno = error;
        die_errno(CODE_SOCKET, "cannot try the socket of user '%s'",
                  own.user);
    }
    return false;
}

static void retract(int status)
{
    (void)status;
    if (own.bound) {
        (void)unlinkat(own.sockets, own.user, 0);
    }
    if (own.recorded) {
        (void)unlinkat(own.wardens, own.record, 0);
    }
    if (own.pinned && fchdir(own.pins) == 0) {
        creds_use(CAP_SYS_ADMIN);
        (void)umount2(own.user, MNT_DETACH | UMOUNT_NOFOLLOW);
        (void)unlinkat(own.pins, own.user, 0);
    }
}

static void pin(const struct jail *jail)
{
    int file = openat(own.pins, own.user,
                      O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (file < 0) {
        die_publishing(CODE_PIN, "pin");
    }
    (void)close(file);
    creds_use(CAP_SYS_ADMIN);
    if (move_mount(jail->hold, "", own.pins, own.user,
                   MOVE_MOUNT_F_EMPTY_PATH) != 0) {
        (void)unlinkat(own.pins, own.user, 0);
        die_publishing(CODE_PIN, "pin");
    }
    own.pinned = true;
    creds_use_none();
}

static void record(pid_t warden)
{
    record_name(own.record, own.user, warden);
    if (!record_write(own.wardens, own.record, own.keep->proc, warden)) {
        die_publishing(CODE_RECORD, "record");
    }
    own.recorded = true;
}

/* Listening before httpd's User can connect; mode 0600 by the umask. */
static void bind_socket(int listener)
{
    struct sockaddr_un address;

    enter_sockets(&address);
    if (unlinkat(own.sockets, own.user, 0) != 0 && errno != ENOENT) {
        die_errno(CODE_SOCKET, "cannot remove the old socket of user '%s'",
                  own.user);
    }
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) {
        die_publishing(CODE_SOCKET, "socket");
    }
    own.bound = true;
    if (listen(listener, BACKLOG) != 0) {
        die_errno(CODE_SOCKET, "cannot listen");
    }
    creds_use(CAP_CHOWN);
    if (fchownat(own.sockets, own.user, own.policy->httpd_uid,
                 own.policy->httpd_gid, AT_SYMLINK_NOFOLLOW) != 0) {
        die_errno(CODE_SOCKET, "cannot give the socket to httpd's User");
    }
    creds_use_none();
}

void publish(const struct jail *jail, pid_t warden, int listener)
{
    say_at_death(retract);
    if (jail->is_new) {
        pin(jail);
    }
    record(warden);
    bind_socket(listener);
}

void publish_announce(const char *instance)
{
    char line[256];
    int length = snprintf(line, sizeof line, LAYOUT_RUN "/%s/" LAYOUT_SOCK
                          "/%s/%s\n", instance, own.place, own.user);

    /* nobody may be reading any more: the jail is there all the same */
    if (length > 0 && (size_t)length < sizeof line) {
        (void)!write(STDOUT_FILENO, line, (size_t)length);
    }
}
