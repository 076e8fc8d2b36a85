/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symptom.c - what a program's error output says of why it failed
 */
#include "module/symptom.h"

#include <stdbool.h>
#include <string.h>

enum { PAIR_DISTANCE = 120 };

/* A phrase, and perhaps another one that must follow it in the line. */
static const struct {
    enum symptom symptom;
    const char *phrase;
    const char *then;
} phrases[] = {
    { SYMPTOM_MEMORY, "MemoryError", NULL },            /* Python, Ruby */
    { SYMPTOM_MEMORY, "ut of memory", NULL },           /* Perl, PHP, sh */
    { SYMPTOM_MEMORY, "Cannot allocate memory", NULL }, /* ENOMEM */
    { SYMPTOM_MEMORY, "std::bad_alloc", NULL },         /* C++ */
    { SYMPTOM_MEMORY, "memory exhausted", NULL },       /* GNU */
    { SYMPTOM_MEMORY, "Allowed memory size of", NULL }, /* PHP's own limit */
    { SYMPTOM_MEMORY, "OutOfMemoryError", NULL },       /* Java */
    { SYMPTOM_MEMORY, "annot allocate vector", NULL },  /* R */
    { SYMPTOM_MEMORY, "not enough memory", NULL },      /* Lua */
    { SYMPTOM_MEMORY, "memory allocation", "failed" },  /* Rust */

    { SYMPTOM_PROCESSES, "fork", "Resource temporarily unavailable" },
    { SYMPTOM_PROCESSES, "Cannot fork", NULL },         /* dash */
    { SYMPTOM_PROCESSES, "can't start new thread", NULL },      /* Python */
    { SYMPTOM_PROCESSES, "BlockingIOError: [Errno 11]", NULL },
    { SYMPTOM_PROCESSES, "hread", "Resource temporarily unavailable" },
    { SYMPTOM_PROCESSES, "unable to create native thread", NULL },

    { SYMPTOM_FSIZE, "File too large", NULL },          /* EFBIG */
    { SYMPTOM_FSIZE, "File size limit exceeded", NULL },        /* shells */
    { SYMPTOM_CPU, "CPU time limit exceeded", NULL },
    { SYMPTOM_FILES, "Too many open files", NULL },
    { SYMPTOM_SPACE, "No space left on device", NULL },
    { SYMPTOM_SPACE, "Disk quota exceeded", NULL },

    { SYMPTOM_DENIED, "ermission denied", NULL },
    { SYMPTOM_READ_ONLY, "Read-only file system", NULL },
    { SYMPTOM_MISSING, "No such file or directory", NULL },
    { SYMPTOM_COMMAND, "command not found", NULL },     /* bash */
    { SYMPTOM_COMMAND, ": not found\n", NULL },         /* other shells */
    { SYMPTOM_MODULE, "ModuleNotFoundError", NULL },
    { SYMPTOM_MODULE, "No module named", NULL },
    { SYMPTOM_MODULE, "Can't locate ", " in @INC" },    /* Perl */
    { SYMPTOM_SYNTAX, "SyntaxError: ", NULL },
    { SYMPTOM_SYNTAX, "IndentationError: ", NULL },
    { SYMPTOM_SYNTAX, "TabError: ", NULL },
    { SYMPTOM_SYNTAX, "yntax error", NULL },            /* sh, Perl, PHP */
    { SYMPTOM_DOS_LINES, "\r: ", NULL },                /* sh */
    { SYMPTOM_DOS_LINES, "\\r'", NULL },                /* bash, env */
    { SYMPTOM_NETWORK, "Network is unreachable", NULL },
    { SYMPTOM_NETWORK, "name resolution", NULL },
    { SYMPTOM_NETWORK, "Name or service not known", NULL },
    { SYMPTOM_PYTHON, "Traceback (most recent call last):", NULL },
    { SYMPTOM_PYTHON, ".py\", line ", NULL }
};

/* Only a piece of the line is looked at: it may be very long. */
static bool follows(const char *at, const char *end, const char *phrase)
{
    size_t size = (size_t)(end - at);
    const char *newline;

    if (size > PAIR_DISTANCE) {
        size = PAIR_DISTANCE;
    }
    newline = memchr(at, '\n', size);
    if (newline != NULL) {
        size = (size_t)(newline - at);
    }
    return memmem(at, size, phrase, strlen(phrase)) != NULL;
}

static bool is_there(const char *errors, size_t size, const char *phrase,
                     const char *then)
{
    const char *end = errors + size, *at = errors;

    for (;;) {
        at = memmem(at, (size_t)(end - at), phrase, strlen(phrase));
        if (at == NULL) {
            return false;
        }
        at += strlen(phrase);
        if (then == NULL || follows(at, end, then)) {
            return true;
        }
    }
}

unsigned int symptoms_in(const char *errors, size_t size)
{
    unsigned int found = 0;
    size_t i;

    for (i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (is_there(errors, size, phrases[i].phrase, phrases[i].then)) {
            found |= phrases[i].symptom;
        }
    }
    return found;
}
