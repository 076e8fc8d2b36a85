/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample.c - messages for the tests of the protocol
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sample.h"

static const char *indexes[] = { "index.html", "index.py" };
static const char *interpreters[] = { ".py", "/usr/bin/python3", "-I", "",
                                      ".sh", "/bin/sh", "" };
static const char *env[] = { "REQUEST_METHOD=GET", "EMPTY=",
                             "QUERY_STRING=a=b" };

struct wire_request sample_request(void)
{
    struct wire_request request = {
        .kind = WIRE_SERVE, .timeout_seconds = 60, .root = "/home/alice",
        .filename = "/home/alice/x.py/more", .uri = "/my/x.py/more",
        .method = "GET", .lists = true, .indexes = indexes, .index_count = 2,
        .interpreters = interpreters, .interpreter_count = 7, .env = env,
        .env_count = 3
    };

    return request;
}

struct wire_log sample_log(void)
{
    struct wire_log log = { .path = "/home/alice/error.log",
                            .text = "GET /my/x.py: failed\n  why\n" };

    return log;
}

void sample_assert_same(const struct wire_request *a,
                        const struct wire_request *b)
{
    size_t i;

    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->timeout_seconds, b->timeout_seconds);
    assert_string_equal(a->root, b->root);
    assert_string_equal(a->filename, b->filename);
    assert_string_equal(a->uri, b->uri);
    assert_string_equal(a->method, b->method);
    assert_int_equal(a->lists, b->lists);
    assert_int_equal(a->index_count, b->index_count);
    for (i = 0; i < a->index_count; i++) {
        assert_string_equal(a->indexes[i], b->indexes[i]);
    }
    assert_int_equal(a->interpreter_count, b->interpreter_count);
    for (i = 0; i < a->interpreter_count; i++) {
        assert_string_equal(a->interpreters[i], b->interpreters[i]);
    }
    assert_int_equal(a->env_count, b->env_count);
    for (i = 0; i < a->env_count; i++) {
        assert_string_equal(a->env[i], b->env[i]);
    }
}
