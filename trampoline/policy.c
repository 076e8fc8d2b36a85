/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - reads the sealed policy, or refuses it
 *
 * The lines have one order, so the parser is the grammar written down: each
 * take() says which key must come now and with how many values, and what
 * follows it says what they must look like.  The first fault ends it: there
 * is no way to go on after one, and nothing is skipped, not even the profiles
 * that nobody asked for.  The text is cut into strings in place.
 */
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"

#define TEXT_OF(number) TEXT_OF_EXPANDED(number)
#define TEXT_OF_EXPANDED(number) #number

enum { VALUES_MAX = 4 };

struct parser {
    struct policy_error *error;
    char *next, *end;               /* the text that is left */
    unsigned int line;              /* number of the line read last */
    char *value[VALUES_MAX];        /* what stands in it */
    bool found;                     /* the wanted profile */
};

/* Always false.  A text that is too long is cut: it is for humans. */
__attribute__((format(printf, 3, 4)))
static bool fail(struct policy_error *error, enum code code,
                 const char *format, ...)
{
    va_list arguments;

    error->code = code;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return false;
}

/*** Lines ***/

/* Cuts a line at its single spaces.  False: it is of another form. */
static bool split(struct parser *p, char *line, size_t *count)
{
    char *field;

    for (*count = 0; (field = strsep(&line, " ")) != NULL; (*count)++) {
        if (field[0] == '\0' || *count == VALUES_MAX) {
            return false;
        }
        p->value[*count] = field;
    }
    return true;
}

/* Reads the next line, which must be this key and so many values. */
static bool take(struct parser *p, const char *key, size_t count)
{
    char *line = p->next;
    char *end = memchr(line, '\n', (size_t)(p->end - line));
    size_t length = strlen(key), found = 0;

    p->next = end + 1;
    p->line++;
    *end = '\0';
    if (strncmp(line, key, length) != 0
        || (line[length] != ' ' && line[length] != '\0')) {
        return fail(p->error, CODE_POLICY_KEY, "line %u: '%.32s' where '%s' "
                    "belongs", p->line, line, key);
    }
    line += length;
    if ((*line == ' ' && !split(p, line + 1, &found)) || found != count) {
        return fail(p->error, CODE_POLICY_VALUE, "line %u: '%s' has %zu values",
                    p->line, key, count);
    }
    return true;
}

static bool comes(const struct parser *p, const char *key)
{
    return strncmp(p->next, key, strlen(key)) == 0;
}

/*** Values ***/

static bool bad_value(struct parser *p, const char *value)
{
    return fail(p->error, CODE_POLICY_VALUE, "line %u: '%.64s'", p->line,
                value);
}

