/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory.h - what <Location> and <If> say of jailed URLs
 */
#ifndef IVLEJAIL_DIRECTORY_H
#define IVLEJAIL_DIRECTORY_H

#include "module/conf.h"

/* An ij_dir_conf, as httpd makes and merges them. */
void *ij_directory_create(apr_pool_t *p, char *path);
void *ij_directory_merge(apr_pool_t *p, void *base, void *add);

/* Setters.  In <Directory> they warn: no jailed URL is there. */
const char *ij_cmd_user(cmd_parms *cmd, void *dir, const char *expr,
                        const char *public);
const char *ij_cmd_use(cmd_parms *cmd, void *dir, const char *name);
const char *ij_cmd_interpreter(cmd_parms *cmd, void *dir, int argc,
                               char *const argv[]);
const char *ij_cmd_index(cmd_parms *cmd, void *dir, int argc,
                         char *const argv[]);
const char *ij_cmd_listing(cmd_parms *cmd, void *dir, int on);
const char *ij_cmd_timeout(cmd_parms *cmd, void *dir, const char *seconds);
const char *ij_cmd_explain(cmd_parms *cmd, void *dir, int on);
const char *ij_cmd_pass_credentials(cmd_parms *cmd, void *dir, int on);
const char *ij_cmd_error_log(cmd_parms *cmd, void *dir, const char *path);

#endif
