/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_find.c - what a request means; in a real tree, not as root
 */
/* LINK: scratch.o find.o */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "scratch.h"
#include "trampoline/find.h"

static const char *interpreters[] = { ".py", "/usr/bin/python3", "-I", "",
                                      ".tar.gz", "/bin/tar", "" };

static const char *indexes[] = { "index.html", "index.py", "index.cgi" };

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

static void make_directories(void)
{
    static const char *const names[] = {
        "d", "d/e", "d/.htdir", "closed", "both", "second", "none", "odd",
        "odd/index.cgi", "linked", "blind", "shut", "unreadable"
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(mkdir(names[i], 0755), 0);
    }
}

static void make_files(void)
{
    static const struct {
        const char *name;
        mode_t mode;
    } files[] = {
        { "run", 0755 }, { "d/e/run.cgi", 0755 }, { "plain", 0644 },
        { "group", 0610 }, { "others", 0601 }, { "unreadable/x", 0200 },
        { "d/x.py", 0644 }, { "d/secret.py", 0300 }, { "d/.py", 0755 },
        { "d/xpy", 0755 }, { "d/a.py.cgi", 0755 }, { "d/b.tar.gz", 0644 },
        { "d/.htpasswd", 0755 }, { "d/.htdir/run", 0755 },
        { "d/.ht", 0755 }, { "d/x.htm", 0755 }, { "closed/run", 0755 },
        { "both/index.html", 0644 }, { "both/index.py", 0644 },
        { "second/index.py", 0644 }, { "second/index.cgi", 0755 },
        { "blind/index.cgi", 0755 }, { "shut/index.html", 0644 },
        { "unreadable/index.html", 0200 }, { "unreadable/index.py", 0300 }
    };
    size_t i;

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        make_file(files[i].name, files[i].mode);
    }
}

