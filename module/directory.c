/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory.c - what <Location> and <If> say of jailed URLs
 */
#include "module/directory.h"

#include <string.h>

#include "apr_strings.h"
#include "http_core.h"

#include "module/alias.h"
#include "module/values.h"
#include "trampoline/wire.h"

/* --- made and merged --- */

void *ij_directory_create(apr_pool_t *p, char *path)
{
    ij_dir_conf *conf = apr_pcalloc(p, sizeof(*conf));

    (void)path;
    conf->is_public = IJ_UNSET;
    conf->timeout_seconds = IJ_UNSET;
    conf->explains = IJ_UNSET;
    conf->passes_credentials = IJ_UNSET;
    conf->lists = IJ_UNSET;
    conf->interpreters = apr_array_make(p, 2, sizeof(ij_interpreter));
    return conf;
}

static bool has_extension(const apr_array_header_t *interpreters,
                          const char *extension)
{
    int i;

    for (i = 0; i < interpreters->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(interpreters, i, ij_interpreter).extension,
                   extension) == 0) {
            return true;
        }
    }
    return false;
}

/* The later section's, and of the earlier one's what it has not. */
static apr_array_header_t *merge_interpreters(apr_pool_t *p,
                                              apr_array_header_t *base,
                                              apr_array_header_t *add)
{
    apr_array_header_t *merged;
    int i;

    if (base->nelts == 0 || add->nelts == 0) {
        return add->nelts == 0 ? base : add;
    }
    merged = apr_array_copy(p, add);
    for (i = 0; i < base->nelts; i++) {
        ij_interpreter *interpreter = &APR_ARRAY_IDX(base, i, ij_interpreter);

        if (!has_extension(add, interpreter->extension)) {
            APR_ARRAY_PUSH(merged, ij_interpreter) = *interpreter;
        }
    }
    return merged;
}

void *ij_directory_merge(apr_pool_t *p, void *base, void *add)
{
    const ij_dir_conf *outer = base, *inner = add;
    ij_dir_conf *conf = apr_pcalloc(p, sizeof(*conf));
    const ij_dir_conf *user = inner->user != NULL ? inner : outer;

    conf->user = user->user;
    conf->is_public = user->is_public;
    conf->profile = inner->profile != NULL ? inner->profile : outer->profile;
    conf->timeout_seconds = inner->timeout_seconds != IJ_UNSET
        ? inner->timeout_seconds : outer->timeout_seconds;
    conf->explains = inner->explains != IJ_UNSET ? inner->explains
                                                 : outer->explains;
    conf->passes_credentials = inner->passes_credentials != IJ_UNSET
        ? inner->passes_credentials : outer->passes_credentials;
    conf->error_log = inner->error_log != NULL ? inner->error_log
                                               : outer->error_log;
    conf->interpreters = merge_interpreters(p, outer->interpreters,
                                            inner->interpreters);
    conf->indexes = inner->indexes != NULL ? inner->indexes : outer->indexes;
    conf->lists = inner->lists != IJ_UNSET ? inner->lists : outer->lists;
    return conf;
}

/* --- directives --- */

/* A jailed URL is in no directory of the host, so no <Directory> has it. */
static void warn_in_directory(cmd_parms *cmd)
{
    if (ap_check_cmd_context(cmd, NOT_IN_DIRECTORY) != NULL) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, cmd->server, IJLOGNO(0024)
                     "%s has no effect in <Directory> (line %d of %s): write "
                     "it in <Location> or <If>, ignoring", cmd->cmd->name,
                     cmd->directive->line_num, cmd->directive->filename);
    }
}

const char *ij_cmd_user(cmd_parms *cmd, void *dir, const char *expr,
                        const char *public)
{
    ij_dir_conf *conf = dir;
    const char *fault;

    warn_in_directory(cmd);
    if (public != NULL && ap_cstr_casecmp(public, "public") != 0) {
        return ij_expects(cmd, "as second argument nothing or \"public\"");
    }
    conf->user = ap_expr_parse_cmd(cmd, expr, AP_EXPR_FLAG_STRING_RESULT,
                                   &fault, NULL);
    if (fault != NULL) {
        return ij_expects(cmd, apr_pstrcat(cmd->pool, "an expression that "
                                           "gives a name; in '", expr, "': ",
                                           fault, NULL));
    }
    conf->is_public = public != NULL;
    return NULL;
}

