/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.c - serves a file that a warden has opened
 *
 * This is what httpd's default handler does with its own files, without a
 * look at the host's disk, where the same name would be somebody else's file.
 * And the file is never mapped: its user may truncate it at any time, and
 * reading from behind the end of a mapped file kills the process.
 */
#include "module/file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "apr_buckets.h"
#include "apr_portable.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mod_core.h"
#include "util_filter.h"

#include "module/conf.h"
#include "module/cut.h"

/* Where nothing else is said (ReadBufferSize). */
enum { READ_SIZE = 65536 };

/* --- methods --- */

/* Whether a filter makes a program of the file, which may take a POST. */
static bool is_delivered(const request_rec *r)
{
    const core_request_config *core
        = ap_get_core_module_config(r->request_config);

    return r->method_number == M_POST && core->deliver_script;
}

int ij_file_check_method(request_rec *r)
{
    int rc;

    ap_allow_standard_methods(r, MERGE_ALLOW, M_GET, M_OPTIONS, M_POST, -1);
    rc = ap_discard_request_body(r);
    if (rc != OK) {
        return rc;
    }
    switch (r->method_number) {
    case M_GET:
        return DECLINED;
    case M_OPTIONS:
        return ap_send_http_options(r);
    case M_INVALID:
        return HTTP_NOT_IMPLEMENTED;
    default:
        return is_delivered(r) ? DECLINED : HTTP_METHOD_NOT_ALLOWED;
    }
}

/* --- the descriptor --- */

/*
 * A descriptor's number must not outlive it: what then has that number may be
 * another user's file.  A file that apr_os_file_put() has made of a number is
 * closed by nobody, and wherever a bucket of it is set aside, to be sent when
 * the request is gone, it stays so.  One that apr_file_dup() has made belongs
 * to its pool, and to the other one as soon as it is set aside.
 */
static apr_status_t adopt(request_rec *r, int fd, apr_file_t **file)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    apr_int32_t flags = APR_FOPEN_READ | APR_FOPEN_BINARY
        | AP_SENDFILE_ENABLED(core->enable_sendfile);
    apr_os_file_t number = fd;
    apr_file_t *lent;
    apr_status_t rv = apr_os_file_put(&lent, &number, flags, r->pool);

    if (rv == APR_SUCCESS) {
        rv = apr_file_dup(file, lent, r->pool);
    }
    close(fd);
    if (rv == APR_SUCCESS) {
        (void)apr_os_file_get(&number, *file);
        (void)fcntl(number, F_SETFD, FD_CLOEXEC);
    }
    return rv;
}

/* --- the header --- */

static void ask_mod_mime(request_rec *r)
{
    const apr_array_header_t *hooks = ap_hook_get_type_checker();
    int i;

    for (i = 0; hooks != NULL && i < hooks->nelts; i++) {
        const ap_LINK_type_checker_t *hook
            = &APR_ARRAY_IDX(hooks, i, ap_LINK_type_checker_t);

        if (strcmp(hook->szName, "mod_mime.c") == 0) {
            (void)hook->pFunc(r);
        }
    }
}

/*
 * Of all that guess, only mod_mime looks at nothing but the name.  It is shown
 * a copy of the request, so that handlers and filters by extension, which are
 * the user's to choose, come to nothing.  A type that is there already is the
 * configuration's: ForceType and the like.
 */
static void set_type(request_rec *r)
{
    request_rec named = *r;

    named.content_type = NULL;
    named.input_filters = NULL;
    named.proto_input_filters = NULL;
    named.output_filters = NULL;
    named.proto_output_filters = NULL;
    ask_mod_mime(&named);
    if (r->content_type == NULL && named.content_type != NULL) {
        ap_set_content_type(r, named.content_type);
    }
    r->content_encoding = named.content_encoding;
    r->content_languages = named.content_languages;
}

/*
 * FileETag Digest makes httpd read all of the file, and map it if it can.  It
 * cannot map one that it reads through a buffer (apr_mmap_create).
 */
static apr_status_t set_etag(request_rec *r, apr_file_t *file)
{
    apr_os_file_t number;
    apr_file_t *buffered;
    apr_status_t rv = apr_os_file_get(&number, file);

    if (rv == APR_SUCCESS) {
        rv = apr_os_file_put(&buffered, &number,
                             APR_FOPEN_READ | APR_FOPEN_BUFFERED, r->pool);
    }
    if (rv == APR_SUCCESS) {
        ap_set_etag_fd(r, buffered);
    }
    return rv;
}

static apr_status_t set_headers(request_rec *r, apr_file_t *file)
{
    apr_status_t rv = apr_file_info_get(&r->finfo, APR_FINFO_MIN
                                                   | APR_FINFO_IDENT, file);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    ap_update_mtime(r, r->finfo.mtime);
    ap_set_last_modified(r);
    ap_set_accept_ranges(r);
    ap_set_content_length(r, r->finfo.size);
    return set_etag(r, file);
}

/* --- the file --- */

/*
 * By eight KiB, as APR reads where nobody says otherwise, a long file costs a
 * sixth more.
 */
static apr_size_t read_size(const request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    return core->read_buf_size != 0 ? core->read_buf_size : READ_SIZE;
}

/* The content, or where the request's conditions say so, only a status. */
static apr_bucket_brigade *content_of(request_rec *r, apr_file_t *file)
{
    apr_bucket_alloc_t *list = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, list);
    int rc = ap_meets_conditions(r);
    apr_bucket *bucket;

    if (rc == OK) {
        bucket = apr_brigade_insert_file(bb, file, 0, r->finfo.size, r->pool);
        (void)apr_bucket_file_enable_mmap(bucket, 0);
        (void)apr_bucket_file_set_buf_size(bucket, read_size(r));
    }
    else {
        r->status = rc;
        (void)apr_file_close(file);
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(list));
    return bb;
}

/* False also where somebody else has the file by now, to send it later. */
static bool has_shrunk(const request_rec *r, apr_file_t *file)
{
    apr_finfo_t now;

    return apr_file_info_get(&now, APR_FINFO_SIZE, file) == APR_SUCCESS
        && now.size < r->finfo.size;
}

/*
 * A file that has become shorter cannot be sent as long as was said.  Not each
 * filter that finds it so breaks the connection off, and mod_ssl takes it for
 * all that there is: the client would take the next answer for the rest.
 */
static int send_file(request_rec *r, apr_file_t *file)
{
    apr_bucket_brigade *bb = content_of(r, file);
    apr_status_t rv = ap_pass_brigade(r->output_filters, bb);

    apr_brigade_cleanup(bb);
    if (has_shrunk(r, file)) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    if (rv == APR_SUCCESS || r->status != HTTP_OK
        || r->connection->aborted) {
        return OK;
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, rv, r, IJLOGNO(0070)
                  "'%s' was not sent to its end", r->filename);
    if (rv == AP_FILTER_ERROR) {
        return rv;      /* a filter has answered instead */
    }
    ij_cut_answer(r, bb);
    return OK;
}

int ij_file_serve(request_rec *r, int fd)
{
    apr_file_t *file;
    apr_status_t rv = adopt(r, fd, &file);
    int rc;

    if (rv == APR_SUCCESS) {
        set_type(r);
        rc = ij_file_check_method(r);
        if (rc != DECLINED) {
            return rc;
        }
        rv = set_headers(r, file);
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r, IJLOGNO(0071)
                      "'%s' cannot be served", r->filename);
        return HTTP_SERVICE_UNAVAILABLE;
    }
    return send_file(r, file);
}
