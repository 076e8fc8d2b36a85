/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ivlejailctl.c - users, jails and base images, for the administrator
 *
 * Run by root; not setuid.  It does nothing that could not be done by hand:
 * users are directories (user.c, remove.c), base images too (base.c, and the
 * script base-build), jails are looked after by timount (jail.c), and whether
 * all is as it must be can be seen (doctor.c, and its checks).  What
 * it adds is that all of it is done right, and in the right place: where
 * httpd runs in a mount namespace of its own, as under PrivateTmp=, that one
 * is entered first (enter.c), and the users directory and the range of uids
 * are those that the running httpd has sealed (site.c).
 *
 * Exit status: 0 done, 1 failed (doctor: faults), 2 wrong command line.
 */
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"
#include "ctl.h"
#include "doctor.h"
#include "jail.h"
#include "trampoline/layout.h"
#include "trampoline/names.h"
#include "trampoline/policy.h"
#include "user.h"

/* What getopt_long(3) returns for each option; one bit each. */
enum {
    OPT_INSTANCE = 1 << 8,
    OPT_PROFILE = 1 << 9,
    OPT_USERS = 1 << 10,
    OPT_BASES = 1 << 11,
    OPT_KIND = 1 << 12,
    OPT_INCLUDE = 1 << 13,
    OPT_UID = 1 << 14,
    OPT_PURGE = 1 << 15,
    OPT_HELP = 1 << 16,
    OPT_TRY = 1 << 17,

    OF_USERS = OPT_INSTANCE | OPT_PROFILE | OPT_USERS,
    OF_JAILS = OPT_INSTANCE,
    OF_BASES = OPT_BASES
};

static const struct option long_options[] = {
    { "instance", required_argument, NULL, OPT_INSTANCE },
    { "profile",  required_argument, NULL, OPT_PROFILE },
    { "users",    required_argument, NULL, OPT_USERS },
    { "bases",    required_argument, NULL, OPT_BASES },
    { "kind",     required_argument, NULL, OPT_KIND },
    { "include",  required_argument, NULL, OPT_INCLUDE },
    { "uid",      required_argument, NULL, OPT_UID },
    { "purge",    no_argument,       NULL, OPT_PURGE },
    { "try",      required_argument, NULL, OPT_TRY },
    { "help",     no_argument,       NULL, OPT_HELP },
    { NULL, 0, NULL, 0 }
};

static const struct command {
    const char *group, *verb;   /* verb "": a group of one */
    const char *operands;       /* as in the usage */
    int operand_count;
    int options;                /* those that it knows */
    command_function *run;
} commands[] = {
    { "user", "add", "[--uid N] NAME", 1, OF_USERS | OPT_UID, user_add },
    { "user", "remove", "[--purge] NAME", 1, OF_USERS | OPT_PURGE,
      user_remove },
    { "user", "list", "", 0, OF_USERS, user_list },
    { "user", "show", "NAME", 1, OF_USERS, user_show },
    { "jail", "list", "", 0, OF_JAILS, jail_list },
    { "jail", "sweep", "", 0, OF_JAILS, jail_sweep },
    { "jail", "evict", "NAME", 1, OF_JAILS, jail_evict },
    { "base", "build", "[--kind debian|busybox] [--include PKG,...] NAME", 1,
      OF_BASES | OPT_KIND | OPT_INCLUDE, base_build },
    { "base", "check", "NAME", 1, OF_BASES, base_check },
    { "base", "list", "", 0, OF_BASES, base_list },
    { "base", "use", "NAME GENERATION", 2, OF_BASES, base_use },
    { "doctor", "", "[--profile P] [--try USER]", 0,
      OPT_INSTANCE | OPT_PROFILE | OPT_TRY, doctor }
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *out)
{
    size_t i;

    fputs("Usage:\n", out);
    for (i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  ivlejailctl %s%s%s%s%s\n", commands[i].group,
                commands[i].verb[0] == '\0' ? "" : " ", commands[i].verb,
                commands[i].operands[0] == '\0' ? "" : " ",
                commands[i].operands);
    }
    fputs("\nOptions of the user and jail commands and of doctor:\n"
          "  --instance I   the httpd with \"IvleJailInstance I\" (default)\n"
          "Options of the user commands:\n"
          "  --profile P    with the settings of this profile (default)\n"
          "  --users DIR    another users directory than the profile's\n"
          "Options of the base commands:\n"
          "  --bases DIR    where base images are (" LAYOUT_DEFAULT_BASES
          ")\n"
          "Options of doctor:\n"
          "  --profile P    look at this profile only (all)\n"
          "  --try USER     start a jail of this user\n"
          "\nSee ivlejailctl(8).\n", out);
}

