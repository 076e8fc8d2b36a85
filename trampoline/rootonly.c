/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootonly.c - the start of a program that root runs and that is not setuid
 */
#include "rootonly.h"

#include <unistd.h>

#include "sanitise.h"
#include "say.h"

void rootonly_start(const char *program)
{
    say_init(program, STDERR_FILENO);
    sanitise_descriptors();
    sanitise_environment();
    sanitise_signals();
    if (getuid() != 0 || geteuid() != 0) {
        die(CODE_CALLER, "only root may do this, not uid %u", getuid());
    }
}
