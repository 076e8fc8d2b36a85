/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment.c - which variables may reach a jailed program
 *
 * What httpd computed is held against an allow-list: the meta-variables of
 * CGI/1.1 and the few that Apache has always added.  What the configuration
 * put there is the administrator's word and passes, except for names that
 * have another master: the warden sets those that speak of paths in the
 * jail, and nobody wants httpd's own library path or a client's HTTP_PROXY.
 */
#include "module/environment.h"

#include <string.h>

#include "module/sorted.h"

/* Both lists are sorted. */
#define IS_ONE_OF(name, names) \
    sorted_holds(names, SORTED_COUNT(names), name, strcmp)

/* Without HTTP_*, which stands for a header of the request. */
static const char *const request_names[] = {
    "AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "GATEWAY_INTERFACE",
    "QUERY_STRING", "REDIRECT_QUERY_STRING", "REDIRECT_REMOTE_USER",
    "REDIRECT_URL", "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_IDENT",
    "REMOTE_PORT", "REMOTE_USER", "REQUEST_METHOD", "REQUEST_SCHEME",
    "REQUEST_URI", "SERVER_ADDR", "SERVER_ADMIN", "SERVER_NAME",
    "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SIGNATURE", "SERVER_SOFTWARE"
};

/* Set by the warden, or a path of the host, or httpd's own. */
static const char *const foreign_names[] = {
    "CONTEXT_DOCUMENT_ROOT", "CONTEXT_PREFIX", "DOCUMENT_ROOT", "HTTP_PROXY",
    "PATH", "PATH_INFO", "PATH_TRANSLATED", "SCRIPT_FILENAME", "SCRIPT_NAME",
    "no_cache"
};

static bool starts_with(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9');
}

bool environment_name(const char *raw, char *name, size_t size)
{
    size_t length = strlen(raw), i = 0;

    if (length == 0 || length + 2 > size) {
        return false;
    }
    if (*raw >= '0' && *raw <= '9') {
        name[i++] = '_';
    }
    for (; *raw != '\0'; raw++) {
        name[i++] = is_letter_or_digit(*raw) ? *raw : '_';
    }
    name[i] = '\0';
    return true;
}

const char *environment_original(const char *name)
{
    while (starts_with(name, "REDIRECT_")) {
        name += strlen("REDIRECT_");
    }
    return name;
}

bool environment_allows(const char *name, enum environment_origin origin)
{
    const char *original = environment_original(name);

    if (IS_ONE_OF(original, foreign_names)
        || starts_with(original, "LD_")) {
        return false;
    }
    return origin == ENVIRONMENT_CONFIGURED || starts_with(name, "HTTP_")
        || IS_ONE_OF(name, request_names);
}
