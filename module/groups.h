/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups.h - httpd's place among the control groups, and its jails'
 *
 *   <the group that httpd was started in>/
 *       httpd-<instance>/       httpd itself: a group that has others below
 *                               it may hold no process (cgroups(7))
 *       jails-<instance>/       a group for each jail: trampoline/groups.h
 *
 * All of it happens in the root parent, and only where a profile has
 * IvleJailCgroup.
 */
#ifndef IVLEJAIL_GROUPS_MODULE_H
#define IVLEJAIL_GROUPS_MODULE_H

#include "module/conf.h"

/*
 * Makes these groups and moves httpd, or finds them made by the parent's last
 * start; fills in the site's group_directory and keeps.  The runtime directory
 * is there.  What no controller is there for is announced as falling back to
 * IvleJailLimit.  Returns NULL, or what went wrong, which is
 * site->group_fault, too.
 */
const char *ij_groups_start(ij_site *site, server_rec *s, apr_pool_t *p,
                            apr_pool_t *ptemp);

/* For "httpd -t": announces what no httpd could have on this machine. */
void ij_groups_foretell(const ij_site *site, server_rec *s, apr_pool_t *ptemp);

/* The parent ends, all jails have: everything is as it was before. */
void ij_groups_end(const char *instance, apr_pool_t *p);

#endif
