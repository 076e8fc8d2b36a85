/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.c - the form of a request (wire_socket.c sends it)
 *
 * A packed request is a header of eight numbers and then its strings, each
 * with its NUL, back to back: root, filename, uri, method, the names of index
 * files, the interpreters, the environment.  The counts in the header say
 * where one part ends.  A log entry is the same header, whose last five
 * numbers are 0, and two strings: path and text.
 */
#include "wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { FLAG_LISTS = 1 << 0, FLAGS = FLAG_LISTS };

struct header {
    uint32_t version;
    uint32_t kind;
    uint32_t size;                  /* of everything, the header included */
    uint32_t timeout_seconds;
    uint32_t flags;
    uint32_t index_count;
    uint32_t interpreter_count;
    uint32_t env_count;
};

_Static_assert(sizeof(struct header) == WIRE_HEADER_SIZE, "struct header");

/* --- packing --- */

static size_t strings_size(const char *const *strings, size_t count)
{
    size_t size = 0, i;

    for (i = 0; i < count; i++) {
        size += strlen(strings[i]) + 1;
    }
    return size;
}

size_t wire_size(const struct wire_request *request)
{
    const char *fixed[] = { request->root, request->filename, request->uri,
                            request->method };

    return sizeof(struct header) + strings_size(fixed, 4)
           + strings_size(request->indexes, request->index_count)
           + strings_size(request->interpreters, request->interpreter_count)
           + strings_size(request->env, request->env_count);
}

static char *put_strings(char *at, const char *const *strings, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        at = mempcpy(at, strings[i], strlen(strings[i]) + 1);
    }
    return at;
}

static bool is_in_bounds(const struct wire_request *request)
{
    return request->index_count <= WIRE_INDEXES_MAX
           && request->interpreter_count <= WIRE_INTERPRETERS_MAX
           && request->env_count <= WIRE_ENV_MAX
           && request->timeout_seconds >= 1
           && request->timeout_seconds <= WIRE_TIMEOUT_MAX;
}

static struct header header_of(const struct wire_request *request,
                               size_t size)
{
    const struct header header = {
        .version = WIRE_VERSION, .kind = request->kind,
        .size = (uint32_t) size,
        .timeout_seconds = request->timeout_seconds,
        .flags = request->lists ? FLAG_LISTS : 0,
        .index_count = (uint32_t) request->index_count,
        .interpreter_count = (uint32_t) request->interpreter_count,
        .env_count = (uint32_t) request->env_count
    };

    return header;
}

size_t wire_pack(const struct wire_request *request, char *buffer,
                 size_t size)
{
    const char *fixed[] = { request->root, request->filename, request->uri,
                            request->method };
    struct header header;
    size_t needed;
    char *at;

    if (!is_in_bounds(request)) {
        errno = EINVAL;
        return 0;
    }
    needed = wire_size(request);
    if (needed > size || needed > WIRE_STRINGS_MAX) {
        errno = EMSGSIZE;
        return 0;
    }
    header = header_of(request, needed);
    at = mempcpy(buffer, &header, sizeof(header));
    at = put_strings(at, fixed, 4);
    at = put_strings(at, request->indexes, request->index_count);
    at = put_strings(at, request->interpreters, request->interpreter_count);
    put_strings(at, request->env, request->env_count);
    return needed;
}

size_t wire_pack_log(const struct wire_log *log, char *buffer, size_t size)
{
    const char *strings[] = { log->path, log->text };
    struct header header = { .version = WIRE_VERSION, .kind = WIRE_LOG };
    size_t needed = sizeof(header) + strings_size(strings, 2);

    if (needed > size || needed > WIRE_MESSAGE_MAX) {
        errno = EMSGSIZE;
        return 0;
    }
    header.size = (uint32_t) needed;
    put_strings(mempcpy(buffer, &header, sizeof(header)), strings, 2);
    return needed;
}

/* --- unpacking --- */

static const char *check_header(const struct header *header, size_t size)
{
    if (header->version != WIRE_VERSION) {
        return "another version of the protocol";
    }
    if (header->kind != WIRE_SERVE && header->kind != WIRE_FETCH
        && header->kind != WIRE_LOG) {
        return "unknown kind of request";
    }
    if (header->size != size) {
        return "size differs from the message's";
    }
    return NULL;
}

static const char *check_request_header(const struct header *header)
{
    if (header->timeout_seconds < 1
        || header->timeout_seconds > WIRE_TIMEOUT_MAX) {
        return "timeout out of bounds";
    }
    if ((header->flags & ~(uint32_t) FLAGS) != 0) {
        return "unknown flag";
    }
    if (header->index_count > WIRE_INDEXES_MAX) {
        return "too many index files";
    }
    if (header->interpreter_count > WIRE_INTERPRETERS_MAX) {
        return "too many interpreters";
    }
    if (header->env_count > WIRE_ENV_MAX) {
        return "too many variables";
    }
    return NULL;
}

