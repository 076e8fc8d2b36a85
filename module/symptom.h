/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symptom.h - what a program's error output says of why it failed
 *
 * Shells, languages and C libraries have words of their own for a system that
 * said no.  They are evidence and no proof: a program can print anything.
 */
#ifndef IVLEJAIL_SYMPTOM_H
#define IVLEJAIL_SYMPTOM_H

#include <stddef.h>

enum symptom {
    SYMPTOM_MEMORY    = 1 << 0,     /* it got no more memory */
    SYMPTOM_PROCESSES = 1 << 1,     /* nor processes or threads */
    SYMPTOM_FSIZE     = 1 << 2,     /* a file became too large */
    SYMPTOM_CPU       = 1 << 3,     /* a child used up its CPU time */
    SYMPTOM_FILES     = 1 << 4,     /* too many open files */
    SYMPTOM_SPACE     = 1 << 5,     /* a full disk, or a quota */
    SYMPTOM_DENIED    = 1 << 6,     /* a file that it may not use */
    SYMPTOM_READ_ONLY = 1 << 7,     /* a file of the base image */
    SYMPTOM_MISSING   = 1 << 8,     /* a file that is not there */
    SYMPTOM_COMMAND   = 1 << 9,     /* a command that is not there */
    SYMPTOM_MODULE    = 1 << 10,    /* a library of its language */
    SYMPTOM_SYNTAX    = 1 << 11,    /* its language does not read like that */
    SYMPTOM_DOS_LINES = 1 << 12,    /* a carriage return at a line's end */
    SYMPTOM_NETWORK   = 1 << 13,    /* no host, no route */
    SYMPTOM_PYTHON    = 1 << 14     /* it is Python that speaks */
};

/* All of them.  Takes time in proportion to size, whatever the bytes are. */
unsigned int symptoms_in(const char *errors, size_t size);

#endif
