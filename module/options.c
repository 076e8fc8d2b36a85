/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - what Options cannot allow for jailed pages
 *
 * <!--#exec cmd="..." --> is run by httpd, outside of all jails and with
 * httpd's rights.  Where mod_include parses what a jail says, that must not
 * be the user's to say.
 */
#include "module/options.h"

#include "http_config.h"
#include "http_core.h"

void ij_options_without_exec(request_rec *r)
{
    ap_conf_vector_t *innermost;
    core_dir_config *core;

    if ((ap_allow_options(r) & OPT_INC_WITH_EXEC) == 0) {
        return;
    }
    /*
     * As if an innermost section took it away.  httpd's own functions make it
     * and merge it: how large these structures are, only httpd knows.
     */
    core = core_module.create_dir_config(r->pool, NULL);
    core->opts_remove = OPT_INC_WITH_EXEC;
    innermost = ap_create_per_dir_config(r->pool);
    ap_set_core_module_config(innermost, core);
    r->per_dir_config = ap_merge_per_dir_configs(r->pool, r->per_dir_config,
                                                 innermost);
}
