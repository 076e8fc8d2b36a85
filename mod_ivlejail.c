/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_ivlejail.c - a private file system for each user of a web site
 *
 * Every authenticated user has a jail: a read-only base image with their own
 * /home and /tmp.  This module has requests served in the jail of their user:
 *
 *     IvleJailBase  /var/lib/ivlejail/bases/teach
 *     IvleJailUsers /var/lib/ivlejail/users
 *
 *     IvleJailAlias /my/ /home/%u/public_html/
 *     <Location /my/>
 *         AuthType Basic
 *         ...
 *         Require valid-user
 *     </Location>
 *
 * or, for pages that everybody may see:
 *
 *     IvleJailAliasMatch ^/~([^/]+)/(.*) /home/%u/public_html/$2
 *     <LocationMatch ^/~(?<who>[^/]+)/>
 *         IvleJailUser %{env:MATCH_WHO} public
 *     </LocationMatch>
 *
 * The root parent writes what the directives say to a file that the helpers
 * trust (module/seal.c), and starts, sweeps and ends the jails
 * (module/instance.c).  A child of httpd asks the user's warden to run the
 * program (module/talk.c, module/serve.c), and the trampoline for a warden
 * where there is none (module/spawn.c).  No path of the host is ever looked
 * at for a request, and none is told to a program.
 */
#include <string.h>

#include "apr_strings.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mpm_common.h"

#include "module/admit.h"
#include "module/alias.h"
#include "module/conf.h"
#include "module/controllers.h"
#include "module/directory.h"
#include "module/errlog.h"
#include "module/groups.h"
#include "module/host.h"
#include "module/index.h"
#include "module/instance.h"
#include "module/note.h"
#include "module/options.h"
#include "module/origin.h"
#include "module/seal.h"
#include "module/serve.h"
#include "module/shared.h"
#include "module/spawn.h"
#include "module/values.h"
#include "trampoline/wire.h"

#ifndef IVLEJAIL_LIBEXECDIR
#define IVLEJAIL_LIBEXECDIR "/usr/lib/ivlejail"
#endif

enum {
    DEFAULT_TIMEOUT_SECONDS = 60,
    DEFAULT_EXPIRE_SECONDS = 300,
    EXPIRE_SECONDS_MAX = 86400
};

/* --- the way of a request --- */

static ij_place *ij_place_of(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &ivlejail_module);
}

/* Whether we translated it, and nobody has sent it elsewhere since. */
static bool ij_is_ours(const request_rec *r)
{
    return ij_place_of(r) != NULL && r->filename != NULL
        && strncmp(r->filename, IJ_SCHEME, strlen(IJ_SCHEME)) == 0;
}

static int ij_hook_translate_name(request_rec *r)
{
    const ij_srv_conf *conf = ap_get_module_config(r->server->module_config,
                                                   &ivlejail_module);
    ij_place found = { .is_admitted = false }, *place;
    int rc = ij_alias_find(r, conf->aliases, &found);

    if (rc == OK) {
        place = apr_pmemdup(r->pool, &found, sizeof(found));
        ap_set_module_config(r->request_config, &ivlejail_module, place);
        r->filename = apr_pstrcat(r->pool, IJ_SCHEME,
                                  ij_template_fill(r->pool, place->filename,
                                                   "%u"), NULL);
    }
    return rc;
}

/*
 * Only the warden will know which part of the path is the file and which is
 * PATH_INFO.  So each part is taken for the file, in turn: to put "/x" behind
 * a name must not lead around what <Files> says of it.
 */
static int ij_walk_names(request_rec *r)
{
    char *whole = r->filename;
    char *copy = apr_pstrdup(r->pool, whole);
    char *end = copy + strlen(IJ_SCHEME);
    int rc = OK;

    r->filename = copy;
    while (rc == OK && *end != '\0') {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        *end = '\0';
        rc = ap_file_walk(r);
        *end = whole[end - copy];
    }
    r->filename = whole;
    return rc;
}

