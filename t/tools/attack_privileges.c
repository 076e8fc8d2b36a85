/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack_privileges.c - ways to be more than a user, and at who started us
 *
 *   attack_privileges privileged     exits with 1 if it is privileged
 *
 * In the home there are copies of this program: setuid, setgid (root's) and
 * capable (with file capabilities); and devices, put there from outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#include "t/tools/attack.h"

#define HOME "/home/alice"

enum { IOPRIO_PROCESS = 1, KEYRING_USER = -4, KEYRING_SESSION = -3 };

/* --- files with privileges ------------------------------------------------ */

static bool is_privileged(void)
{
    struct __user_cap_header_struct head = {
        .version = _LINUX_CAPABILITY_VERSION_3
    };
    struct __user_cap_data_struct data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

    return geteuid() == 0 || getegid() == 0
           || (syscall(SYS_capget, &head, data) == 0
               && (data[0].effective | data[1].effective) != 0);
}

static bool is_privileged_as(const char *program)
{
    (void)execl(program, program, "privileged", (char *)NULL);
    return false;
}

static bool setuid_file(void)
{
    return is_privileged_as(HOME "/setuid");
}

static bool setgid_file(void)
{
    return is_privileged_as(HOME "/setgid");
}

static bool capable_file(void)
{
    return is_privileged_as(HOME "/capable");
}

static bool setuid_file_of_base(void)
{
    return is_privileged_as("/open/setuid");
}

static bool may_gain_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static bool other_groups(void)
{
    gid_t groups[64];
    int i, count = getgroups(64, groups);

    for (i = 0; i < count; i++) {
        if (groups[i] != getgid()) {
            return true;
        }
    }
    return false;
}

static bool become_root(void)
{
    return setuid(0) == 0 || setresuid(0, 0, 0) == 0 || setgid(0) == 0
           || setgroups(0, NULL) == 0 || (setfsuid(0), setfsuid(0) == 0);
}

static bool raise_capabilities(void)
{
    struct __user_cap_header_struct head = {
        .version = _LINUX_CAPABILITY_VERSION_3
    };
    struct __user_cap_data_struct all[2] = { { ~0u, ~0u, ~0u },
                                             { ~0u, ~0u, ~0u } };

    return syscall(SYS_capset, &head, all) == 0
           || prctl(PR_SET_SECUREBITS, 0) == 0
           || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0)
              == 0;
}

static bool raise_limits(void)
{
    const struct rlimit more = { 1u << 20, 1u << 20 };

    return setrlimit(RLIMIT_NOFILE, &more) == 0 || nice(-5) != -1;
}

/* --- namespaces and mounts ------------------------------------------------ */

static bool user_namespace_unshared(void)
{
    return unshare(CLONE_NEWUSER) == 0;
}

static bool user_namespace_cloned(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0) {
        _exit(0);
    }
    return pid > 0;
}

static bool user_namespace_cloned_anew(void)
{
    struct clone_args args = { .flags = CLONE_NEWUSER,
                               .exit_signal = SIGCHLD };
    long pid = syscall(SYS_clone3, &args, sizeof args);

    if (pid == 0) {
        _exit(0);
    }
    return pid > 0;
}

static bool root_in_user_namespace(void)
{
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0
           && mount("none", "/tmp", "tmpfs", 0, NULL) == 0;
}

