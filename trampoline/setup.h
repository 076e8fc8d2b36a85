/*
 * setup.h - what the trampoline hands to the warden that it becomes
 *
 * Descriptors by number, and one struct through a pipe.  Both programs are
 * installed together; the version catches a half-done upgrade.
 */
#ifndef IVLEJAIL_SETUP_H
#define IVLEJAIL_SETUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "names.h"
#include "limits.h"

enum {
    SETUP_FD_LISTEN = 3,    /* SOCK_SEQPACKET, bound and listening */
    SETUP_FD_PIN = 4,       /* O_PATH on the pin: keeps the jail mounted */
    SETUP_FD_PIPE = 5,      /* struct setup, then end of file */
    SETUP_FD_COUNT = 6,
    SETUP_REQUESTS_MAX = 500    /* of max_requests and of queue */
};

#define SETUP_VERSION 0x494a5301u

struct setup {
    uint32_t version;               /* SETUP_VERSION */
    uint32_t httpd_uid;             /* the only peer that is served */
    struct rlimit limits[LIMIT_COUNT];  /* of each program */
    uint32_t max_requests;          /* at a time, 1..SETUP_REQUESTS_MAX */
    uint32_t queue;                 /* more that may wait, 0.. the same */
    uint32_t idle_seconds;          /* without a request, then exit, >= 1 */
    uint32_t linger;                /* 1: programs may outlive their request */
    char user[NAME_USER_MAX + 1];
};

#endif
