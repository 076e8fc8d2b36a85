/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wardens.c - which processes are wardens
 */
#include "wardens.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "creds.h"
#include "layout.h"
#include "names.h"
#include "path.h"
#include "say.h"
#include "setup.h"

struct pin {
    int mount;                      /* its number in mountinfo */
    char place[KEEP_PLACE_MAX];
    char user[NAME_USER_MAX + 1];
};

struct wardens {
    struct pin *pins;               /* sorted by mount */
    size_t count, size;
};

static int compare(const void *a, const void *b)
{
    const struct pin *left = a, *right = b;

    return (left->mount > right->mount) - (left->mount < right->mount);
}

static void add(struct wardens *wardens, const struct pin *pin)
{
    if (wardens->count == wardens->size) {
        wardens->size = wardens->size == 0 ? 64 : 2 * wardens->size;
        wardens->pins = reallocarray(wardens->pins, wardens->size,
                                     sizeof *pin);
        must(wardens->pins != NULL, CODE_INTERNAL, "memory for pins");
    }
    wardens->pins[wardens->count++] = *pin;
}

/* Up to the delimiter, which must come before there is no more room. */
static const char *copy_field(char *to, size_t size, const char *from,
                              char delimiter)
{
    size_t length = strcspn(from, "/ ");

    if (length >= size || from[length] != delimiter) {
        return NULL;
    }
    memcpy(to, from, length);
    to[length] = '\0';
    return from + length + 1;
}

/* "<mount> <parent> <device> <root> /pins/<place>/<user> ..." of proc(5) */
static bool parse_mount(const char *line, struct pin *pin)
{
    static const char above[] = " /" LAYOUT_PINS "/";
    const char *field = strstr(line, above);

    pin->mount = (int)strtol(line, NULL, 10);
    if (field != NULL) {
        field = copy_field(pin->place, sizeof pin->place,
                           field + strlen(above), '/');
    }
    return field != NULL
           && copy_field(pin->user, sizeof pin->user, field, ' ') != NULL;
}

struct wardens *wardens_of_keep(const struct keep *keep)
{
    struct wardens *wardens = calloc(1, sizeof *wardens);
    int fd = openat(keep->proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
    FILE *mounts = fd < 0 ? NULL : fdopen(fd, "r");
    char *line = NULL;
    struct pin pin;
    size_t size = 0;

    must(wardens != NULL && mounts != NULL, CODE_INTERNAL, "mountinfo");
    while (getline(&line, &size, mounts) > 0) {
        if (parse_mount(line, &pin)) {
            add(wardens, &pin);
        }
    }
    must(ferror(mounts) == 0, CODE_INTERNAL, "read mountinfo");
    free(line);
    (void)fclose(mounts);
    if (wardens->count > 0) {
        qsort(wardens->pins, wardens->count, sizeof pin, compare);
    }
    return wardens;
}

/* Up to size - 1 bytes of a file in /proc, as a string; false: errno. */
static bool read_start(int proc, const char *path, char *text, size_t size)
{
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    int error = errno;

    if (fd >= 0) {
        (void)close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    errno = error;
    return n >= 0;
}

static bool has_ended(int error)
{
    return error == ENOENT || error == ESRCH;
}

/*
 * What everybody may know: a warden is not root's, but what speaks of it in
 * /proc is, because it is not dumpable.
 */
static bool could_be_warden(int proc, const char *pid)
{
    char path[64], text[1024];
    const char *uid;
    struct stat st;

    (void)snprintf(path, sizeof path, "%.16s/status", pid);
    if (fstatat(proc, path, &st, AT_SYMLINK_NOFOLLOW) != 0
        || !read_start(proc, path, text, sizeof text)) {
        return !has_ended(errno);
    }
    uid = strstr(text, "\nUid:");
    return st.st_uid == 0
           && (uid == NULL
               || strtoul(uid + strlen("\nUid:"), NULL, 10) != 0);
}

/* A warden that is overlooked would outlive its pin. */
static void require_no_warden(int proc, const char *pid, int error)
{
    bool denied = error == EACCES || error == EPERM;
    bool passed_by = has_ended(error)
                     || (denied && !could_be_warden(proc, pid));

    errno = error;
    must(passed_by, denied ? CODE_PROC : CODE_INTERNAL, "process %.16s", pid);
}

/* The mount of a process's descriptor SETUP_FD_PIN, or -1: it has none, has
   ended, or may not be looked at and is no warden. */
static int held_mount(int proc, const char *pid)
{
    char path[64], text[512];
    const char *field;

    (void)snprintf(path, sizeof path, "%.16s/fdinfo/%d", pid, SETUP_FD_PIN);
    if (!read_start(proc, path, text, sizeof text)) {
        require_no_warden(proc, pid, errno);
    }
    field = strstr(text, "mnt_id:");
    return field == NULL ? -1 : (int)strtol(field + strlen("mnt_id:"), NULL,
                                            10);
}

/* The pidfd comes first: after it, the pid cannot change hands unnoticed. */
static void visit_process(const struct keep *keep,
                          const struct wardens *wardens, const char *user,
                          const char *name, wardens_visitor *visit,
                          void *context)
{
    struct pin key = { .mount = -1 };
    int pid = (int)strtol(name, NULL, 10);
    int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
    const struct pin *pin;

    /* EINVAL: somebody is burying it just now */
    must(pid <= 0 || pidfd >= 0 || errno == ESRCH || errno == EINVAL,
         CODE_INTERNAL, "process %d", pid);
    if (pidfd < 0) {
        return;                     /* not a process, or no longer */
    }
    key.mount = held_mount(keep->proc, name);
    pin = bsearch(&key, wardens->pins, wardens->count, sizeof key, compare);
    if (pin != NULL && (user == NULL || strcmp(user, pin->user) == 0)) {
        visit(context, pidfd, pid, pin->place, pin->user);
    }
    (void)close(pidfd);
}

void wardens_each(const struct keep *keep, const struct wardens *wardens,
                  const char *user, wardens_visitor *visit, void *context)
{
    const struct dirent *entry;
    DIR *processes;
    int fd;

    if (wardens->count == 0) {
        return;
    }
    fd = path_open_beneath(keep->proc, ".", O_RDONLY | O_DIRECTORY);
    processes = fd < 0 ? NULL : fdopendir(fd);
    must(processes != NULL, CODE_INTERNAL, "list '/proc'");
    creds_use(CAP_SYS_PTRACE, CAP_KILL);
    while (errno = 0, (entry = readdir(processes)) != NULL) {
        visit_process(keep, wardens, user, entry->d_name, visit, context);
    }
    must(errno == 0, CODE_INTERNAL, "list '/proc'");
    creds_use_none();
    (void)closedir(processes);
}

void wardens_free(struct wardens *wardens)
{
    free(wardens->pins);
    free(wardens);
}