/*** The command line ***/

static uid_t parse_uid(const char *s)
{
    unsigned long long n;
    char *end;

    n = strtoull(s, &end, 10);
    if (s[0] < '0' || s[0] > '9' || *end != '\0' || n < POLICY_UID_MIN
        || n > POLICY_ID_MAX) {
        fail_usage("'%s' cannot be a user's uid: a number from %d to %u", s,
                   POLICY_UID_MIN, POLICY_ID_MAX);
    }
    return (uid_t)n;
}

static const char *parse_name(const char *s, bool (*is_right)(const char *),
                              const char *what)
{
    if (!is_right(s)) {
        fail_usage("'%s' cannot be the name of %s: [a-z][a-z0-9-]*, at most "
                   "%d bytes", s, what, NAME_INSTANCE_MAX);
    }
    return s;
}

/* Without links, because the rest refuses them. */
static const char *resolve(const char *path)
{
    const char *resolved = realpath(path, NULL);

    if (resolved == NULL) {
        fail("cannot use the directory '%s': %m: make it first", path);
    }
    return resolved;
}

static void take_option(struct options *options, int option)
{
    switch (option) {
    case OPT_INSTANCE:
        options->instance = parse_name(optarg, name_is_instance,
                                       "an instance");
        break;
    case OPT_PROFILE:
        options->profile = parse_name(optarg, name_is_profile, "a profile");
        break;
    case OPT_USERS:
        options->users = resolve(optarg);
        break;
    case OPT_BASES:
        options->bases = resolve(optarg);
        break;
    case OPT_KIND:
        options->kind = optarg;
        break;
    case OPT_INCLUDE:
        options->include = optarg;
        break;
    case OPT_UID:
        options->uid = parse_uid(optarg);
        break;
    case OPT_PURGE:
        options->purge = true;
        break;
    case OPT_TRY:
        options->try_user = optarg;
        break;
    case OPT_HELP:
        print_usage(stdout);
        exit(0);
    default:
        fail_usage("unknown option, or one without its value");
    }
}

/* Returns the bits of the options that were there. */
static int read_options(int argc, char **argv, struct options *options)
{
    int option, given = 0;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        take_option(options, option);
        given |= option;
    }
    return given;
}

static int words_of(const struct command *command)
{
    return command->verb[0] == '\0' ? 1 : 2;
}

static const struct command *find_command(char **words, int count)
{
    size_t i;

    if (count == 0) {
        print_usage(stderr);
        exit(2);
    }
    for (i = 0; i < COMMAND_COUNT; i++) {
        if (count >= words_of(&commands[i])
            && strcmp(words[0], commands[i].group) == 0
            && (words_of(&commands[i]) == 1
                || strcmp(words[1], commands[i].verb) == 0)) {
            return &commands[i];
        }
    }
    fail_usage("unknown command '%s%s%s'", words[0], count < 2 ? "" : " ",
               count < 2 ? "" : words[1]);
}

static void check_use(const struct command *command, int operands, int given)
{
    const struct option *option;

    if (operands != command->operand_count) {
        fail_usage("wrong number of operands: ivlejailctl %s%s%s %s",
                   command->group, words_of(command) == 1 ? "" : " ",
                   command->verb, command->operands);
    }
    for (option = long_options; option->name != NULL; option++) {
        if ((given & ~command->options & option->val) != 0) {
            fail_usage("--%s has no meaning for \"%s%s%s\"", option->name,
                       command->group, words_of(command) == 1 ? "" : " ",
                       command->verb);
        }
    }
}

static void require_root(void)
{
    if (geteuid() != 0) {
        fail("only root can do this: use sudo");
    }
}

int main(int argc, char **argv)
{
    struct options options = {
        .instance = "default",
        .bases = LAYOUT_DEFAULT_BASES
    };
    const struct command *command;
    int given;

    given = read_options(argc, argv, &options);
    command = find_command(argv + optind, argc - optind);
    check_use(command, argc - optind - words_of(command), given);
    require_root();
    umask(022);
    return command->run(&options, argv + optind + words_of(command));
}
