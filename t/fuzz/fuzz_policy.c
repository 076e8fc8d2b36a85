/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_policy.c - the sealed policy, as the setuid program reads it
 */
/* LINK: policy.o settings.o parse.o names.o */
#include "fuzz.h"

#include <stdio.h>

#include "trampoline/policy.h"
#include "trampoline/settings.h"

static void check_mount(const struct policy_mount *mount)
{
    FUZZ_REQUIRE(mount->kind <= MOUNT_BIND && mount->target[0] == '/');
    FUZZ_REQUIRE((mount->kind == MOUNT_BIND) == (mount->source != NULL));
    FUZZ_REQUIRE(mount->source == NULL || mount->source[0] == '/');
}

static void check_profile(const struct policy_profile *profile)
{
    size_t i;

    FUZZ_REQUIRE(name_is_profile(profile->name));
    FUZZ_REQUIRE(name_is_generation(profile->generation));
    FUZZ_REQUIRE(profile->base[0] == '/' && profile->users[0] == '/');
    FUZZ_REQUIRE(profile->uid_min >= POLICY_UID_MIN
                 && profile->uid_min <= profile->uid_max
                 && profile->uid_max <= POLICY_ID_MAX);
    FUZZ_REQUIRE(profile->mount_count <= POLICY_MOUNTS_MAX);
    for (i = 0; i < profile->mount_count; i++) {
        check_mount(&profile->mounts[i]);
    }
}

static void check_settings(const struct settings *settings)
{
    size_t i;

    for (i = 0; i < LIMIT_COUNT; i++) {
        FUZZ_REQUIRE(settings->limits[i].rlim_cur
                     <= settings->limits[i].rlim_max);
    }
    FUZZ_REQUIRE(settings->max_requests >= 1
                 && settings->max_requests <= SETTINGS_REQUESTS_MAX
                 && settings->queue <= SETTINGS_REQUESTS_MAX);
    FUZZ_REQUIRE(settings->idle_seconds >= 1
                 && settings->idle_seconds <= SETTINGS_IDLE_MAX);
    FUZZ_REQUIRE(settings->linger <= 1);
    FUZZ_REQUIRE(settings->filter_count <= SETTINGS_FILTER_MAX);
}

/* An error is one line, and has a code. */
static void check_error(const struct policy_error *error)
{
    FUZZ_REQUIRE(error->code != CODE_OK);
    FUZZ_REQUIRE(memchr(error->text, '\0', sizeof(error->text)) != NULL);
    FUZZ_REQUIRE(strchr(error->text, '\n') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct settings settings;
    static struct policy policy;
    struct policy_error error = { .code = CODE_OK };
    char *text = fuzz_copy(data, size, 0);

    if (!policy_parse(text, size, "default", &policy, &error)) {
        check_error(&error);
    }
    else {
        FUZZ_REQUIRE(name_is_instance(policy.instance));
        FUZZ_REQUIRE(policy.warden[0] == '/');
        check_profile(&policy.profile);
        if (settings_parse(&policy.profile, &settings, &error)) {
            check_settings(&settings);
        }
        else {
            check_error(&error);
        }
    }
    free(text);
    return 0;
}
