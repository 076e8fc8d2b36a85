/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alias.h - where in the jail a URL-path leads
 */
#ifndef IVLEJAIL_ALIAS_H
#define IVLEJAIL_ALIAS_H

#include "module/conf.h"

/*
 * A path in the jail in which the user's name is still open: it is known
 * only when the request is authenticated.  Pieces of text (const char *);
 * the name goes between them.
 */
typedef apr_array_header_t ij_template;

typedef struct ij_place {
    const ij_template *filename;
    const ij_template *root;    /* DOCUMENT_ROOT of its programs */
    bool is_admitted;           /* the request was not refused on its way */
} ij_place;

/*
 * Finds the first alias that matches r->uri.  Returns OK and *place,
 * DECLINED, or what to answer.
 */
int ij_alias_find(request_rec *r, const apr_array_header_t *aliases,
                  ij_place *place);

/* Cuts text at "%u"; "%%" is a '%'.  NULL: another '%'. */
ij_template *ij_template_cut(apr_pool_t *p, const char *text);

/* The path, with the name put in. */
const char *ij_template_fill(apr_pool_t *p, const ij_template *pieces,
                             const char *user);

const char *ij_cmd_alias(cmd_parms *cmd, void *dir, const char *url_path,
                         const char *jail_path);
const char *ij_cmd_alias_match(cmd_parms *cmd, void *dir, const char *regex,
                               const char *jail_path);

#endif
