/*
 * mntns.h - mount namespaces and their numbers
 *
 * The kernel lets a mount namespace be bind-mounted (pinned) only in a
 * namespace with a lower number, so that no cycle can arise.  Since Linux
 * 6.18 numbers are handed out per CPU in blocks of 4096, so a younger
 * namespace may have the lower number.
 */
#ifndef IVLEJAIL_MNTNS_H
#define IVLEJAIL_MNTNS_H

#include <stdbool.h>

/*
 * An O_PATH descriptor of the caller's /proc: the way to /proc/self/ns in
 * namespaces that have no /proc.
 */
int mntns_open_proc(void);

/* The namespace of the calling process. */
int mntns_open_own(int proc);

/* Whether fd is a mount namespace (not just a file that waits for one). */
bool mntns_is(int fd);

/* setns(2); root and working directory become the namespace's root. */
void mntns_enter(int ns);

/*
 * unshare(CLONE_NEWNS) until the new namespace may be pinned in the namespace
 * lower; returns its descriptor.  Changes the UTS namespace, too.
 */
int mntns_unshare_above(int proc, int lower);

/*
 * Makes the process's root the mount whose root is the directory fd, which
 * is mounted in the namespace already, and detaches everything else.
 */
void mntns_change_root(int fd);

/* A detached mount of a namespace, for move_mount(2) onto its pin. */
int mntns_clone_pin(int ns);

#endif
