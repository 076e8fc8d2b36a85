/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack_paths.c - ways out of a jail by path
 *
 * ATTACK_SECRET is a file of the host that everybody may read, and that is in
 * no jail: to open it is to be out.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "t/tools/attack.h"

#define HOME "/home/alice"
#define UP "../../../../../../../../../../../../../../../../"

static bool opens(int directory, const char *prefix)
{
    char path[8192];

    (void)snprintf(path, sizeof path, "%s%s", prefix,
                   attack_word("ATTACK_SECRET"));
    return openat(directory, path, O_RDONLY | O_CLOEXEC) != -1;
}

static bool can_open(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600) != -1;
}

/* --- dots and links ------------------------------------------------------- */

static bool plain(void)
{
    return opens(AT_FDCWD, "");
}

static bool dots_from_root(void)
{
    return opens(AT_FDCWD, "/" UP);
}

static bool dots_from_directory(void)
{
    return opens(AT_FDCWD, UP);
}

static bool dots_after_rename(void)
{
    int directory;

    (void)mkdir(HOME "/deep", 0700);
    (void)mkdir(HOME "/deep/er", 0700);
    directory = open(HOME "/deep/er", O_PATH | O_DIRECTORY | O_CLOEXEC);
    (void)rename(HOME "/deep/er", HOME "/moved");
    return opens(directory, UP);
}

static bool link_out_of_home(void)
{
    (void)unlink(HOME "/out");
    return symlink("/" UP, HOME "/out") == 0 && opens(AT_FDCWD, HOME "/out");
}

static bool hard_link_over_mounts(void)
{
    return link("/bin/busybox", HOME "/linked") == 0
           || link("/etc/group", "/tmp/linked") == 0
           || link(HOME "/.profile", "/tmp/profile") == 0;
}

static bool hard_link_by_descriptor(void)
{
    char path[64];
    int file = open("/bin/busybox", O_PATH | O_CLOEXEC);

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return linkat(AT_FDCWD, path, AT_FDCWD, HOME "/linked",
                  AT_SYMLINK_FOLLOW) == 0
           || linkat(file, "", AT_FDCWD, HOME "/linked", AT_EMPTY_PATH) == 0;
}

/* --- what a caller may have left open ------------------------------------- */

static bool working_directory(void)
{
    char path[8192] = "";

    /* libc turns the kernel's "(unreachable)" into an error. */
    return getcwd(path, sizeof path) == NULL || *path != '/';
}

static bool inherited_directory(void)
{
    bool found = false;
    int fd;

    for (fd = 3; fd < ATTACK_FDS_MAX; fd++) {
        found = found || opens(fd, "") || opens(fd, UP);
    }
    return found;
}

static bool inherited_directory_entered(void)
{
    bool found = false;
    int fd;

    for (fd = 3; fd < ATTACK_FDS_MAX; fd++) {
        found = found || (fchdir(fd) == 0 && opens(AT_FDCWD, UP));
    }
    return found;
}

/* As httpd's scoreboard may be: a file that its children map. */
static bool inherited_memory(void)
{
    bool found = false;
    int fd;

    for (fd = 3; fd < ATTACK_FDS_MAX; fd++) {
        found = found || mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
                              fd, 0) != MAP_FAILED;
    }
    return found;
}

static bool inherited_anything(void)
{
    bool found = false;
    int fd;

    for (fd = 3; fd < ATTACK_FDS_MAX; fd++) {
        found = found || fcntl(fd, F_GETFD) != -1;
    }
    return found;
}

/* --- through /proc -------------------------------------------------------- */

/* Whether the secret lies behind /proc/PID/<name> of any process. */
static bool any_process(const char *name)
{
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    char prefix[512];
    bool found = false;

    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        if (isdigit((unsigned char)*entry->d_name)) {
            (void)snprintf(prefix, sizeof prefix, "/proc/%s/%s/" UP,
                           entry->d_name, name);
            found = found || opens(AT_FDCWD, prefix);
        }
    }
    return found;
}

static bool roots(void)
{
    return any_process("root");
}

static bool directories(void)
{
    return any_process("cwd");
}

static bool descriptors(void)
{
    char name[32];
    bool found = false;
    int fd;

    for (fd = 0; fd < 32; fd++) {
        (void)snprintf(name, sizeof name, "fd/%d", fd);
        found = found || any_process(name);
    }
    return found;
}

