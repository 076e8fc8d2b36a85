/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.c - what a program is told about its request: argv, environment
 *
 * RFC 3875 4.4 (a query string without '=' as command line) is not
 * supported: no argument of a program ever comes from the network.
 */
#include "request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM_PATH "/usr/local/bin:/usr/bin:/bin"

void request_argv(const struct found *found, struct request_words *words)
{
    const char *const *word = found->interpreter;
    size_t n = 0;

    while (word != NULL && (*word)[0] != '\0') {
        words->argv[n++] = *word++;
    }
    words->argv[n++] = found->script;
    words->argv[n] = NULL;
}

/*
 * httpd does not send these.  If it did, a program would see two of a name,
 * and which one counts depends on the program; and HTTP_PROXY is the client's
 * header in the place of a setting that many libraries believe.
 */
static bool is_not_httpds(const char *variable)
{
    static const char *const names[] = {
        "SCRIPT_NAME=", "SCRIPT_FILENAME=", "DOCUMENT_ROOT=", "PATH_INFO=",
        "PATH_TRANSLATED=", "PATH=", "HTTP_PROXY="
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(variable, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

static int set(struct request_words *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int set(struct request_words *words, const char *format, ...)
{
    char *at = words->text + words->text_size;
    size_t room = sizeof(words->text) - words->text_size;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(at, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t) length >= room) {
        return E2BIG;
    }
    words->text_size += (size_t) length + 1;
    words->env[words->env_count++] = at;
    return 0;
}

static int set_path_info(const struct wire_request *request,
                         const char *path_info, struct request_words *words)
{
    /* path_info begins with the slash that would end such a root */
    size_t root = strlen(request->root);

    while (root > 0 && request->root[root - 1] == '/') {
        root--;
    }
    if (set(words, "PATH_INFO=%s", path_info) != 0) {
        return E2BIG;
    }
    return set(words, "PATH_TRANSLATED=%.*s%s", (int) root, request->root,
               path_info);
}

int request_environment(const struct wire_request *request,
                        const struct found *found,
                        struct request_words *words)
{
    size_t name = find_script_name(request->uri, found->path_info), i;

    words->env_count = 0;
    words->text_size = 0;
    for (i = 0; i < request->env_count; i++) {
        if (!is_not_httpds(request->env[i])) {
            words->env[words->env_count++] = request->env[i];
        }
    }
    if (set(words, "PATH=" PROGRAM_PATH) != 0
        || set(words, "DOCUMENT_ROOT=%s", request->root) != 0
        || set(words, "SCRIPT_FILENAME=%s", found->script) != 0
        || set(words, "SCRIPT_NAME=%.*s%s", (int) name, request->uri,
               found->index) != 0) {
        return E2BIG;
    }
    if (found->path_info[0] != '\0'
        && set_path_info(request, found->path_info, words) != 0) {
        return E2BIG;
    }
    words->env[words->env_count] = NULL;
    return 0;
}