/*
 * There is no directory of the host to walk: httpd's own hook would find
 * <Directory />, which says "Require all denied" for good reason.  But <Files>
 * is meant for these too: ".ht*" is protected so.
 */
static int ij_hook_map_to_storage(request_rec *r)
{
    return ij_is_ours(r) ? ij_walk_names(r) : DECLINED;
}

/*
 * A type, a language or a handler by the name's extension is a guess about a
 * file that is not there, and some handlers and filters would act on it with
 * httpd's rights.
 */
static int ij_hook_type_checker(request_rec *r)
{
    if (!ij_is_ours(r)) {
        return DECLINED;
    }
    r->handler = IJ_HANDLER;
    return OK;
}

/*
 * Whether r->user, if there is one, has logged in and may do this.  Where a
 * request leads to another one of the same configuration, httpd checks
 * neither again: it takes over the user.  But an error page is led to also by
 * a request that was refused, whose user is what somebody claimed to be.
 */
static bool ij_is_admitted(const request_rec *r)
{
    const request_rec *from = r->main;
    const ij_place *place;

    if (from == NULL || from->per_dir_config != r->per_dir_config) {
        from = r->prev;
    }
    if (from == NULL || from->per_dir_config != r->per_dir_config) {
        return true;
    }
    place = ij_place_of(from);
    return place != NULL ? place->is_admitted : from->status == HTTP_OK;
}

/*
 * Only requests that have been admitted come so far.  SetHandler and fixups
 * of other modules come after the type checker.
 */
static int ij_hook_fixups(request_rec *r)
{
    ij_place *place = ij_place_of(r);

    if (place != NULL) {
        place->is_admitted = ij_is_admitted(r);
    }
    if (ij_is_ours(r)) {
        r->handler = IJ_HANDLER;
        ij_origin_keep_private(r, ap_get_module_config(r->per_dir_config,
                                                       &ivlejail_module));
    }
    return DECLINED;
}

static int ij_refuse_anonymous(request_rec *r)
{
    const char *type = ap_auth_type(r);

    if (type != NULL && ap_cstr_casecmp(type, "none") != 0) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, IJLOGNO(0001)
                      "no authenticated user for '%s': a \"Require "
                      "valid-user\" is missing", r->uri);
        ap_note_auth_failure(r);
        return HTTP_UNAUTHORIZED;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, IJLOGNO(0002)
                  "no authenticated user for '%s': AuthType and Require are "
                  "missing, or \"public\" after IvleJailUser", r->uri);
    return HTTP_FORBIDDEN;
}

/* Whether the request may be in a jail at all.  OK, or what to answer. */
static int ij_check_login(request_rec *r)
{
    if (r->user == NULL || r->ap_auth_type == NULL) {
        return ij_refuse_anonymous(r);
    }
    if (!ij_place_of(r)->is_admitted) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, IJLOGNO(0007)
                      "'%s' is not run as an error page for '%s', whose "
                      "request was refused: choose one outside of jails",
                      r->uri, r->user);
        return HTTP_FORBIDDEN;
    }
    return OK;
}

/* Whose jail.  Returns OK and *user, or what to answer. */
static int ij_find_user(request_rec *r, const ij_dir_conf *conf,
                        const char **user)
{
    const char *name = r->user, *fault = NULL;

    if (conf->user != NULL) {
        name = ap_expr_str_exec(r, conf->user, &fault);
    }
    if (fault != NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, IJLOGNO(0003)
                      "IvleJailUser: %s", fault);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (name == NULL || !name_is_user(name)) {
        ap_log_rerror(APLOG_MARK, conf->is_public == 1 ? APLOG_INFO
                                                       : APLOG_ERR,
                      0, r, IJLOGNO(0004)
                      "'%s' cannot be the name of a user of jails: 1 to 32 "
                      "of a-z, 0-9, '_', '.' and '-', the first of a-z, 0-9 "
                      "and '_' (IvleJailUser can change a name)",
                      name != NULL ? name : "");
        return HTTP_FORBIDDEN;
    }
    *user = name;
    return OK;
}

