/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_find.c - which file a request means; in a real tree, not as root
 */
/* LINK: find.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "trampoline/find.h"

enum { NOBODY_SPECIAL = 70001 };

static char top[] = "/tmp/test_find.XXXXXX";

static const char *interpreters[] = { ".py", "/usr/bin/python3", "-I", "",
                                      ".tar.gz", "/bin/tar", "" };

/* --- the tree --- */

static void make_file(const char *name, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void make_socket(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(strlen(name) < sizeof(address.sun_path));
    memcpy(address.sun_path, name, strlen(name) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)),
                     0);
    close(fd);
}

static int make_tree(void **state)
{
    (void) state;
    /* permissions mean nothing to root */
    if (geteuid() == 0
        && (setresgid(NOBODY_SPECIAL, NOBODY_SPECIAL, NOBODY_SPECIAL) != 0
            || setresuid(NOBODY_SPECIAL, NOBODY_SPECIAL, NOBODY_SPECIAL)
               != 0)) {
        return -1;
    }
    if (mkdtemp(top) == NULL || chdir(top) != 0) {
        return -1;
    }
    assert_int_equal(mkdir("d", 0755), 0);
    assert_int_equal(mkdir("d/e", 0755), 0);
    assert_int_equal(mkdir("d/.htdir", 0755), 0);
    assert_int_equal(mkdir("closed", 0755), 0);
    make_file("run", 0755);
    make_file("d/e/run.cgi", 0755);
    make_file("plain", 0644);
    make_file("d/x.py", 0644);
    make_file("d/secret.py", 0300);
    make_file("d/.py", 0755);
    make_file("d/xpy", 0755);
    make_file("d/a.py.cgi", 0755);
    make_file("d/b.tar.gz", 0644);
    make_file("d/.htpasswd", 0755);
    make_file("d/.htdir/run", 0755);
    make_file("d/.ht", 0755);
    make_file("d/x.htm", 0755);
    make_file("closed/run", 0755);
    assert_int_equal(chmod("closed", 0), 0);
    assert_int_equal(mkfifo("fifo", 0755), 0);
    make_socket("socket");
    assert_int_equal(symlink("d/e/run.cgi", "link"), 0);
    assert_int_equal(symlink("d", "dirlink"), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag,
                        struct FTW *ftw)
{
    (void) st;
    (void) flag;
    (void) ftw;
    return remove(path);
}

static int remove_tree(void **state)
{
    (void) state;
    chmod("closed", 0755);
    return nftw(top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static struct wire_request request_for(const char *filename)
{
    struct wire_request request = {
        .kind = WIRE_SERVE, .timeout_seconds = 1, .root = "/",
        .filename = filename, .uri = "/", .method = "GET",
        .interpreters = interpreters, .interpreter_count = 7
    };

    return request;
}

/* --- tests --- */

/* filename and script are below top */
struct find_case {
    const char *filename;
    enum wire_refusal refusal;
    int error;
    const char *script, *path_info;     /* when not refused */
    const char *interpreter;            /* or NULL */
};

static const struct find_case cases[] = {
    { "/run", WIRE_NOT_REFUSED, 0, "/run", "", NULL },
    { "/run/", WIRE_NOT_REFUSED, 0, "/run", "/", NULL },
    { "/run/a/b", WIRE_NOT_REFUSED, 0, "/run", "/a/b", NULL },
    { "/run//a", WIRE_NOT_REFUSED, 0, "/run", "//a", NULL },
    { "/run/.htaccess", WIRE_NOT_REFUSED, 0, "/run", "/.htaccess", NULL },
    { "/run/../run", WIRE_NOT_REFUSED, 0, "/run", "/../run", NULL },
    { "//d//e/run.cgi", WIRE_NOT_REFUSED, 0, "//d//e/run.cgi", "", NULL },
    { "/d/e/run.cgi/x", WIRE_NOT_REFUSED, 0, "/d/e/run.cgi", "/x", NULL },
    { "/link/x", WIRE_NOT_REFUSED, 0, "/link", "/x", NULL },
    { "/dirlink/e/run.cgi/x", WIRE_NOT_REFUSED, 0, "/dirlink/e/run.cgi",
      "/x", NULL },
    /* whether it can be executed, execve(2) says */
    { "/plain", WIRE_NOT_REFUSED, 0, "/plain", "", NULL },
    { "/d/x.py", WIRE_NOT_REFUSED, 0, "/d/x.py", "", "/usr/bin/python3" },
    { "/d/x.py/y.tar.gz", WIRE_NOT_REFUSED, 0, "/d/x.py", "/y.tar.gz",
      "/usr/bin/python3" },
    { "/d/b.tar.gz", WIRE_NOT_REFUSED, 0, "/d/b.tar.gz", "", "/bin/tar" },
    { "/d/.py", WIRE_NOT_REFUSED, 0, "/d/.py", "", NULL },
    { "/d/xpy", WIRE_NOT_REFUSED, 0, "/d/xpy", "", NULL },
    { "/d/a.py.cgi", WIRE_NOT_REFUSED, 0, "/d/a.py.cgi", "", NULL },
    { "/d/x.htm", WIRE_NOT_REFUSED, 0, "/d/x.htm", "", NULL },
    { "/d/secret.py", WIRE_FORBIDDEN, EACCES, NULL, NULL, NULL },
    { "/d/.htpasswd", WIRE_FORBIDDEN, 0, NULL, NULL, NULL },
    { "/d/.htpasswd/x", WIRE_FORBIDDEN, 0, NULL, NULL, NULL },
    { "/d/.ht", WIRE_FORBIDDEN, 0, NULL, NULL, NULL },
    { "/d/.htdir/run", WIRE_FORBIDDEN, 0, NULL, NULL, NULL },
    { "/d/.htdir", WIRE_FORBIDDEN, 0, NULL, NULL, NULL },
    { "/d/.htmissing", WIRE_FORBIDDEN, 0, NULL, NULL, NULL },
    { "/d/.htmissing/x", WIRE_FORBIDDEN, 0, NULL, NULL, NULL },
    { "/d", WIRE_FORBIDDEN, EISDIR, NULL, NULL, NULL },
    { "/d/", WIRE_FORBIDDEN, EISDIR, NULL, NULL, NULL },
    { "/dirlink/", WIRE_FORBIDDEN, EISDIR, NULL, NULL, NULL },
    { "/fifo", WIRE_FORBIDDEN, 0, NULL, NULL, NULL },
    { "/fifo/x", WIRE_FORBIDDEN, 0, NULL, NULL, NULL },
    { "/socket", WIRE_FORBIDDEN, 0, NULL, NULL, NULL },
    { "/closed/run", WIRE_FORBIDDEN, EACCES, NULL, NULL, NULL },
    { "/missing", WIRE_NOT_FOUND, ENOENT, NULL, NULL, NULL },
    { "/d/missing/run", WIRE_NOT_FOUND, ENOENT, NULL, NULL, NULL },
    { "/dangling", WIRE_NOT_FOUND, ENOENT, NULL, NULL, NULL },
    { "/loop", WIRE_NOT_FOUND, ELOOP, NULL, NULL, NULL },
    { "/loop/x", WIRE_NOT_FOUND, ELOOP, NULL, NULL, NULL },
};

static void check_case(const struct find_case *expected)
{
    char filename[PATH_MAX], script[PATH_MAX];
    struct wire_request request = request_for(filename);
    struct found found;

    snprintf(filename, sizeof(filename), "%s%s", top, expected->filename);
    print_message("# %s\n", expected->filename);
    assert_int_equal(find_script(&request, &found), expected->refusal);
    assert_int_equal(found.error, expected->error);
    if (expected->refusal != WIRE_NOT_REFUSED) {
        return;
    }
    snprintf(script, sizeof(script), "%s%s", top, expected->script);
    assert_string_equal(found.script, script);
    assert_string_equal(found.path_info, expected->path_info);
    *strrchr(script, '/') = '\0';
    assert_string_equal(found.directory, script);
    if (expected->interpreter == NULL) {
        assert_null(found.interpreter);
    }
    else {
        assert_string_equal(*found.interpreter, expected->interpreter);
    }
}

static void test_files(void **state)
{
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_case(&cases[i]);
    }
}

static void test_device(void **state)
{
    struct wire_request request = request_for("/dev/null");
    struct found found;

    (void) state;
    assert_int_equal(find_script(&request, &found), WIRE_FORBIDDEN);
    request = request_for("/");
    assert_int_equal(find_script(&request, &found), WIRE_FORBIDDEN);
    assert_int_equal(found.error, EISDIR);
}

/* PATH_INFO may be longer than any path. */
static void test_long_names(void **state)
{
    static char filename[3 * PATH_MAX];
    struct wire_request request = request_for(filename);
    struct found found;
    size_t length;

    (void) state;
    length = (size_t) snprintf(filename, sizeof(filename), "%s/run/", top);
    memset(filename + length, 'x', sizeof(filename) - length - 1);
    assert_int_equal(find_script(&request, &found), WIRE_NOT_REFUSED);
    assert_int_equal(strlen(found.path_info),
                     sizeof(filename) - 1 - strlen(found.script));

    memset(filename + strlen(top) + 1, 'x', 3);
    assert_int_equal(find_script(&request, &found), WIRE_NOT_FOUND);
    assert_int_equal(found.error, ENOENT);

    memset(filename + strlen(top) + 1, 'x', 300);
    assert_int_equal(find_script(&request, &found), WIRE_NOT_FOUND);
    assert_int_equal(found.error, ENAMETOOLONG);

    memset(filename, '/', 1);
    memset(filename + 1, 'x', sizeof(filename) - 2);
    assert_int_equal(find_script(&request, &found), WIRE_NOT_FOUND);
    assert_int_equal(found.error, ENAMETOOLONG);
}

static void test_exec_refusals(void **state)
{
    static const struct {
        const char *script, *interpreter;
        int error;
        enum wire_refusal refusal;
    } errors[] = {
        { "plain", NULL, EACCES, WIRE_NOT_EXECUTABLE },
        { "run", NULL, EACCES, WIRE_NO_INTERPRETER },
        { "plain", "/x", EACCES, WIRE_NO_INTERPRETER },
        { "run", NULL, ENOENT, WIRE_NO_INTERPRETER },
        { "run", NULL, ENOEXEC, WIRE_NO_INTERPRETER },
        { "run", NULL, ELOOP, WIRE_NO_INTERPRETER },
        { "run", NULL, ETXTBSY, WIRE_CANNOT_START },
        { "run", NULL, ENOMEM, WIRE_CANNOT_START },
        { "run", NULL, EAGAIN, WIRE_CANNOT_START },
        { "run", NULL, E2BIG, WIRE_BAD_REQUEST },
    };
    struct found found;
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        snprintf(found.script, sizeof(found.script), "%s", errors[i].script);
        found.interpreter = errors[i].interpreter == NULL
                            ? NULL : &errors[i].interpreter;
        assert_int_equal(find_exec_refusal(&found, errors[i].error),
                         errors[i].refusal);
    }
}

static void test_hidden(void **state)
{
    (void) state;
    assert_true(find_is_hidden("/.htaccess"));
    assert_true(find_is_hidden("/a/.ht"));
    assert_true(find_is_hidden("/a/.ht-x/b"));
    assert_true(find_is_hidden("//.htpasswd"));
    assert_false(find_is_hidden("/a.htaccess"));
    assert_false(find_is_hidden("/.h/t"));
    assert_false(find_is_hidden("/.hidden"));
    assert_false(find_is_hidden("/"));
}

static void test_script_names(void **state)
{
    static const struct {
        const char *uri, *path_info, *script_name;
    } names[] = {
        { "/my/x.py", "", "/my/x.py" },
        { "/my/x.py/", "/", "/my/x.py" },
        { "/my/x.py/a/b", "/a/b", "/my/x.py" },
        { "/my/x.py//a", "//a", "/my/x.py" },
        { "/my/x.py///a//b", "/a/b", "/my/x.py" },
        { "/my/x.py/a/b", "//a//b", "/my/x.py" },
        { "/a/a/a", "/a", "/a/a" },
        { "/x/a", "/y/a", "/x" },       /* as far as they are the same */
        { "/xy/a", "/zy/a", "/xy" },
        { "/my/x.py", "/elsewhere", "/my/x.py" },
        { "/a", "/a", "" },
        { "/", "/", "" },
    };
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t length = find_script_name(names[i].uri, names[i].path_info);
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int) length, names[i].uri);
        assert_string_equal(name, names[i].script_name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_device),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_exec_refusals),
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_script_names),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
