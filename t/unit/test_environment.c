/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_environment.c - argv and environment: what is there, and nothing else
 */
/* LINK: request.o find.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trampoline/request.h"

static struct request_words words;

static struct wire_request request_with(const char **env, size_t count)
{
    struct wire_request request = {
        .kind = WIRE_SERVE, .timeout_seconds = 1, .root = "/home/alice/web",
        .filename = "/home/alice/web/x.py/a/b", .uri = "/my/x.py/a/b",
        .method = "GET", .env = env, .env_count = count
    };

    return request;
}

static struct found found_with(const char *path_info)
{
    struct found found = { .script = "/home/alice/web/x.py",
                           .directory = "/home/alice/web",
                           .path_info = path_info, .index = "" };

    return found;
}

static void assert_environment(const char *const *expected)
{
    size_t i;

    for (i = 0; expected[i] != NULL; i++) {
        assert_non_null(words.env[i]);
        assert_string_equal(words.env[i], expected[i]);
    }
    assert_null(words.env[i]);
    assert_int_equal(words.env_count, i);
}

static void test_without_path_info(void **state)
{
    static const char *env[] = { "REQUEST_METHOD=GET", "QUERY_STRING=" };
    static const char *const expected[] = {
        "REQUEST_METHOD=GET", "QUERY_STRING=",
        "PATH=/usr/local/bin:/usr/bin:/bin", "DOCUMENT_ROOT=/home/alice/web",
        "SCRIPT_FILENAME=/home/alice/web/x.py", "SCRIPT_NAME=/my/x.py", NULL
    };
    struct wire_request request = request_with(env, 2);
    struct found found = found_with("");

    (void) state;
    request.uri = "/my/x.py";
    assert_int_equal(request_environment(&request, &found, &words), 0);
    assert_environment(expected);
}

static void test_with_path_info(void **state)
{
    static const char *const expected[] = {
        "PATH=/usr/local/bin:/usr/bin:/bin", "DOCUMENT_ROOT=/home/alice/web",
        "SCRIPT_FILENAME=/home/alice/web/x.py", "SCRIPT_NAME=/my/x.py",
        "PATH_INFO=/a/b", "PATH_TRANSLATED=/home/alice/web/a/b", NULL
    };
    struct wire_request request = request_with(NULL, 0);
    struct found found = found_with("/a/b");

    (void) state;
    assert_int_equal(request_environment(&request, &found, &words), 0);
    assert_environment(expected);
}

static void test_root_of_the_jail(void **state)
{
    static const char *const expected[] = {
        "PATH=/usr/local/bin:/usr/bin:/bin", "DOCUMENT_ROOT=/",
        "SCRIPT_FILENAME=/home/alice/web/x.py", "SCRIPT_NAME=/my/x.py",
        "PATH_INFO=/a/b", "PATH_TRANSLATED=/a/b", NULL
    };
    struct wire_request request = request_with(NULL, 0);
    struct found found = found_with("/a/b");

    (void) state;
    request.root = "/";
    assert_int_equal(request_environment(&request, &found, &words), 0);
    assert_environment(expected);
}

static void test_index_file(void **state)
{
    static const char *const expected[] = {
        "PATH=/usr/local/bin:/usr/bin:/bin", "DOCUMENT_ROOT=/home/alice/web",
        "SCRIPT_FILENAME=/home/alice/web/x.py", "SCRIPT_NAME=/my/x.py", NULL
    };
    struct wire_request request = request_with(NULL, 0);
    struct found found = found_with("");

    (void) state;
    request.filename = "/home/alice/web/";
    request.uri = "/my/";
    found.index = "x.py";
    assert_int_equal(request_environment(&request, &found, &words), 0);
    assert_environment(expected);
}

/* The client's header Proxy, and names of which there may be only one. */
static void test_what_httpd_may_not_say(void **state)
{
    static const char *env[] = {
        "HTTP_PROXY=http://evil/", "SCRIPT_NAME=x", "SCRIPT_FILENAME=x",
        "DOCUMENT_ROOT=x", "PATH_INFO=x", "PATH_TRANSLATED=x", "PATH=/evil",
        "HTTP_PROXY=", "HTTP_PROXY_X=1", "PATHS=1", "SCRIPT_NAMES=1",
        "http_proxy=1", "HTTP_HOST=h"
    };
    static const char *const expected[] = {
        "HTTP_PROXY_X=1", "PATHS=1", "SCRIPT_NAMES=1", "http_proxy=1",
        "HTTP_HOST=h", "PATH=/usr/local/bin:/usr/bin:/bin",
        "DOCUMENT_ROOT=/home/alice/web",
        "SCRIPT_FILENAME=/home/alice/web/x.py", "SCRIPT_NAME=/my/x.py/a/b",
        NULL
    };
    struct wire_request request = request_with(env, sizeof(env)
                                                    / sizeof(env[0]));
    struct found found = found_with("");

    (void) state;
    assert_int_equal(request_environment(&request, &found, &words), 0);
    assert_environment(expected);
}

