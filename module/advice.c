/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice.c - how users can put right what was wrong with a program
 */
#include "module/advice.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum {
    EXIT_NOT_EXECUTABLE = 126,  /* of shells, for what they cannot run */
    EXIT_NO_COMMAND = 127
};

static const char DOS_LINES[] = "The lines of the file end as on Windows (CR "
    "LF), with a character that cannot be seen. Save it with the line ends of "
    "Unix (LF).";

/* --- the program's language --- */

/* What one would write into a program, as HTML. */
static const struct language {
    const char *extension;
    const char *interpreter;    /* a part of its name */
    const char *first_line;
    const char *header;
    const char *trace;
} languages[] = {
    { ".py", "python", "#!/usr/bin/python3",
      "print(\"Content-Type: text/html\")\nprint()",
      "import sys\nprint(\"here\", file=sys.stderr)" },
    { ".pl", "perl", "#!/usr/bin/perl",
      "print \"Content-Type: text/html\\n\\n\";",
      "print STDERR \"here\\n\";" },
    { ".php", "php", "#!/usr/bin/php-cgi",
      "header(\"Content-Type: text/html\");   # and run it with php-cgi",
      "error_log(\"here\");" },
    { ".sh", "sh", "#!/bin/sh",
      "echo \"Content-Type: text/html\"\necho",
      "echo here &gt;&amp;2" }
};

static const struct language unknown = {
    NULL, NULL, "#!/usr/bin/python3",
    "Content-Type: text/html\n<i>an empty line</i>", NULL
};

bool advice_has_extension(const char *path, const char *extension)
{
    size_t length = strlen(extension);
    const char *at = strstr(path, extension);

    while (at != NULL && at[length] != '/' && at[length] != '\0') {
        at = strstr(at + 1, extension);
    }
    return at != NULL;
}

static bool speaks(const struct language *language, const char *program,
                   const char *interpreter)
{
    if (interpreter == NULL) {
        return advice_has_extension(program, language->extension);
    }
    interpreter = strrchr(interpreter, '/') + 1;
    return strstr(interpreter, language->interpreter) != NULL;
}

static const struct language *language_of(const struct verdict *verdict,
                                          const char *program,
                                          const char *interpreter)
{
    size_t i;

    for (i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
        if (speaks(&languages[i], program, interpreter)) {
            return &languages[i];
        }
    }
    return (verdict->symptoms & SYMPTOM_PYTHON) != 0 ? &languages[0]
                                                     : &unknown;
}

/* --- pieces --- */

static void add_code(struct text *text, const char *code)
{
    text_add(text, "<pre class=\"code\">");
    text_add(text, code);
    text_add(text, "\n</pre>\n");
}

static void add_advice(struct text *text, const char *words)
{
    text_add(text, "<p>");
    text_add(text, words);
    text_add(text, "</p>\n");
}

/* "You may have 50 of them", where there is a limit. */
static void add_limit(struct text *text, const char *before, uint64_t limit,
                      const char *after)
{
    if (limit != VERDICT_UNLIMITED) {
        text_addf(text, "<p>%s%" PRIu64 "%s</p>\n", before, limit, after);
    }
}

static void add_size_limit(struct text *text, const char *before,
                           uint64_t bytes, const char *after)
{
    if (bytes != VERDICT_UNLIMITED) {
        text_add(text, "<p>");
        text_add(text, before);
        verdict_add_size(text, bytes / 1024);
        text_add(text, after);
        text_add(text, "</p>\n");
    }
}

/* --- by cause: limits --- */

