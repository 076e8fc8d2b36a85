/*
 * request.h - what a program is told about its request: argv, environment
 */
#ifndef IVLEJAIL_REQUEST_H
#define IVLEJAIL_REQUEST_H

#include "find.h"
#include "wire.h"

enum {
    REQUEST_OWN_MAX = 8,            /* variables of the warden's */
    REQUEST_TEXT_MAX = 128 * 1024   /* their text */
};

struct request_words {
    const char *argv[WIRE_INTERPRETERS_MAX + 2];
    const char *env[WIRE_ENV_MAX + REQUEST_OWN_MAX + 1];
    size_t env_count;
    char text[REQUEST_TEXT_MAX];
    size_t text_size;
};

/* The script alone, or interpreter, its arguments, script. */
void request_argv(const struct found *found, struct request_words *words);

/*
 * The environment: what httpd sent, without HTTP_PROXY and without what is
 * the warden's to say; and SCRIPT_NAME, SCRIPT_FILENAME, DOCUMENT_ROOT,
 * PATH, and PATH_INFO and PATH_TRANSLATED where there is path info.
 * Returns 0 or E2BIG.  *words points into *request and *found.
 */
int request_environment(const struct wire_request *request,
                        const struct found *found,
                        struct request_words *words);

#endif
