/*
 * tmpfs.h - a new tmpfs that belongs to root
 */
#ifndef IVLEJAIL_TMPFS_H
#define IVLEJAIL_TMPFS_H

/*
 * A detached tmpfs (nosuid, nodev, noexec), its root with the mode, an octal
 * string.  Dies with CODE_RUNDIR.  Needs CAP_SYS_ADMIN effective.
 */
int tmpfs_make(const char *mode);

#endif