static void test_the_most(void **state)
{
    static const char *env[WIRE_ENV_MAX];
    struct wire_request request = request_with(env, WIRE_ENV_MAX);
    struct found found = found_with("/a/b");
    size_t i;

    (void) state;
    for (i = 0; i < WIRE_ENV_MAX; i++) {
        env[i] = "A=B";
    }
    assert_int_equal(request_environment(&request, &found, &words), 0);
    assert_int_equal(words.env_count, WIRE_ENV_MAX + 6);
    assert_string_equal(words.env[WIRE_ENV_MAX + 5],
                        "PATH_TRANSLATED=/home/alice/web/a/b");
    assert_null(words.env[WIRE_ENV_MAX + 6]);
}

/* Cut nowhere: too long is an error, whichever of them it is. */
static void test_too_long(void **state)
{
    static char path[REQUEST_TEXT_MAX + 1];
    struct wire_request request;
    struct found found;

    (void) state;
    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    request = request_with(NULL, 0);
    found = found_with("");
    request.uri = path;
    assert_int_equal(request_environment(&request, &found, &words), E2BIG);
    request = request_with(NULL, 0);
    request.root = path;
    assert_int_equal(request_environment(&request, &found, &words), E2BIG);
    request = request_with(NULL, 0);
    found = found_with(path);
    assert_int_equal(request_environment(&request, &found, &words), E2BIG);
    path[REQUEST_TEXT_MAX / 2] = '\0';      /* twice that, and the others */
    assert_int_equal(request_environment(&request, &found, &words), E2BIG);
    path[REQUEST_TEXT_MAX / 2 - 300] = '\0';
    assert_int_equal(request_environment(&request, &found, &words), 0);
}

static void test_argv_of_a_script(void **state)
{
    struct found found = found_with("");

    (void) state;
    request_argv(&found, &words);
    assert_string_equal(words.argv[0], "/home/alice/web/x.py");
    assert_null(words.argv[1]);
}

static void test_argv_of_an_interpreter(void **state)
{
    static const char *const group[] = { "/usr/bin/python3", "-I", "-B", "",
                                         ".sh", "/bin/sh", "" };
    struct found found = found_with("");

    (void) state;
    found.interpreter = group;
    request_argv(&found, &words);
    assert_string_equal(words.argv[0], "/usr/bin/python3");
    assert_string_equal(words.argv[1], "-I");
    assert_string_equal(words.argv[2], "-B");
    assert_string_equal(words.argv[3], "/home/alice/web/x.py");
    assert_null(words.argv[4]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_path_info),
        cmocka_unit_test(test_with_path_info),
        cmocka_unit_test(test_root_of_the_jail),
        cmocka_unit_test(test_index_file),
        cmocka_unit_test(test_what_httpd_may_not_say),
        cmocka_unit_test(test_the_most),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_argv_of_a_script),
        cmocka_unit_test(test_argv_of_an_interpreter),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
