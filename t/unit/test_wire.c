/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wire.c - the form of the messages: what is not right is refused
 */
/* LINK: wire.o sample.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

/* where the numbers of the header are (wire.c) */
enum { AT_VERSION = 0, AT_KIND = 4, AT_SIZE = 8, AT_TIMEOUT = 12,
       AT_FLAGS = 16, AT_INDEXES = 20, AT_INTERPRETERS = 24, AT_ENV = 28 };

/*
 * Unpacks a copy that ends where its memory does, so that the address
 * sanitizer sees a read behind it.
 */
static const char *unpack_copy(const char *bytes, size_t size)
{
    static struct wire_unpacked unpacked;
    char *copy = malloc(size == 0 ? 1 : size);
    const char *wrong;

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    wrong = wire_unpack(copy, size, &unpacked);
    free(copy);
    return wrong;
}

static void patch(char *buffer, size_t at, uint32_t value)
{
    memcpy(buffer + at, &value, sizeof(value));
}

static uint32_t number(const char *buffer, size_t at)
{
    uint32_t value;

    memcpy(&value, buffer + at, sizeof(value));
    return value;
}

/* --- the form --- */

static void test_round_trip(void **state)
{
    struct wire_request request = sample_request();
    struct wire_unpacked unpacked;
    char buffer[4096];
    size_t size = wire_pack(&request, buffer, sizeof(buffer));

    (void) state;
    assert_int_equal(size, wire_size(&request));
    assert_null(wire_unpack(buffer, size, &unpacked));
    sample_assert_same(&unpacked.request, &request);
    assert_null(unpacked.env[3]);
}

static void test_round_trip_of_the_least(void **state)
{
    struct wire_request request = sample_request();
    struct wire_unpacked unpacked;
    char buffer[4096];
    size_t size;

    (void) state;
    request.lists = false;
    request.index_count = request.interpreter_count = request.env_count = 0;
    size = wire_pack(&request, buffer, sizeof(buffer));
    assert_int_not_equal(size, 0);
    assert_null(wire_unpack(buffer, size, &unpacked));
    sample_assert_same(&unpacked.request, &request);
    assert_null(unpacked.env[0]);
}

static void test_round_trip_of_the_most(void **state)
{
    static const char *many[WIRE_ENV_MAX];
    static const char *words[WIRE_INTERPRETERS_MAX];
    static const char *names[WIRE_INDEXES_MAX];
    struct wire_request request = sample_request();
    struct wire_unpacked unpacked;
    static char buffer[WIRE_MESSAGE_MAX];
    size_t i, size;

    (void) state;
    for (i = 0; i < WIRE_ENV_MAX; i++) {
        many[i] = "N=V";
    }
    for (i = 0; i < WIRE_INTERPRETERS_MAX; i++) {
        words[i] = "-x";
    }
    for (i = 0; i < WIRE_INDEXES_MAX; i++) {
        names[i] = "x";
    }
    words[0] = ".x";
    words[1] = "/x";
    words[WIRE_INTERPRETERS_MAX - 1] = "";
    request.env = many;
    request.env_count = WIRE_ENV_MAX;
    request.indexes = names;
    request.index_count = WIRE_INDEXES_MAX;
    request.interpreters = words;
    request.interpreter_count = WIRE_INTERPRETERS_MAX;
    request.timeout_seconds = WIRE_TIMEOUT_MAX;
    size = wire_pack(&request, buffer, sizeof(buffer));
    assert_int_not_equal(size, 0);
    assert_null(wire_unpack(buffer, size, &unpacked));
    sample_assert_same(&unpacked.request, &request);
    assert_null(unpacked.env[WIRE_ENV_MAX]);
}

