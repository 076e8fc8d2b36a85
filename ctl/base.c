/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base.c - "ivlejailctl base": base images and their generations
 *
 *   <bases>/<name>/<generation>/        an image, never changed once there
 *   <bases>/<name>/current              a link to the one that httpd takes
 *
 * Building and checking is the work of base-build, a shell script.
 */
#include "base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper.h"
#include "trampoline/layout.h"
#include "trampoline/path.h"

/* A base's or a generation's: [a-z0-9][a-z0-9_.-]*, in one case a time. */
static bool is_name(const char *s)
{
    static const char bytes[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t length = strspn(s, bytes);

    return s[length] == '\0' && length > 0 && length <= NAME_MAX
        && s[0] != '.' && s[0] != '-';
}

static void require_name(const char *s)
{
    if (!is_name(s)) {
        fail_usage("'%s' cannot be the name of a base or a generation: "
                   "letters, digits and _.-", s);
    }
}

static int open_bases(const struct options *options)
{
    size_t culprit;
    int fd = path_open_trusted(options->bases, &culprit);

    if (fd == -1) {
        fail("cannot use '%.*s' of the bases directory: %m: make it root's, "
             "writable by root only", (int)culprit, options->bases);
    }
    return fd;
}

/* A directory of a name that was checked; quietly -1, if there is none. */
static int open_directory(int dirfd, const char *name)
{
    return path_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY);
}

static int open_base(const struct options *options, const char *name)
{
    int bases = open_bases(options);
    int fd = open_directory(bases, name);

    if (fd == -1) {
        fail("no base '%s' in '%s': %m: build it with \"ivlejailctl base "
             "build %s\"", name, options->bases, name);
    }
    close(bases);
    return fd;
}

/* The generation that "current" points to; "" if to none. */
static void read_current(int base, char current[NAME_MAX + 1])
{
    ssize_t n = readlinkat(base, LAYOUT_CURRENT, current, NAME_MAX);

    current[n == -1 ? 0 : n] = '\0';
}

static void join(char path[PATH_MAX], const struct options *options,
                 const char *name, const char *generation)
{
    int n = snprintf(path, PATH_MAX, "%s/%s/%s", options->bases, name,
                     generation);

    if (n < 0 || n >= PATH_MAX) {
        fail("the path of the base '%s' is too long: use a shorter --bases",
             name);
    }
}

/*** Commands ***/

int base_build(const struct options *options, char **operands)
{
    struct helper build;

    require_name(operands[0]);
    helper_init(&build, "base-build", NULL);
    if (options->kind != NULL) {
        helper_add(&build, "--kind");
        helper_add(&build, options->kind);
    }
    if (options->include != NULL) {
        helper_add(&build, "--include");
        helper_add(&build, options->include);
    }
    helper_add(&build, "--bases");
    helper_add(&build, options->bases);
    helper_add(&build, operands[0]);
    helper_exec(&build);
}

int base_check(const struct options *options, char **operands)
{
    struct helper build;
    char current[NAME_MAX + 1], path[PATH_MAX];

    require_name(operands[0]);
    read_current(open_base(options, operands[0]), current);
    if (!is_name(current)) {
        fail("the base '%s' has no current generation: build one, or choose "
             "one with \"ivlejailctl base use\"", operands[0]);
    }
    join(path, options, operands[0], current);
    helper_init(&build, "base-build", NULL);
    helper_add(&build, "--check");
    helper_add(&build, path);
    if (helper_run(&build) != 0) {
        return 1;
    }
    printf("%s is fit to be a base image\n", path);
    return 0;
}

static int is_listed(const struct dirent *entry)
{
    return is_name(entry->d_name)
        && strcmp(entry->d_name, LAYOUT_CURRENT) != 0;
}

/* By name, so generations by time.  Returns how many. */
static int list_names(int dirfd, struct dirent ***names)
{
    int count = scandirat(dirfd, ".", names, is_listed, alphasort);

    if (count == -1) {
        fail("cannot list a directory of base images: %m");
    }
    return count;
}

static void list_generations(int bases, const char *name)
{
    char current[NAME_MAX + 1];
    struct dirent **generations;
    int base = open_directory(bases, name), count, i;

    if (base == -1) {
        return;     /* something else, and of no interest */
    }
    read_current(base, current);
    count = list_names(base, &generations);
    for (i = 0; i < count; i++) {
        const char *generation = generations[i]->d_name;

        printf("%s %s%s\n", name, generation,
               strcmp(generation, current) == 0 ? " current" : "");
        free(generations[i]);
    }
    free(generations);
    close(base);
}

int base_list(const struct options *options, char **operands)
{
    struct dirent **names;
    int bases = open_bases(options);
    int count = list_names(bases, &names), i;

    (void)operands;
    for (i = 0; i < count; i++) {
        list_generations(bases, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return 0;
}

/* In one step: who looks at "current" sees the old one or the new one. */
static void point_current_to(int base, const char *generation)
{
    char link[32];

    snprintf(link, sizeof(link), ".current-%d", (int)getpid());
    if (symlinkat(generation, base, link) == -1) {
        fail("cannot make a link to '%s': %m", generation);
    }
    if (renameat(base, link, base, LAYOUT_CURRENT) == -1) {
        int error = errno;

        (void)unlinkat(base, link, 0);
        fail("cannot replace '" LAYOUT_CURRENT "': %s", strerror(error));
    }
}

int base_use(const struct options *options, char **operands)
{
    const char *name = operands[0], *generation = operands[1];
    struct helper build;
    char path[PATH_MAX];
    int base;

    require_name(name);
    require_name(generation);
    base = open_base(options, name);
    if (strcmp(generation, LAYOUT_CURRENT) == 0
        || open_directory(base, generation) == -1) {
        fail("the base '%s' has no generation '%s': see \"ivlejailctl base "
             "list\"", name, generation);
    }
    join(path, options, name, generation);
    helper_init(&build, "base-build", NULL);
    helper_add(&build, "--check");
    helper_add(&build, path);
    if (helper_run(&build) != 0) {
        fail("'%s' stays as it was: set right what was found, or build a new "
             "generation", name);
    }
    point_current_to(base, generation);
    printf("'%s' is now %s; httpd takes it with \"apachectl graceful\"\n",
           name, path);
    return 0;
}
