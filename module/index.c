/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.c - what is served of a directory: a file in it, or a list
 *
 * The warden finds the file, among names that it gets with the request.  But
 * whether a client may have "/x/index.html" is httpd's business, also where
 * it was asked for "/x/": so httpd looks up each name as mod_dir does, with a
 * subrequest that is never run, and leaves out those that are forbidden.
 */
#include "module/index.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_strings.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"

#include "module/file.h"
#include "module/listing.h"

enum { ROWS_AT_ONCE = 16 };     /* of the longest names */

/* --- which files --- */

static bool ends_with_slash(const char *path)
{
    size_t length = strlen(path);

    return length > 0 && path[length - 1] == '/';
}

/* Whether a relative URL leads into a jail and may be asked for. */
static bool leads_to_jail(request_rec *r, const char *url)
{
    request_rec *sub = ap_sub_req_lookup_uri(url, r, NULL);
    bool is_good = sub->status == HTTP_OK && sub->filename != NULL
        && strncmp(sub->filename, IJ_SCHEME, strlen(IJ_SCHEME)) == 0;

    ap_destroy_sub_req(sub);
    return is_good;
}

static const apr_array_header_t *names_of(apr_pool_t *p,
                                          const ij_dir_conf *conf)
{
    apr_array_header_t *names;

    if (conf->indexes != NULL) {
        return conf->indexes;
    }
    names = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(names, const char *) = AP_DEFAULT_INDEX;
    return names;
}

void ij_index_allow(request_rec *r, const ij_dir_conf *conf, ij_job *job)
{
    const apr_array_header_t *names = names_of(r->pool, conf);
    int i;

    job->indexes = apr_array_make(r->pool, names->nelts, sizeof(const char *));
    job->lists = false;
    if (!ends_with_slash(r->uri)) {
        return;
    }
    job->lists = conf->lists == 1;
    for (i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (leads_to_jail(r, ap_os_escape_path(r->pool, name, 1))) {
            APR_ARRAY_PUSH(job->indexes, const char *) = name;
        }
        else {
            job->lists = false;     /* it might be there, instead of a list */
        }
    }
}

void ij_index_name(request_rec *r, const ij_job *job,
                   const struct wire_answer *answer)
{
    const char *slash = ends_with_slash(r->filename) ? "" : "/";

    if (answer->index > 0) {
        r->filename = apr_pstrcat(r->pool, r->filename, slash,
                                  APR_ARRAY_IDX(job->indexes,
                                                answer->index - 1,
                                                const char *), NULL);
    }
}

/* --- the slash --- */

int ij_index_add_slash(request_rec *r)
{
    const char *url = apr_pstrcat(r->pool, ap_escape_uri(r->pool, r->uri), "/",
                                  r->args != NULL ? "?" : "", r->args, NULL);

    apr_table_setn(r->headers_out, "Location",
                   ap_construct_url(r->pool, url, r));
    return HTTP_MOVED_PERMANENTLY;
}

/* --- the list --- */

/* All of the memfd, with pread(2) only; NULL: it cannot be read. */
static char *read_all(apr_pool_t *p, int fd, size_t *size)
{
    struct stat st;
    char *bytes;
    size_t done = 0;

    if (fstat(fd, &st) == -1 || st.st_size < 0
        || st.st_size > WIRE_LISTING_MAX) {
        return NULL;
    }
    *size = (size_t)st.st_size;
    bytes = apr_palloc(p, *size + 1);
    while (done < *size) {
        ssize_t n = pread(fd, bytes + done, *size - done, (off_t)done);

        if (n <= 0) {
            return NULL;
        }
        done += (size_t)n;
    }
    return bytes;
}

static bool read_entries(apr_pool_t *p, int fd, struct listing *listing)
{
    struct wire_entry *entries;
    size_t size;
    char *bytes = read_all(p, fd, &size);

    if (bytes == NULL || !listing_read(bytes, size, NULL, &listing->count)) {
        return false;
    }
    entries = apr_palloc(p, (listing->count + 1) * sizeof(*entries));
    listing->entries = entries;
    return listing_read(bytes, size, entries, &listing->count);
}

static void set_headers(request_rec *r)
{
    ap_set_content_type(r, "text/html; charset=utf-8");
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   "default-src 'none'; style-src 'unsafe-inline'");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
}

/* Passes on what there is of the page. */
static apr_status_t pass(request_rec *r, apr_bucket_brigade *bb,
                         struct text *text)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;
    apr_status_t rv;

    APR_BRIGADE_INSERT_HEAD(bb, apr_bucket_transient_create(text->bytes,
                                                            text->length,
                                                            list));
    text->length = 0;
    rv = ap_pass_brigade(r->output_filters, bb);
    apr_brigade_cleanup(bb);
    return rv;
}

/* Until there is room for a row, or for the page's end. */
static apr_status_t make_room(request_rec *r, apr_bucket_brigade *bb,
                              struct text *text)
{
    return text->size - text->length < LISTING_ROW_MAX ? pass(r, bb, text)
                                                       : APR_SUCCESS;
}

/* Begins the page in a text that has room for that, and some rows. */
static struct text begin_page(apr_pool_t *p, const struct listing *listing)
{
    struct text text = { .size = 0 };

    listing_begin(&text, listing);
    text.size = text.length + ROWS_AT_ONCE * LISTING_ROW_MAX;
    text.bytes = apr_palloc(p, text.size);
    text.length = 0;
    listing_begin(&text, listing);
    return text;
}

static int send_page(request_rec *r, const struct listing *listing)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, list);
    struct text text = begin_page(r->pool, listing);
    apr_status_t rv = APR_SUCCESS;
    size_t i;

    for (i = 0; i < listing->count && rv == APR_SUCCESS; i++) {
        listing_row(&text, &listing->entries[i]);
        rv = make_room(r, bb, &text);
    }
    if (rv == APR_SUCCESS) {
        listing_end(&text, listing);
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(list));
        (void)pass(r, bb, &text);
    }
    return OK;
}

int ij_index_list(request_rec *r, const struct wire_answer *answer, int fd)
{
    struct listing listing = {
        .path = r->uri,
        .is_cut = answer->error == EOVERFLOW,
    };
    bool is_read = read_entries(r->pool, fd, &listing);
    int rc;

    close(fd);
    if (!is_read) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, IJLOGNO(0072)
                      "the list of '%s' is of no form that a warden sends",
                      r->filename);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    rc = ij_file_check_method(r);
    if (rc == DECLINED) {
        listing.has_parent = leads_to_jail(r, "../");
        set_headers(r);
        rc = send_page(r, &listing);
    }
    return rc;
}