static bool supervisor_root(void)
{
    return can_open(attack_proc(attack_supervisor, "root/"), O_RDONLY);
}

static bool supervisor_descriptors(void)
{
    return can_open(attack_proc(attack_supervisor, "fd/"), O_RDONLY);
}

static bool supervisor_program_read(void)
{
    return can_open(attack_proc(attack_supervisor, "exe"), O_RDONLY);
}

/* Running programs cannot be written (ETXTBSY), but who got that far is in. */
static bool supervisor_program_written(void)
{
    return can_open(attack_proc(attack_supervisor, "exe"), O_WRONLY)
           || errno == ETXTBSY;
}

static bool kernel_settings(void)
{
    return can_open("/proc/sys/kernel/core_pattern", O_WRONLY)
           || can_open("/proc/sys/kernel/hostname", O_WRONLY)
           || can_open("/proc/sys/fs/protected_hardlinks", O_WRONLY);
}

static bool kernel_memory(void)
{
    return can_open("/proc/kcore", O_RDONLY)
           || can_open("/proc/sysrq-trigger", O_WRONLY)
           || can_open("/proc/kmsg", O_RDONLY);
}

/* --- mount points and the base -------------------------------------------- */

static bool mount_points(void)
{
    return rename(HOME, "/home/other") == 0 || rmdir("/tmp") == 0
           || rename("/tmp", HOME "/tmp") == 0
           || rename("/home", "/tmp/home") == 0 || unlink("/proc") == 0;
}

static bool base_file_created(void)
{
    return can_open("/open/new", O_WRONLY | O_CREAT);
}

static bool base_file_written(void)
{
    return can_open("/open/file", O_WRONLY);
}

static bool base_file_changed(void)
{
    return utimensat(AT_FDCWD, "/open/own", NULL, 0) == 0
           || chmod("/open/own", 0600) == 0;
}

static bool accounts_written(void)
{
    return can_open("/home/.passwd", O_WRONLY)
           || rename("/home/.passwd", HOME "/passwd") == 0
           || can_open("/home/new", O_WRONLY | O_CREAT);
}

static bool other_homes(void)
{
    return can_open("/home/bob", O_PATH) || can_open(HOME "/../bob", O_PATH);
}

static bool runtime_directory(void)
{
    return can_open("/run/ivlejail", O_PATH);
}

static bool file_by_handle(void)
{
    struct {
        struct file_handle head;
        unsigned char room[MAX_HANDLE_SZ];
    } handle = { .head = { .handle_bytes = MAX_HANDLE_SZ } };
    int mount_id, mount = open(HOME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return name_to_handle_at(AT_FDCWD, "/", &handle.head, &mount_id, 0) == 0
           && open_by_handle_at(mount, &handle.head, O_RDONLY) != -1;
}

static const struct attack attacks[] = {
    { "the path of a file of the host", plain },
    { "dots from the root", dots_from_root },
    { "dots from the working directory", dots_from_directory },
    { "dots from a directory that moves", dots_after_rename },
    { "a link out of the home", link_out_of_home },
    { "a hard link over mounts", hard_link_over_mounts },
    { "a hard link by descriptor", hard_link_by_descriptor },
    { "a working directory outside", working_directory },
    { "an inherited directory", inherited_directory },
    { "an inherited directory, entered", inherited_directory_entered },
    { "inherited shared memory", inherited_memory },
    { "any inherited descriptor", inherited_anything },
    { "the root of any process", roots },
    { "the working directory of any process", directories },
    { "the descriptors of any process", descriptors },
    { "the supervisor's root", supervisor_root },
    { "the supervisor's descriptors", supervisor_descriptors },
    { "the supervisor's program, read", supervisor_program_read },
    { "the supervisor's program, written", supervisor_program_written },
    { "settings of the kernel", kernel_settings },
    { "memory and switches of the kernel", kernel_memory },
    { "mount points moved", mount_points },
    { "a file created in the base", base_file_created },
    { "a file written in the base", base_file_written },
    { "an own file of the base changed", base_file_changed },
    { "the accounts changed", accounts_written },
    { "other users' homes", other_homes },
    { "the runtime directory", runtime_directory },
    { "a file by its handle", file_by_handle },
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, ATTACK_COUNT(attacks));
}