static void advise_on_limit(struct text *text, const struct verdict *verdict)
{
    const struct verdict_limits *limits = &verdict->limits;

    switch (verdict->cause) {
    case CAUSE_CPU:
        add_advice(text, "Look for a loop that never ends, or for work that "
                   "grows much faster than its data.");
        break;
    case CAUSE_WALL:
        add_advice(text, "Look for what it waits for: input that nobody "
                   "sends, a <code>sleep</code>, a lock, another "
                   "program.");
        add_limit(text, "All of its answer must be there ",
                  limits->wall_seconds, " s after its start.");
        break;
    case CAUSE_MEMORY:
        add_advice(text, "Read large files piece by piece, and keep only what "
                   "is needed. A list that grows in a loop may be the "
                   "reason.");
        if (cause_is_of_jail(verdict)) {
            add_size_limit(text, "All of your programs together may have ",
                           limits->jail_bytes, " at a time.");
            break;
        }
        add_size_limit(text, "It may ask for ", limits->data_bytes, " in "
                       "all. A piece that does not fit is refused as a "
                       "whole, so what it used may be far less.");
        break;
    case CAUSE_FSIZE:
        add_advice(text, "Look for a loop that writes without end. What is "
                   "not needed any more can be deleted; large output can go "
                   "into several files.");
        add_size_limit(text, "No file that it writes may be larger than ",
                       limits->file_bytes, ".");
        break;
    default:
        add_advice(text, "Look for a loop that starts processes or threads, "
                   "and wait for each that was started. Older ones of yours "
                   "may run still.");
        add_limit(text, "All of your programs together may have ",
                  cause_is_of_jail(verdict) ? limits->jail_processes
                                            : limits->processes,
                  " at a time.");
    }
}

/* --- by cause: its end --- */

static void advise_on_signal(struct text *text, int signal)
{
    switch (signal) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGABRT:
        add_advice(text, "That is a mistake in the program, or in a library "
                   "that it uses: a pointer or an index that leads nowhere, "
                   "a division by zero, an assertion that does not hold.");
        break;
    case SIGSYS:
        add_advice(text, "It asked the kernel for something that no program "
                   "in a jail may do, or it is a program of 32 bits.");
        break;
    default:
        add_advice(text, "It got that signal from itself or from another "
                   "program of yours.");
    }
}

static void advise_on_exit(struct text *text, const struct verdict *verdict,
                           const struct language *language)
{
    if (WEXITSTATUS(verdict->answer.wait_status) == EXIT_NOT_EXECUTABLE) {
        add_advice(text, "A command that it calls cannot be executed. If it "
                   "is yours, <code>chmod +x</code> makes it so.");
    }
    else if (verdict->errors->total > 0) {
        add_advice(text, "The error output should say why; begin with its "
                   "last line.");
    }
    else {
        add_advice(text, "It does not say why. Let it write to its error "
                   "output (stderr) how far it comes.");
        if (language->trace != NULL) {
            add_code(text, language->trace);
        }
    }
}

/* --- by cause: it cannot be run --- */

static void add_first_line(struct text *text, const struct language *language)
{
    add_advice(text, "The first line of the file must say what runs it, and "
               "nothing may be before it:");
    add_code(text, language->first_line);
}

static void advise_on_mode(struct text *text, const char *program,
                           const struct language *language)
{
    add_advice(text, "Make the file executable:");
    text_add(text, "<pre class=\"code\">chmod +x ");
    text_add_foreign(text, TEXT_HTML, program, strlen(program));
    text_add(text, "\n</pre>\n");
    add_first_line(text, language);
}

static void advise_on_interpreter(struct text *text,
                                  const struct wire_answer *answer,
                                  const struct language *language)
{
    if (answer->refusal == WIRE_DOS_LINE) {
        add_advice(text, DOS_LINES);
        return;
    }
    switch (answer->error) {
    case ENOENT:
        add_advice(text, "The program that its first line names is not there "
                   "in the jail. Look at how it is spelt.");
        break;
    case EACCES:
        add_advice(text, "The program that its first line names is there, "
                   "but cannot be executed.");
        break;
    default:
        break;
    }
    add_first_line(text, language);
}

/* --- by what it printed --- */

static void advise_on_header(struct text *text,
                             const struct language *language)
{
    add_advice(text, "Before anything else, print a header, which says what "
               "follows, and then an empty line:");
    add_code(text, language->header);
}

