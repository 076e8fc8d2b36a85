/*
 * groups.h - the control groups of jails (cgroup version 2)
 *
 * One directory for an instance, made by httpd's root parent, in it one group
 * for each jail that has a warden: "<profile>@<generation>@<user>".  The
 * parent leaves the way to it as a symbolic link in the runtime directory,
 * which is root's.  A group is made by the program cgroup and removed by
 * timount; nothing in it is older than its jail's warden.
 */
#ifndef IVLEJAIL_GROUPS_H
#define IVLEJAIL_GROUPS_H

/* key of IvleJailCgroup and file of the kernel's, and who must be there */
#define GROUP_TABLE(X) \
    X(GROUP_MEMORY, "memory.max", "memory") \
    X(GROUP_PIDS,   "pids.max",   "pids") \
    X(GROUP_CPU,    "cpu.max",    "cpu")

enum group_key {
#define GROUP_ENUM(symbol, key, controller) symbol,
    GROUP_TABLE(GROUP_ENUM)
#undef GROUP_ENUM
    GROUP_KEYS
};

struct group_setting {
    const char *value;          /* "-": none; cpu.max has "/" for the space */
    unsigned int is_kept;       /* 1: this kernel keeps it for us */
};

#define GROUP_NOT_SET "-"

/*
 * The directory of the instance whose runtime directory is run (O_PATH), or
 * -1 with errno: ENOENT (there is none), EPERM (not root's alone).
 */
int groups_open(int run);

/* The user in the name of a group; NULL: it is no group of a jail. */
const char *groups_user(const char *name);

/* Kills all that is in the groups of a user (of all: NULL). */
void groups_kill(int groups, const char *user);

/*
 * Removes the groups of a user (of all: NULL), whose processes have been
 * killed; waits a little for each to be gone.  What is left is for the next
 * sweep, with a warning.
 */
void groups_remove(int groups, const char *user);

#endif
