/*
 * code.h - every way in which a helper can fail
 *
 * One table: symbol, exit status, HTTP status that the module answers with,
 * and for people what it is and, where there is one, the remedy.  The stable
 * code in the message is "IJ2" and the exit status in three digits: exit 42
 * is IJ2042.  Numbers are never reused.  7 and 15 are never used: httpd takes
 * those exit codes for its own children's.
 */
#ifndef IVLEJAIL_CODE_H
#define IVLEJAIL_CODE_H

#define CODE_TABLE(X) \
    X(CODE_USAGE, 20, 500, \
      "wrong arguments") \
    X(CODE_CALLER, 21, 500, \
      "caller not allowed: see TRAMPOLINE_UIDS of make, and User") \
    X(CODE_NAME, 22, 403, \
      "name of a wrong form: map it to [a-z0-9_.-] with IvleJailUser") \
    X(CODE_NOT_SETUID, 23, 500, \
      "not setuid root: chown root, chmod 4750, no nosuid mount") \
    X(CODE_NO_NEW_PRIVS, 24, 500, \
      "started with NoNewPrivileges: remove it from httpd's unit") \
    X(CODE_POLICY_MISSING, 30, 503, \
      "no sealed policy: start httpd as root") \
    X(CODE_POLICY_OWNER, 31, 503, \
      "policy not root's own file: restart httpd") \
    X(CODE_POLICY_WRITABLE, 32, 503, \
      "policy writable by others: restart httpd") \
    X(CODE_POLICY_KEY, 33, 503, \
      "unknown or repeated key in the policy: restart httpd") \
    X(CODE_POLICY_VALUE, 34, 503, \
      "bad or missing value in the policy: restart httpd") \
    X(CODE_POLICY_TRUNCATED, 35, 503, \
      "policy incomplete: restart httpd") \
    X(CODE_POLICY_NEWER, 36, 503, \
      "policy of another version: install one release, restart httpd") \
    X(CODE_POLICY_PROFILE, 37, 503, \
      "profile not in the policy: see httpd's error log at start") \
    X(CODE_USER_UNKNOWN, 40, 403, \
      "no such user: ivlejailctl user add, or IvleJailProvision") \
    X(CODE_USER_ROOT, 41, 403, \
      "home owned by root: chown it to the user's own uid") \
    X(CODE_USER_RANGE, 42, 403, \
      "uid not in the profile's range: chown, or IvleJailUidRange") \
    X(CODE_USER_GROUP, 43, 403, \
      "group of the home is root's or httpd's: chgrp it") \
    X(CODE_USER_LINK, 44, 403, \
      "symbolic link in the user's path: make it a directory") \
    X(CODE_USER_DIR, 45, 403, \
      "user's directories unusable: see ivlejailctl user show") \
    X(CODE_PROVISION, 46, 503, \
      "user could not be made: see the users directory") \
    X(CODE_BASE_MISSING, 50, 503, \
      "no base image: ivlejailctl base build, reload httpd") \
    X(CODE_BASE_POINT, 51, 503, \
      "mount point missing in the base: ivlejailctl base check") \
    X(CODE_BASE_UNTRUSTED, 52, 503, \
      "must be a directory that root alone can write to") \
    X(CODE_HELPER, 53, 503, \
      "program beside the trampoline unusable: install all of one release") \
    X(CODE_KEEP, 60, 503, \
      "instance not running: start httpd as root") \
    X(CODE_LOCK, 61, 503, \
      "another start of this jail does not end: try again") \
    X(CODE_SPACE, 62, 503, \
      "no space in the runtime directory: enlarge its tmpfs") \
    X(CODE_RUNDIR, 63, 503, \
      "runtime directory unusable: it must be root's alone") \
    X(CODE_PROC, 64, 503, \
      "process not to be looked at: let timount see all of /proc") \
    X(CODE_UNSHARE, 70, 503, \
      "no mount namespace: see user.max_mnt_namespaces") \
    X(CODE_OPEN_TREE, 71, 503, \
      "tree not cloned: Linux 5.12 or later is needed") \
    X(CODE_MOUNT_SETATTR, 72, 503, \
      "mount flags not set: Linux 5.12 or later is needed") \
    X(CODE_MOVE_MOUNT, 73, 503, \
      "tree not mounted: see fs.mount-max") \
    X(CODE_PIVOT_ROOT, 74, 503, \
      "root not changed: httpd may not run in an initramfs") \
    X(CODE_PIN, 75, 503, \
      "jail not pinned: see fs.mount-max") \
    X(CODE_NAMESPACES, 76, 503, \
      "no pid, ipc, uts, net or cgroup namespace: see user.max_*") \
    X(CODE_MOUNT, 77, 503, \
      "proc, tmpfs or devpts not mounted: see IvleJailMount") \
    X(CODE_SOCKET, 78, 503, \
      "warden's socket not made") \
    X(CODE_CGROUP, 79, 503, \
      "no control group for the jail: see IvleJailCgroup, restart httpd") \
    X(CODE_FORK, 80, 503, \
      "no process for the warden: see TasksMax and pids.max") \
    X(CODE_IDS, 90, 500, \
      "identity not taken") \
    X(CODE_CAPS, 91, 500, \
      "capabilities not dropped") \
    X(CODE_REGAIN, 92, 500, \
      "privilege came back after it was dropped") \
    X(CODE_LIMITS, 93, 500, \
      "the caller's limits not reset") \
    X(CODE_SECCOMP, 94, 500, \
      "system call filter not loaded: see IvleJailSeccomp") \
    X(CODE_EXEC, 95, 503, \
      "warden not executed: install trampoline and warden together") \
    X(CODE_INTERNAL, 100, 500, \
      "internal error")

enum code {
    CODE_OK = 0,
#define CODE_ENUM(symbol, status, http, text) symbol = status,
    CODE_TABLE(CODE_ENUM)
#undef CODE_ENUM
};

#endif
