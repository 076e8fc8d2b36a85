/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims.c - who holds how many of httpd's workers, counted without a lock
 *
 * Why the limits hold: whoever claims puts the claim into the table first and
 * counts then.  All operations are sequentially consistent, so of any number
 * of claims the one that was put last counts all others, and is given back if
 * they are too many.  (Another count, before that, keeps what is refused
 * anyway from being put there and counted by others.)
 *
 * All claims of a user are in one part of the table, which others share by
 * chance, and the lowest free place of it is taken: so a count has to look at
 * no more places than were ever taken there at the same time, however many
 * other users there are.  Any part has room for all claims that there can be,
 * or a user could fill one; memory is used only where claims have been.
 */
#include "module/claims.h"

#include "trampoline/names.h"

enum {
    PROFILE_SHIFT = 34,
    PID_SHIFT = 42
};

#define USER_MASK ((UINT64_C(1) << PROFILE_SHIFT) - 1)
#define JAIL_MASK ((UINT64_C(1) << PID_SHIFT) - 1)

typedef struct count {
    size_t jail, user;
} count;

size_t claims_bytes(size_t size)
{
    return sizeof(claims) + CLAIMS_PARTS * size * sizeof(uint64_t);
}

void claims_init(claims *table, size_t size)
{
    table->size = size;
}

uint64_t claims_word(pid_t pid, size_t profile, const char *user)
{
    uint64_t hash = (uint64_t)name_lock_offset(user);   /* FNV-1a */

    return (uint64_t)pid << PID_SHIFT
        | (uint64_t)(profile % CLAIMS_PROFILES) << PROFILE_SHIFT
        | ((hash ^ hash >> PROFILE_SHIFT) & USER_MASK);
}

uint64_t claims_user(uint64_t word)
{
    return word & USER_MASK;
}

static pid_t pid_of(uint64_t word)
{
    return (pid_t)(word >> PID_SHIFT);
}

static size_t part_of(uint64_t word)
{
    return claims_user(word) % CLAIMS_PARTS;
}

/* Where the part of the table begins, and at *end where no place ever was. */
static size_t begin_of(claims *table, size_t part, size_t *end)
{
    *end = part * table->size + atomic_load(&table->used[part]);
    return part * table->size;
}

/* What is held of the user of a claim, whoever holds it. */
static count count_like(claims *table, uint64_t word)
{
    size_t end, i = begin_of(table, part_of(word), &end);
    count found = { 0, 0 };

    for (; i < end; i++) {
        uint64_t other = atomic_load(&table->places[i]);

        if (((other ^ word) & USER_MASK) == 0 && other != 0) {
            found.user++;
            found.jail += ((other ^ word) & JAIL_MASK) == 0;
        }
    }
    return found;
}

/* Whether so many may be held and more of them. */
static claims_end judge(const count *held, size_t more,
                        const claims_limits *limits)
{
    if (held->jail + more > limits->jail) {
        return CLAIMS_OVER_JAIL;
    }
    return held->user + more > limits->user ? CLAIMS_OVER_USER : CLAIMS_HELD;
}

/* Whoever takes a place raises the mark above it before counting. */
static void raise_used(atomic_size_t *mark, size_t least)
{
    size_t used = atomic_load(mark);

    while (used < least
           && !atomic_compare_exchange_weak(mark, &used, least)) {
        /* used is what another one made of it */
    }
}

static bool put(claims *table, uint64_t word, size_t *place)
{
    size_t part = part_of(word), begin = part * table->size, i;

    for (i = begin; i < begin + table->size; i++) {
        uint64_t free_word = 0;

        if (atomic_load(&table->places[i]) == 0
            && atomic_compare_exchange_strong(&table->places[i], &free_word,
                                              word)) {
            raise_used(&table->used[part], i - begin + 1);
            *place = i;
            return true;
        }
    }
    return false;
}

void claims_give_back(claims *table, uint64_t word, size_t place)
{
    atomic_compare_exchange_strong(&table->places[place], &word, 0);
}

static claims_end try(claims *table, uint64_t word,
                      const claims_limits *limits, size_t *place)
{
    count held = count_like(table, word);
    claims_end end = judge(&held, 1, limits);

    if (end != CLAIMS_HELD) {
        return end;
    }
    if (!put(table, word, place)) {
        return CLAIMS_FULL;
    }
    held = count_like(table, word);
    end = judge(&held, 0, limits);
    if (end != CLAIMS_HELD) {
        claims_give_back(table, word, *place);
    }
    return end;
}

/*
 * Takes back what dead processes hold of those claims in the part of word that
 * are like it in the bits of mask.  Neighbours are often of one process, which
 * is asked for once.
 */
static bool bury(claims *table, uint64_t word, uint64_t mask,
                 bool (*is_alive)(pid_t))
{
    size_t end, i = begin_of(table, part_of(word), &end);
    pid_t living = 0;
    bool found = false;

    for (; i < end; i++) {
        uint64_t other = atomic_load(&table->places[i]);

        if (other == 0 || ((other ^ word) & mask) != 0
            || pid_of(other) == living) {
            continue;
        }
        if (is_alive(pid_of(other))) {
            living = pid_of(other);
        }
        else if (atomic_compare_exchange_strong(&table->places[i], &other,
                                                0)) {
            found = true;
        }
    }
    return found;
}

claims_end claims_take(claims *table, uint64_t word,
                       const claims_limits *limits, bool (*is_alive)(pid_t),
                       size_t *place)
{
    claims_end end = try(table, word, limits, place);

    if (end != CLAIMS_HELD
        && bury(table, word, end == CLAIMS_FULL ? 0 : USER_MASK, is_alive)) {
        end = try(table, word, limits, place);
    }
    return end;
}

static void forget_in(claims *table, size_t part, pid_t pid)
{
    size_t end, i = begin_of(table, part, &end);

    for (; i < end; i++) {
        uint64_t word = atomic_load(&table->places[i]);

        if (word != 0 && pid_of(word) == pid) {
            atomic_compare_exchange_strong(&table->places[i], &word, 0);
        }
    }
}

void claims_forget(claims *table, pid_t pid)
{
    size_t part;

    for (part = 0; part < CLAIMS_PARTS; part++) {
        forget_in(table, part, pid);
    }
}
