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

void ij_group_file_read(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd == -1 ? -1 : read(fd, text, size - 1);

    if (fd != -1) {
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
}

const char *ij_group_file_text(apr_pool_t *p, const char *path)
{
    char *text = apr_palloc(p, FILE_MAX + 1);

    ij_group_file_read(path, text, FILE_MAX + 1);
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