/* Returns OK and *profile, sealed, or what to answer. */
static int ij_find_profile(request_rec *r, const ij_dir_conf *conf,
                           const ij_profile **profile)
{
    const char *name = conf->profile != NULL ? conf->profile
                                             : IJ_PROFILE_DEFAULT;

    *profile = ij_site_profile(ij_site_of(r->server), name);
    if ((*profile)->generation == NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, IJLOGNO(0005)
                      "profile '%s': %s", name, (*profile)->reason != NULL
                      ? (*profile)->reason : "it is not in force: the error "
                      "log says why since httpd's last start or reload");
        apr_table_setn(r->err_headers_out, "Retry-After", "60");
        return HTTP_SERVICE_UNAVAILABLE;
    }
    return OK;
}

static const char *ij_error_log(request_rec *r, const ij_dir_conf *conf,
                                const char *user)
{
    return conf->error_log != NULL && conf->error_log->nelts > 0
        ? ij_template_fill(r->pool, conf->error_log, user) : NULL;
}

static int ij_serve_in_jail(request_rec *r, const char *user,
                            const ij_profile *profile,
                            const ij_dir_conf *conf)
{
    const ij_place *place = ij_place_of(r);
    const ij_site *site = ij_site_of(r->server);
    ij_job job = {
        .jail = { site->instance, profile->name, profile->generation, user },
        .trampoline = site->trampoline,
        .root = ij_template_fill(r->pool, place->root, user),
        .filename = ij_template_fill(r->pool, place->filename, user),
        .interpreters = conf->interpreters,
        .timeout_seconds = conf->timeout_seconds != IJ_UNSET
            ? conf->timeout_seconds : DEFAULT_TIMEOUT_SECONDS,
        .limits = profile->limits,
        .group = profile->group,
        .group_directory = ij_controllers_are_set(profile)
            ? site->group_directory : NULL,
        .explains = conf->explains == 1,
        .error_log = ij_error_log(r, conf, user),
        .passes_credentials = ij_origin_passes(r, conf, place->is_admitted,
                                               user)
    };

    r->filename = apr_pstrcat(r->pool, IJ_SCHEME, job.filename, NULL);
    ij_index_allow(r, conf, &job);
    ij_options_without_exec(r);
    return ij_serve(r, &job);
}

static int ij_serve_if_admitted(request_rec *r, const char *user,
                                const ij_profile *profile,
                                const ij_dir_conf *conf)
{
    ij_claim *claim;
    int rc = ij_admit(r, profile, user, &claim);

    if (rc == OK) {
        rc = ij_serve_in_jail(r, user, profile, conf);
        ij_admit_end(r, claim);
    }
    else {
        ij_note_cause(r, user, CAUSE_BUSY);
    }
    return rc;
}

/* Whatever it is that cannot be had now; who knows how long has said so. */
static void ij_set_retry(request_rec *r)
{
    if (apr_table_get(r->err_headers_out, "Retry-After") == NULL) {
        apr_table_setn(r->err_headers_out, "Retry-After", "5");
    }
}

static int ij_hook_handler(request_rec *r)
{
    const ij_dir_conf *conf = ap_get_module_config(r->per_dir_config,
                                                   &ivlejail_module);
    const ij_profile *profile;
    const char *user;
    int rc;

    if (r->handler == NULL || strcmp(r->handler, IJ_HANDLER) != 0) {
        return DECLINED;
    }
    if (!ij_is_ours(r)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, IJLOGNO(0006)
                      "'%s' has the handler " IJ_HANDLER ", but no "
                      "IvleJailAlias says where it is in the jail: remove the "
                      "SetHandler or AddHandler", r->uri);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    rc = conf->is_public == 1 ? OK : ij_check_login(r);
    if (rc == OK) {
        rc = ij_find_user(r, conf, &user);
    }
    if (rc == OK) {
        rc = ij_find_profile(r, conf, &profile);
    }
    if (rc == OK) {
        rc = ij_serve_if_admitted(r, user, profile, conf);
    }
    if (rc == HTTP_SERVICE_UNAVAILABLE) {
        ij_set_retry(r);
    }
    return rc;
}