static void test_pack_refuses(void **state)
{
    struct wire_request request = sample_request();
    char buffer[4096];
    size_t size = wire_size(&request);

    (void) state;
    assert_int_equal(wire_pack(&request, buffer, size), size);
    assert_int_equal(wire_pack(&request, buffer, size - 1), 0);
    assert_int_equal(errno, EMSGSIZE);
    request.timeout_seconds = 0;
    assert_int_equal(wire_pack(&request, buffer, sizeof(buffer)), 0);
    assert_int_equal(errno, EINVAL);
    request.timeout_seconds = WIRE_TIMEOUT_MAX + 1;
    assert_int_equal(wire_pack(&request, buffer, sizeof(buffer)), 0);
    assert_int_equal(errno, EINVAL);
    request = sample_request();
    request.env_count = WIRE_ENV_MAX + 1;
    assert_int_equal(wire_pack(&request, buffer, sizeof(buffer)), 0);
    assert_int_equal(errno, EINVAL);
    request = sample_request();
    request.interpreter_count = WIRE_INTERPRETERS_MAX + 1;
    assert_int_equal(wire_pack(&request, buffer, sizeof(buffer)), 0);
    assert_int_equal(errno, EINVAL);
    request = sample_request();
    request.index_count = WIRE_INDEXES_MAX + 1;
    assert_int_equal(wire_pack(&request, buffer, sizeof(buffer)), 0);
    assert_int_equal(errno, EINVAL);
}

static void test_truncated_anywhere(void **state)
{
    struct wire_request request = sample_request();
    char buffer[4096];
    size_t size = wire_pack(&request, buffer, sizeof(buffer)), n;

    (void) state;
    for (n = 0; n < size; n++) {
        assert_non_null(unpack_copy(buffer, n));
        if (n >= WIRE_HEADER_SIZE) {
            /* a sender that believes in the shorter message */
            patch(buffer, AT_SIZE, (uint32_t) n);
            assert_non_null(unpack_copy(buffer, n));
        }
        patch(buffer, AT_SIZE, (uint32_t) size);
    }
    assert_null(unpack_copy(buffer, size));
}

static void test_longer_than_announced(void **state)
{
    struct wire_request request = sample_request();
    char buffer[4096];
    size_t size = wire_pack(&request, buffer, sizeof(buffer));

    (void) state;
    buffer[size] = '\0';
    assert_string_equal(unpack_copy(buffer, size + 1),
                        "size differs from the message's");
    patch(buffer, AT_SIZE, (uint32_t) size + 1);
    assert_string_equal(unpack_copy(buffer, size + 1),
                        "more strings than announced");
}

struct wrong_number {
    size_t at;
    uint32_t value;
    const char *wrong;
};

/* A good message, with each of these instead of what is there. */
static void assert_numbers(char *buffer, size_t size,
                           const struct wrong_number *cases, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        uint32_t right = number(buffer, cases[i].at);

        patch(buffer, cases[i].at, cases[i].value);
        assert_string_equal(unpack_copy(buffer, size), cases[i].wrong);
        patch(buffer, cases[i].at, right);
    }
    assert_null(unpack_copy(buffer, size));
}

