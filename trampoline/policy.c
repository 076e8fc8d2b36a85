/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - reads the sealed policy, or refuses it
 *
 * The lines have one order, and the tables below are the grammar.  There is
 * no way to go on after a fault, and no profile is skipped.  What only the
 * warden obeys is the last part of each profile: it is found here, and read
 * by settings.c when there is no privilege left.
 */
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"
#include "parse.h"

#define COUNT(rows) (sizeof (rows) / sizeof *(rows))
/* Absolute and resolved: no empty, "." or ".." component, and not "/". */
static bool is_resolved_path(const char *s)
{
    size_t length;

    do {
        length = *s == '/' ? strcspn(++s, "/") : 0;
        if (length == 0 || (length <= 2 && strspn(s, ".") == length)) {
            return false;
        }
        s += length;
    } while (*s != '\0');
    return true;
}

static const char *const provisions[] = { "off", "range", "system", NULL };
static const char *const networks[] = { "none", "host", NULL };
static const char *const switches[] = { "off", "on", NULL };
const char *const policy_mount_kinds[] = { "proc", "tmpfs", "devpts", "bind",
                                           NULL };

#define NAME(type, member, is) \
    { PARSE_NAME, offsetof(type, member), is, 0, 0, 0 }
#define ID(type, member, min) \
    { PARSE_NUMBER, offsetof(type, member), 0, min, POLICY_ID_MAX, 0 }
#define WORD(type, member, words) \
    { PARSE_WORD, offsetof(type, member), 0, 0, 0, words }

static const struct parse_row head_rows[] = {
    { "instance", { NAME(struct policy, instance, name_is_instance) } },
    { "httpd", { ID(struct policy, httpd_uid, 1),
                 ID(struct policy, httpd_gid, 1) } },
    { "warden", { NAME(struct policy, warden, is_resolved_path) } },
};

static const struct parse_row profile_rows[] = {
    { "profile", { NAME(struct policy_profile, name, name_is_profile),
                   NAME(struct policy_profile, generation,
                        name_is_generation) } },
    { "base", { NAME(struct policy_profile, base, is_resolved_path) } },
    { "users", { NAME(struct policy_profile, users, is_resolved_path) } },
    { "uids", { ID(struct policy_profile, uid_min, POLICY_UID_MIN),
                ID(struct policy_profile, uid_max, POLICY_UID_MIN) } },
    { "provision", { WORD(struct policy_profile, provision, provisions) } },
    { "network", { WORD(struct policy_profile, network, networks) } },
    { "cgroup", { WORD(struct policy_profile, has_group, switches) } },
};

/* Only where the option means something. */
static bool read_mount_option(const char *option, struct policy_mount *mount)
{
    if (mount->kind == MOUNT_BIND && strcmp(option, "rw") == 0) {
        mount->writable = true;
        return true;
    }
    if (mount->kind == MOUNT_TMPFS && strcmp(option, "exec") == 0) {
        mount->executable = true;
        return true;
    }
    return mount->kind == MOUNT_TMPFS && strncmp(option, "size=", 5) == 0
           && parse_number(option + 5, 1, UINT64_MAX, &mount->size);
}

static bool read_mount(struct parser *p, struct policy_mount *mount)
{
    char *options, *option;

    *mount = (struct policy_mount){ .source = NULL };
    if (!parse_take(p, "mount", 4)) {
        return false;
    }
    mount->target = p->value[1];
    if (!parse_word(p->value[0], policy_mount_kinds, &mount->kind)
        || !is_resolved_path(mount->target)
        || (mount->kind == MOUNT_BIND ? !is_resolved_path(p->value[2])
                                      : strcmp(p->value[2], "-") != 0)) {
        return parse_bad_value(p, p->value[1]);
    }
    mount->source = mount->kind == MOUNT_BIND ? p->value[2] : NULL;
    options = p->value[3];
    while (strcmp(p->value[3], "-") != 0
           && (option = strsep(&options, ",")) != NULL) {
        if (!read_mount_option(option, mount)) {
            return parse_bad_value(p, option);
        }
    }
    return true;
}

static bool read_mounts(struct parser *p, struct policy_profile *profile)
{
    size_t *count = &profile->mount_count;

    for (*count = 0; parse_comes(p, "mount "); (*count)++) {
        if (*count == POLICY_MOUNTS_MAX) {
            return parse_bad_value(p, "too many mounts");
        }
        if (!read_mount(p, &profile->mounts[*count])) {
            return false;
        }
    }
    return true;
}

/* Up to the next profile; settings.c knows what belongs there. */
static void find_settings(struct parser *p, struct policy_profile *profile)
{
    profile->settings = p->next;
    profile->settings_line = p->line;
    while (!parse_comes(p, "profile ") && !parse_comes(p, "end\n")) {
        p->next = strchr(p->next, '\n') + 1;
        p->line++;
    }
    profile->settings_end = p->next;
}

