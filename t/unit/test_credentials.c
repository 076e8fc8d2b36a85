/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_credentials.c - by which names credentials come and go
 */
/* LINK: module_credentials.o module_environment.o module_sorted.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "module/credentials.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NONE = 0, REQUEST = 1, ANSWER = 2, VARIABLE = 4 };

static const struct {
    const char *name;
    int where;              /* it is a credential */
} names[] = {
    { "Cookie",                                 REQUEST },
    { "cookie",                                 REQUEST },
    { "AUTHORIZATION",                          REQUEST },
    { "Proxy-Authorization",                    REQUEST },
    { "Authorization",                          REQUEST },
    { "Cookie2",                                REQUEST },
    { "Cookies",                                NONE },
    { "X-Cookie",                               NONE },
    { "Host",                                   NONE },
    { "Set-Cookie",                             ANSWER },
    { "set-cookie",                             ANSWER },
    { "Service-Worker-Allowed",                 ANSWER },
    { "Accept-CH",                              ANSWER },
    { "Alt-Svc",                                ANSWER },
    { "Clear-Site-Data",                        ANSWER },
    { "Expect-CT",                              ANSWER },
    { "NEL",                                    ANSWER },
    { "Public-Key-Pins",                        ANSWER },
    { "Report-To",                              ANSWER },
    { "Sec-Session-Registration",               ANSWER },
    { "Secure-Session-Registration",            ANSWER },
    { "Set-Cookie2",                            ANSWER },
    { "Set-Login",                              ANSWER },
    { "Strict-Transport-Security",              ANSWER },
    { "WWW-Authenticate",                       ANSWER },
    { "Set-Cookie-Policy",                      NONE },
    { "Content-Type",                           NONE },
    { "Access-Control-Allow-Origin",            NONE },
    { "HTTP_COOKIE",                            VARIABLE },
    { "http_cookie",                            VARIABLE },
    { "HTTP_AUTHORIZATION",                     VARIABLE },
    { "HTTP_PROXY_AUTHORIZATION",               VARIABLE },
    { "HTTP_SESSION",                           VARIABLE },
    { "HTTP_COOKIE2",                           VARIABLE },
    { "REDIRECT_HTTP_COOKIE",                   VARIABLE },
    { "REDIRECT_REDIRECT_HTTP_AUTHORIZATION",   VARIABLE },
    { "REDIRECT_",                              NONE },
    { "HTTP_COOKIES",                           NONE },
    { "HTTP_HOST",                              NONE },
    { "REMOTE_USER",                            NONE },
    { "",                                       NONE }
};

static void test_names(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(names); i++) {
        const char *name = names[i].name;
        int where = (credential_in_request(name) ? REQUEST : 0)
            | (credential_in_answer(name) ? ANSWER : 0)
            | (credential_in_environment(name) ? VARIABLE : 0);

        if (where != names[i].where) {
            fail_msg("%s: %d, expected %d", name, where, names[i].where);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names)
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
