/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch.c - a directory for a test's files, and the descriptors of a test
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"

enum { ORDINARY = 70001, DEPTH_AT_ONCE = 8 };

#define TEMPLATE "/dev/shm/ivlejail-test.XXXXXX"

static char top[] = TEMPLATE;

const char *scratch_path(void)
{
    return top;
}

int scratch_enter(void)
{
    if (geteuid() == 0
        && (setresgid(ORDINARY, ORDINARY, ORDINARY) != 0
            || setresuid(ORDINARY, ORDINARY, ORDINARY) != 0)) {
        return -1;
    }
    memcpy(top, TEMPLATE, sizeof(TEMPLATE));
    return mkdtemp(top) == NULL || chdir(top) != 0 ? -1 : 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag,
                        struct FTW *ftw)
{
    (void) st;
    (void) flag;
    (void) ftw;
    return remove(path);
}

int scratch_remove(const char *path)
{
    return nftw(path, remove_entry, DEPTH_AT_ONCE, FTW_DEPTH | FTW_PHYS);
}

int scratch_leave(void)
{
    return chdir("/") || chmod(top, 0755) || scratch_remove(top);
}

int scratch_count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        n++;
    }
    closedir(dir);
    return n;
}
