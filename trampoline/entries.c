/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entries.c - what a directory of root's holds
 */
#include "entries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "path.h"
#include "say.h"

void entries_each(int parent, const char *directory, entries_visitor *visit,
                  void *context)
{
    int fd = path_open_beneath(parent, directory, O_RDONLY | O_DIRECTORY);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (stream == NULL) {
        must(errno == ENOENT, CODE_RUNDIR, "list '%s'", directory);
        return;                 /* removed since it was listed */
    }
    while (errno = 0, (entry = readdir(stream)) != NULL) {
        if (entry->d_name[0] != '.') {
            visit(context, fd, entry->d_name);
        }
    }
    must(errno == 0, CODE_RUNDIR, "list '%s'", directory);
    (void)closedir(stream);
}
