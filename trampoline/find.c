/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find.c - what in the jail a request means: a program, a file, a directory
 */
#include "find.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool find_is_hidden(const char *path)
{
    const char *slash = path;

    while ((slash = strchr(slash, '/')) != NULL) {
        slash++;
        if (strncmp(slash, ".ht", 3) == 0) {
            return true;
        }
    }
    return false;
}

bool find_is_nph(const struct found *found)
{
    const char *name = strrchr(found->script, '/');

    return name != NULL
           && strncmp(name + 1, WIRE_NPH, strlen(WIRE_NPH)) == 0;
}

enum wire_refusal find_lookup_refusal(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return WIRE_NOT_FOUND;
    case EACCES:
    case EPERM:
        return WIRE_FORBIDDEN;
    default:
        return WIRE_CANNOT_START;
    }
}

/* Where the path component that begins (with its slashes) at s ends. */
static const char *component_end(const char *s)
{
    s += strspn(s, "/");
    return s + strcspn(s, "/");
}

/*
 * Goes down filename to the first thing that is not a directory; *st is then
 * about it and found->script is its path.  When all are directories *st is
 * about the last.  Returns 0 or errno, with found->script up to what failed.
 */
static int walk(const char *filename, struct found *found, struct stat *st)
{
    const char *end = filename;
    size_t length;

    do {
        end = component_end(end);
        length = (size_t) (end - filename);
        if (length >= sizeof(found->script)) {
            return ENAMETOOLONG;
        }
        memcpy(found->script, filename, length);
        found->script[length] = '\0';
        if (stat(found->script, st) != 0) {
            return errno;
        }
    } while (S_ISDIR(st->st_mode) && *end != '\0');
    found->path_info = end;
    return 0;
}

/*
 * The usual request names a file without PATH_INFO: then one stat(2) of the
 * whole says so, however deep it lies.
 */
static int locate(const char *filename, struct found *found, struct stat *st)
{
    size_t length = strlen(filename);

    found->script[0] = '\0';
    if (length < sizeof(found->script)) {
        memcpy(found->script, filename, length + 1);
        found->path_info = filename + length;
        if (stat(filename, st) == 0) {
            return 0;
        }
    }
    return walk(filename, found, st);
}

static bool has_extension(const char *script, const char *extension)
{
    const char *base = strrchr(script, '/') + 1;
    size_t length = strlen(base), wanted = strlen(extension);

    return length > wanted
           && strcmp(base + length - wanted, extension) == 0;
}

/* The first group of ".ext", program, args..., "" that fits. */
static const char *const *interpreter_for(const struct wire_request *request,
                                          const char *script)
{
    size_t i = 0;

    while (i < request->interpreter_count) {
        if (has_extension(script, request->interpreters[i])) {
            return request->interpreters + i + 1;
        }
        while (request->interpreters[i][0] != '\0') {
            i++;
        }
        i++;
    }
    return NULL;
}

static void set_directory(struct found *found)
{
    size_t length = (size_t) (strrchr(found->script, '/') - found->script);

    memcpy(found->directory, found->script, length);
    found->directory[length] = '\0';
    if (length == 0) {
        memcpy(found->directory, "/", 2);
    }
}

static enum wire_refusal classify(const struct wire_request *request,
                                  const struct stat *st, struct found *found)
{
    set_directory(found);
    found->interpreter = interpreter_for(request, found->script);
    if (found->interpreter == NULL) {
        found->kind = st->st_mode & 0111 ? FIND_PROGRAM : FIND_FILE;
        return WIRE_NOT_REFUSED;
    }
    found->kind = FIND_PROGRAM;
    if (access(found->script, R_OK) != 0) {
        found->error = errno;
        return find_lookup_refusal(found->error);
    }
    return WIRE_NOT_REFUSED;
}

static bool ends_in_slash(const char *path)
{
    size_t length = strlen(path);

    return length > 0 && path[length - 1] == '/';
}

