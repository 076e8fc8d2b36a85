/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgi.c - the C program of the benchmarks, linked statically and dynamically
 *
 * "?N" asks for N bytes, at least 10: the length of the request's body as nine
 * digits and a newline, and then as many x as it takes.  cgi.py and cgi.pl do
 * the same.  Every byte of the body is read.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER "Content-Type: text/plain\n\n"
#define COUNT_LENGTH 10

static char buffer[64 * 1024];

static unsigned long number_of(const char *name)
{
    const char *text = getenv(name);

    return text == NULL ? 0 : strtoul(text, NULL, 10);
}

static unsigned long read_body(void)
{
    unsigned long rest = number_of("CONTENT_LENGTH"), count = 0;
    ssize_t got = 1;

    for (; rest > 0 && got > 0; rest -= (unsigned long)got) {
        size_t part = rest < sizeof buffer ? rest : sizeof buffer;

        got = read(STDIN_FILENO, buffer, part);
        if (got < 0)
            _exit(1);
        count += (unsigned long)got;
    }
    return count;
}

static void put(const char *data, size_t length)
{
    ssize_t written;

    for (; length > 0; data += written, length -= (size_t)written) {
        written = write(STDOUT_FILENO, data, length);
        if (written < 0)
            _exit(errno == EPIPE ? 0 : 1);
    }
}

int main(void)
{
    unsigned long rest = number_of("QUERY_STRING") - COUNT_LENGTH;
    char start[sizeof HEADER + COUNT_LENGTH];
    int length = snprintf(start, sizeof start, HEADER "%09lu\n", read_body());

    put(start, (size_t)length);
    memset(buffer, 'x', sizeof buffer);
    for (; rest > sizeof buffer; rest -= sizeof buffer)
        put(buffer, sizeof buffer);
    put(buffer, rest);
    return 0;
}
