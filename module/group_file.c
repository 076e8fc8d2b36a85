/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_file.c - the small files in which the kernel speaks of control groups
 */
#include "module/group_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "apr_strings.h"

enum { FILE_MAX = 4096 };

const char *ij_group_file(apr_pool_t *p, const char *directory,
                          const char *name)
{
    return apr_pstrcat(p, directory, "/", name, NULL);
}

const char *ij_group_file_text(apr_pool_t *p, const char *path)
{
    char *text = apr_pcalloc(p, FILE_MAX + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1 || read(fd, text, FILE_MAX) == -1) {
        *text = '\0';
    }
    if (fd != -1) {
        close(fd);
    }
    return text;
}

int ij_group_file_put(apr_pool_t *p, const char *directory, const char *name,
                      const char *text)
{
    int fd = open(ij_group_file(p, directory, name), O_WRONLY | O_CLOEXEC);
    int rv = 0;

    if (fd == -1) {
        return errno;
    }
    if (write(fd, text, strlen(text)) == -1) {
        rv = errno;
    }
    close(fd);
    return rv;
}

bool ij_group_has_file(apr_pool_t *p, const char *directory, const char *name)
{
    return access(ij_group_file(p, directory, name), F_OK) == 0;
}