/*
 * Takes count strings from [*at, end) and moves *at behind them.  Returns
 * false when there are fewer.
 */
static bool take_strings(char **at, const char *end, const char **strings,
                         size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        char *nul = memchr(*at, '\0', (size_t) (end - *at));

        if (nul == NULL) {
            return false;
        }
        strings[i] = *at;
        *at = nul + 1;
    }
    return true;
}

static const char *check_indexes(const char *const *names, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (names[i][0] == '\0' || strchr(names[i], '/') != NULL
            || strncmp(names[i], ".ht", 3) == 0) {
            return "index file of a wrong form";
        }
    }
    return NULL;
}

/* Groups of ".ext", program, args..., "". */
static const char *check_interpreters(const char *const *strings,
                                      size_t count)
{
    size_t i = 0;

    while (i < count) {
        if (strings[i][0] != '.' || strings[i][1] == '\0'
            || strchr(strings[i], '/') != NULL) {
            return "extension of a wrong form";
        }
        if (++i == count || strings[i][0] != '/') {
            return "interpreter is not an absolute path";
        }
        while (i < count && strings[i][0] != '\0') {
            i++;
        }
        if (i++ == count) {
            return "interpreters do not end";
        }
    }
    return NULL;
}

static const char *check_env(const char *const *env, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const char *equals = strchr(env[i], '=');

        if (equals == NULL) {
            return "variable without '='";
        }
        if (equals == env[i]) {
            return "variable without a name";
        }
    }
    return NULL;
}

static const char *check_request(const struct wire_request *request)
{
    const char *wrong;

    if (request->root[0] != '/') {
        return "root is not absolute";
    }
    if (request->filename[0] != '/') {
        return "filename is not absolute";
    }
    if (request->uri[0] != '/') {
        return "uri is not absolute";
    }
    if (request->method[0] == '\0') {
        return "no method";
    }
    wrong = check_indexes(request->indexes, request->index_count);
    if (wrong == NULL) {
        wrong = check_interpreters(request->interpreters,
                                   request->interpreter_count);
    }
    if (wrong == NULL) {
        wrong = check_env(request->env, request->env_count);
    }
    return wrong;
}

static const char *unpack_request(const struct header *header, char *at,
                                  const char *end,
                                  struct wire_unpacked *unpacked)
{
    struct wire_request *request = &unpacked->request;
    const char *fixed[4], *wrong = check_request_header(header);

    if (wrong != NULL) {
        return wrong;
    }
    if (!take_strings(&at, end, fixed, 4)
        || !take_strings(&at, end, unpacked->indexes, header->index_count)
        || !take_strings(&at, end, unpacked->interpreters,
                         header->interpreter_count)
        || !take_strings(&at, end, unpacked->env, header->env_count)) {
        return "fewer strings than announced";
    }
    if (at != end) {
        return "more strings than announced";
    }
    unpacked->env[header->env_count] = NULL;
    request->timeout_seconds = header->timeout_seconds;
    request->root = fixed[0];
    request->filename = fixed[1];
    request->uri = fixed[2];
    request->method = fixed[3];
    request->lists = (header->flags & FLAG_LISTS) != 0;
    request->indexes = unpacked->indexes;
    request->index_count = header->index_count;
    request->interpreters = unpacked->interpreters;
    request->interpreter_count = header->interpreter_count;
    request->env = unpacked->env;
    request->env_count = header->env_count;
    return check_request(request);
}

static const char *unpack_log(const struct header *header, char *at,
                              const char *end, struct wire_log *log)
{
    const char *strings[2];

    if (header->timeout_seconds != 0 || header->flags != 0
        || header->index_count != 0 || header->interpreter_count != 0
        || header->env_count != 0) {
        return "log entry with the numbers of a request";
    }
    if (header->size > WIRE_MESSAGE_MAX) {
        return "log entry too large";
    }
    if (!take_strings(&at, end, strings, 2)) {
        return "fewer strings than announced";
    }
    if (at != end) {
        return "more strings than announced";
    }
    if (strings[0][0] != '/') {
        return "path of the log is not absolute";
    }
    if (strings[1][0] == '\0') {
        return "log entry without text";
    }
    log->path = strings[0];
    log->text = strings[1];
    return NULL;
}

const char *wire_unpack(char *buffer, size_t size,
                        struct wire_unpacked *unpacked)
{
    struct header header;
    char *at = buffer + sizeof(header), *end = buffer + size;
    const char *wrong;

    if (size < sizeof(header)) {
        return "shorter than a header";
    }
    memcpy(&header, buffer, sizeof(header));
    wrong = check_header(&header, size);
    if (wrong != NULL) {
        return wrong;
    }
    unpacked->request.kind = (enum wire_kind) header.kind;
    return header.kind == WIRE_LOG
        ? unpack_log(&header, at, end, &unpacked->log)
        : unpack_request(&header, at, end, unpacked);
}