/* --- the life of the server --- */

/* The one that reads the configuration only to see whether it is right. */
static bool ij_is_first_pass(void)
{
    return ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG;
}

static int ij_check_uses(const ij_site *site, const server_rec *s)
{
    const ij_srv_conf *conf = ap_get_module_config(s->module_config,
                                                   &ivlejail_module);
    const ij_use *uses = (const ij_use *)conf->uses->elts;
    int i;

    for (i = 0; i < conf->uses->nelts; i++) {
        if (ij_site_profile(site, uses[i].profile) == NULL) {
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, NULL,
                         IJLOGNO(0020) "IvleJailUse: no profile '%s' (line "
                         "%d of %s): write a section <IvleJailProfile %s>",
                         uses[i].profile, uses[i].line, uses[i].file,
                         uses[i].profile);
            return !OK;
        }
    }
    return OK;
}

/*
 * What a jail lacks is only said, and only to who asks ("httpd -t"): as an
 * error it would end a web server that is gracefully restarted.
 */
static int ij_hook_check_config(apr_pool_t *pconf, apr_pool_t *plog,
                                apr_pool_t *ptemp, server_rec *s)
{
    ij_site *site = ij_site_of(s);
    int rc = OK;

    (void)pconf;
    (void)plog;
    if (ij_is_first_pass()) {
        ij_shared_warn(s, ptemp);   /* for who starts or checks httpd */
    }
    if (site->is_used
        && ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST) {
        ij_host_foretell(site, s, ptemp);
        ij_groups_foretell(site, s, ptemp);
    }
    for (; s != NULL && rc == OK; s = s->next) {
        rc = ij_check_uses(site, s);
    }
    return rc;
}

static void ij_log_profiles(const ij_site *site, server_rec *s)
{
    int i;

    for (i = 0; i < site->profiles->nelts; i++) {
        const ij_profile *profile = APR_ARRAY_IDX(site->profiles, i,
                                                  ij_profile *);

        if (profile->reason != NULL) {
            ap_log_error(APLOG_MARK,
                         profile->is_written ? APLOG_ERR : APLOG_INFO, 0, s,
                         IJLOGNO(0021) "profile '%s' is left out, requests "
                         "get 503: %s", profile->name, profile->reason);
        }
    }
}

/*
 * Says what went wrong.  It ends a start; but a restart goes on with what it
 * has, because to fail it is to end the whole web server.
 */
static bool ij_goes_on(server_rec *s, bool is_restart, const char *fault)
{
    if (fault != NULL) {
        ap_log_error(APLOG_MARK, is_restart ? APLOG_ERR : APLOG_CRIT, 0, s,
                     IJLOGNO(0022) "%s", fault);
    }
    return fault == NULL || is_restart;
}

static bool ij_start(ij_site *site, server_rec *s, apr_pool_t *pconf,
                     apr_pool_t *ptemp)
{
    bool again = ij_instance_is_started();
    bool goes_on = ij_goes_on(s, again, ij_host_fault(site, ptemp))
        && ij_goes_on(s, again, ij_instance_start(site, s, pconf, ptemp))
        && ij_goes_on(s, again, ij_groups_start(site, s, pconf, ptemp))
        && ij_goes_on(s, again, ij_seal(site, pconf, ptemp))
        && ij_goes_on(s, again, ij_admit_start(site, s, ptemp));

    ij_log_profiles(site, s);
    ij_host_warn(site, s);
    return goes_on;
}

/*
 * There are two passes at start.  The first one runs in a process that will
 * not be the parent, so it makes nothing; but whoever starts httpd still sees
 * its exit status, so what can be seen without a change is looked at there.
 */
