/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish.c - what makes a jail known: pin and socket
 *
 * In this order: a socket without a pin would be a jail that no sweep finds.
 * Each step notes what it has published, and retract() takes it back, in the
 * reverse order, when the program dies.  If it is killed instead, the next
 * start or sweep finds a pin, or a socket that nobody answers, and uses or
 * removes it.
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
#include "say.h"

enum { BACKLOG = 512 };     /* more than httpd's children ever have threads */

static struct {
    const struct policy *policy;
    const char *user;
    char place[KEEP_PLACE_MAX];
    int sockets, pins, listener;    /* listener: 0 until it is bound */
    bool pinned;
} own;

/* ENOSPC deserves its own code: the remedy is another one. */
static void must_publish(bool done, enum code code, const char *what)
{
    must(done, errno == ENOSPC ? CODE_SPACE : code, "%s of '%s'", what,
         own.user);
}

static int open_place(int parent, mode_t mode)
{
    int fd = keep_make_place(parent, own.place, mode);

    must_publish(fd >= 0, CODE_RUNDIR, own.place);
    return fd;
}

void publish_open(const struct keep *keep, const struct policy *policy,
                  const char *user)
{
    struct stat st;

    own.policy = policy;
    own.user = user;
    /* a stop removes the policy first, then waits for this lock */
    must(fstatat(keep->run, LAYOUT_POLICY, &st, AT_SYMLINK_NOFOLLOW) == 0,
         CODE_KEEP, "instance '%s' stops", policy->instance);
    keep_place(own.place, policy->profile.name, policy->profile.generation);
    (void)umask(0);             /* these modes are meant */
    own.sockets = open_place(keep_open_part(keep->run, LAYOUT_SOCK,
                                            O_PATH | O_DIRECTORY), 0711);
    own.pins = open_place(keep->pins, 0700);
    (void)umask(077);
}

/* Relative to the directory's descriptor, so that no path is walked. */
static void enter_sockets(struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    /* name_is_user has bounded it; the rest is zero */
    memcpy(address->sun_path, own.user, strlen(own.user));
    must(fchdir(own.sockets) == 0, CODE_SOCKET, "directory of sockets");
}

int publish_make_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    must(fd >= 0, CODE_SOCKET, "socket");
    return fd;
}

/*
 * The socket is httpd's, and root has no CAP_DAC_OVERRIDE.  A full backlog
 * (EAGAIN) is an answer, too.  One that is not httpd's (EACCES) is none: a
 * start was killed before it could give it away.
 */
bool publish_is_answered(void)
{
    struct sockaddr_un address;
    int probe = publish_make_socket();
    int error;

    enter_sockets(&address);
    creds_fs_as(own.policy->httpd_uid, own.policy->httpd_gid);
    error = connect(probe, (struct sockaddr *)&address, sizeof address) == 0
            ? EAGAIN : errno;
    creds_fs_as(0, 0);
    (void)close(probe);
    errno = error;
    must(error == EAGAIN || error == ENOENT || error == ECONNREFUSED
         || error == EACCES, CODE_SOCKET, "try the socket of '%s'", own.user);
    return error == EAGAIN;
}

static void retract(int status)
{
    (void)status;
    if (own.listener > 0) {
        (void)unlinkat(own.sockets, own.user, 0);
        /* a warden that was executed all the same ends of this */
        (void)shutdown(own.listener, SHUT_RDWR);
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

    must_publish(file >= 0, CODE_PIN, "pin");
    (void)close(file);
    own.pinned = true;
    creds_use(CAP_SYS_ADMIN);
    must_publish(move_mount(jail->hold, "", own.pins, own.user,
                            MOVE_MOUNT_F_EMPTY_PATH) == 0, CODE_PIN, "pin");
    creds_use_none();
}

/* Listening before httpd's User can connect; mode 0600 by the umask. */
static void bind_socket(int listener)
{
    struct sockaddr_un address;

    enter_sockets(&address);
    must(unlinkat(own.sockets, own.user, 0) == 0 || errno == ENOENT,
         CODE_SOCKET, "remove the old one of '%s'", own.user);
    must_publish(bind(listener, (struct sockaddr *)&address, sizeof address)
                 == 0, CODE_SOCKET, "socket");
    own.listener = listener;
    must(listen(listener, BACKLOG) == 0, CODE_SOCKET, "listen");
    creds_use(CAP_CHOWN);
    must(fchownat(own.sockets, own.user, own.policy->httpd_uid,
                  own.policy->httpd_gid, AT_SYMLINK_NOFOLLOW) == 0,
         CODE_SOCKET, "give it to httpd's User");
    creds_use_none();
}

void publish(const struct jail *jail, int listener)
{
    say_at_death(retract);
    if (jail->is_new) {
        pin(jail);
    }
    bind_socket(listener);
}

void publish_announce(const char *instance)
{
    char line[256];
    int length = snprintf(line, sizeof line, LAYOUT_RUN "/%s/" LAYOUT_SOCK
                          "/%s/%s\n", instance, own.place, own.user);

    must(length > 0 && (size_t)length < sizeof line, CODE_INTERNAL, "path");
    /* nobody may be reading any more: the jail is there all the same */
    say_write(STDOUT_FILENO, line, (size_t)length);
}
