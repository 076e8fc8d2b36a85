/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin.c - what keeps the users of one host name apart
 *
 * A browser sends the cookies and the password of a site with each request
 * to it, also with those for the pages of somebody else; and some headers of
 * an answer hold for the whole site.  So where alice looks at a page of
 * bob's, his program sees neither her cookies nor her password, and sets
 * nothing that her own pages would be given.
 *
 * What JavaScript in bob's page does to other pages of the same host name, no
 * server can prevent: public pages belong on a host name where nobody logs in
 * (conf/public.conf), and shared.c warns where they are not.
 */
#include "module/origin.h"

#include "apr_strings.h"
#include "http_core.h"

#include "module/credentials.h"

bool ij_origin_passes(const request_rec *r, const ij_dir_conf *conf,
                      bool is_admitted, const char *owner)
{
    /* Names of jails are in lower case, and IvleJailUser may have made them
       so: "Alice" is at home in the jail "alice". */
    bool is_own = is_admitted && r->user != NULL && r->ap_auth_type != NULL
        && ap_cstr_casecmp(r->user, owner) == 0;

    return is_own || conf->passes_credentials == 1;
}

/* Those names of a table that a rule is about; in a table, so each once. */
static apr_table_t *names_in(request_rec *r, const apr_table_t *table,
                             bool (*is_meant)(const char *name))
{
    const apr_array_header_t *array = apr_table_elts(table);
    const apr_table_entry_t *entries = (apr_table_entry_t *)array->elts;
    apr_table_t *names = apr_table_make(r->pool, 2);
    int i;

    for (i = 0; i < array->nelts; i++) {
        if (is_meant(entries[i].key)) {
            apr_table_setn(names, entries[i].key, "");
        }
    }
    return names;
}

static int unset(void *table, const char *name, const char *value)
{
    (void)value;
    apr_table_unset(table, name);
    return 1;
}

apr_table_t *ij_origin_hide(request_rec *r, const ij_job *job)
{
    apr_table_t *all = r->headers_in, *names;

    if (!job->passes_credentials) {
        names = names_in(r, all, credential_in_request);
        if (!apr_is_empty_table(names)) {
            r->headers_in = apr_table_copy(r->pool, all);
            (void)apr_table_do(unset, r->headers_in, names, NULL);
            ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, IJLOGNO(0110)
                          "cookies and passwords are kept from '%s' of '%s' "
                          "(IvleJailPassCredentials)", job->filename,
                          job->jail.user);
        }
    }
    return all;
}

static int add(void *table, const char *name, const char *value)
{
    apr_table_addn(table, name, value);
    return 1;
}

/* Returns whether it took something away. */
static bool restrict_table(request_rec *r, apr_table_t *table,
                           const apr_table_t *before)
{
    const apr_array_header_t *array;
    const apr_table_entry_t *entries;
    apr_table_t *names = names_in(r, table, credential_in_answer);
    int i, count = apr_table_elts(table)->nelts;

    (void)apr_table_do(unset, table, names, NULL);
    array = apr_table_elts(names);
    entries = (apr_table_entry_t *)array->elts;
    for (i = 0; i < array->nelts; i++) {
        (void)apr_table_do(add, table, before, entries[i].key, NULL);
    }
    return apr_table_elts(table)->nelts < count;
}

void ij_origin_restrict(request_rec *r, const ij_job *job,
                        const apr_table_t *out, const apr_table_t *err)
{
    bool some;

    if (job->passes_credentials) {
        return;
    }
    some = restrict_table(r, r->headers_out, out);
    some |= restrict_table(r, r->err_headers_out, err);
    if (some) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, IJLOGNO(0111)
                      "headers of '%s' of '%s' that hold for the whole site "
                      "are left out (IvleJailPassCredentials)",
                      job->filename, job->jail.user);
    }
}

void ij_origin_keep_private(request_rec *r, const ij_dir_conf *conf)
{
    if (conf->is_public != 1 || r->user != NULL) {
        /* mod_cache asks for this variable. */
        apr_table_setn(r->subprocess_env, "no-cache", "1");
    }
}
