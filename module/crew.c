/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew.c - the threads of one child of httpd: how many of them a user holds,
 * and whose streams wait for one
 *
 * Browsers ask for all that a page needs at once, on one connection, and
 * mod_http2 starts as many streams of it as it has threads.  That is more than
 * a user may hold, and a page is no flood: so a stream waits for a place.
 *
 * Who waits holds a thread of mod_http2's, which may be the last one and
 * somebody else's next.  So it is not for longer than CREW_PATIENCE; and once
 * a stream has waited that long and in vain, its user has not a page but
 * programs that do not end, and for RETRY_MILLISECONDS no stream of theirs
 * waits at all.
 *
 * A place that becomes free is for the one that has waited longest, and not
 * for the stream that comes next: with hundreds to come, those that wait would
 * never have their turn.
 */
#include "module/crew.h"

#include <time.h>

enum {
    RETRY_MILLISECONDS = 5000,  /* as Retry-After says */
    LOOK_MILLISECONDS = 20,     /* for what other children have given back */
    MEMORIES = 64               /* of users, who share them by chance */
};

/* Those that hold something and those that wait, as they came. */
static struct {
    pthread_mutex_t lock;
    crew_member *first;
    int64_t in_vain[MEMORIES];  /* when the last one had waited */
} crew = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int64_t milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t *memory_of(const crew_member *member)
{
    return &crew.in_vain[claims_user(member->word) % MEMORIES];
}

/* --- the list --- */

static void put_in(crew_member *member)
{
    crew_member **end = &crew.first;

    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = member;
}

static void take_out(const crew_member *member)
{
    crew_member **at = &crew.first;

    while (*at != member) {
        at = &(*at)->next;
    }
    *at = member->next;
}

/* The one that has waited longest for the same jail. */
static crew_member *next_like(const crew_member *member)
{
    crew_member *other = crew.first;

    while (other != NULL && (other->is_held || other->word != member->word)) {
        other = other->next;
    }
    return other;
}

static void call_next(const crew_member *member)
{
    crew_member *next = next_like(member);

    if (next != NULL) {
        pthread_cond_signal(&next->called);
    }
}

/* --- counting --- */

static bool is_beside(const crew_member *other, const crew_member *member)
{
    return other->is_held
        && claims_user(other->word) == claims_user(member->word);
}

static claims_end judge(crew_member *member, const crew_limits *limits)
{
    const crew_member *other;
    size_t threads = 0, streams = 0;

    member->leads = true;
    for (other = crew.first; other != NULL; other = other->next) {
        if (is_beside(other, member)) {
            threads += other->leads;
            streams += other->is_stream;
            member->leads &= other->connection != member->connection;
        }
    }
    if (threads + member->leads > limits->threads) {
        return CLAIMS_OVER_THREADS;
    }
    return member->is_stream && streams + 1 > limits->streams
        ? CLAIMS_OVER_STREAMS : CLAIMS_HELD;
}

/* The thread of the connection, to another one that has it, too. */
static void hand_over(const crew_member *member)
{
    crew_member *other = crew.first;

    while (other != NULL && !(is_beside(other, member)
                              && other->connection == member->connection)) {
        other = other->next;
    }
    if (other != NULL) {
        other->leads = true;
    }
}

/* --- joining and leaving --- */

static bool may_wait(const crew_member *member, int64_t now)
{
    int64_t in_vain = *memory_of(member);

    return member->is_stream
        && (in_vain == 0 || now - in_vain >= RETRY_MILLISECONDS);
}

/* What is given back here is called out, but only here. */
static void wait_for_call(crew_member *member, int64_t deadline)
{
    int64_t look = milliseconds() + LOOK_MILLISECONDS;
    int64_t until = next_like(member) == member && look < deadline
        ? look : deadline;
    const struct timespec at = { .tv_sec = until / 1000,
                                 .tv_nsec = until % 1000 * 1000000 };

    pthread_cond_clockwait(&member->called, &crew.lock, CLOCK_MONOTONIC, &at);
}

static claims_end try(crew_member *member, const crew_limits *limits,
                      claims_end (*claim)(void *), void *data)
{
    claims_end end = judge(member, limits);

    if (end == CLAIMS_HELD) {
        end = claim(data);
    }
    member->is_held = end == CLAIMS_HELD;
    return end;
}

/* With the lock. */
static claims_end try_until(int64_t deadline, crew_member *member,
                            const crew_limits *limits,
                            claims_end (*claim)(void *), void *data)
{
    while (milliseconds() < deadline) {
        if (next_like(member) == member
            && try(member, limits, claim, data) == CLAIMS_HELD) {
            return CLAIMS_HELD;
        }
        wait_for_call(member, deadline);
    }
    return try(member, limits, claim, data);
}

claims_end crew_join(crew_member *member, const crew_limits *limits,
                     int patience, claims_end (*claim)(void *), void *data)
{
    int64_t now = milliseconds();
    claims_end end;
    bool waits;

    member->next = NULL;
    member->called = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    member->is_held = false;
    pthread_mutex_lock(&crew.lock);
    put_in(member);
    waits = may_wait(member, now);
    end = try_until(waits ? now + patience : now, member, limits, claim, data);
    if (end != CLAIMS_HELD) {
        take_out(member);
    }
    if (end != CLAIMS_HELD && waits) {
        *memory_of(member) = milliseconds();
    }
    call_next(member);
    pthread_mutex_unlock(&crew.lock);
    return end;
}

void crew_leave(crew_member *member)
{
    pthread_mutex_lock(&crew.lock);
    take_out(member);
    if (member->leads) {
        hand_over(member);
    }
    member->is_held = false;
    call_next(member);
    pthread_mutex_unlock(&crew.lock);
}
