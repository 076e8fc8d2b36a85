/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.h - the configuration, as the directives leave it
 *
 * Three structures: the site (there is one, of the main server: what the
 * privileged programs need), the server (one per virtual host: aliases), and
 * the directory (one per <Location>, merged for each request).
 */
#ifndef IVLEJAIL_CONF_H
#define IVLEJAIL_CONF_H

#include <stdbool.h>
#include <sys/types.h>

#include "ap_expr.h"
#include "http_config.h"
#include "http_log.h"
#include "httpd.h"

#include "module/log.h"
#include "module/profile.h"
#include "trampoline/names.h"

extern module AP_MODULE_DECLARE_DATA ivlejail_module;
APLOG_USE_MODULE(ivlejail);

#define IJ_HANDLER "ivlejail"
#define IJ_SCHEME  "ivlejail:"      /* before the jail path in r->filename */

enum { IJ_UNSET = -1 };

typedef struct ij_site {
    const char *instance;
    const char *trampoline;         /* warden and timount are beside it */
    int expire_seconds;
    apr_array_header_t *profiles;   /* ij_profile *, "default" first */
    bool is_used;                   /* one of our directives was seen */
    /* what became of IvleJailCgroup (groups.h) */
    const char *group_directory;    /* NULL: no jail has a group */
    bool keeps[GROUP_KEYS];         /* what the kernel keeps for them */
    const char *group_fault;        /* why no jail with one can be made */
} ij_site;

/* Where IvleJailUse named a profile: said when there is no such profile. */
typedef struct ij_use {
    const char *profile;
    const char *file;
    int line;
} ij_use;

typedef struct ij_srv_conf {
    ij_site *site;                  /* NULL in a virtual host, until merged */
    apr_array_header_t *aliases;    /* ij_alias * */
    apr_array_header_t *uses;       /* ij_use */
} ij_srv_conf;

typedef struct ij_interpreter {
    const char *extension;          /* ".py" */
    const char **words;             /* extension, program, args..., "" */
    size_t count;                   /* of words, the "" included */
} ij_interpreter;

typedef struct ij_dir_conf {
    ap_expr_info_t *user;           /* NULL: %{REMOTE_USER} */
    int is_public;                  /* with user; IJ_UNSET */
    const char *profile;            /* NULL: "default" */
    int timeout_seconds;            /* IJ_UNSET */
    int explains;                   /* IJ_UNSET */
    int passes_credentials;         /* IJ_UNSET */
    const apr_array_header_t *error_log;    /* ij_template; NULL: unset,
                                               without pieces: off */
    apr_array_header_t *interpreters;   /* ij_interpreter */
    apr_array_header_t *indexes;    /* const char *; NULL: unset, empty: none */
    int lists;                      /* IJ_UNSET */
    ij_profile *section;            /* while <IvleJailProfile> is read */
} ij_dir_conf;

/* The profile of a name, or NULL. */
ij_profile *ij_site_profile(const ij_site *site, const char *name);

/* The site, from any server after the configuration was read. */
ij_site *ij_site_of(const server_rec *s);

/* A helper's path: name beside the trampoline. */
const char *ij_site_helper(apr_pool_t *p, const ij_site *site,
                           const char *name);

/* What a setter returns where an argument is not what it must be. */
const char *ij_expects(const cmd_parms *cmd, const char *what);

#endif