static bool other_namespaces(void)
{
    static const int kinds[] = { CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET,
                                 CLONE_NEWIPC, CLONE_NEWUTS,
                                 CLONE_NEWCGROUP, 0x80 /* CLONE_NEWTIME */ };
    size_t i;

    for (i = 0; i < ATTACK_COUNT(kinds); i++) {
        if (unshare(kinds[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool enter_namespace(void)
{
    int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    int other = open(attack_proc(attack_supervisor, "ns/mnt"),
                     O_RDONLY | O_CLOEXEC);

    return setns(own, CLONE_NEWNS) == 0 || setns(other, 0) == 0;
}

static bool mounts(void)
{
    return mount("none", "/tmp", "tmpfs", 0, NULL) == 0
           || mount("/", "/tmp", NULL, MS_BIND, NULL) == 0
           || mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL) == 0
           || mount("proc", "/proc", "proc", 0, NULL) == 0;
}

static bool unmounts(void)
{
    return umount2("/tmp", MNT_DETACH) == 0 || umount2("/home", 0) == 0
           || umount2("/", MNT_EXPIRE) == 0;
}

static bool mounts_by_descriptor(void)
{
    struct mount_attr writable = { .attr_clr = MOUNT_ATTR_RDONLY };

    return syscall(SYS_open_tree, -100, "/", OPEN_TREE_CLONE) != -1
           || syscall(SYS_fsopen, "tmpfs", 0) != -1
           || syscall(SYS_mount_setattr, -100, "/", 0, &writable,
                      sizeof writable) == 0
           || syscall(SYS_move_mount, -100, "/tmp", -100, "/home", 0) == 0;
}

static bool another_root(void)
{
    return chroot("/tmp") == 0 || syscall(SYS_pivot_root, "/tmp", "/tmp") == 0;
}

/* --- large parts of the kernel -------------------------------------------- */

static bool bpf_maps(void)
{
    union bpf_attr map;

    memset(&map, 0, sizeof map);
    map.map_type = BPF_MAP_TYPE_ARRAY;
    map.key_size = map.value_size = 4;
    map.max_entries = 1;
    return syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map) != -1;
}

static bool perf_events(void)
{
    struct perf_event_attr event;

    memset(&event, 0, sizeof event);
    event.type = PERF_TYPE_SOFTWARE;
    event.size = sizeof event;
    event.config = PERF_COUNT_SW_TASK_CLOCK;
    event.exclude_kernel = event.exclude_hv = 1;
    return syscall(SYS_perf_event_open, &event, 0, -1, -1, 0) != -1;
}

static bool page_faults(void)
{
    return syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY) != -1;
}

static bool rings(void)
{
    struct io_uring_params params;

    memset(&params, 0, sizeof params);
    return syscall(SYS_io_uring_setup, 4, &params) != -1;
}

static bool keys_of_user(void)
{
    return syscall(SYS_add_key, "user", "attack", "x", 1, KEYRING_USER) != -1;
}

static bool keys_of_session(void)
{
    return syscall(SYS_add_key, "user", "attack", "x", 1, KEYRING_SESSION)
           != -1
           || syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEYRING_SESSION, 1)
              != -1
           || syscall(SYS_request_key, "user", "attack", NULL, 0) != -1;
}

static bool modules(void)
{
    return syscall(SYS_init_module, "", 0, "") == 0
           || syscall(SYS_finit_module, 0, "", 0) == 0
           || syscall(SYS_delete_module, "ext4", O_NONBLOCK) == 0;
}

static bool machine(void)
{
    return syscall(SYS_kexec_load, 0, 0, NULL, 0) == 0
           || syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL) == 0
           || swapoff("/none") == 0 || sethostname("x", 1) == 0
           || syscall(SYS_acct, NULL) == 0;
}

static bool kernel_log(void)
{
    char text[64];

    return syscall(SYS_syslog, 3, text, sizeof text) > 0;
}

static bool another_personality(void)
{
    return personality(ADDR_NO_RANDOMIZE) != -1;
}

static bool other_sockets(int family, int type, int protocol)
{
    return socket(family, type | SOCK_CLOEXEC, protocol) != -1;
}

static bool vsock(void)
{
    return other_sockets(AF_VSOCK, SOCK_STREAM, 0);
}

static bool packet_sockets(void)
{
    return other_sockets(AF_PACKET, SOCK_RAW, 0)
           || other_sockets(AF_PACKET, SOCK_DGRAM, 0)
           || other_sockets(AF_INET, SOCK_RAW, 1);
}

/* 32-bit calls have other numbers: 20 is getpid there. */
static bool calls_of_32_bits(void)
{
#ifdef __x86_64__
    long result = 20;

    __asm__ volatile ("int $0x80" : "+a" (result) : : "memory");
    return result == getpid();
#else
    return false;
#endif
}

/* x32: the same calls under other numbers; where there is none, ENOSYS. */
static bool calls_of_x32(void)
{
    return syscall(0x40000000 + SYS_getpid) == getpid();
}

/* --- devices -------------------------------------------------------------- */

static bool device_made(void)
{
    return mknod(HOME "/made", S_IFCHR | 0600, makedev(1, 1)) == 0
           || mknod("/tmp/made", S_IFBLK | 0600, makedev(7, 0)) == 0;
}

static bool character_device(void)
{
    return open(HOME "/zero", O_RDWR | O_CLOEXEC) != -1;
}

static bool raw_disk(void)
{
    return open(HOME "/disk", O_RDONLY | O_CLOEXEC) != -1;
}

static bool terminal(void)
{
    bool found = open("/dev/tty", O_RDWR | O_CLOEXEC) != -1;
    int fd;

    for (fd = 0; fd < ATTACK_FDS_MAX; fd++) {
        found = found || isatty(fd) == 1;
    }
    return found;
}

/* Made the own terminal, it takes what is typed from a program. */
static bool terminal_input(void)
{
    bool found = false;
    int fd;

    (void)setsid();
    for (fd = 0; fd < ATTACK_FDS_MAX; fd++) {
        found = found || (isatty(fd) == 1
                          && ioctl(fd, TIOCSCTTY, 0) == 0
                          && ioctl(fd, TIOCSTI, "x") == 0);
    }
    return found;
}

/* --- the supervisor, which has the same uid ------------------------------- */

static bool trace_supervisor(void)
{
    return ptrace(PTRACE_SEIZE, attack_supervisor, NULL, NULL) == 0;
}

static bool memory_of_supervisor(void)
{
    return open(attack_proc(attack_supervisor, "mem"), O_RDWR | O_CLOEXEC)
           != -1;
}

static bool memory_copied(void)
{
    char here[8];
    struct iovec local = { here, sizeof here };
    struct iovec remote = { here, sizeof here };

    /* EFAULT: nothing is there, but we may look. */
    return process_vm_readv(attack_supervisor, &local, 1, &remote, 1, 0) > 0
           || errno == EFAULT;
}

