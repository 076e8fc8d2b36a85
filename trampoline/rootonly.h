/*
 * rootonly.h - the start of a program that root runs and that is not setuid
 */
#ifndef IVLEJAIL_ROOTONLY_H
#define IVLEJAIL_ROOTONLY_H

/* As the trampoline's start, and dies with CODE_CALLER if it is not root. */
void rootonly_start(const char *program);

#endif