static void advise_on_output(struct text *text, const struct verdict *verdict,
                             const struct language *language)
{
    if (verdict->kind == VERDICT_BAD_HEADER
        || verdict->cause == CAUSE_NO_HEADER) {
        advise_on_header(text, language);
    }
    if (verdict->kind == VERDICT_BAD_FRAMING) {
        add_advice(text, "Leave that line out: where an answer ends is said "
                   "by the web server.");
    }
}

/* --- by symptom --- */

static const struct {
    enum symptom symptom;
    const char *words;
} symptoms[] = {
    { SYMPTOM_SYNTAX, "The program is not written as its language wants it. "
      "The error output names a line: the mistake is there, or shortly "
      "before." },
    { SYMPTOM_DOS_LINES, DOS_LINES },
    { SYMPTOM_MODULE, "A library is not there. Look at how it is spelt, and "
      "whether it is installed in the jail: that is the administrator's to "
      "do, or put it beside your program." },
    { SYMPTOM_COMMAND, "A command is not there. Look at how it is spelt, and "
      "whether it is installed in the jail." },
    { SYMPTOM_READ_ONLY, "Files can be written in your home directory and in "
      "<code>/tmp</code> only." },
    { SYMPTOM_DENIED, "A file may not be used so. <code>ls -l</code> shows "
      "whose it is and what is allowed; of your own files "
      "<code>chmod</code> can change that." },
    { SYMPTOM_MISSING, "A file is not there. The program runs in the "
      "directory where it is, and sees the files of its jail only." },
    { SYMPTOM_FILES, "Close each file that was opened, above all in "
      "loops." },
    { SYMPTOM_SPACE, "There is no room for more files: delete what you do "
      "not need." },
    { SYMPTOM_NETWORK, "Programs in jails may be without a network. Ask the "
      "administrator if yours needs one." }
};

static void advise_on_symptoms(struct text *text,
                               const struct verdict *verdict)
{
    unsigned int found = verdict->symptoms;
    size_t i;

    if (verdict->cause == CAUSE_EXIT
        && WEXITSTATUS(verdict->answer.wait_status) == EXIT_NO_COMMAND) {
        found |= SYMPTOM_COMMAND;
    }
    if ((found & SYMPTOM_DOS_LINES) != 0) {
        found = SYMPTOM_DOS_LINES;      /* the others are its consequences */
    }
    for (i = 0; i < sizeof(symptoms) / sizeof(symptoms[0]); i++) {
        if ((found & symptoms[i].symptom) != 0) {
            add_advice(text, symptoms[i].words);
        }
    }
}

/* --- all of it --- */

static void advise_on_cause(struct text *text, const struct verdict *verdict,
                            const char *program,
                            const struct language *language)
{
    switch (verdict->cause) {
    case CAUSE_NOT_EXECUTABLE:
        advise_on_mode(text, program, language);
        break;
    case CAUSE_NO_INTERPRETER:
        advise_on_interpreter(text, &verdict->answer, language);
        break;
    case CAUSE_SIGNAL:
        advise_on_signal(text, WTERMSIG(verdict->answer.wait_status));
        break;
    case CAUSE_EXIT:
        advise_on_exit(text, verdict, language);
        break;
    case CAUSE_NO_JAIL:
        add_advice(text, "Its jail ended before it did. Try again; if that "
                   "does not help, ask the administrator.");
        break;
    default:
        if (cause_is_limit(verdict->cause)) {
            advise_on_limit(text, verdict);
        }
    }
}

void advice_add(struct text *text, const struct verdict *verdict,
                const char *program, const char *interpreter)
{
    const struct language *language = language_of(verdict, program,
                                                  interpreter);

    text_add(text, "<h2>How to put it right</h2>\n");
    advise_on_cause(text, verdict, program, language);
    advise_on_output(text, verdict, language);
    advise_on_symptoms(text, verdict);
}
