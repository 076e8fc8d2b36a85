/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment.h - which variables may reach a jailed program
 *
 * Pure functions without httpd.
 */
#ifndef IVLEJAIL_ENVIRONMENT_H
#define IVLEJAIL_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

enum environment_origin {
    ENVIRONMENT_REQUEST,    /* httpd computed it from the request */
    ENVIRONMENT_CONFIGURED  /* SetEnv, SSL_*, UNIQUE_ID, REDIRECT_*... */
};

/*
 * Makes a name of a variable as httpd does for CGI: what is neither letter
 * nor digit becomes '_', and so does a digit at the start, by a '_' before
 * it.  False: empty, or longer than size - 1.
 */
bool environment_name(const char *raw, char *name, size_t size);

/*
 * httpd puts REDIRECT_ before the names of the request that led to this one,
 * and again for each before that: the name in there, a part of name.
 */
const char *environment_original(const char *name);

/* Whether a variable of this name, made by environment_name(), may pass. */
bool environment_allows(const char *name, enum environment_origin origin);

#endif
