/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.h - gives a program's output to the client
 */
#ifndef IVLEJAIL_SERVE_H
#define IVLEJAIL_SERVE_H

#include "module/ask.h"

/* Returns as a handler does: OK, or what to answer. */
int ij_serve(request_rec *r, const ij_job *job);

#endif
