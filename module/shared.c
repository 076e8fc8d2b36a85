/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared.c - host names that public pages share with logins
 *
 * JavaScript in a public page can do on the rest of its host name whatever
 * its visitor can do there.  So there should be no page with a login on a
 * host name with public pages, whether it leads into a jail or not.
 *
 * The directives say where that is: "public" after IvleJailUser, on a server
 * that has aliases, and AuthType with a value other than None.  Where in the
 * server they stand makes no difference; what stands outside of all virtual
 * hosts holds for each of them.  Two servers share a host name also if only
 * their ports differ: cookies know no ports.
 *
 * It is a warning because we see neither what .htaccess files say nor what an
 * administrator knows; and it warns once too often rather than never.
 */
#include "module/shared.h"

#include <string.h>

#include "apr_strings.h"
#include "http_core.h"

/* NULL: not there. */
struct said {
    const ap_directive_t *public;
    const ap_directive_t *login;
};

static bool is_called(const ap_directive_t *node, const char *name)
{
    return ap_cstr_casecmp(node->directive, name) == 0;
}

static bool is_public(apr_pool_t *p, const ap_directive_t *node)
{
    const char *args = node->args;

    if (!is_called(node, "IvleJailUser")) {
        return false;
    }
    (void)ap_getword_conf(p, &args);
    return ap_cstr_casecmp(ap_getword_conf(p, &args), "public") == 0;
}

static bool is_login(apr_pool_t *p, const ap_directive_t *node)
{
    const char *args = node->args;

    return is_called(node, "AuthType")
        && ap_cstr_casecmp(ap_getword_conf(p, &args), "None") != 0;
}

/* The first ones of a server, in node and its siblings and below them. */
static void look(apr_pool_t *p, const ap_directive_t *node, struct said *said)
{
    for (; node != NULL; node = node->next) {
        if (said->public == NULL && is_public(p, node)) {
            said->public = node;
        }
        if (said->login == NULL && is_login(p, node)) {
            said->login = node;
        }
        if (!is_called(node, "<VirtualHost")) {
            look(p, node->first_child, said);
        }
    }
}

/* The section of a virtual host. */
static const ap_directive_t *section_of(const server_rec *s)
{
    const ap_directive_t *node = ap_conftree;

    while (node != NULL
           && !(is_called(node, "<VirtualHost")
                && node->line_num == (int)s->defn_line_number
                && strcmp(node->filename, s->defn_name) == 0)) {
        node = node->next;
    }
    return node;
}

static struct said said_of(const server_rec *s, apr_pool_t *p,
                           const struct said *outside)
{
    const ap_directive_t *section = s->is_virtual ? section_of(s) : NULL;
    struct said said = { NULL, NULL };

    if (section != NULL) {
        look(p, section->first_child, &said);
    }
    if (said.public == NULL) {
        said.public = outside->public;
    }
    if (said.login == NULL) {
        said.login = outside->login;
    }
    return said;
}

/* --- names --- */

static bool is_among(const char *name, const apr_array_header_t *names)
{
    int i;

    for (i = 0; names != NULL && i < names->nelts; i++) {
        const char *other = APR_ARRAY_IDX(names, i, const char *);

        if (ap_strcasecmp_match(name, other) == 0
            || ap_strcasecmp_match(other, name) == 0) {
            return true;
        }
    }
    return false;
}

/* All names of a server; wildcards among them. */
static apr_array_header_t *names_of(const server_rec *s, apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 4, sizeof(const char *));

    if (s->server_hostname != NULL) {
        APR_ARRAY_PUSH(names, const char *) = s->server_hostname;
    }
    if (s->names != NULL) {
        apr_array_cat(names, s->names);
    }
    if (s->wild_names != NULL) {
        apr_array_cat(names, s->wild_names);
    }
    return names;
}

/* Returns the name, or NULL. */
static const char *shared_name(const server_rec *a, const server_rec *b,
                               apr_pool_t *p)
{
    const apr_array_header_t *as = names_of(a, p), *bs = names_of(b, p);
    int i;

    if (a == b) {
        return a->server_hostname != NULL ? a->server_hostname : "";
    }
    for (i = 0; i < as->nelts; i++) {
        if (is_among(APR_ARRAY_IDX(as, i, const char *), bs)) {
            return APR_ARRAY_IDX(as, i, const char *);
        }
    }
    return NULL;
}

/* --- all servers --- */

/* Once for each pair of lines, however many servers have them. */
static void warn_of(const server_rec *s, const struct said *said,
                    const char *name, apr_array_header_t *warned)
{
    int i;

    for (i = 0; i < warned->nelts; i++) {
        const struct said *before = &APR_ARRAY_IDX(warned, i, struct said);

        if (before->public == said->public && before->login == said->login) {
            return;
        }
    }
    APR_ARRAY_PUSH(warned, struct said) = *said;
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_WARNING, 0, s,
                 IJLOGNO(0112) "public pages (IvleJailUser ... public, line "
                 "%d of %s) are on the host name of a login (AuthType, line "
                 "%d of %s), '%s': they can do there whatever their visitors "
                 "can do; give them a host name of their own, as in "
                 "conf/public.conf", said->public->line_num,
                 said->public->filename, said->login->line_num,
                 said->login->filename, name);
}

static bool has_aliases(const server_rec *s)
{
    const ij_srv_conf *conf = ap_get_module_config(s->module_config,
                                                   &ivlejail_module);

    return conf->aliases->nelts > 0;
}

void ij_shared_warn(const server_rec *s, apr_pool_t *ptemp)
{
    apr_array_header_t *warned = apr_array_make(ptemp, 2,
                                                sizeof(struct said));
    struct said outside = { NULL, NULL };
    const server_rec *a, *b;

    look(ptemp, ap_conftree, &outside);
    for (a = s; a != NULL; a = a->next) {
        struct said pair = said_of(a, ptemp, &outside);

        if (pair.public == NULL || !has_aliases(a)) {
            continue;
        }
        for (b = s; b != NULL; b = b->next) {
            const char *name = shared_name(a, b, ptemp);

            pair.login = said_of(b, ptemp, &outside).login;
            if (name != NULL && pair.login != NULL) {
                warn_of(s, &pair, name, warned);
            }
        }
    }
}