static void test_header_numbers(void **state)
{
    static const struct wrong_number cases[] = {
        { AT_VERSION, 0, "another version of the protocol" },
        { AT_VERSION, 1, "another version of the protocol" },
        { AT_VERSION, 3, "another version of the protocol" },
        { AT_KIND, 0, "unknown kind of request" },
        { AT_KIND, 2, "unknown kind of request" },
        { AT_KIND, 5, "unknown kind of request" },
        { AT_KIND, WIRE_LOG, "log entry with the numbers of a request" },
        { AT_SIZE, 0, "size differs from the message's" },
        { AT_SIZE, UINT32_MAX, "size differs from the message's" },
        { AT_TIMEOUT, 0, "timeout out of bounds" },
        { AT_TIMEOUT, WIRE_TIMEOUT_MAX + 1, "timeout out of bounds" },
        { AT_FLAGS, 2, "unknown flag" },
        { AT_FLAGS, 1U << 31 | 1, "unknown flag" },
        { AT_INDEXES, WIRE_INDEXES_MAX + 1, "too many index files" },
        { AT_INDEXES, UINT32_MAX, "too many index files" },
        { AT_INDEXES, 3, "fewer strings than announced" },
        { AT_INDEXES, 1, "more strings than announced" },
        { AT_INTERPRETERS, WIRE_INTERPRETERS_MAX + 1,
          "too many interpreters" },
        { AT_INTERPRETERS, UINT32_MAX, "too many interpreters" },
        { AT_INTERPRETERS, WIRE_INTERPRETERS_MAX,
          "fewer strings than announced" },
        { AT_INTERPRETERS, 8, "fewer strings than announced" },
        { AT_INTERPRETERS, 6, "more strings than announced" },
        { AT_ENV, WIRE_ENV_MAX + 1, "too many variables" },
        { AT_ENV, UINT32_MAX, "too many variables" },
        { AT_ENV, WIRE_ENV_MAX, "fewer strings than announced" },
        { AT_ENV, 4, "fewer strings than announced" },
        { AT_ENV, 2, "more strings than announced" },
    };
    struct wire_request request = sample_request();
    char buffer[4096];
    size_t size = wire_pack(&request, buffer, sizeof(buffer));

    (void) state;
    assert_numbers(buffer, size, cases, sizeof(cases) / sizeof(cases[0]));
    buffer[size - 1] = 'x';
    assert_string_equal(unpack_copy(buffer, size),
                        "fewer strings than announced");
}

struct words {
    const char *strings[9];     /* up to NULL */
    const char *wrong;          /* NULL: it is right */
};

static size_t count_words(const struct words *words)
{
    size_t n = 0;

    while (words->strings[n] != NULL) {
        n++;
    }
    return n;
}

static void assert_verdict(const struct wire_request *request,
                           const char *wrong)
{
    char buffer[4096];
    size_t size = wire_pack(request, buffer, sizeof(buffer));
    const char *verdict = unpack_copy(buffer, size);

    assert_int_not_equal(size, 0);
    if (wrong == NULL) {
        assert_null(verdict);
    }
    else {
        assert_non_null(verdict);
        assert_string_equal(verdict, wrong);
    }
}

/* With each case as one of the request's lists. */
static void assert_verdicts(const struct wire_request *request,
                            const char ***list, size_t *length,
                            struct words *cases, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        *list = cases[i].strings;
        *length = count_words(&cases[i]);
        assert_verdict(request, cases[i].wrong);
    }
}

static void test_interpreters(void **state)
{
    static struct words cases[] = {
        { { ".py", "/usr/bin/python3", "" }, NULL },
        { { ".a", "/a", "1", "2", "", ".b", "/b", "" }, NULL },
        { { "py", "/usr/bin/python3", "" }, "extension of a wrong form" },
        { { ".", "/usr/bin/python3", "" }, "extension of a wrong form" },
        { { "./py", "/usr/bin/python3", "" }, "extension of a wrong form" },
        { { "" }, "extension of a wrong form" },
        { { ".py", "python3", "" }, "interpreter is not an absolute path" },
        { { ".py", "", "" }, "interpreter is not an absolute path" },
        { { ".py" }, "interpreter is not an absolute path" },
        { { ".py", "/p", "", ".b" }, "interpreter is not an absolute path" },
        { { ".py", "/p" }, "interpreters do not end" },
        { { ".py", "/p", "-x" }, "interpreters do not end" },
        { { ".py", "/p", "", "", "" }, "extension of a wrong form" },
    };
    struct wire_request request = sample_request();

    (void) state;
    assert_verdicts(&request, &request.interpreters,
                    &request.interpreter_count, cases,
                    sizeof(cases) / sizeof(cases[0]));
}