/* Decimal, no sign, no leading zero, within [min, max]. */
static bool parse_number(const char *s, uint64_t min, uint64_t max,
                         uint64_t *number)
{
    uint64_t n = 0;
    size_t i;

    if (s[0] == '\0' || (s[0] == '0' && s[1] != '\0')) {
        return false;
    }
    for (i = 0; s[i] != '\0'; i++) {
        uint64_t digit = (unsigned char)s[i] - (uint64_t)'0';

        if (digit > 9 || digit > max || n > (max - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    *number = n;
    return n >= min;
}

static bool number(struct parser *p, const char *s, uint32_t min,
                   uint32_t max, uint32_t *value)
{
    uint64_t n = 0;

    if (!parse_number(s, min, max, &n)) {
        return bad_value(p, s);
    }
    *value = (uint32_t)n;
    return true;
}

static bool limit(struct parser *p, const char *s, rlim_t min, rlim_t *value)
{
    if (strcmp(s, "unlimited") == 0) {
        *value = RLIM_INFINITY;
        return true;
    }
    return parse_number(s, min, RLIM_INFINITY - 1, value) || bad_value(p, s);
}

/* One of these words; its place is the value. */
static bool word(struct parser *p, const char *const words[],
                 unsigned int count, unsigned int *place)
{
    for (*place = 0; *place < count; (*place)++) {
        if (strcmp(p->value[0], words[*place]) == 0) {
            return true;
        }
    }
    return bad_value(p, p->value[0]);
}

/* Absolute and resolved: no empty, "." or ".." component, and not "/". */
static bool is_resolved_path(const char *s)
{
    while (*s == '/') {
        size_t length = strcspn(++s, "/");

        if (length == 0 || (length <= 2 && strspn(s, ".") == length)) {
            return false;
        }
        s += length;
        if (*s == '\0') {
            return true;
        }
    }
    return false;
}

static bool name(struct parser *p, const char *s,
                 bool (*is_right)(const char *), const char **value)
{
    *value = s;
    return is_right(s) || bad_value(p, s);
}

static bool path(struct parser *p, const char *s, const char **value)
{
    return name(p, s, is_resolved_path, value);
}

/*** The grammar ***/

static bool read_head(struct parser *p, struct policy *policy)
{
    return take(p, "instance", 1)
        && name(p, p->value[0], name_is_instance, &policy->instance)
        && take(p, "httpd", 2)
        && number(p, p->value[0], 1, POLICY_ID_MAX, &policy->httpd_uid)
        && number(p, p->value[1], 1, POLICY_ID_MAX, &policy->httpd_gid)
        && take(p, "warden", 1)
        && path(p, p->value[0], &policy->warden);
}

static bool read_limits(struct parser *p, struct rlimit limits[LIMIT_COUNT])
{
    char key[16];
    unsigned int i;

    for (i = 0; i < LIMIT_COUNT; i++) {
        snprintf(key, sizeof(key), "limit %s", limit_kinds[i].name);
        if (!take(p, key, 2)
            || !limit(p, p->value[0], 0, &limits[i].rlim_cur)
            || !limit(p, p->value[1], limits[i].rlim_cur,
                      &limits[i].rlim_max)) {
            return false;
        }
    }
    return true;
}

/* Only where the option means something. */
static bool set_mount_option(const char *option, struct policy_mount *mount)
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

static bool read_mount_options(struct parser *p, char *options,
                               struct policy_mount *mount)
{
    char *option;

    if (strcmp(options, "-") == 0) {
        return true;
    }
    while ((option = strsep(&options, ",")) != NULL) {
        if (!set_mount_option(option, mount)) {
            return bad_value(p, option);
        }
    }
    return true;
}

static bool read_mount(struct parser *p, struct policy_mount *mount)
{
    static const char *const kinds[] = { "proc", "tmpfs", "devpts", "bind" };

    *mount = (struct policy_mount){ .source = NULL };
    if (!take(p, "mount", 4) || !word(p, kinds, 4, &mount->kind)
        || !path(p, p->value[1], &mount->target)) {
        return false;
    }
    if (mount->kind == MOUNT_BIND) {
        return path(p, p->value[2], &mount->source)
            && read_mount_options(p, p->value[3], mount);
    }
    if (strcmp(p->value[2], "-") != 0) {
        return bad_value(p, p->value[2]);
    }
    return read_mount_options(p, p->value[3], mount);
}

static bool read_mounts(struct parser *p, struct policy_profile *profile)
{
    profile->mount_count = 0;
    while (comes(p, "mount ") && profile->mount_count < POLICY_MOUNTS_MAX) {
        if (!read_mount(p, &profile->mounts[profile->mount_count])) {
            return false;
        }
        profile->mount_count++;
    }
    return true;
}

/* Bytes in hexadecimal, as they lie in memory. */
static bool parse_hex(const char *s, unsigned char *bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (; *s != '\0'; s += 2) {
        const char *high = strchr(digits, s[0]), *low = strchr(digits, s[1]);

        if (high == NULL || low == NULL) {
            return false;
        }
        *bytes++ = (unsigned char)((high - digits) << 4 | (low - digits));
    }
    return true;
}

static bool read_filter(struct parser *p, struct policy_profile *profile)
{
    const size_t digits = 2 * sizeof(profile->filter[0]);
    size_t length;

    if (!take(p, "seccomp", 1)) {
        return false;
    }
    profile->filter_count = 0;
    if (strcmp(p->value[0], "off") == 0) {
        return true;
    }
    length = strlen(p->value[0]);
    if (length % digits != 0 || length / digits > POLICY_FILTER_MAX
        || !parse_hex(p->value[0], (unsigned char *)profile->filter)) {
        return bad_value(p, p->value[0]);
    }
    profile->filter_count = length / digits;
    return true;
}

/* Two profiles of one name: which limits hold must never be a question. */
static bool check_unique(const struct parser *p, const char *profile)
{
    char line[NAME_PROFILE_MAX + 16];

    snprintf(line, sizeof(line), "\nprofile %s ", profile);
    return strstr(p->next, line) == NULL
        || fail(p->error, CODE_POLICY_KEY, "profile '%s' twice", profile);
}

static bool read_profile(struct parser *p, struct policy_profile *profile)
{
    static const char *const provisions[] = { "off", "range", "system" };
    static const char *const networks[] = { "none", "host" };
    static const char *const switches[] = { "off", "on" };

    return take(p, "profile", 2)
        && name(p, p->value[0], name_is_profile, &profile->name)
        && name(p, p->value[1], name_is_generation, &profile->generation)
        && check_unique(p, profile->name)
        && take(p, "base", 1)
        && path(p, p->value[0], &profile->base)
        && take(p, "users", 1)
        && path(p, p->value[0], &profile->users)
        && take(p, "uids", 2)
        && number(p, p->value[0], POLICY_UID_MIN, POLICY_ID_MAX,
                  &profile->uid_min)
        && number(p, p->value[1], profile->uid_min, POLICY_ID_MAX,
                  &profile->uid_max)
        && take(p, "provision", 1)
        && word(p, provisions, 3, &profile->provision)
        && read_limits(p, profile->limits)
        && take(p, "max-requests", 2)
        && number(p, p->value[0], 1, POLICY_REQUESTS_MAX,
                  &profile->max_requests)
        && number(p, p->value[1], 0, POLICY_REQUESTS_MAX, &profile->queue)
        && take(p, "idle", 1)
        && number(p, p->value[0], 1, POLICY_IDLE_MAX, &profile->idle_seconds)
        && take(p, "network", 1)
        && word(p, networks, 2, &profile->network)
        && take(p, "linger", 1)
        && word(p, switches, 2, &profile->linger)
        && read_mounts(p, profile)
        && read_filter(p, profile);
}

/* Reads all profiles; the wanted one, if there is one, is kept. */
static bool read_profiles(struct parser *p, const char *wanted,
                          struct policy_profile *kept)
{
    struct policy_profile other = { .name = NULL };

    while (comes(p, "profile ")) {
        if (!read_profile(p, &other)) {
            return false;
        }
        if (wanted != NULL && strcmp(other.name, wanted) == 0) {
            *kept = other;
            p->found = true;
        }
    }
    return true;
}

/* The version comes first: a later one may change everything else. */
static bool read_version(struct parser *p)
{
    if (memchr(p->next, '\n', (size_t)(p->end - p->next)) == NULL) {
        return fail(p->error, CODE_POLICY_TRUNCATED, "not even one line");
    }
    if (!take(p, "ivlejail-policy", 1)) {
        return false;
    }
    return strcmp(p->value[0], TEXT_OF(POLICY_VERSION)) == 0
        || fail(p->error, CODE_POLICY_NEWER, "version '%.16s', not "
                TEXT_OF(POLICY_VERSION), p->value[0]);
}

/* Before the rest is cut into lines: it is text, and all of it is there. */
static bool check_rest(const struct parser *p)
{
    static const char tail[] = "\nend\n";
    const char *found = strstr(p->next, tail), *c;

    if (found == NULL || found + strlen(tail) != p->end) {
        return fail(p->error, CODE_POLICY_TRUNCATED, "the last line is not "
                    "the one 'end'");
    }
    for (c = p->next; c < p->end; c++) {
        if (((unsigned char)*c < ' ' && *c != '\n') || *c == 0x7f) {
            return fail(p->error, CODE_POLICY_VALUE, "a control character");
        }
    }
    return true;
}

bool policy_parse(char *text, size_t size, const char *profile,
                  struct policy *policy, struct policy_error *error)
{
    struct parser parser = { .error = error, .next = text, .end = text + size };

    text[size] = '\0';
    return read_version(&parser)
        && check_rest(&parser)
        && read_head(&parser, policy)
        && read_profiles(&parser, profile, &policy->profile)
        && take(&parser, "end", 0)
        && (profile == NULL || parser.found
            || fail(error, CODE_POLICY_PROFILE, "'%s'", profile));
}

/*** The file ***/

/* Whether root, and nobody else, wrote the file; it is not opened by name. */
static bool check_file(int fd, struct policy_error *error)
{
    struct stat st;

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
        return fail(error, CODE_POLICY_OWNER, "not a regular file with one "
                    "name");
    }
    if (st.st_uid != 0) {
        return fail(error, CODE_POLICY_OWNER, "owned by uid %u", st.st_uid);
    }
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return fail(error, CODE_POLICY_WRITABLE, "mode %04o",
                    st.st_mode & 07777);
    }
    return true;
}

/* A regular file that nobody writes to any more comes with one read. */
static bool read_file(int fd, const char *instance, const char *profile,
                      struct policy *policy, struct policy_error *error)
{
    static char buffer[POLICY_SIZE_MAX + 1];
    ssize_t length = read(fd, buffer, sizeof(buffer));

    if (length == -1) {
        return fail(error, CODE_POLICY_TRUNCATED, "%s", strerror(errno));
    }
    if (length > POLICY_SIZE_MAX) {
        return fail(error, CODE_POLICY_VALUE, "larger than %d bytes",
                    POLICY_SIZE_MAX);
    }
    if (!policy_parse(buffer, (size_t)length, profile, policy, error)) {
        return false;
    }
    return strcmp(policy->instance, instance) == 0
        || fail(error, CODE_POLICY_VALUE, "of instance '%s', not '%s'",
                policy->instance, instance);
}

bool policy_read(int dirfd, const char *instance, const char *profile,
                 struct policy *policy, struct policy_error *error)
{
    int fd = openat(dirfd, LAYOUT_POLICY,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool good;

    if (fd == -1) {
        return fail(error, errno == ELOOP ? CODE_POLICY_OWNER
                                          : CODE_POLICY_MISSING,
                    "instance '%s': %s", instance, strerror(errno));
    }
    good = check_file(fd, error)
        && read_file(fd, instance, profile, policy, error);
    close(fd);
    return good;
}
