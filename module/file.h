/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - serves a file that a warden has opened
 */
#ifndef IVLEJAIL_FILE_H
#define IVLEJAIL_FILE_H

#include "httpd.h"

/*
 * What httpd does before it sends something that is only there to be read: it
 * says which methods there are, and reads past the request's body.  Returns
 * DECLINED where it is to be sent, or what the handler is to return.
 */
int ij_file_check_method(request_rec *r);

/*
 * Sends the regular file that is open at fd, and closes that; its type is
 * found by the extension of r->filename.  Returns as a handler does.
 */
int ij_file_serve(request_rec *r, int fd);

#endif
