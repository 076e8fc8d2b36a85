/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.c - finding one's way in the configuration
 */
#include "module/conf.h"

#include <string.h>

#include "apr_strings.h"

ij_profile *ij_site_profile(const ij_site *site, const char *name)
{
    ij_profile **profiles = (ij_profile **)site->profiles->elts;
    int i;

    for (i = 0; i < site->profiles->nelts; i++) {
        if (strcmp(profiles[i]->name, name) == 0) {
            return profiles[i];
        }
    }
    return NULL;
}

ij_site *ij_site_of(const server_rec *s)
{
    const ij_srv_conf *conf = ap_get_module_config(s->module_config,
                                                   &ivlejail_module);

    return conf->site;
}

const char *ij_site_helper(apr_pool_t *p, const ij_site *site,
                           const char *name)
{
    const char *slash = strrchr(site->trampoline, '/');

    return apr_pstrcat(p, apr_pstrndup(p, site->trampoline,
                                       (apr_size_t)(slash + 1
                                                    - site->trampoline)),
                       name, NULL);
}

const char *ij_expects(const cmd_parms *cmd, const char *what)
{
    return apr_pstrcat(cmd->pool, cmd->cmd->name, ": expected ", what, NULL);
}
