/*
 * path.h - directories by descriptor, never by name twice
 */
#ifndef IVLEJAIL_PATH_H
#define IVLEJAIL_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens an absolute directory (O_PATH, close-on-exec) component by component,
 * following no symbolic link: each one must be root's and writable by nobody
 * else (openssh's safe_path rule: who can write a component can swap what is
 * below it).
 * Returns the descriptor, or -1 with errno: ENOENT..., ELOOP (a link),
 * EPERM (not root's alone); *culprit_length is then the length of the prefix
 * of path that is at fault.
 */
int path_open_trusted(const char *path, size_t *culprit_length);

/*
 * Opens one component below dirfd with openat2(2) RESOLVE_BENEATH,
 * NO_SYMLINKS and NO_MAGICLINKS.  flags as of open(2); O_CLOEXEC is added.
 * Returns the descriptor or -1 with errno (ELOOP: a symbolic link).
 */
int path_open_beneath(int dirfd, const char *path, int flags);

#endif
