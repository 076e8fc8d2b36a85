/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hierarchy.c - where a process is among the control groups of version 2
 */
#include "module/hierarchy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD_MAX = 4096 };      /* of a line of mountinfo */

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');

    return end == NULL || end[1] == '\0' ? NULL : end + 1;
}

bool hierarchy_group(const char *text, char *group, size_t size)
{
    static const char start[] = "0::/";
    const char *line = text;
    size_t length;

    while (line != NULL && strncmp(line, start, strlen(start)) != 0) {
        line = next_line(line);
    }
    if (line == NULL) {
        return false;
    }
    line += strlen(start) - 1;
    length = strcspn(line, "\n");
    if (length >= size) {
        return false;
    }
    memcpy(group, line, length);
    group[length] = '\0';
    return true;
}

/* What of the group is below root; NULL: it is not there. */
static const char *below(const char *root, const char *group)
{
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);

    if (strncmp(group, root, length) != 0
        || (group[length] != '/' && group[length] != '\0')) {
        return NULL;
    }
    return strcmp(group + length, "/") == 0 ? "" : group + length;
}

/* "36 35 98:0 /root /mount/point options... - type source options" */
bool hierarchy_directory(const char *line, const char *group, char *directory,
                         size_t size)
{
    char root[FIELD_MAX], point[FIELD_MAX];
    const char *rest, *type = strstr(line, " - cgroup2 ");
    int length;

    if (type == NULL
        || sscanf(line, "%*u %*u %*u:%*u %4095s %4095s", root, point) != 2) {
        return false;
    }
    rest = below(root, group);
    if (rest == NULL || strchr(point, '\\') != NULL) {
        return false;           /* an escaped character: not where we go */
    }
    length = snprintf(directory, size, "%s%s", point, rest);
    return length > 0 && (size_t)length < size;
}

bool hierarchy_has_word(const char *text, const char *word)
{
    static const char separators[] = " \n";
    size_t length = strlen(word);

    text += strspn(text, separators);
    while (*text != '\0') {
        size_t found = strcspn(text, separators);

        if (found == length && memcmp(text, word, length) == 0) {
            return true;
        }
        text += found;
        text += strspn(text, separators);
    }
    return false;
}

unsigned long long hierarchy_count(const char *text, const char *key)
{
    size_t length = strlen(key);
    const char *line = text;

    while (line != NULL
           && (strncmp(line, key, length) != 0 || line[length] != ' ')) {
        line = next_line(line);
    }
    return line == NULL ? 0 : strtoull(line + length, NULL, 10);
}
