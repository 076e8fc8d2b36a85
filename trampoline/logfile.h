/*
 * logfile.h - the user's own error log
 */
#ifndef IVLEJAIL_LOGFILE_H
#define IVLEJAIL_LOGFILE_H

enum { LOGFILE_MAX = 1024 * 1024 };     /* bytes; then it becomes ".old" */

/*
 * Appends text to the file at path, which is made (0600) where there is none
 * and must be a regular file of our own.  Where it would grow beyond
 * LOGFILE_MAX it is renamed to "<path>.old" first, which replaces that.
 * Never waits for anything that a user made.  Returns 0 or errno.
 */
int logfile_append(const char *path, const char *text);

#endif