static int ij_hook_post_config(apr_pool_t *pconf, apr_pool_t *plog,
                               apr_pool_t *ptemp, server_rec *s)
{
    ij_site *site = ij_site_of(s);
    bool goes_on;

    (void)plog;
    if (!ij_is_first_pass()) {
        ij_shared_warn(s, ptemp);   /* for the error log, which is open now */
    }
    if (!site->is_used && !ij_instance_is_started()) {
        return OK;
    }
    if (ij_is_first_pass()) {
        goes_on = ij_goes_on(s, false, ij_host_fault(site, ptemp))
            && ij_goes_on(s, false,
                          ij_instance_owner(site->instance, ptemp));
    }
    else {
        goes_on = ij_start(site, s, pconf, ptemp);
    }
    return goes_on ? OK : !OK;
}

static int ij_hook_monitor(apr_pool_t *p, server_rec *s)
{
    ij_instance_monitor(s, p);
    return DECLINED;
}

static void ij_hook_child_init(apr_pool_t *pchild, server_rec *s)
{
    apr_status_t rv = ij_spawn_child_init(pchild);

    if (rv == APR_SUCCESS) {
        rv = ij_errlog_child_init(pchild);
    }
    ij_instance_child_init();
    ij_admit_child_init();
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, IJLOGNO(0023)
                     "cannot make the locks of a child");
    }
}

/* --- configuration: made and merged --- */

static ij_site *ij_create_site(apr_pool_t *p)
{
    ij_site *site = apr_pcalloc(p, sizeof(*site));

    site->instance = "default";
    site->trampoline = IVLEJAIL_LIBEXECDIR "/trampoline";
    site->expire_seconds = DEFAULT_EXPIRE_SECONDS;
    site->profiles = apr_array_make(p, 4, sizeof(ij_profile *));
    APR_ARRAY_PUSH(site->profiles, ij_profile *)
        = ij_profile_create(p, IJ_PROFILE_DEFAULT);
    return site;
}

static void *ij_create_srv_conf(apr_pool_t *p, server_rec *s)
{
    ij_srv_conf *conf = apr_pcalloc(p, sizeof(*conf));

    conf->site = s->is_virtual ? NULL : ij_create_site(p);
    conf->aliases = apr_array_make(p, 4, sizeof(void *));
    conf->uses = apr_array_make(p, 4, sizeof(ij_use));
    return conf;
}

static void *ij_merge_srv_conf(apr_pool_t *p, void *base, void *add)
{
    const ij_srv_conf *main_server = base, *vhost = add;
    ij_srv_conf *conf = apr_pcalloc(p, sizeof(*conf));

    conf->site = main_server->site;
    conf->aliases = apr_array_append(p, vhost->aliases, main_server->aliases);
    conf->uses = vhost->uses;
    return conf;
}

/* --- directives --- */

/* Sets *site, or returns why the directive cannot stand where it stands. */
static const char *ij_site_for(const cmd_parms *cmd, ij_site **site)
{
    *site = ij_site_of(cmd->server);
    if (*site == NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": not in "
                           "<VirtualHost>: it is for the whole server, write "
                           "it outside", NULL);
    }
    (*site)->is_used = true;
    return NULL;
}

static const char *ij_cmd_instance(cmd_parms *cmd, void *dir,
                                   const char *name)
{
    ij_site *site;
    const char *fault = ij_site_for(cmd, &site);

    (void)dir;
    if (fault != NULL) {
        return fault;
    }
    if (!name_is_instance(name)) {
        return ij_expects(cmd, "a name, of a lower case letter and at most "
                          "15 more letters, digits and '-'");
    }
    site->instance = name;
    return NULL;
}

static const char *ij_cmd_trampoline(cmd_parms *cmd, void *dir,
                                     const char *path)
{
    ij_site *site;
    const char *fault = ij_site_for(cmd, &site);

    (void)dir;
    if (fault != NULL) {
        return fault;
    }
    if (!value_path(path)) {
        return ij_expects(cmd, "the absolute path of the helper, beside which "
                          "warden and timount are");
    }
    site->trampoline = path;
    return NULL;
}

