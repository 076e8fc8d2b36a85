/*
 * settings.h - the part of a profile that only warden and cgroup obey
 *
 * The trampoline hands it on without looking at it until it has become the
 * user: parsing needs no privilege.
 */
#ifndef IVLEJAIL_SETTINGS_H
#define IVLEJAIL_SETTINGS_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "groups.h"
#include "limits.h"
#include "policy.h"

enum {
    SETTINGS_REQUESTS_MAX = 500,    /* running, and queued: four descriptors
                                       each fit into the warden's 4096 */
    SETTINGS_IDLE_MAX = 86400,
    SETTINGS_FILTER_MAX = 1024      /* instructions; the kernel takes 4096 */
};

struct settings {
    struct rlimit limits[LIMIT_COUNT];
    uint32_t max_requests, queue;
    uint32_t idle_seconds;
    unsigned int linger;            /* 0 or 1 */
    struct sock_filter filter[SETTINGS_FILTER_MAX];
    size_t filter_count;            /* 0: off */
    struct group_setting group[GROUP_KEYS];
};

/* As policy_parse(), for the lines that it has left; once per policy. */
bool settings_parse(const struct policy_profile *profile,
                    struct settings *settings, struct policy_error *error);

#endif