static bool descriptor_of_supervisor(void)
{
    int pid = (int)syscall(SYS_pidfd_open, attack_supervisor, 0);

    return syscall(SYS_pidfd_getfd, pid, 0, 0) != -1;
}

static bool compare_supervisor(void)
{
    return syscall(SYS_kcmp, getpid(), attack_supervisor, 0, 0, 0) != -1;
}

static bool limits_of_supervisor(void)
{
    struct rlimit same;

    return prlimit(attack_supervisor, RLIMIT_NOFILE, NULL, &same) == 0
           && prlimit(attack_supervisor, RLIMIT_NOFILE, &same, NULL) == 0;
}

static bool scheduling_of_supervisor(void)
{
    const struct sched_param none = { .sched_priority = 0 };
    cpu_set_t all;

    memset(&all, 0xff, sizeof all);
    return sched_setscheduler(attack_supervisor, SCHED_OTHER, &none) == 0
           || sched_setaffinity(attack_supervisor, sizeof all, &all) == 0;
}

static bool priority_of_supervisor(void)
{
    return setpriority(PRIO_PROCESS, (id_t)attack_supervisor, 1) == 0
           || setpriority(PRIO_USER, 0, 1) == 0
           || syscall(SYS_ioprio_set, IOPRIO_PROCESS, attack_supervisor, 0)
              == 0;
}

static bool oom_score_of_supervisor(void)
{
    return open(attack_proc(attack_supervisor, "oom_score_adj"),
                O_WRONLY | O_CLOEXEC) != -1;
}

static bool environment_of_supervisor(void)
{
    return open(attack_proc(attack_supervisor, "environ"),
                O_RDONLY | O_CLOEXEC) != -1;
}

/* "pid (name) S": the letter is T while it is stopped. */
static char state_of_supervisor(void)
{
    char text[256] = "";
    const char *end;
    int fd = open(attack_proc(attack_supervisor, "stat"),
                  O_RDONLY | O_CLOEXEC);

    if (fd == -1 || read(fd, text, sizeof text - 1) <= 0) {
        return '?';
    }
    end = strrchr(text, ')');
    return end == NULL ? '?' : end[2];
}

static bool stop_supervisor(void)
{
    char state;

    (void)kill(attack_supervisor, SIGSTOP);
    (void)usleep(50 * 1000);
    state = state_of_supervisor();
    (void)kill(attack_supervisor, SIGCONT);
    return state == 'T';
}

static const struct attack attacks[] = {
    { "a setuid file", setuid_file },
    { "a setgid file", setgid_file },
    { "a file with capabilities", capable_file },
    { "a setuid file of the base", setuid_file_of_base },
    { "new privileges", may_gain_privileges },
    { "the caller's groups", other_groups },
    { "another uid or gid", become_root },
    { "capabilities", raise_capabilities },
    { "higher limits", raise_limits },
    { "a user namespace by unshare", user_namespace_unshared },
    { "a user namespace by clone", user_namespace_cloned },
    { "a user namespace by clone3", user_namespace_cloned_anew },
    { "a mount in a user namespace", root_in_user_namespace },
    { "other namespaces", other_namespaces },
    { "setns", enter_namespace },
    { "mount", mounts },
    { "umount", unmounts },
    { "mounts by descriptor", mounts_by_descriptor },
    { "chroot and pivot_root", another_root },
    { "bpf", bpf_maps },
    { "perf_event_open", perf_events },
    { "userfaultfd", page_faults },
    { "io_uring", rings },
    { "the user's keyring", keys_of_user },
    { "the session's keyring", keys_of_session },
    { "kernel modules", modules },
    { "the machine", machine },
    { "the kernel's log", kernel_log },
    { "personality", another_personality },
    { "a vsock socket", vsock },
    { "packet and raw sockets", packet_sockets },
    { "system calls of 32 bits", calls_of_32_bits },
    { "system calls of x32", calls_of_x32 },
    { "mknod", device_made },
    { "a character device from outside", character_device },
    { "the raw disk", raw_disk },
    { "the caller's terminal", terminal },
    { "TIOCSTI", terminal_input },
    { "ptrace of the supervisor", trace_supervisor },
    { "the supervisor's memory", memory_of_supervisor },
    { "the supervisor's memory, copied", memory_copied },
    { "a descriptor of the supervisor's", descriptor_of_supervisor },
    { "kcmp with the supervisor", compare_supervisor },
    { "the supervisor's limits", limits_of_supervisor },
    { "the supervisor's scheduling", scheduling_of_supervisor },
    { "the supervisor's priority", priority_of_supervisor },
    { "the supervisor's oom_score_adj", oom_score_of_supervisor },
    { "the supervisor's environment", environment_of_supervisor },
    { "the supervisor stopped", stop_supervisor },
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "privileged") == 0) {
        return is_privileged();
    }
    return attack_main(argc, argv, attacks, ATTACK_COUNT(attacks));
}
