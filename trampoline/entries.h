/*
 * entries.h - what a directory of root's holds
 */
#ifndef IVLEJAIL_ENTRIES_H
#define IVLEJAIL_ENTRIES_H

typedef void entries_visitor(void *context, int dirfd, const char *name);

/*
 * Visits all of it but names that begin with a dot; dirfd is the directory's.
 * One that is not there (any more) is empty.  Dies with CODE_RUNDIR.
 */
void entries_each(int parent, const char *directory, entries_visitor *visit,
                  void *context);

#endif
