/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_variables.c - which variables httpd lets through to a program
 */
/* LINK: module_environment.o module_sorted.o */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "module/environment.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NOBODYS = 0, REQUESTS = 1, CONFIGURED = 2, BOTH = 3 };

static const struct {
    const char *name;
    int from;               /* who may set it */
} variables[] = {
    { "QUERY_STRING",             BOTH },
    { "REMOTE_USER",              BOTH },
    { "REQUEST_URI",              BOTH },
    { "AUTH_TYPE",                BOTH },
    { "CONTENT_LENGTH",           BOTH },
    { "CONTENT_TYPE",             BOTH },
    { "GATEWAY_INTERFACE",        BOTH },
    { "REDIRECT_QUERY_STRING",    BOTH },
    { "REMOTE_ADDR",              BOTH },
    { "REMOTE_HOST",              BOTH },
    { "REMOTE_IDENT",             BOTH },
    { "REMOTE_PORT",              BOTH },
    { "REQUEST_METHOD",           BOTH },
    { "REQUEST_SCHEME",           BOTH },
    { "SERVER_ADDR",              BOTH },
    { "SERVER_ADMIN",             BOTH },
    { "SERVER_NAME",              BOTH },
    { "SERVER_PORT",              BOTH },
    { "SERVER_PROTOCOL",          BOTH },
    { "SERVER_SIGNATURE",         BOTH },
    { "SERVER_SOFTWARE",          BOTH },
    { "HTTP_HOST",                BOTH },
    { "HTTP_X_ANYTHING",          BOTH },
    { "REDIRECT_URL",             BOTH },
    { "REDIRECT_REMOTE_USER",     BOTH },
    { "COURSE",                   CONFIGURED },
    { "UNIQUE_ID",                CONFIGURED },
    { "SSL_CLIENT_S_DN",          CONFIGURED },
    { "REDIRECT_COURSE",          CONFIGURED },
    { "PATHS",                    CONFIGURED },
    { "query_string",             CONFIGURED },
    { "REQUEST_URI_2",            CONFIGURED },
    /* httpoxy */
    { "HTTP_PROXY",               NOBODYS },
    { "REDIRECT_HTTP_PROXY",      NOBODYS },
    /* the warden's */
    { "SCRIPT_NAME",              NOBODYS },
    { "SCRIPT_FILENAME",          NOBODYS },
    { "PATH_INFO",                NOBODYS },
    { "PATH_TRANSLATED",          NOBODYS },
    { "DOCUMENT_ROOT",            NOBODYS },
    { "PATH",                     NOBODYS },
    { "REDIRECT_PATH",            NOBODYS },
    { "REDIRECT_REDIRECT_PATH",   NOBODYS },
    /* paths of the host */
    { "CONTEXT_DOCUMENT_ROOT",    NOBODYS },
    { "CONTEXT_PREFIX",           NOBODYS },
    /* httpd's own */
    { "LD_PRELOAD",               NOBODYS },
    { "LD_LIBRARY_PATH",          NOBODYS },
    { "no_cache",                 NOBODYS },
    { "REDIRECT_LD_PRELOAD",      NOBODYS }
};

static void test_who_may_set_it(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(variables); i++) {
        const char *name = variables[i].name;
        int from = (environment_allows(name, ENVIRONMENT_REQUEST)
                    ? REQUESTS : 0)
            | (environment_allows(name, ENVIRONMENT_CONFIGURED)
               ? CONFIGURED : 0);

        if (from != variables[i].from) {
            fail_msg("%s: %d, expected %d", name, from, variables[i].from);
        }
    }
}

static void test_names(void **state)
{
    static const struct {
        const char *raw, *name;     /* NULL: refused */
    } cases[] = {
        { "A", "A" }, { "a-b.c", "a_b_c" }, { "1st", "_1st" },
        { "x=y", "x_y" }, { "a\nb", "a_b" }, { "\xe9", "_" }, { "", NULL },
        { "1234567", NULL }, { "123456", "_123456" }, { "abcdef", "abcdef" },
        { "abcdefg", NULL }, { "abcdefgh", NULL }
    };
    char name[8];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        if (environment_name(cases[i].raw, name, sizeof(name))
            != (cases[i].name != NULL)) {
            fail_msg("'%s'", cases[i].raw);
        }
        if (cases[i].name != NULL) {
            assert_string_equal(name, cases[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_set_it),
        cmocka_unit_test(test_names)
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
