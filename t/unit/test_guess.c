/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_guess.c - whether a request means a file: after two files, and no
 * longer after a program; each user's extensions for themselves
 */
/* LINK: module_guess.o names.o */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "module/guess.h"

static void test_two_files(void **state)
{
    (void) state;
    assert_false(guess_is_file("ann", "/home/ann/a.png"));
    guess_learn("ann", "/home/ann/a.png", true);
    assert_false(guess_is_file("ann", "/home/ann/a.png"));
    guess_learn("ann", "/home/ann/b.png", true);
    assert_true(guess_is_file("ann", "/home/ann/c.png"));
}

static void test_a_program(void **state)
{
    int i;

    (void) state;
    for (i = 0; i < 300; i++) {
        guess_learn("ben", "/x.html", true);
    }
    assert_true(guess_is_file("ben", "/x.html"));
    guess_learn("ben", "/y.html", false);
    assert_false(guess_is_file("ben", "/x.html"));
    guess_learn("ben", "/x.html", true);
    assert_false(guess_is_file("ben", "/x.html"));
}

static void learn_twice(const char *user, const char *path)
{
    guess_learn(user, path, true);
    guess_learn(user, path, true);
}

static void test_others(void **state)
{
    (void) state;
    learn_twice("cid", "/a.css");
    assert_false(guess_is_file("dan", "/a.css"));
    assert_false(guess_is_file("cid", "/a.js"));
    assert_false(guess_is_file("cid.c", "/a.ss"));
    assert_false(guess_is_file("cid", "/a"));
}

/* Of the last part alone, and none is one, too. */
static void test_extensions(void **state)
{
    (void) state;
    learn_twice("eva", "/v1.2/read");
    assert_true(guess_is_file("eva", "/v1.3/me"));
    assert_true(guess_is_file("eva", "/dir/"));
    assert_false(guess_is_file("eva", "/read.2/me.2"));
    learn_twice("eva", "a.b.c");
    assert_true(guess_is_file("eva", "/x/.c"));
    assert_false(guess_is_file("eva", "a.b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_files),
        cmocka_unit_test(test_a_program),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_extensions),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
