/*
 * found.h - founding an instance: runtime directory and keep
 */
#ifndef IVLEJAIL_FOUND_H
#define IVLEJAIL_FOUND_H

/*
 * Makes the tmpfs on /run/ivlejail/<instance>, what belongs into it, and the
 * keep; each of them only if it is not there yet (after a crash of httpd a
 * living keep is used again).
 */
void found_instance(const char *instance);

/* Undoes it: everything is unmounted and removed. */
void found_remove(const char *instance);

#endif
