/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.pml - the life of one user's jail, as a model for spin(1)
 *
 * Several requests of one user at the same moment, each with a trampoline of
 * its own where it finds no warden; a sweep that goes round and round; an
 * eviction; and things that go wrong (trampolines and wardens that are killed
 * or fail) a bounded number of times.  spin goes through every order in which
 * their steps can happen.  A step here is what the kernel does as one:
 *
 *   lock      the OFD lock on the user's byte        (keep.c)
 *   pinned    which jail's namespace lies on the pin  (publish.c, jail.c)
 *   mark      MNT_EXPIRE has been there once          (sweep.c)
 *   hold[j]   open descriptors of the pin of jail j: they make it busy
 *   sock      whose socket lies at the path; listens[w] until SHUT_RD
 *
 * Held against it, in every state that can be reached:
 *   - there is one jail at most, and wardens are in that one
 *   - a pin never expires under a warden, nor a socket under a listener
 *   - no request runs twice; none is lost but by a kill, a failure or an
 *     eviction; and each comes to its end (no state without a way on)
 *
 * One thing is about time: an idle warden ends after IvleJailIdle, at least a
 * second.  A cold start takes milliseconds.  So a warden that was started
 * while a request was on its cold way does not end idly before that request
 * has come to its end (owes[w]); about older wardens nothing is assumed.
 *
 * t/model/jail.t runs it, and then with one rule of the protocol left out at a
 * time (BREAK_*), which spin must notice: a model that nothing can break says
 * nothing.
 */

#ifndef REQUESTS
#define REQUESTS 3
#endif
#ifndef FAULTS
#define FAULTS 1                /* kills and failures, in all */
#endif
#ifndef EVICTIONS
#define EVICTIONS 1
#endif

#ifndef COLD_STARTS_MAX
#define COLD_STARTS_MAX 2       /* module/ask.c */
#endif

#define WARDENS 4               /* at a time */
#define JAILS 4
#define SWEEPER 250             /* as holders of the lock; else request + 1 */
#define EVICTER 251

mtype = { WAITS, ACCEPTED, ENDED, RESET, CUT }; /* of a connection; CUT: it
                                                   was accepted before */
mtype = { FREE, PREPARED, GO, RUNS, FAILED };   /* of a warden */
mtype = { SERVED, REFUSED, LOST };              /* of a request, at last */

byte lock;                      /* 0: nobody */
byte pinned;                    /* 0: nothing lies there */
bool mark;
bool pin_file;                  /* what a pin lies on, or lay */
byte sock;                      /* 0: no socket at the path */
byte hold[JAILS + 1];
bool listens[WARDENS + 1];
mtype state[WARDENS + 1] = FREE;
byte jail_of[WARDENS + 1];
bool orphan[WARDENS + 1];       /* its trampoline died before GO */
bool doomed[WARDENS + 1];       /* SIGKILL is on its way */
byte backlog[WARDENS + 1];      /* connections, as bits */
byte owes[WARDENS + 1];         /* requests that it outlasts, as bits */

mtype connection[REQUESTS];
byte ran[REQUESTS];
byte begun;                     /* requests so far */
byte on_cold_way;               /* requests, as bits */
byte faults = FAULTS;
byte evictions = EVICTIONS;
bool disturbed;                 /* a request may be lost now */

#define BIT(c) (1 << (c))
#define in(set, c) (((set) & BIT(c)) != 0)
#define is_answered() (sock != 0 && listens[sock])

inline pick_jail(j) {
    j = 1;
    do
    :: hold[j] != 0 || pinned == j -> j++
    :: else -> break
    od
}

inline pick_warden(w) {
    w = 1;
    do
    :: state[w] != FREE || sock == w -> w++
    :: else -> break
    od
}

/* --- warden.c, serve.c ---------------------------------------------------- */

/* Its descriptors are closed: the listener with all that waits there. */
inline leave(w, c) {
    d_step {
        listens[w] = false;
        c = 0;
        do
        :: c < REQUESTS ->
            if
            :: in(backlog[w], c) ->
                connection[c] = (connection[c] == WAITS -> RESET
                                                         : connection[c])
            :: else
            fi;
            c++
        :: else -> break
        od;
        backlog[w] = 0;
        owes[w] = 0;
        doomed[w] = false;
        orphan[w] = false;
        hold[jail_of[w]]--;
        jail_of[w] = 0;
        state[w] = FREE;
        c = 0
    }
}

