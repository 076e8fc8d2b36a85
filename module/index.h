/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h - what is served of a directory: a file in it, or a list
 */
#ifndef IVLEJAIL_INDEX_H
#define IVLEJAIL_INDEX_H

#include "module/ask.h"

/* What may be served where the request leads to a directory: set in *job. */
void ij_index_allow(request_rec *r, const ij_dir_conf *conf, ij_job *job);

/* Adds to r->filename which of the files it is, if it is one of them. */
void ij_index_name(request_rec *r, const ij_job *job,
                   const struct wire_answer *answer);

/* Sends the client from "/x" to "/x/".  Returns as a handler does. */
int ij_index_add_slash(request_rec *r);

/*
 * Sends a list of what is in the directory: the entries are in the memfd fd,
 * which is closed.  Returns as a handler does.
 */
int ij_index_list(request_rec *r, const struct wire_answer *answer, int fd);

#endif