static const char *ij_cmd_expire(cmd_parms *cmd, void *dir,
                                 const char *seconds)
{
    ij_site *site;
    const char *fault = ij_site_for(cmd, &site);
    uint64_t value;

    (void)dir;
    if (fault != NULL) {
        return fault;
    }
    if (!value_number(seconds, 1, EXPIRE_SECONDS_MAX, &value)) {
        return ij_expects(cmd, apr_psprintf(cmd->pool, "seconds, from 1 to "
                                            "%d", EXPIRE_SECONDS_MAX));
    }
    site->expire_seconds = (int)value;
    return NULL;
}

/* Not in .htaccess: none is read for a jailed URL. */
#define IJ_IN_DIRECTORY (RSRC_CONF | ACCESS_CONF)

static const command_rec ij_commands[] = {
    AP_INIT_TAKE2("IvleJailAlias", ij_cmd_alias, NULL, RSRC_CONF,
                  "a URL-path, and the path in the jail of the request's user "
                  "where it leads (%u is the user)"),
    AP_INIT_TAKE2("IvleJailAliasMatch", ij_cmd_alias_match, NULL, RSRC_CONF,
                  "a regular expression for URL-paths, and the path in the "
                  "jail, with $1... of the expression"),
    AP_INIT_TAKE12("IvleJailUser", ij_cmd_user, NULL, IJ_IN_DIRECTORY,
                   "an expression for whose jail it is, and \"public\" if "
                   "nobody needs to log in"),
    AP_INIT_TAKE1("IvleJailUse", ij_cmd_use, NULL, IJ_IN_DIRECTORY,
                  "the profile of the jails"),
    AP_INIT_TAKE_ARGV("IvleJailInterpreter", ij_cmd_interpreter, NULL,
                      IJ_IN_DIRECTORY,
                      "an extension, and the program in the jail that runs "
                      "files with it, with arguments"),
    AP_INIT_TAKE_ARGV("IvleJailIndex", ij_cmd_index, NULL, IJ_IN_DIRECTORY,
                      "names of the files that are served where a URL leads "
                      "to their directory, best first, or \"disabled\""),
    AP_INIT_FLAG("IvleJailListing", ij_cmd_listing, NULL, IJ_IN_DIRECTORY,
                 "On: a directory without such a file is listed"),
    AP_INIT_TAKE1("IvleJailTimeout", ij_cmd_timeout, NULL, IJ_IN_DIRECTORY,
                  "seconds from the start of a program to its last byte"),
    AP_INIT_FLAG("IvleJailExplain", ij_cmd_explain, NULL, IJ_IN_DIRECTORY,
                 "On: show in the browser why a program failed, with its "
                 "error output"),
    AP_INIT_FLAG("IvleJailPassCredentials", ij_cmd_pass_credentials, NULL,
                 IJ_IN_DIRECTORY, "On: programs get the cookies and passwords "
                 "of others than their user, and set cookies"),
    AP_INIT_TAKE1("IvleJailErrorLog", ij_cmd_error_log, NULL,
                  IJ_IN_DIRECTORY, "the path in the jail of the user's own "
                  "error log (%u is the user), or Off"),

    AP_INIT_TAKE1("IvleJailInstance", ij_cmd_instance, NULL, RSRC_CONF,
                  "a name that no other httpd of this host has"),
    AP_INIT_TAKE1("IvleJailTrampoline", ij_cmd_trampoline, NULL, RSRC_CONF,
                  "the path of the privileged helper"),
    AP_INIT_TAKE1("IvleJailExpire", ij_cmd_expire, NULL, RSRC_CONF,
                  "seconds between two looks for unused jails"),
    AP_INIT_RAW_ARGS("<IvleJailProfile", ij_cmd_profile, NULL, RSRC_CONF,
                     "settings of jails, under a name for IvleJailUse"),

    AP_INIT_TAKE1("IvleJailBase", ij_cmd_base, IJ_PROFILE_DIRECTIVE,
                  RSRC_CONF, "the directory of a base image, or of its "
                  "generations with a link \"current\""),
    AP_INIT_TAKE1("IvleJailUsers", ij_cmd_users, IJ_PROFILE_DIRECTIVE,
                  RSRC_CONF, "the directory of the users' directories"),
    AP_INIT_TAKE2("IvleJailUidRange", ij_cmd_uid_range, IJ_PROFILE_DIRECTIVE,
                  RSRC_CONF, "the lowest and the highest uid of a user"),
    AP_INIT_TAKE1("IvleJailProvision", ij_cmd_provision, IJ_PROFILE_DIRECTIVE,
                  RSRC_CONF, "where a new user's uid comes from: Off, range "
                  "or system"),
    AP_INIT_TAKE23("IvleJailLimit", ij_cmd_limit, IJ_PROFILE_DIRECTIVE,
                   RSRC_CONF, "a resource, its soft and perhaps its hard "
                   "limit"),
    AP_INIT_TAKE23("IvleJailCgroup", ij_cmd_cgroup, IJ_PROFILE_DIRECTIVE,
                   RSRC_CONF, "memory.max, pids.max or cpu.max of the whole "
                   "jail, and its value"),
    AP_INIT_TAKE12("IvleJailMaxRequests", ij_cmd_max_requests,
                   IJ_PROFILE_DIRECTIVE, RSRC_CONF,
                   "requests of a jail at a time, and how many may wait"),
    AP_INIT_TAKE1("IvleJailIdle", ij_cmd_idle, IJ_PROFILE_DIRECTIVE,
                  RSRC_CONF, "seconds after which an unused warden exits"),
    AP_INIT_TAKE1("IvleJailNetwork", ij_cmd_network, IJ_PROFILE_DIRECTIVE,
                  RSRC_CONF, "none or host"),
    AP_INIT_TAKE23("IvleJailMount", ij_cmd_mount, IJ_PROFILE_DIRECTIVE,
                   RSRC_CONF, "a kind (proc, tmpfs, devpts, bind), a "
                   "directory in the jail, and options"),
    AP_INIT_TAKE1("IvleJailLinger", ij_cmd_linger, IJ_PROFILE_DIRECTIVE,
                  RSRC_CONF, "On: programs may outlive their request"),
    AP_INIT_TAKE1("IvleJailSeccomp", ij_cmd_seccomp, IJ_PROFILE_DIRECTIVE,
                  RSRC_CONF, "default: programs may not make system calls "
                  "that a web program does not need; off: all of them"),
    { NULL }
};