#define is_killed(w) (doomed[w] || faults > 0)

inline note_kill(w) {
    disturbed = true;
    if
    :: doomed[w]
    :: else -> faults--
    fi
}

proctype Warden(byte w) {
    byte c = 0;
    bool ending = false;

    /* become.c: no privilege is left, the pin is held */
    if
    :: state[w] == GO ->
        if
        :: state[w] = RUNS
        :: atomic { faults > 0 -> faults--; disturbed = true };
            state[w] = FAILED;
            goto dead
        fi
    :: atomic { orphan[w] -> goto dead }
    :: atomic { is_killed(w) -> note_kill(w); goto dead }
    fi;

    do
    :: atomic { backlog[w] != 0 ->
            c = 0;
            do
            :: !in(backlog[w], c) -> c++
            :: else -> break
            od;
            connection[c] = ACCEPTED };
        atomic {
            if
            :: ran[c]++;
                assert(ran[c] == 1);
                connection[c] = ENDED;
                backlog[w] = backlog[w] & ~BIT(c)
            :: is_killed(w) -> note_kill(w);
                connection[c] = CUT;
                goto dead
            fi
        }
    /* idle: connections that came just before are in the backlog still */
    :: atomic { !ending && (owes[w] & on_cold_way) == 0 ->
            ending = true;
#ifdef BREAK_IDLE_EXIT
            goto dead
#else
            listens[w] = false
#endif
        }
    :: atomic { ending && backlog[w] == 0 -> break }
    :: atomic { is_killed(w) -> note_kill(w); goto dead }
    od;
dead:
    leave(w, c)
}

/* --- trampoline.c --------------------------------------------------------- */

/* The process is gone: its descriptors, the lock among them, and a child
   that has had no GO follows. */
inline drop(c, j, w) {
    d_step {
        if
        :: w != 0 && state[w] == PREPARED -> orphan[w] = true
        :: else
        fi;
        if
        :: j != 0 -> hold[j]--
        :: else
        fi;
        lock = (lock == c + 1 -> 0 : lock);
        w = 0;
        j = 0
    }
}

/* A kill, or a step that fails: then it takes back what it has published. */
#define MAY_DIE \
    :: atomic { faults > 0 -> faults--; disturbed = true; goto killed } \
    :: atomic { faults > 0 -> faults--; disturbed = true; goto failed }

/* --- a request: ask.c, talk.c; its cold way is the trampoline's ------------ */

