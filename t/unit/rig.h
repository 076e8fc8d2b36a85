/*
 * rig.h - a warden to test: plays the trampoline, then httpd
 *
 * The warden is the real program, PID 1 of a pid namespace of its own with a
 * /proc, running as RIG_UID without privileges; only its root directory is
 * the host's.  Scripts are in a directory of that user's.
 *
 * The binary is "warden" beside the test (one with sanitizers, where the test
 * has them), or else trampoline/warden.
 */
#ifndef IVLEJAIL_RIG_H
#define IVLEJAIL_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "trampoline/setup.h"
#include "trampoline/wire.h"

/*
 * The kernel counts processes and descriptors in flight by uid, and tests have
 * as many as there may be: nobody else's, and both builds are tested at once.
 */
#ifdef __SANITIZE_ADDRESS__
enum { RIG_UID = 78003, RIG_GID = 78004 };
#else
enum { RIG_UID = 78001, RIG_GID = 78002 };
#endif

/*
 * Seconds for what must happen, however slow the machine is: nothing that is
 * right takes so long, and what must not be waited for takes longer.
 */
enum { PATIENCE = 60 };

/* Seconds that open() waits for the holder of a lease, as of fcntl(2). */
enum { LEASE_BREAK_SECONDS = 45 };

struct rig {
    char top[64];           /* a directory for this warden */
    char home[80];          /* in it: the user's, with the scripts */
    char socket[80];
    struct setup setup;     /* may be changed before rig_start() */
    pid_t warden;           /* 0: not running */
};

struct client {
    int sock;
    int in, out, err;       /* our ends of the program's pipes */
    int file;               /* what came instead of a program, or -1 */
};

struct outcome {
    struct wire_answer last;
    bool accepted, started;
    char out[256 * 1024];   /* with a NUL */
    size_t out_size;
    char err[4096];
    int file;               /* came with last, the caller's to close; or -1 */
};

/*
 * For cmocka: makes the directories and a struct rig with usual settings in
 * *state, rig_make_started() the warden, too; ends everything.  Without root
 * they fail, they do not skip.
 */
int rig_make(void **state);
int rig_make_started(void **state);
int rig_remove(void **state);

/* Starts the warden with rig->setup. */
void rig_start(struct rig *rig);

/*
 * The same with a request for the file name that was there before the warden,
 * and has been STARTED: a warden that serves is not idle.
 */
void rig_start_serving(struct rig *rig, struct client *client,
                       const char *name);

/* Waits for the warden to end; returns its wait status, -1: it does not. */
int rig_wait(struct rig *rig);

/* Ends it with all that runs in the jail; none is fine, too. */
void rig_kill(struct rig *rig);

/* A path in home, in a static buffer that the next call uses again. */
const char *rig_path(const struct rig *rig, const char *name);

/* Writes a file of the user's into home; format as of printf(3). */
void rig_file(const struct rig *rig, const char *name, mode_t mode,
              const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Reads a file of home; returns its text (in a static buffer), "" if there is
   none. */
const char *rig_read(const struct rig *rig, const char *name);

/* Processes in the jail, the warden included; open files of the warden. */
int rig_processes(const struct rig *rig);
int rig_descriptors(const struct rig *rig);

/* Waits until rig_processes() is wanted; returns false if it is never. */
bool rig_settles(const struct rig *rig, int wanted);

/*
 * Waits until the warden is in a system call (SYS_*, <sys/syscall.h>), also
 * one in which strace(1) holds it; returns false if it never is.
 */
bool rig_is_in(const struct rig *rig, int call);

/* A request for the file name (which may go on with path info). */
struct wire_request rig_request(const struct rig *rig, const char *name);

/*
 * Each returns 0 or errno.  What does not come within PATIENCE is EAGAIN to
 * rig_answer().
 */
int rig_connect(const struct rig *rig, struct client *client);
int rig_send(struct client *client, const struct wire_request *request);
int rig_answer(struct client *client, struct wire_answer *answer);

/* Connects, sends, asserts that it was accepted; and started. */
void rig_accepted(const struct rig *rig, struct client *client,
                  const struct wire_request *request);
void rig_started(const struct rig *rig, struct client *client,
                 const struct wire_request *request);

/* Reads answers and output to their ends, and closes the client. */
void rig_finish(struct client *client, struct outcome *outcome);

/* All of it for one request: empty stdin; and for one file. */
void rig_ask(const struct rig *rig, const struct wire_request *request,
             struct outcome *outcome);
void rig_run(const struct rig *rig, const char *name,
             struct outcome *outcome);

void rig_close(struct client *client);

/* Whether the warden has not closed the connection, which is said nothing. */
bool rig_is_open(const struct client *client);

/*
 * The same in a hurry and without assertions: reads no output, and is gone
 * when the program ended.  Returns 0 or errno; EPROTO: refused, or killed, or
 * its exit status is not 0.
 */
int rig_serve(const struct rig *rig, const char *name);

double rig_now(void);
void rig_sleep(double seconds);

#endif