static void test_indexes(void **state)
{
    static struct words cases[] = {
        { { "index.html" }, NULL },
        { { "a", "a", "\xff\n", ".hidden", "x.ht" }, NULL },
        { { "." }, NULL },      /* no regular file: never found */
        { { "a", "" }, "index file of a wrong form" },
        { { "/etc/passwd" }, "index file of a wrong form" },
        { { "a/b" }, "index file of a wrong form" },
        { { "a", "b", "../c" }, "index file of a wrong form" },
        { { ".htaccess" }, "index file of a wrong form" },
        { { ".ht" }, "index file of a wrong form" },
    };
    struct wire_request request = sample_request();

    (void) state;
    assert_verdicts(&request, &request.indexes, &request.index_count, cases,
                    sizeof(cases) / sizeof(cases[0]));
}

static void test_variables(void **state)
{
    static struct words cases[] = {
        { { "A=" }, NULL },
        { { "A=B=C", "D=\xff\x01" }, NULL },
        { { "A=B", "B" }, "variable without '='" },
        { { "" }, "variable without '='" },
        { { "=B" }, "variable without a name" },
    };
    struct wire_request request = sample_request();

    (void) state;
    assert_verdicts(&request, &request.env, &request.env_count, cases,
                    sizeof(cases) / sizeof(cases[0]));
}

static void test_paths(void **state)
{
    struct wire_request request;

    (void) state;
    request = sample_request();
    request.root = "home";
    assert_verdict(&request, "root is not absolute");
    request = sample_request();
    request.filename = "";
    assert_verdict(&request, "filename is not absolute");
    request = sample_request();
    request.uri = "*";
    assert_verdict(&request, "uri is not absolute");
    request = sample_request();
    request.method = "";
    assert_verdict(&request, "no method");
}

/* --- log entries --- */

static void test_log_round_trip(void **state)
{
    struct wire_log log = sample_log();
    struct wire_unpacked unpacked;
    char buffer[4096];
    size_t size = wire_pack_log(&log, buffer, sizeof(buffer));

    (void) state;
    assert_int_not_equal(size, 0);
    assert_null(wire_unpack(buffer, size, &unpacked));
    assert_int_equal(unpacked.request.kind, WIRE_LOG);
    assert_string_equal(unpacked.log.path, log.path);
    assert_string_equal(unpacked.log.text, log.text);
}

static void test_log_of_the_most(void **state)
{
    static char text[WIRE_MESSAGE_MAX], buffer[WIRE_MESSAGE_MAX + 1];
    struct wire_log log = { .path = "/x", .text = text };
    size_t most = WIRE_MESSAGE_MAX - WIRE_HEADER_SIZE - sizeof("/x") - 1;

    (void) state;
    memset(text, 'x', most);
    assert_int_equal(wire_pack_log(&log, buffer, sizeof(buffer)),
                     WIRE_MESSAGE_MAX);
    assert_null(unpack_copy(buffer, WIRE_MESSAGE_MAX));
    assert_int_equal(wire_pack_log(&log, buffer, WIRE_MESSAGE_MAX - 1), 0);
    assert_int_equal(errno, EMSGSIZE);
    text[most] = 'x';
    assert_int_equal(wire_pack_log(&log, buffer, sizeof(buffer)), 0);
    assert_int_equal(errno, EMSGSIZE);
}

/* Larger than a message: it could only come in a memfd. */
static void test_log_too_large(void **state)
{
    static char buffer[WIRE_MESSAGE_MAX + 1];
    struct wire_log log = { .path = "/x", .text = "text" };
    size_t size = wire_pack_log(&log, buffer, sizeof(buffer));

    (void) state;
    memset(buffer + size - 1, 'x', sizeof(buffer) - size);
    buffer[sizeof(buffer) - 1] = '\0';
    patch(buffer, AT_SIZE, sizeof(buffer));
    assert_string_equal(unpack_copy(buffer, sizeof(buffer)),
                        "log entry too large");
}

