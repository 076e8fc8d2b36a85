/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials.c - by which names credentials come and go
 */
#include "module/credentials.h"

#include <strings.h>

#include "module/environment.h"
#include "module/sorted.h"

static const char *const request_headers[] = {
    "Authorization", "Cookie", "Cookie2", "Proxy-Authorization"
};

/*
 * What browsers keep and apply to pages that others have written: cookies and
 * logins (RFC 6265, RFC 9110 11.6, Login Status API, Device Bound Session
 * Credentials), the state that goes with them (Clear-Site-Data), scripts that
 * stand before all pages (Service Workers), where and how the host is reached
 * and asked (RFC 7838, 6797, 7469, 9163, 8942), and to whom its pages are
 * reported (Network Error Logging).
 */
static const char *const answer_headers[] = {
    "Accept-CH", "Alt-Svc", "Clear-Site-Data", "Expect-CT", "NEL",
    "Public-Key-Pins", "Report-To", "Sec-Session-Registration",
    "Secure-Session-Registration", "Service-Worker-Allowed", "Set-Cookie",
    "Set-Cookie2", "Set-Login", "Strict-Transport-Security",
    "WWW-Authenticate"
};

/* mod_session's SessionEnv sets the last one: with mod_auth_form it holds the
   password. */
static const char *const variables[] = {
    "HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_COOKIE2",
    "HTTP_PROXY_AUTHORIZATION", "HTTP_SESSION"
};

/* The lists are sorted, without regard to case. */
#define IS_ONE_OF(name, names) \
    sorted_holds(names, SORTED_COUNT(names), name, strcasecmp)

bool credential_in_request(const char *name)
{
    return IS_ONE_OF(name, request_headers);
}

bool credential_in_answer(const char *name)
{
    return IS_ONE_OF(name, answer_headers);
}

bool credential_in_environment(const char *name)
{
    return IS_ONE_OF(environment_original(name), variables);
}
