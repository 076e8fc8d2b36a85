/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - what the kernel has counted in a jail's control group
 */
#include "module/events.h"

#include <string.h>

#include "apr_strings.h"

#include "module/group_file.h"
#include "module/hierarchy.h"

enum { EVENTS_MAX = 1024 };

/* What the group's file of that name says, "" where it cannot be read. */
static void read_events(request_rec *r, const ij_job *job, const char *file,
                        char *text, size_t size)
{
    const char *path = apr_psprintf(r->pool, "%s/%s@%s@%s/%s",
                                    job->group_directory, job->jail.profile,
                                    job->jail.generation, job->jail.user,
                                    file);

    ij_group_file_read(path, text, size);
}

struct verdict_events ij_events_before(request_rec *r, const ij_job *job)
{
    struct verdict_events events = { 0 };
    char text[EVENTS_MAX];

    if (job->group_directory != NULL) {
        read_events(r, job, "memory.events", text, sizeof(text));
        events.kills = hierarchy_count(text, "oom_kill");
        events.shortages = hierarchy_count(text, "oom");
        read_events(r, job, "pids.events", text, sizeof(text));
        events.refusals = hierarchy_count(text, "max");
    }
    return events;
}

static bool is_the_same(request_rec *r, const ij_job *job,
                        const ij_talk *talk)
{
    const ij_jail *jail = &job->jail;
    const char *path = apr_psprintf(r->pool, IJ_JAIL_SOCKET, jail->instance,
                                    jail->profile, jail->generation,
                                    jail->user);

    return talk->path != NULL && strcmp(path, talk->path) == 0;
}

/* A group that was made again since then counts from zero. */
static uint64_t since(uint64_t now, uint64_t before)
{
    return now >= before ? now - before : now;
}

struct verdict_events ij_events_since(request_rec *r, const ij_job *job,
                                      const ij_talk *talk,
                                      const struct verdict_events *before)
{
    struct verdict_events events = { 0 };

    if (is_the_same(r, job, talk)) {
        events = ij_events_before(r, job);
        events.kills = since(events.kills, before->kills);
        events.shortages = since(events.shortages, before->shortages);
        events.refusals = since(events.refusals, before->refusals);
    }
    return events;
}
