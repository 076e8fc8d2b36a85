/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - what Options cannot allow for jailed pages
 */
#ifndef IVLEJAIL_OPTIONS_H
#define IVLEJAIL_OPTIONS_H

#include "httpd.h"

/*
 * Before output of a jail goes to httpd's filters: server-side includes in it
 * are as with "Options IncludesNOEXEC", whatever the configuration says.
 */
void ij_options_without_exec(request_rec *r);

#endif