static void test_log_truncated_anywhere(void **state)
{
    struct wire_log log = sample_log();
    char buffer[4096];
    size_t size = wire_pack_log(&log, buffer, sizeof(buffer)), n;

    (void) state;
    for (n = 0; n < size; n++) {
        patch(buffer, AT_SIZE, (uint32_t) size);
        assert_non_null(unpack_copy(buffer, n));
        if (n >= WIRE_HEADER_SIZE) {
            patch(buffer, AT_SIZE, (uint32_t) n);
            assert_string_equal(unpack_copy(buffer, n),
                                "fewer strings than announced");
        }
    }
    buffer[size] = '\0';
    patch(buffer, AT_SIZE, (uint32_t) size + 1);
    assert_string_equal(unpack_copy(buffer, size + 1),
                        "more strings than announced");
}

static void test_log_numbers(void **state)
{
    static const struct wrong_number cases[] = {
        { AT_VERSION, 1, "another version of the protocol" },
        { AT_KIND, WIRE_SERVE, "timeout out of bounds" },
        { AT_SIZE, 0, "size differs from the message's" },
        { AT_TIMEOUT, 1, "log entry with the numbers of a request" },
        { AT_FLAGS, 1, "log entry with the numbers of a request" },
        { AT_INDEXES, 1, "log entry with the numbers of a request" },
        { AT_INTERPRETERS, 1, "log entry with the numbers of a request" },
        { AT_ENV, UINT32_MAX, "log entry with the numbers of a request" },
    };
    struct wire_log log = sample_log();
    char buffer[4096];
    size_t size = wire_pack_log(&log, buffer, sizeof(buffer));

    (void) state;
    assert_numbers(buffer, size, cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_log_strings(void **state)
{
    static const struct {
        struct wire_log log;
        const char *wrong;
    } cases[] = {
        { { "error.log", "text" }, "path of the log is not absolute" },
        { { "", "text" }, "path of the log is not absolute" },
        { { "/error.log", "" }, "log entry without text" },
    };
    char buffer[4096];
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = wire_pack_log(&cases[i].log, buffer, sizeof(buffer));

        assert_int_not_equal(size, 0);
        assert_string_equal(unpack_copy(buffer, size), cases[i].wrong);
    }
}

/* --- any bytes --- */

/* The sanitizers judge; the seed is fixed, so that a failure comes again. */
static void damage(const char *buffer, size_t size)
{
    char damaged[4096];
    unsigned int seed = 1, accepted = 0;
    int i, flips;

    for (i = 0; i < 200000; i++) {
        memcpy(damaged, buffer, size);
        for (flips = rand_r(&seed) % 4; flips >= 0; flips--) {
            damaged[(size_t) rand_r(&seed) % size] = (char) rand_r(&seed);
        }
        accepted += unpack_copy(damaged, size) == NULL;
    }
    assert_in_range(accepted, 1, 199999);
}

static void test_random_damage(void **state)
{
    struct wire_request request = sample_request();
    struct wire_log log = sample_log();
    char buffer[4096];
    size_t size;

    (void) state;
    size = wire_pack(&request, buffer, sizeof(buffer));
    damage(buffer, size);
    size = wire_pack_log(&log, buffer, sizeof(buffer));
    damage(buffer, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_round_trip_of_the_least),
        cmocka_unit_test(test_round_trip_of_the_most),
        cmocka_unit_test(test_pack_refuses),
        cmocka_unit_test(test_truncated_anywhere),
        cmocka_unit_test(test_longer_than_announced),
        cmocka_unit_test(test_header_numbers),
        cmocka_unit_test(test_indexes),
        cmocka_unit_test(test_interpreters),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_log_round_trip),
        cmocka_unit_test(test_log_of_the_most),
        cmocka_unit_test(test_log_too_large),
        cmocka_unit_test(test_log_truncated_anywhere),
        cmocka_unit_test(test_log_numbers),
        cmocka_unit_test(test_log_strings),
        cmocka_unit_test(test_random_damage),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
