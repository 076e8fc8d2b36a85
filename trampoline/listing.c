/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.c - the entries of a directory, for a page that lists them
 *
 * The warden has other things to do: it looks at so many names and no more,
 * and sorting them is left to httpd.
 */
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "find.h"

struct listing {
    char entries[WIRE_LISTING_MAX];
    size_t used;
    bool complete;
};

/*
 * Returns whether the listing is still complete: not without room, nor where
 * what the name is cannot be found out.  What has gone since, leads nowhere or
 * is forbidden is not missed.
 */
static bool add(int directory, const char *name, struct listing *listing)
{
    struct wire_entry entry = { .name = name };
    struct stat st;
    size_t length;

    if (fstatat(directory, name, &st, 0) != 0) {
        return find_lookup_refusal(errno) != WIRE_CANNOT_START;
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        return true;
    }
    entry.type = S_ISDIR(st.st_mode) ? WIRE_ENTRY_DIRECTORY
                                     : WIRE_ENTRY_FILE;
    entry.size = (uint64_t) st.st_size;
    entry.mtime = st.st_mtime;
    length = wire_pack_entry(&entry, listing->entries + listing->used,
                             sizeof(listing->entries) - listing->used);
    listing->used += length;
    return length != 0;
}

/* Returns 0 or errno. */
static int fill(DIR *stream, struct listing *listing)
{
    const struct dirent *found;
    size_t looked_at = 0;

    listing->used = 0;
    listing->complete = true;
    while (errno = 0, (found = readdir(stream)) != NULL) {
        if (found->d_name[0] == '.') {
            continue;
        }
        if (looked_at++ >= LISTING_NAMES_MAX) {
            listing->complete = false;
            return 0;
        }
        listing->complete &= add(dirfd(stream), found->d_name, listing);
    }
    return errno;
}

int listing_make(int directory, int *fd)
{
    static struct listing listing;
    DIR *stream = fdopendir(directory);
    int error;

    if (stream == NULL) {
        error = errno;
        close(directory);
        return error;
    }
    error = fill(stream, &listing);
    closedir(stream);
    if (error != 0) {
        return error;
    }
    *fd = wire_make_memfd(listing.entries, listing.used);
    if (*fd < 0) {
        return errno;
    }
    return listing.complete ? 0 : EOVERFLOW;
}