proctype Request(byte c) {
    byte starts = 0, w = 0, j = 0;
    bool is_new = false, is_pinned = false, is_bound = false;
    mtype end;

    /* they are all alike: to begin in one order is to begin in any */
    atomic { begun == c -> begun++ };
connect:
    atomic {
        if
        :: is_answered() ->
            connection[c] = WAITS;
            backlog[sock] = backlog[sock] | BIT(c)
        :: else -> goto nobody
        fi
    };
    if
    :: atomic { connection[c] == ENDED -> end = SERVED; goto done }
    :: atomic { connection[c] == CUT -> end = LOST; goto done }
    /* without ACCEPTED nothing ran: it may be tried again */
    :: atomic { connection[c] == RESET -> assert(disturbed); goto nobody }
    fi;

nobody:
    if
    :: starts == COLD_STARTS_MAX -> end = REFUSED; goto done
    :: else -> atomic { starts++; on_cold_way = on_cold_way | BIT(c) }
    fi;

    /* keep_lock */
#ifdef BREAK_LOCK
    skip;
#else
    atomic { lock == 0 -> lock = c + 1 };
#endif
    /* publish_is_answered */
    if
    :: atomic { is_answered() -> goto announce }
    :: atomic { !is_answered() -> skip }
    MAY_DIE
    fi;
    /* jail_find_or_make: to open the pin clears its mark and holds it */
    if
    :: atomic {
            if
            :: pinned != 0 -> j = pinned; is_new = false; mark = false
            :: else -> pick_jail(j); is_new = true
            fi;
#ifndef BREAK_HOLD
            hold[j]++
#endif
        }
    MAY_DIE
    fi;
    /* launch_prepare */
    if
    :: atomic {
            pick_warden(w);
            state[w] = PREPARED;
            jail_of[w] = j;
            hold[j]++;
            run Warden(w)
        }
    MAY_DIE
    fi;
    /* publish: the pin and what it lies on, then the socket */
    if
    :: atomic { is_new -> pin_file = true; is_pinned = true }
    :: atomic { !is_new -> goto bind }
    MAY_DIE
    fi;
    if
    :: atomic {
            assert(pinned == 0 && pin_file);
            pinned = j;
            mark = false }
    MAY_DIE
    fi;
bind:
    if
    /* where the child is dead, whoever connects is turned away a bit later */
    :: atomic {
            sock = w;
            is_bound = true;
            listens[w] = (state[w] == PREPARED) }
    MAY_DIE
    fi;
    /* launch_go, up to the end of its execveat */
    if
    :: atomic { state[w] == PREPARED && !doomed[w] -> state[w] = GO;
            owes[w] = on_cold_way }
    :: atomic { state[w] == FREE -> goto failed }
    MAY_DIE
    fi;
    if
    :: atomic { state[w] == RUNS -> skip }
    :: atomic { state[w] == FAILED || state[w] == FREE -> goto failed }
    fi;
    w = 0;
    goto announce;

failed:
    /* retract() */
    atomic {
        if
        :: is_bound -> sock = 0
        :: else
        fi
    };
    atomic {
        if
        :: is_pinned -> pinned = 0; mark = false; pin_file = false
        :: else
        fi
    };
killed:
    atomic {
        drop(c, j, w);
        end = REFUSED;
        goto done
    };

announce:
    drop(c, j, w);
    is_pinned = false;
    is_bound = false;
    goto connect;

done:
    atomic {
        on_cold_way = on_cold_way & ~BIT(c);
        starts = 0;
        connection[c] = 0;
        assert(end == SERVED || disturbed);
        assert(end != SERVED || ran[c] == 1)
    }
}

/* --- timount.c, sweep.c ---------------------------------------------------- */

/* With the lock: what is left where no pin lies. */
inline remove_leftovers(holder) {
    if
    :: atomic { pinned == 0 && pin_file -> pin_file = false };
        atomic { assert(!is_answered()); sock = 0 }
    :: atomic { pinned != 0 || !pin_file -> skip }
    fi;
    atomic { lock = (lock == holder -> 0 : lock) }
}

active proctype Sweep() {
end:
    do
    :: atomic {
            if
            :: pinned == 0
            :: pinned != 0 && hold[pinned] == 0 && mark ->
                pinned = 0;
                mark = false
            :: pinned != 0 && hold[pinned] == 0 && !mark ->
                mark = true;
                goto end
            :: else -> goto end         /* EBUSY */
            fi
        };
#ifndef BREAK_SWEEP_LOCK
        if
        :: atomic { lock == 0 -> lock = SWEEPER }
        :: atomic { lock != 0 -> goto end }
        fi;
#endif
        remove_leftovers(SWEEPER)
    od
}

active proctype Evict() {
    byte w = 0;
end:
    do
    :: atomic { evictions > 0 -> evictions--; disturbed = true };
#ifndef BREAK_EVICT_LOCK
        atomic { lock == 0 -> lock = EVICTER };
#endif
        /* whose descriptor lies on the pin: children before GO, too */
        atomic {
            w = 1;
            do
            :: w <= WARDENS ->
                doomed[w] = (state[w] != FREE && jail_of[w] == pinned);
                w++
            :: else -> break
            od
        };
#ifndef BREAK_EVICT_WAIT
        w = 1;
        do
        :: w <= WARDENS -> atomic { !doomed[w] -> w++ }
        :: else -> break
        od;
#endif
        atomic { pinned = 0; mark = false };
        w = 0;
        remove_leftovers(EVICTER)
    :: evictions == 0 -> break
    od
}

/* --- what must hold in every state ----------------------------------------- */

#define is_astray(w) ((state[w] == RUNS) && !doomed[w] && jail_of[w] != pinned)

active proctype Invariant() {
end:
    atomic {
        is_astray(1) || is_astray(2) || is_astray(3) || is_astray(4)
            -> assert(false)
    }
}

init {
    byte c = 0;
    atomic {
        do
        :: c < REQUESTS -> run Request(c); c++
        :: else -> break
        od
    }
}
