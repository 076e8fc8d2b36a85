/*
 * layout.h - where things are at run time (doc/internals.md has the picture)
 *
 * The names below /run are not configurable: the privileged programs and the
 * module agree on them by this file alone.
 */
#ifndef IVLEJAIL_LAYOUT_H
#define IVLEJAIL_LAYOUT_H

#define LAYOUT_RUN          "/run/ivlejail"   /* + "/<instance>", ".pid" */

/* in /run/ivlejail/<instance>/, a private tmpfs */
#define LAYOUT_POLICY       "policy"     /* root 0644, renamed into place */
#define LAYOUT_POLICY_NEW   "policy.new" /* while it is being written */
#define LAYOUT_KEEP         "keep"       /* nsfs mount of the keep */
#define LAYOUT_LOCK         "lock"       /* OFD byte-range locks, 0600 */
#define LAYOUT_SWEEP        "sweep"      /* OFD lock: one sweeper at a time */
#define LAYOUT_CGROUPS      "cgroups"    /* link: the groups of the jails */
#define LAYOUT_CGROUPS_NEW  "cgroups.new"
#define LAYOUT_SOCK         "sock"       /* 0711 <profile>@<gen>/<user> */

/* in the keep */
#define LAYOUT_PINS         "pins"       /* <profile>@<generation>/<user> */

/* below a profile's users directory */
#define LAYOUT_HOME         "home"       /* <user>/home/<user>: jail's owner */
#define LAYOUT_TMP          "tmp"        /* <user>/tmp */
#define LAYOUT_PASSWD       ".passwd"    /* <user>/home/.passwd */
#define LAYOUT_GROUP        ".group"
#define LAYOUT_UIDS         ".uids"      /* <uid> -> <user> */

#define LAYOUT_DEFAULT_BASES "/var/lib/ivlejail/bases"
#define LAYOUT_DEFAULT_USERS "/var/lib/ivlejail/users"
#define LAYOUT_CURRENT       "current"   /* bases/<name>/current */

#endif
