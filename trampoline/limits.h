/*
 * limits.h - the resource limits that a profile sets, in one order
 *
 * The names are those of IvleJailLimit and of the sealed policy.
 */
#ifndef IVLEJAIL_LIMITS_H
#define IVLEJAIL_LIMITS_H

#include <sys/resource.h>

/* name, RLIMIT_*, unit of the directive's number in the kernel's unit */
#define LIMIT_TABLE(X) \
    X(LIMIT_CPU,    "cpu",    RLIMIT_CPU) \
    X(LIMIT_AS,     "as",     RLIMIT_AS) \
    X(LIMIT_DATA,   "data",   RLIMIT_DATA) \
    X(LIMIT_CORE,   "core",   RLIMIT_CORE) \
    X(LIMIT_FSIZE,  "fsize",  RLIMIT_FSIZE) \
    X(LIMIT_NPROC,  "nproc",  RLIMIT_NPROC) \
    X(LIMIT_NOFILE, "nofile", RLIMIT_NOFILE)

enum limit {
#define LIMIT_ENUM(symbol, name, resource) symbol,
    LIMIT_TABLE(LIMIT_ENUM)
#undef LIMIT_ENUM
    LIMIT_COUNT
};

/* The most that a program can get: the kernel's own bound is never lower. */
#define LIMIT_NOFILE_MAX 65536

struct limit_kind {
    const char *name;
    int resource;           /* for setrlimit(2) */
};

extern const struct limit_kind limit_kinds[LIMIT_COUNT];

#endif
