/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_names.c - names that become components of paths, and values of
 * directives that are paths
 */
/* LINK: names.o limits.o module_values.o */
#include "fuzz.h"

#include "module/values.h"
#include "trampoline/names.h"

/* What no component of a path, and no line of the policy, may hold. */
static void check_component(const char *name, size_t max)
{
    size_t length = strlen(name);

    FUZZ_REQUIRE(length >= 1 && length <= max);
    FUZZ_REQUIRE(strpbrk(name, "/@ \t\n\r%\\\"") == NULL);
    FUZZ_REQUIRE(name[0] != '.' && name[0] != '-');
    FUZZ_REQUIRE(strstr(name, "..") == NULL);
}

static void check_path(const char *path)
{
    FUZZ_REQUIRE(path[0] == '/' && path[1] != '\0');
    FUZZ_REQUIRE(strpbrk(path, " \t\n\r\x7f") == NULL);
    FUZZ_REQUIRE(strstr(path, "//") == NULL && strstr(path, "/./") == NULL
                 && strstr(path, "/../") == NULL);
}

static void check_numbers(const char *text)
{
    uint64_t value = 0;
    rlim_t limit = 0;

    if (value_number(text, 5, 500, &value)) {
        FUZZ_REQUIRE(value >= 5 && value <= 500);
    }
    if (value_size(text, &value)) {
        FUZZ_REQUIRE(value >= 1);
    }
    (void)value_limit(LIMIT_DATA, text, &limit);
    (void)value_limit(LIMIT_CPU, text, &limit);
    FUZZ_REQUIRE(value_resource(text) <= LIMIT_COUNT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size, 0);
    int64_t offset = name_lock_offset(text);

    FUZZ_REQUIRE(offset >= 1 && offset < INT64_C(1) << 62);
    if (name_is_user(text)) {
        check_component(text, NAME_USER_MAX);
    }
    if (name_is_instance(text)) {
        check_component(text, NAME_INSTANCE_MAX);
    }
    if (name_is_profile(text)) {
        check_component(text, NAME_PROFILE_MAX);
    }
    if (name_is_generation(text)) {
        check_component(text, NAME_GENERATION_LEN);
    }
    if (value_path(text)) {
        check_path(text);
    }
    check_numbers(text);
    free(text);
    return 0;
}
