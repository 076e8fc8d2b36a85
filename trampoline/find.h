/*
 * find.h - which file of the jail a request means, and what runs it
 *
 * Everything is looked up as the user inside the jail: links lead only where
 * the user can go anyway, and nothing is opened, so that a FIFO or a device
 * in the way cannot block.
 */
#ifndef IVLEJAIL_FIND_H
#define IVLEJAIL_FIND_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "wire.h"

struct found {
    char script[PATH_MAX];      /* the part of filename that is a file */
    char directory[PATH_MAX];   /* where it is */
    const char *path_info;      /* the rest of filename, "" or "/..." */
    const char *const *interpreter;     /* program, args..., ""; or NULL */
    int error;                  /* errno behind a refusal, or 0 */
};

/*
 * Finds the script of a request: the first part of filename that is not a
 * directory.  With an interpreter for its extension it must be readable; that
 * it can be executed otherwise is left to execve(2) to say.
 * Returns WIRE_NOT_REFUSED, or why not, with found->error.
 * *found points into *request.
 */
enum wire_refusal find_script(const struct wire_request *request,
                              struct found *found);

/* Whether a component of path begins with ".ht". */
bool find_is_hidden(const char *path);

/*
 * What a failed execve(2) of the script or of its interpreter means; error is
 * its errno.
 */
enum wire_refusal find_exec_refusal(const struct found *found, int error);

/*
 * The length of SCRIPT_NAME: uri without the end that it shares with
 * path_info, cut where a component begins (as httpd's ap_find_path_info:
 * several slashes count as one).
 */
size_t find_script_name(const char *uri, const char *path_info);

#endif