/* --- hooks --- */

static void ij_register_hooks(apr_pool_t *p)
{
    /* An Alias for "/" is no reason to look for jails on the host. */
    static const char *const after_us[] = { "mod_alias.c", "mod_userdir.c",
                                            "mod_vhost_alias.c", NULL };

    ij_instance_end_with_parent(p);
    ap_hook_check_config(ij_hook_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(ij_hook_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_monitor(ij_hook_monitor, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(ij_hook_child_init, NULL, NULL, APR_HOOK_MIDDLE);

    ap_hook_translate_name(ij_hook_translate_name, NULL, after_us,
                           APR_HOOK_MIDDLE);
    /* After the one that answers TRACE, before the one that looks at disks. */
    ap_hook_map_to_storage(ij_hook_map_to_storage, NULL, NULL, APR_HOOK_LAST);
    /* The first one that says OK keeps mod_mime and others out. */
    ap_hook_type_checker(ij_hook_type_checker, NULL, NULL, APR_HOOK_FIRST);
    /* The last one to set the handler has it. */
    ap_hook_fixups(ij_hook_fixups, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_handler(ij_hook_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(ij_note_before_log, NULL, NULL, APR_HOOK_FIRST);
}

module AP_MODULE_DECLARE_DATA ivlejail_module = {
    STANDARD20_MODULE_STUFF,
    ij_directory_create,        /* per directory: made */
    ij_directory_merge,         /* and merged */
    ij_create_srv_conf,         /* per server: made */
    ij_merge_srv_conf,          /* and merged */
    ij_commands,
    ij_register_hooks,
    AP_MODULE_FLAG_NONE
};
