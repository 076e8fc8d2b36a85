/*
 * find.h - what in the jail a request means: a program, a file, a directory
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

enum find_kind {
    FIND_PROGRAM,               /* runs by itself or by found->interpreter */
    FIND_FILE,                  /* whether it is served, open.h says */
    FIND_DIRECTORY              /* to be listed */
};

struct found {
    enum find_kind kind;
    char script[PATH_MAX];      /* the part of filename that is there; or the
                                   index file in that directory */
    char directory[PATH_MAX];   /* of a program: where it is */
    const char *path_info;      /* the rest of filename, "" or "/..." */
    const char *index;          /* the name of that index file, or "" */
    uint32_t index_number;      /* its place in the request, from 1; or 0 */
    const char *const *interpreter;     /* program, args..., ""; or NULL */
    int error;                  /* errno behind a refusal, or 0 */
};

/*
 * Finds the first part of filename that is not a directory; or, where all of
 * it is one, an index file there.  With an interpreter for its extension it
 * is a program, and must be readable; with an execute bit it is a program,
 * too, and that it can be executed is left to execve(2) to say.
 * Returns WIRE_NOT_REFUSED, or why not, with found->error.
 * *found points into *request.
 */
enum wire_refusal find_target(const struct wire_request *request,
                              struct found *found);

/* What it means that a file could not be looked up or opened: an errno. */
enum wire_refusal find_lookup_refusal(int error);

/* Whether a component of path begins with ".ht". */
bool find_is_hidden(const char *path);

/* Whether the script's name says that it prints a whole answer of HTTP. */
bool find_is_nph(const struct found *found);

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
