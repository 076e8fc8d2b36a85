/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note.c - what CustomLog can say of a request in a jail
 */
#include "module/note.h"

#include "apr_strings.h"

static const char *const names[] = {
    "ivlejail-user", "ivlejail-uid", "ivlejail-cpu-ms", "ivlejail-peak-kib",
    "ivlejail-wall-ms", "ivlejail-verdict"
};

static void note_number(request_rec *r, const char *name, uint64_t number)
{
    apr_table_setn(r->notes, name,
                   apr_psprintf(r->pool, "%" APR_UINT64_T_FMT, number));
}

static void note_usage(request_rec *r, const struct wire_answer *answer)
{
    note_number(r, "ivlejail-cpu-ms", answer->cpu_microseconds / 1000);
    note_number(r, "ivlejail-peak-kib", answer->peak_kib);
    note_number(r, "ivlejail-wall-ms", answer->wall_microseconds / 1000);
}

void ij_note_cause(request_rec *r, const char *user, enum cause cause)
{
    apr_table_setn(r->notes, "ivlejail-user", apr_pstrdup(r->pool, user));
    if (cause != CAUSE_NONE) {
        apr_table_setn(r->notes, "ivlejail-verdict", cause_word(cause));
    }
}

void ij_note(request_rec *r, const ij_job *job, const ij_talk *talk,
             const struct verdict *verdict)
{
    ij_note_cause(r, job->jail.user, verdict->cause);
    if (talk->uid != (uid_t)-1) {
        note_number(r, "ivlejail-uid", talk->uid);
    }
    if (verdict->answer.kind == WIRE_ENDED) {
        note_usage(r, &verdict->answer);
    }
}

static void copy_notes(const request_rec *from, request_rec *to)
{
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = apr_table_get(from->notes, names[i]);

        if (value != NULL) {
            apr_table_setn(to->notes, names[i], value);
        }
    }
}

int ij_note_before_log(request_rec *r)
{
    request_rec *from;

    while (r->next != NULL) {
        r = r->next;
    }
    for (from = r; from != NULL; from = from->prev) {
        if (apr_table_get(from->notes, names[0]) != NULL) {
            copy_notes(from, r);
            break;
        }
    }
    return DECLINED;
}
