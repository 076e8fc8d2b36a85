/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance.h - the life of an instance: start, sweeps, end
 *
 * All of it happens in the root parent.
 */
#ifndef IVLEJAIL_INSTANCE_H
#define IVLEJAIL_INSTANCE_H

#include "module/conf.h"

/*
 * Sees to it that the parent's end is the instance's end, whenever this
 * module is unloaded and loaded again in between.  From register_hooks.
 */
void ij_instance_end_with_parent(apr_pool_t *pconf);

/*
 * Takes the instance's lock and name, and has timount make keep and
 * directories where there are none yet.  Again at each restart; the name
 * that a parent started with then stays (site->instance is set to it).
 * Returns NULL, or what went wrong.
 */
const char *ij_instance_start(ij_site *site, server_rec *s,
                              apr_pool_t *pconf, apr_pool_t *ptemp);

/*
 * Returns NULL, or that another httpd runs the instance.  Not for the parent:
 * it would lose its own lock (closing any descriptor of the file drops it).
 */
const char *ij_instance_owner(const char *name, apr_pool_t *p);

/* Whether this parent has started an instance before. */
bool ij_instance_is_started(void);

/* Starts a sweep when it is time and none runs.  Never waits. */
void ij_instance_monitor(server_rec *s, apr_pool_t *p);

/* In a child: lets go of what only the parent needs. */
void ij_instance_child_init(void);

#endif