/* Puts name behind the directory that ends at; returns 0 or errno. */
static int look_at(struct found *found, size_t end, const char *name,
                   struct stat *st)
{
    size_t size = strlen(name) + 1;

    if (size > sizeof(found->script) - end) {
        return ENAMETOOLONG;
    }
    memcpy(found->script + end, name, size);
    return stat(found->script, st) == 0 ? 0 : errno;
}

/*
 * Goes through the names of index files.  Returns 0 with found->index set, if
 * a regular file has one of them; or what keeps us from knowing, an errno.
 */
static int find_index(const struct wire_request *request,
                      struct found *found, struct stat *st)
{
    size_t end = strlen(found->script), i;
    int rv;

    if (!ends_in_slash(found->script) && end < sizeof(found->script) - 1) {
        found->script[end++] = '/';
        found->script[end] = '\0';
    }
    for (i = 0; i < request->index_count; i++) {
        rv = look_at(found, end, request->indexes[i], st);
        if (rv == 0 && S_ISREG(st->st_mode)) {
            found->index = request->indexes[i];
            found->index_number = (uint32_t) i + 1;
            return 0;
        }
        if (rv != 0 && find_lookup_refusal(rv) != WIRE_NOT_FOUND) {
            return rv;
        }
    }
    found->script[end] = '\0';
    return 0;
}

/* Without the slash, links in the page would lead out of the directory. */
static enum wire_refusal enter(const struct wire_request *request,
                               struct found *found)
{
    struct stat st = { .st_mode = 0 };

    if (!ends_in_slash(request->uri)) {
        return WIRE_NEEDS_SLASH;
    }
    found->error = find_index(request, found, &st);
    if (found->error != 0) {
        return find_lookup_refusal(found->error);
    }
    if (found->index_number != 0) {
        return classify(request, &st, found);
    }
    if (!request->lists) {
        found->error = EISDIR;
        return WIRE_FORBIDDEN;
    }
    found->kind = FIND_DIRECTORY;
    return WIRE_NOT_REFUSED;
}

enum wire_refusal find_target(const struct wire_request *request,
                              struct found *found)
{
    struct stat st;

    found->index = "";
    found->index_number = 0;
    found->error = locate(request->filename, found, &st);
    /* by name alone: a 404 would tell which of them are there */
    if (find_is_hidden(found->script)) {
        found->error = 0;
        return WIRE_FORBIDDEN;
    }
    if (found->error != 0) {
        return find_lookup_refusal(found->error);
    }
    if (S_ISDIR(st.st_mode)) {
        return enter(request, found);
    }
    return S_ISREG(st.st_mode) ? classify(request, &st, found)
                               : WIRE_FORBIDDEN;
}

enum wire_refusal find_exec_refusal(const struct found *found, int error)
{
    switch (error) {
    case E2BIG:
        return WIRE_BAD_REQUEST;
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ETXTBSY:
        return WIRE_CANNOT_START;
    case EACCES:
        /* the script itself, or what its first line names? */
        if (found->interpreter == NULL && access(found->script, X_OK) != 0) {
            return WIRE_NOT_EXECUTABLE;
        }
        return WIRE_NO_INTERPRETER;
    default:
        return WIRE_NO_INTERPRETER;
    }
}

static size_t before_slashes(const char *s, size_t length)
{
    while (length > 0 && s[length - 1] == '/') {
        length--;
    }
    return length;
}

size_t find_script_name(const char *uri, const char *path_info)
{
    size_t u = strlen(uri), p = strlen(path_info), cut = u;

    while (u > 0 && p > 0 && uri[u - 1] == path_info[p - 1]) {
        if (uri[u - 1] == '/') {
            u = before_slashes(uri, u);
            p = before_slashes(path_info, p);
            cut = u;
        }
        else {
            u--;
            p--;
        }
    }
    return cut;
}
