/*
 * code.h - every way in which a helper can fail
 *
 * One table: symbol, exit status, HTTP status that the module answers with,
 * and what it is.  The stable code in the message is "IJ2" and the exit
 * status in three digits: exit 42 is IJ2042.  Numbers are never reused.  7
 * and 15 are never used: httpd takes those exit codes for its own children's.
 */
#ifndef IVLEJAIL_CODE_H
#define IVLEJAIL_CODE_H

#define CODE_TABLE(X) \
    X(CODE_USAGE,            20, 500, "wrong arguments") \
    X(CODE_CALLER,           21, 500, "caller not allowed") \
    X(CODE_NAME,             22, 403, "name of a wrong form") \
    X(CODE_NOT_SETUID,       23, 500, "not setuid root") \
    X(CODE_NO_NEW_PRIVS,     24, 500, "started with NoNewPrivileges") \
    X(CODE_POLICY_MISSING,   30, 503, "no sealed policy") \
    X(CODE_POLICY_OWNER,     31, 503, "policy not owned by root") \
    X(CODE_POLICY_WRITABLE,  32, 503, "policy writable by others") \
    X(CODE_POLICY_KEY,       33, 503, "unknown or repeated key") \
    X(CODE_POLICY_VALUE,     34, 503, "bad or missing value") \
    X(CODE_POLICY_TRUNCATED, 35, 503, "policy incomplete") \
    X(CODE_POLICY_NEWER,     36, 503, "policy of another version") \
    X(CODE_POLICY_PROFILE,   37, 503, "profile not in the policy") \
    X(CODE_USER_UNKNOWN,     40, 403, "no directory for this user") \
    X(CODE_USER_ROOT,        41, 403, "home owned by root") \
    X(CODE_USER_RANGE,       42, 403, "owner outside the uid range") \
    X(CODE_USER_GROUP,       43, 403, "group of the home not allowed") \
    X(CODE_USER_LINK,        44, 403, "symbolic link in the user's path") \
    X(CODE_USER_DIR,         45, 403, "user's directories unusable") \
    X(CODE_PROVISION,        46, 503, "user could not be made") \
    X(CODE_BASE_MISSING,     50, 503, "no base image") \
    X(CODE_BASE_POINT,       51, 503, "mount point missing in the base") \
    X(CODE_BASE_UNTRUSTED,   52, 503, "path to a base not root's alone") \
    X(CODE_WARDEN,           53, 503, "warden's program unusable") \
    X(CODE_KEEP,             60, 503, "instance not running") \
    X(CODE_LOCK,             61, 503, "lock not had in time") \
    X(CODE_SPACE,            62, 503, "no space in the runtime directory") \
    X(CODE_RUNDIR,           63, 503, "runtime directory unusable") \
    X(CODE_UNSHARE,          70, 503, "no mount namespace") \
    X(CODE_OPEN_TREE,        71, 503, "tree not cloned") \
    X(CODE_MOUNT_SETATTR,    72, 503, "mount flags not set") \
    X(CODE_MOVE_MOUNT,       73, 503, "tree not mounted") \
    X(CODE_PIVOT_ROOT,       74, 503, "root not changed") \
    X(CODE_PIN,              75, 503, "jail not pinned") \
    X(CODE_NAMESPACES,       76, 503, "no pid, ipc, uts or net namespace") \
    X(CODE_MOUNT,            77, 503, "proc, tmpfs or devpts not mounted") \
    X(CODE_SOCKET,           78, 503, "warden's socket not made") \
    X(CODE_RECORD,           79, 503, "warden not recorded") \
    X(CODE_FORK,             80, 503, "no process") \
    X(CODE_IDS,              90, 500, "identity not taken") \
    X(CODE_CAPS,             91, 500, "capabilities not dropped") \
    X(CODE_REGAIN,           92, 500, "privilege came back") \
    X(CODE_LIMITS,           93, 500, "limits not set") \
    X(CODE_SECCOMP,          94, 500, "filter not loaded") \
    X(CODE_EXEC,             95, 503, "warden not executed") \
    X(CODE_INTERNAL,        100, 500, "internal error")

enum code {
    CODE_OK = 0,
#define CODE_ENUM(symbol, status, http, text) symbol = status,
    CODE_TABLE(CODE_ENUM)
#undef CODE_ENUM
};

#endif