/* Two profiles of one name: which limits hold must never be a question. */
static bool check_unique(const struct parser *p, const char *profile)
{
    char line[NAME_PROFILE_MAX + 16];

    (void)snprintf(line, sizeof line, "\nprofile %s ", profile);
    return (!parse_comes(p, line + 1) && strstr(p->next, line) == NULL)
           || parse_fail(p->error, CODE_POLICY_KEY, "profile '%s' twice",
                         profile);
}

static bool read_profile(struct parser *p, struct policy_profile *profile)
{
    if (!parse_rows(p, profile_rows, COUNT(profile_rows), profile)
        || !read_mounts(p, profile)) {
        return false;
    }
    find_settings(p, profile);
    return check_unique(p, profile->name)
           && (profile->uid_min <= profile->uid_max
               || parse_bad_value(p, "uids"));
}

/* Reads all profiles; the wanted one, if there is one, is kept. */
static bool read_profiles(struct parser *p, const char *wanted,
                          struct policy_profile *kept)
{
    struct policy_profile profile;
    bool found = wanted == NULL;

    while (parse_comes(p, "profile ")) {
        if (!read_profile(p, &profile)) {
            return false;
        }
        if (wanted != NULL && strcmp(profile.name, wanted) == 0) {
            *kept = profile;
            found = true;
        }
    }
    return parse_take(p, "end", 0)
           && (found || parse_fail(p->error, CODE_POLICY_PROFILE, "'%s'",
                                   wanted));
}

/* The version comes first: a later one may change everything else. */
static bool read_version(struct parser *p)
{
    return parse_take(p, "ivlejail-policy", 1)
           && (strcmp(p->value[0], POLICY_VERSION) == 0
               || parse_fail(p->error, CODE_POLICY_NEWER, "version '%.16s', "
                             "not " POLICY_VERSION, p->value[0]));
}

/* Before the rest is cut into lines: it is text, and all of it is there. */
static bool check_rest(const struct parser *p)
{
    static const char tail[] = "\nend\n";
    const char *found = strstr(p->next, tail), *c;

    if (found == NULL || found + strlen(tail) != p->end) {
        return parse_fail(p->error, CODE_POLICY_TRUNCATED, "the last line is "
                          "not the one 'end'");
    }
    for (c = p->next; c < p->end; c++) {
        if (((unsigned char)*c < ' ' && *c != '\n') || *c == 0x7f) {
            return parse_fail(p->error, CODE_POLICY_VALUE,
                              "a control character");
        }
    }
    return true;
}

bool policy_parse(char *text, size_t size, const char *profile,
                  struct policy *policy, struct policy_error *error)
{
    struct parser parser = { .error = error, .next = text, .end = text + size };

    text[size] = '\0';
    return read_version(&parser) && check_rest(&parser)
           && parse_rows(&parser, head_rows, COUNT(head_rows), policy)
           && read_profiles(&parser, profile, &policy->profile);
}

/* Whether root, and nobody else, wrote the file; it is not opened by name. */
static bool check_file(int fd, struct policy_error *error)
{
    struct stat st;

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_nlink != 1
        || st.st_uid != 0) {
        return parse_fail(error, CODE_POLICY_OWNER, "not a file of root's "
                          "with one name");
    }
    return (st.st_mode & (S_IWGRP | S_IWOTH)) == 0
           || parse_fail(error, CODE_POLICY_WRITABLE, "mode %04o",
                         st.st_mode & 07777);
}

/* A regular file that nobody writes to any more comes with one read. */
static bool read_file(int fd, const char *instance, const char *profile,
                      struct policy *policy, struct policy_error *error)
{
    static char buffer[POLICY_SIZE_MAX + 1];
    ssize_t length = read(fd, buffer, sizeof buffer);

    if (length < 0 || length > POLICY_SIZE_MAX) {
        return parse_fail(error, CODE_POLICY_VALUE, "%zd of at most %d bytes",
                          length, POLICY_SIZE_MAX);
    }
    return policy_parse(buffer, (size_t)length, profile, policy, error)
           && (strcmp(policy->instance, instance) == 0
               || parse_fail(error, CODE_POLICY_VALUE, "of instance '%s', not "
                             "'%s'", policy->instance, instance));
}

bool policy_read(int dirfd, const char *instance, const char *profile,
                 struct policy *policy, struct policy_error *error)
{
    int fd = openat(dirfd, LAYOUT_POLICY,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool good;

    if (fd == -1) {
        return parse_fail(error, errno == ELOOP ? CODE_POLICY_OWNER
                                                : CODE_POLICY_MISSING,
                          "instance '%s': %s", instance, strerror(errno));
    }
    good = check_file(fd, error)
           && read_file(fd, instance, profile, policy, error);
    (void)close(fd);
    return good;
}