const char *ij_cmd_use(cmd_parms *cmd, void *dir, const char *name)
{
    ij_srv_conf *srv = ap_get_module_config(cmd->server->module_config,
                                            &ivlejail_module);
    ij_dir_conf *conf = dir;

    warn_in_directory(cmd);
    if (!name_is_profile(name)) {
        return ij_expects(cmd, "the name of an <IvleJailProfile>, or "
                          "\"default\"");
    }
    conf->profile = name;
    APR_ARRAY_PUSH(srv->uses, ij_use) = (ij_use){
        name, cmd->directive->filename, cmd->directive->line_num
    };
    return NULL;
}

const char *ij_cmd_interpreter(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[])
{
    ij_dir_conf *conf = dir;
    ij_interpreter interpreter;
    int i;

    warn_in_directory(cmd);
    if (argc < 2 || argv[0][0] != '.' || strchr(argv[0], '/') != NULL
        || argv[0][1] == '\0' || argv[1][0] != '/') {
        return ij_expects(cmd, "an extension with its '.', the absolute path "
                          "of a program in the jail, and perhaps arguments");
    }
    if (has_extension(conf->interpreters, argv[0])) {
        return ij_expects(cmd, "each extension once in a section");
    }
    interpreter.extension = argv[0];
    interpreter.count = (size_t)argc + 1;
    interpreter.words = apr_palloc(cmd->pool, interpreter.count
                                              * sizeof(*interpreter.words));
    for (i = 0; i < argc; i++) {
        interpreter.words[i] = argv[i];
    }
    interpreter.words[argc] = "";
    APR_ARRAY_PUSH(conf->interpreters, ij_interpreter) = interpreter;
    return NULL;
}

static bool is_index_name(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL
        && strcmp(name, ".") != 0 && strcmp(name, "..") != 0
        && strncmp(name, ".ht", 3) != 0;
}

/* As of DirectoryIndex: another one in the same section adds its names. */
const char *ij_cmd_index(cmd_parms *cmd, void *dir, int argc,
                         char *const argv[])
{
    ij_dir_conf *conf = dir;
    int i;

    warn_in_directory(cmd);
    if (argc == 0) {
        return ij_expects(cmd, "names of files, or \"disabled\"");
    }
    if (conf->indexes == NULL) {
        conf->indexes = apr_array_make(cmd->pool, argc, sizeof(const char *));
    }
    if (argc == 1 && ap_cstr_casecmp(argv[0], "disabled") == 0) {
        apr_array_clear(conf->indexes);
        return NULL;
    }
    for (i = 0; i < argc; i++) {
        if (!is_index_name(argv[i])) {
            return ij_expects(cmd, "plain names of files, without '/' and not "
                              "beginning with \".ht\"");
        }
        APR_ARRAY_PUSH(conf->indexes, const char *) = argv[i];
    }
    return conf->indexes->nelts <= WIRE_INDEXES_MAX ? NULL
        : ij_expects(cmd, apr_psprintf(cmd->pool, "at most %d names in a "
                                       "section", WIRE_INDEXES_MAX));
}

const char *ij_cmd_listing(cmd_parms *cmd, void *dir, int on)
{
    ij_dir_conf *conf = dir;

    warn_in_directory(cmd);
    conf->lists = on;
    return NULL;
}

const char *ij_cmd_timeout(cmd_parms *cmd, void *dir, const char *seconds)
{
    ij_dir_conf *conf = dir;
    uint64_t value;

    warn_in_directory(cmd);
    if (!value_number(seconds, 1, WIRE_TIMEOUT_MAX, &value)) {
        return ij_expects(cmd, apr_psprintf(cmd->pool, "seconds, from 1 to "
                                            "%d", WIRE_TIMEOUT_MAX));
    }
    conf->timeout_seconds = (int)value;
    return NULL;
}

const char *ij_cmd_explain(cmd_parms *cmd, void *dir, int on)
{
    ij_dir_conf *conf = dir;

    warn_in_directory(cmd);
    conf->explains = on;
    return NULL;
}

const char *ij_cmd_pass_credentials(cmd_parms *cmd, void *dir, int on)
{
    ij_dir_conf *conf = dir;

    warn_in_directory(cmd);
    conf->passes_credentials = on;
    return NULL;
}

const char *ij_cmd_error_log(cmd_parms *cmd, void *dir, const char *path)
{
    ij_dir_conf *conf = dir;

    warn_in_directory(cmd);
    if (ap_cstr_casecmp(path, "Off") == 0) {
        conf->error_log = apr_array_make(cmd->pool, 0, sizeof(const char *));
        return NULL;
    }
    conf->error_log = value_path(path) ? ij_template_cut(cmd->pool, path)
                                       : NULL;
    if (conf->error_log == NULL) {
        return ij_expects(cmd, "the absolute path of a file in the jail, "
                          "where %u is the user and %% is a '%', or Off");
    }
    return NULL;
}
