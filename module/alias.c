/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alias.c - where in the jail a URL-path leads
 *
 * Like mod_alias, but for two things: the path is one in the jail, which
 * nobody resolves here (the warden does, as the user), and "%u" in it stands
 * for the user.  The configured path is cut at each "%u" when it is read, so
 * that a "%u" in somebody's URL is never more than text.
 */
#include "module/alias.h"

#include <string.h>

#include "apr_strings.h"
#include "http_core.h"

typedef struct ij_alias {
    const char *prefix;         /* without a '/' at the end; NULL: a regex */
    bool wants_slash;           /* one must follow the prefix */
    bool is_root;               /* the path is "/": all of the jail */
    ap_regex_t *regex;
    ij_template *path;          /* $1... in it, with regex */
    ij_template *root;
} ij_alias;

/* --- templates --- */

ij_template *ij_template_cut(apr_pool_t *p, const char *text)
{
    ij_template *pieces = apr_array_make(p, 2, sizeof(const char *));
    char *piece = apr_palloc(p, strlen(text) + 1), *to = piece;

    for (; *text != '\0'; text++) {
        if (text[0] != '%') {
            *to++ = *text;
        }
        else if (*++text == '%') {
            *to++ = '%';
        }
        else if (*text == 'u') {
            *to++ = '\0';
            APR_ARRAY_PUSH(pieces, const char *) = piece;
            piece = to;
        }
        else {
            return NULL;
        }
    }
    *to = '\0';
    APR_ARRAY_PUSH(pieces, const char *) = piece;
    return pieces;
}

/* The same with more text behind it. */
static ij_template *extend(apr_pool_t *p, const ij_template *pieces,
                           const char *text)
{
    ij_template *longer = apr_array_copy(p, pieces);
    const char **last = &APR_ARRAY_IDX(longer, longer->nelts - 1,
                                       const char *);

    *last = apr_pstrcat(p, *last, text, NULL);
    return longer;
}

const char *ij_template_fill(apr_pool_t *p, const ij_template *pieces,
                             const char *user)
{
    const char *path = APR_ARRAY_IDX(pieces, 0, const char *);
    int i;

    for (i = 1; i < pieces->nelts; i++) {
        path = apr_pstrcat(p, path, user,
                           APR_ARRAY_IDX(pieces, i, const char *), NULL);
    }
    return path;
}

/* --- matching --- */

static int match_prefix(request_rec *r, const ij_alias *alias,
                        ij_place *place)
{
    size_t length = strlen(alias->prefix);
    const char *rest = r->uri + length;

    if (strncmp(r->uri, alias->prefix, length) != 0
        || (*rest != '/' && (*rest != '\0' || alias->wants_slash))) {
        return DECLINED;
    }
    place->filename = extend(r->pool, alias->path,
                             *rest == '\0' && alias->is_root ? "/" : rest);
    place->root = alias->root;
    return OK;
}

static ij_template *substitute(request_rec *r, const ij_alias *alias,
                               ap_regmatch_t matches[AP_MAX_REG_MATCH])
{
    ij_template *pieces = apr_array_copy(r->pool, alias->path);
    int i;

    for (i = 0; i < pieces->nelts; i++) {
        const char **piece = &APR_ARRAY_IDX(pieces, i, const char *);

        *piece = ap_pregsub(r->pool, *piece, r->uri, AP_MAX_REG_MATCH,
                            matches);
        if (*piece == NULL) {
            return NULL;
        }
    }
    return pieces;
}

static int match_regex(request_rec *r, const ij_alias *alias, ij_place *place)
{
    ap_regmatch_t matches[AP_MAX_REG_MATCH];

    if (ap_regexec(alias->regex, r->uri, AP_MAX_REG_MATCH, matches, 0) != 0) {
        return DECLINED;
    }
    place->filename = substitute(r, alias, matches);
    if (place->filename == NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, IJLOGNO(0010)
                      "IvleJailAliasMatch: what '%s' makes is too long",
                      r->uri);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    place->root = alias->root;
    return OK;
}

int ij_alias_find(request_rec *r, const apr_array_header_t *aliases,
                  ij_place *place)
{
    int i, rc = DECLINED;

    if (r->uri[0] != '/') {
        return DECLINED;        /* "OPTIONS *" and the like */
    }
    for (i = 0; i < aliases->nelts && rc == DECLINED; i++) {
        const ij_alias *alias = APR_ARRAY_IDX(aliases, i, ij_alias *);

        rc = alias->prefix != NULL ? match_prefix(r, alias, place)
                                   : match_regex(r, alias, place);
    }
    return rc;
}

/* --- directives --- */

static const char *without_last_slash(apr_pool_t *p, const char *path)
{
    size_t length = strlen(path);

    return length > 0 && path[length - 1] == '/'
        ? apr_pstrndup(p, path, length - 1) : path;
}

/*
 * The fixed part of a regex alias' path: what stands before the first
 * reference, up to its last '/'.
 */
static const char *fixed_part(apr_pool_t *p, const char *path)
{
    const char *end = path + strcspn(path, "$");

    while (*end != '\0' && end > path && end[-1] != '/') {
        end--;
    }
    return apr_pstrndup(p, path, (apr_size_t)(end - path));
}

static bool is_jail_path(const char *path)
{
    const char *c;

    for (c = path; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return false;
        }
    }
    return *path == '/';
}

/* path and root are parts of the jail_path that the administrator wrote. */
static const char *add_alias(cmd_parms *cmd, ij_alias *alias,
                             const char *jail_path, const char *path,
                             const char *root)
{
    ij_srv_conf *conf = ap_get_module_config(cmd->server->module_config,
                                             &ivlejail_module);

    alias->path = is_jail_path(jail_path) ? ij_template_cut(cmd->pool, path)
                                          : NULL;
    if (alias->path == NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": expected as second "
                           "argument an absolute path in the jail, in which "
                           "%u is the user and %% a '%'", NULL);
    }
    root = without_last_slash(cmd->pool, root);
    alias->root = ij_template_cut(cmd->pool, *root != '\0' ? root : "/");
    APR_ARRAY_PUSH(conf->aliases, ij_alias *) = alias;
    return NULL;
}

const char *ij_cmd_alias(cmd_parms *cmd, void *dir, const char *url_path,
                         const char *jail_path)
{
    ij_alias *alias = apr_pcalloc(cmd->pool, sizeof(*alias));

    (void)dir;
    if (url_path[0] != '/') {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": expected as first "
                           "argument a URL-path, which begins with a '/'",
                           NULL);
    }
    alias->prefix = without_last_slash(cmd->pool, url_path);
    alias->wants_slash = alias->prefix != url_path;
    alias->is_root = strcmp(jail_path, "/") == 0;
    return add_alias(cmd, alias, jail_path,
                     without_last_slash(cmd->pool, jail_path), jail_path);
}

const char *ij_cmd_alias_match(cmd_parms *cmd, void *dir, const char *regex,
                               const char *jail_path)
{
    ij_alias *alias = apr_pcalloc(cmd->pool, sizeof(*alias));

    (void)dir;
    alias->regex = ap_pregcomp(cmd->pool, regex, AP_REG_EXTENDED);
    if (alias->regex == NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": expected as first "
                           "argument a regular expression; '", regex,
                           "' is none", NULL);
    }
    return add_alias(cmd, alias, jail_path, jail_path,
                     fixed_part(cmd->pool, jail_path));
}
