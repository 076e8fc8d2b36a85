/* SPDX-License-Identifier: Apache-2.0 */
/*
 * header.h - the header of a program's answer
 */
#ifndef IVLEJAIL_HEADER_H
#define IVLEJAIL_HEADER_H

#include "module/ask.h"
#include "module/pump.h"

/*
 * Reads it into the answer of httpd.  Returns OK, and the body comes next; or
 * what to answer instead, and the program has been seen to its end.
 */
int ij_header_read(request_rec *r, const ij_job *job, ij_pump *pump);

#endif