static int make_tree(void **state)
{
    (void) state;
    if (scratch_enter() != 0) {
        return -1;
    }
    make_directories();
    make_files();
    assert_int_equal(chmod("closed", 0), 0);
    assert_int_equal(chmod("blind", 0311), 0);
    assert_int_equal(chmod("shut", 0600), 0);
    assert_int_equal(mkfifo("fifo", 0755), 0);
    make_socket("socket");
    assert_int_equal(symlink("d/e/run.cgi", "link"), 0);
    assert_int_equal(symlink("d", "dirlink"), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_int_equal(symlink("nowhere", "odd/index.html"), 0);
    assert_int_equal(mkfifo("odd/index.py", 0644), 0);
    assert_int_equal(symlink("../plain", "linked/index.html"), 0);
    return 0;
}

static int remove_tree(void **state)
{
    (void) state;
    chmod("closed", 0755);
    chmod("blind", 0755);
    chmod("shut", 0755);
    return scratch_leave();
}

static struct wire_request request_for(const char *filename)
{
    struct wire_request request = {
        .kind = WIRE_SERVE, .timeout_seconds = 1, .root = "/",
        .filename = filename, .uri = filename, .method = "GET",
        .indexes = indexes, .index_count = 3,
        .interpreters = interpreters, .interpreter_count = 7
    };

    return request;
}

/* --- tests --- */

/* filename and script are below the directory */
struct find_case {
    const char *filename;
    enum wire_refusal refusal;
    int error;
    enum find_kind kind;                /* this and more when not refused */
    const char *script, *path_info;
    const char *interpreter;            /* or NULL */
};

#define PROGRAM(f, script, path_info, interpreter) \
    { f, WIRE_NOT_REFUSED, 0, FIND_PROGRAM, script, path_info, interpreter }
#define STATIC(f, script, path_info) \
    { f, WIRE_NOT_REFUSED, 0, FIND_FILE, script, path_info, NULL }
#define REFUSED(f, refusal, error) \
    { f, refusal, error, FIND_PROGRAM, NULL, NULL, NULL }

static const struct find_case cases[] = {
    PROGRAM("/run", "/run", "", NULL),
    PROGRAM("/run/", "/run", "/", NULL),
    PROGRAM("/run/a/b", "/run", "/a/b", NULL),
    PROGRAM("/run//a", "/run", "//a", NULL),
    PROGRAM("/run/.htaccess", "/run", "/.htaccess", NULL),
    PROGRAM("/run/../run", "/run", "/../run", NULL),
    PROGRAM("//d//e/run.cgi", "//d//e/run.cgi", "", NULL),
    PROGRAM("/d/e/run.cgi/x", "/d/e/run.cgi", "/x", NULL),
    PROGRAM("/link/x", "/link", "/x", NULL),
    PROGRAM("/dirlink/e/run.cgi/x", "/dirlink/e/run.cgi", "/x", NULL),
    PROGRAM("/d/x.py", "/d/x.py", "", "/usr/bin/python3"),
    PROGRAM("/d/x.py/y.tar.gz", "/d/x.py", "/y.tar.gz", "/usr/bin/python3"),
    PROGRAM("/d/b.tar.gz", "/d/b.tar.gz", "", "/bin/tar"),
    PROGRAM("/d/.py", "/d/.py", "", NULL),
    PROGRAM("/d/xpy", "/d/xpy", "", NULL),
    PROGRAM("/d/a.py.cgi", "/d/a.py.cgi", "", NULL),
    PROGRAM("/d/x.htm", "/d/x.htm", "", NULL),
    /* any execute bit: whether it is one for the user, execve(2) says */
    PROGRAM("/group", "/group", "", NULL),
    PROGRAM("/others/x", "/others", "/x", NULL),
    /* whether they can be opened, open(2) says */
    STATIC("/plain", "/plain", ""),
    STATIC("/plain/x", "/plain", "/x"),
    STATIC("/unreadable/x", "/unreadable/x", ""),
    REFUSED("/d/secret.py", WIRE_FORBIDDEN, EACCES),
    REFUSED("/d/.htpasswd", WIRE_FORBIDDEN, 0),
    REFUSED("/d/.htpasswd/x", WIRE_FORBIDDEN, 0),
    REFUSED("/d/.ht", WIRE_FORBIDDEN, 0),
    REFUSED("/d/.htdir/run", WIRE_FORBIDDEN, 0),
    REFUSED("/d/.htdir/", WIRE_FORBIDDEN, 0),
    REFUSED("/d/.htdir", WIRE_FORBIDDEN, 0),
    REFUSED("/d/.htmissing", WIRE_FORBIDDEN, 0),
    REFUSED("/d/.htmissing/x", WIRE_FORBIDDEN, 0),
    REFUSED("/d", WIRE_NEEDS_SLASH, 0),
    REFUSED("/dirlink", WIRE_NEEDS_SLASH, 0),
    REFUSED("/both", WIRE_NEEDS_SLASH, 0),
    REFUSED("/d/", WIRE_FORBIDDEN, EISDIR),
    REFUSED("/dirlink/", WIRE_FORBIDDEN, EISDIR),
    REFUSED("/fifo", WIRE_FORBIDDEN, 0),
    REFUSED("/fifo/x", WIRE_FORBIDDEN, 0),
    REFUSED("/socket", WIRE_FORBIDDEN, 0),
    REFUSED("/closed/run", WIRE_FORBIDDEN, EACCES),
    REFUSED("/missing", WIRE_NOT_FOUND, ENOENT),
    REFUSED("/missing/", WIRE_NOT_FOUND, ENOENT),
    REFUSED("/d/missing/run", WIRE_NOT_FOUND, ENOENT),
    REFUSED("/dangling", WIRE_NOT_FOUND, ENOENT),
    REFUSED("/loop", WIRE_NOT_FOUND, ELOOP),
    REFUSED("/loop/x", WIRE_NOT_FOUND, ELOOP),
};

static void assert_found(const struct found *found,
                         const struct find_case *expected)
{
    char script[PATH_MAX];

    assert_int_equal(found->kind, expected->kind);
    snprintf(script, sizeof(script), "%s%s", scratch_path(), expected->script);
    assert_string_equal(found->script, script);
    assert_string_equal(found->path_info, expected->path_info);
    *strrchr(script, '/') = '\0';
    assert_string_equal(found->directory, script);
    if (expected->interpreter == NULL) {
        assert_null(found->interpreter);
    }
    else {
        assert_string_equal(*found->interpreter, expected->interpreter);
    }
}

static void check_case(const struct find_case *expected)
{
    char filename[PATH_MAX];
    struct wire_request request = request_for(filename);
    struct found found;

    snprintf(filename, sizeof(filename), "%s%s",
             scratch_path(), expected->filename);
    print_message("# %s\n", expected->filename);
    assert_int_equal(find_target(&request, &found), expected->refusal);
    assert_int_equal(found.error, expected->error);
    if (expected->refusal == WIRE_NOT_REFUSED) {
        assert_found(&found, expected);
        assert_string_equal(found.index, "");
        assert_int_equal(found.index_number, 0);
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
    assert_int_equal(find_target(&request, &found), WIRE_FORBIDDEN);
    assert_int_equal(found.error, 0);
    request = request_for("/");
    request.index_count = 0;
    assert_int_equal(find_target(&request, &found), WIRE_FORBIDDEN);
    assert_int_equal(found.error, EISDIR);
}

/* --- directories --- */

static const struct {
    struct find_case found;
    uint32_t index_number;
} indexed[] = {
    { STATIC("/both/", "/both/index.html", ""), 1 },
    { PROGRAM("/second/", "/second/index.py", "", "/usr/bin/python3"), 2 },
    { STATIC("/linked/", "/linked/index.html", ""), 1 },
    /* it can be entered, but not be read */
    { PROGRAM("/blind/", "/blind/index.cgi", "", NULL), 3 },
    { STATIC("/unreadable/", "/unreadable/index.html", ""), 1 },
};

static void test_indexes(void **state)
{
    char filename[PATH_MAX];
    struct wire_request request = request_for(filename);
    struct found found;
    size_t i;

    (void) state;
    request.lists = true;
    for (i = 0; i < sizeof(indexed) / sizeof(indexed[0]); i++) {
        snprintf(filename, sizeof(filename), "%s%s", scratch_path(),
                 indexed[i].found.filename);
        print_message("# %s\n", indexed[i].found.filename);
        assert_int_equal(find_target(&request, &found), WIRE_NOT_REFUSED);
        assert_found(&found, &indexed[i].found);
        assert_int_equal(found.index_number, indexed[i].index_number);
        assert_string_equal(found.index, indexes[found.index_number - 1]);
    }
}

/* Where filename has no slash at its end, the one of the URI counts. */
static void test_slash_of_the_uri(void **state)
{
    char filename[PATH_MAX], expected[PATH_MAX];
    struct wire_request request = request_for(filename);
    struct found found;

    (void) state;
    snprintf(filename, sizeof(filename), "%s/both", scratch_path());
    request.uri = "/my/";
    assert_int_equal(find_target(&request, &found), WIRE_NOT_REFUSED);
    snprintf(expected, sizeof(expected), "%s/both/index.html", scratch_path());
    assert_string_equal(found.script, expected);
    snprintf(filename, sizeof(filename), "%s/both/", scratch_path());
    request.uri = "/my";
    assert_int_equal(find_target(&request, &found), WIRE_NEEDS_SLASH);
}

/* The order of the request, not that of the directory. */
static void test_order_of_indexes(void **state)
{
    const char *other[] = { "index.cgi", "missing", "index.py" };
    char filename[PATH_MAX];
    struct wire_request request = request_for(filename);
    struct found found;

    (void) state;
    snprintf(filename, sizeof(filename), "%s/second/", scratch_path());
    request.indexes = other;
    assert_int_equal(find_target(&request, &found), WIRE_NOT_REFUSED);
    assert_int_equal(found.index_number, 1);
    assert_string_equal(found.index, "index.cgi");
    request.index_count = 0;
    assert_int_equal(find_target(&request, &found), WIRE_FORBIDDEN);
    assert_int_equal(found.error, EISDIR);
}

static void test_refused_indexes(void **state)
{
    const char *first_python[] = { "index.py", "index.html" };
    char filename[PATH_MAX];
    struct wire_request request = request_for(filename);
    struct found found;

    (void) state;
    request.lists = true;
    snprintf(filename, sizeof(filename), "%s/shut/", scratch_path());
    assert_int_equal(find_target(&request, &found), WIRE_FORBIDDEN);
    assert_int_equal(found.error, EACCES);
    snprintf(filename, sizeof(filename), "%s/unreadable/", scratch_path());
    request.indexes = first_python;
    request.index_count = 2;
    assert_int_equal(find_target(&request, &found), WIRE_FORBIDDEN);
    assert_int_equal(found.error, EACCES);
    assert_int_equal(found.index_number, 1);
}

static void test_listings(void **state)
{
    static const char *const directories[] = { "/none", "/odd", "/d",
                                               "/dirlink" };
    char filename[PATH_MAX];
    struct wire_request request = request_for(filename);
    struct found found;
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        request.lists = true;
        snprintf(filename, sizeof(filename), "%s%s",
                 scratch_path(), directories[i]);
        assert_int_equal(find_target(&request, &found), WIRE_NEEDS_SLASH);
        memcpy(filename + strlen(filename), "/", 2);
        assert_int_equal(find_target(&request, &found), WIRE_NOT_REFUSED);
        assert_int_equal(found.kind, FIND_DIRECTORY);
        assert_string_equal(found.script, filename);
        assert_int_equal(found.index_number, 0);
        request.lists = false;
        assert_int_equal(find_target(&request, &found), WIRE_FORBIDDEN);
        assert_int_equal(found.error, EISDIR);
    }
}

/* As long as a path may be, and longer. */
static void test_long_indexes(void **state)
{
    static char name[PATH_MAX];
    const char *names[] = { name, "index.html" };
    char filename[PATH_MAX];
    struct wire_request request = request_for(filename);
    struct found found;
    size_t length;

    (void) state;
    snprintf(filename, sizeof(filename), "%s/both/", scratch_path());
    request.indexes = names;
    request.index_count = 2;
    for (length = PATH_MAX - strlen(filename) - 2; length < PATH_MAX;
         length++) {
        memset(name, 'x', length);
        name[length] = '\0';
        assert_int_equal(find_target(&request, &found), WIRE_NOT_REFUSED);
        assert_int_equal(found.index_number, 2);
    }
}

/* A directory whose path has no room for more. */
static void test_long_directory(void **state)
{
    char filename[PATH_MAX];
    struct wire_request request = request_for(filename);
    struct found found;

    (void) state;
    memset(filename, '/', sizeof(filename) - 1);
    filename[sizeof(filename) - 1] = '\0';
    assert_int_equal(find_target(&request, &found), WIRE_FORBIDDEN);
    assert_int_equal(found.error, EISDIR);
    filename[sizeof(filename) - 2] = '.';
    request.uri = "/";
    assert_int_equal(find_target(&request, &found), WIRE_FORBIDDEN);
    assert_int_equal(found.error, EISDIR);
}

/* --- odd requests --- */

/* PATH_INFO may be longer than any path. */
static void test_long_names(void **state)
{
    static char filename[3 * PATH_MAX];
    struct wire_request request = request_for(filename);
    struct found found;
    size_t length;

    (void) state;
    length = (size_t) snprintf(filename, sizeof(filename), "%s/run/",
                               scratch_path());
    memset(filename + length, 'x', sizeof(filename) - length - 1);
    assert_int_equal(find_target(&request, &found), WIRE_NOT_REFUSED);
    assert_int_equal(strlen(found.path_info),
                     sizeof(filename) - 1 - strlen(found.script));

    memset(filename + strlen(scratch_path()) + 1, 'x', 3);
    assert_int_equal(find_target(&request, &found), WIRE_NOT_FOUND);
    assert_int_equal(found.error, ENOENT);

    memset(filename + strlen(scratch_path()) + 1, 'x', 300);
    assert_int_equal(find_target(&request, &found), WIRE_NOT_FOUND);
    assert_int_equal(found.error, ENAMETOOLONG);

    memset(filename, '/', 1);
    memset(filename + 1, 'x', sizeof(filename) - 2);
    assert_int_equal(find_target(&request, &found), WIRE_NOT_FOUND);
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

static void test_nph(void **state)
{
    static const struct {
        const char *script;
        bool is_nph;
    } table[] = {
        { "/home/alice/nph-x", true },
        { "/nph-", true },
        { "/home/nph-alice/x", false },
        { "/home/alice/xnph-", false },
        { "/home/alice/nph", false },
        { "/home/alice/NPH-x", false },
    };
    struct found found = { .path_info = "/nph-x" };
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(found.script, sizeof(found.script), "%s", table[i].script);
        assert_int_equal(find_is_nph(&found), table[i].is_nph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_device),
        cmocka_unit_test(test_indexes),
        cmocka_unit_test(test_slash_of_the_uri),
        cmocka_unit_test(test_order_of_indexes),
        cmocka_unit_test(test_refused_indexes),
        cmocka_unit_test(test_listings),
        cmocka_unit_test(test_long_indexes),
        cmocka_unit_test(test_long_directory),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_exec_refusals),
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_nph),
        cmocka_unit_test(test_script_names),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
