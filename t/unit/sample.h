/*
 * sample.h - messages for the tests of the protocol
 */
#ifndef IVLEJAIL_SAMPLE_H
#define IVLEJAIL_SAMPLE_H

#include "trampoline/wire.h"

/* 2 index files, 7 strings of interpreters, 3 variables. */
struct wire_request sample_request(void);

/* A log entry of two lines. */
struct wire_log sample_log(void);

void sample_assert_same(const struct wire_request *a,
                        const struct wire_request *b);

#endif
