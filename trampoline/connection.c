/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.c - the warden's connections, in slots made once at its start
 */
#include "connection.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

static struct connection_list lists[CONNECTION_STATES];
static size_t counts[CONNECTION_STATES];
static int epoll_fd;

/* At the head: the slot that was used last is still in the caches. */
static void add_free(struct connection *c)
{
    c->state = CONNECTION_FREE;
    TAILQ_INSERT_HEAD(&lists[CONNECTION_FREE], c, link);
    counts[CONNECTION_FREE]++;
}

static void remove_from_list(struct connection *c)
{
    TAILQ_REMOVE(&lists[c->state], c, link);
    counts[c->state]--;
}

int connection_init(size_t slots, int epoll)
{
    size_t i, size = slots * sizeof(struct connection);
    struct connection *all;

    epoll_fd = epoll;
    for (i = 0; i < CONNECTION_STATES; i++) {
        TAILQ_INIT(&lists[i]);
    }
    all = mmap(NULL, size, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) {
        return errno;
    }
    /*
     * Of most slots no more is used than where the list is.  Where everybody
     * is given huge pages, as by Debian's kernels, that would be all of it.
     * EINVAL: there are none.
     */
    (void)madvise(all, size, MADV_NOHUGEPAGE);
    for (i = slots; i > 0; i--) {
        add_free(&all[i - 1]);
    }
    return 0;
}

struct connection *connection_new(int sock)
{
    struct connection *c = TAILQ_FIRST(&lists[CONNECTION_FREE]);
    int i;

    if (c == NULL) {
        close(sock);
        return NULL;
    }
    connection_move(c, CONNECTION_SILENT);
    c->sock = sock;
    c->is_watched = false;
    for (i = 0; i < WIRE_PIPES; i++) {
        c->pipes[i] = -1;
    }
    return c;
}

int connection_watch(struct connection *c)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP,
                                 .data.ptr = c };

    if (c->is_watched) {
        return 0;
    }
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->sock, &event) != 0) {
        return errno;
    }
    c->is_watched = true;
    return 0;
}

void connection_move(struct connection *c, enum connection_state state)
{
    remove_from_list(c);
    c->state = state;
    TAILQ_INSERT_TAIL(&lists[state], c, link);
    counts[state]++;
}

void connection_close_pipes(struct connection *c)
{
    int i;

    for (i = 0; i < WIRE_PIPES; i++) {
        if (c->pipes[i] >= 0) {
            close(c->pipes[i]);
            c->pipes[i] = -1;
        }
    }
}

/*
 * Closing alone does not take a socket out of the epoll while there is another
 * descriptor of it, and there may be: a child of vfork(2) lets us go on when
 * it has left our memory, a little before it has closed its descriptors.  The
 * events would go to whoever has the slot by then.
 */
void connection_hang_up(struct connection *c)
{
    if (c->sock >= 0) {
        if (c->is_watched) {
            (void) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, c->sock, NULL);
        }
        close(c->sock);
        c->sock = -1;
    }
}

void connection_free(struct connection *c)
{
    connection_close_pipes(c);
    connection_hang_up(c);
    remove_from_list(c);
    add_free(c);
}

struct connection *connection_first(enum connection_state state)
{
    return TAILQ_FIRST(&lists[state]);
}

struct connection *connection_next(const struct connection *c)
{
    return TAILQ_NEXT(c, link);
}

size_t connection_count(enum connection_state state)
{
    return counts[state];
}
