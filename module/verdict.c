/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict.c - what became of a program, for its user to know
 */
#include "module/verdict.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

enum {
    MICROSECONDS = 1000000,
    KIB_PER_MIB = 1024,
    MIB = 1024 * 1024,
    LAST_WORDS = 8 * 1024       /* of error output, where a failure is told */
};

void verdict_judge(struct verdict *verdict)
{
    char last[LAST_WORDS];

    if (verdict_is_failure(verdict)
        || (verdict->has_ended && verdict->answer.wait_status != 0)) {
        verdict->symptoms = symptoms_in(last, tail_last(verdict->errors, last,
                                                        sizeof(last)));
    }
    cause_find(verdict);
}

bool verdict_is_failure(const struct verdict *verdict)
{
    return verdict->kind >= VERDICT_REFUSED
        && verdict->kind <= VERDICT_BAD_FRAMING;
}

bool verdict_is_news(const struct verdict *verdict)
{
    return verdict->errors->total > 0 || verdict_is_failure(verdict)
        || verdict->kind == VERDICT_CUT_SHORT
        || (verdict->has_ended && verdict->answer.wait_status != 0);
}

/* --- amounts --- */

void verdict_add_seconds(struct text *text, uint64_t microseconds)
{
    uint64_t hundredths = microseconds / (MICROSECONDS / 100);

    text_addf(text, "%" PRIu64 ".%02" PRIu64 " s", hundredths / 100,
              hundredths % 100);
}

void verdict_add_size(struct text *text, uint64_t kib)
{
    uint64_t tenths = kib % KIB_PER_MIB * 10 / KIB_PER_MIB;

    text_addf(text, "%" PRIu64, kib / KIB_PER_MIB);
    if (tenths > 0) {
        text_addf(text, ".%" PRIu64, tenths);
    }
    text_add(text, " MiB");
}

/* --- the program's end --- */

static void add_cpu_limit(struct text *text, uint64_t seconds)
{
    if (seconds == VERDICT_UNLIMITED) {
        text_add(text, "used up its CPU time");
    }
    else {
        text_addf(text, "used its %" PRIu64 " s of CPU time", seconds);
    }
}

static void add_file_limit(struct text *text, uint64_t bytes)
{
    if (bytes == VERDICT_UNLIMITED) {
        text_add(text, "wrote too much into a file");
    }
    else if (bytes >= MIB) {
        text_addf(text, "wrote more than %" PRIu64 " MiB into a file",
                  bytes / MIB);
    }
    else {
        text_addf(text, "wrote more than %" PRIu64 " bytes into a file",
                  bytes);
    }
}

static void add_signal(struct text *text, int signal)
{
    const char *description = sigdescr_np(signal);

    text_addf(text, "was killed by signal %d", signal);
    if (description != NULL && islower((unsigned char)description[1])) {
        text_addf(text, " (%c%s)", tolower((unsigned char)description[0]),
                  description + 1);
    }
    else if (description != NULL) {
        text_addf(text, " (%s)", description);
    }
}

static void add_status(struct text *text, int status)
{
    if (WIFSIGNALED(status)) {
        add_signal(text, WTERMSIG(status));
    }
    else {
        text_addf(text, "ended with exit status %d", WEXITSTATUS(status));
    }
}

/* Of a cause that is a limit. */
static void add_limit(struct text *text, const struct verdict *verdict)
{
    switch (verdict->cause) {
    case CAUSE_CPU:
        add_cpu_limit(text, verdict->limits.cpu_seconds);
        break;
    case CAUSE_WALL:
        text_addf(text, "did not end within its %" PRIu64 " s",
                  verdict->limits.wall_seconds);
        break;
    case CAUSE_FSIZE:
        add_file_limit(text, verdict->limits.file_bytes);
        break;
    case CAUSE_MEMORY:
        text_add(text, "got no more memory");
        break;
    default:
        text_add(text, "could start no more processes");
    }
}

static void add_end(struct text *text, const struct verdict *verdict)
{
    bool is_limit = cause_is_limit(verdict->cause);

    if (is_limit && verdict->is_sure) {
        add_limit(text, verdict);
        return;
    }
    add_status(text, verdict->answer.wait_status);
    if (is_limit) {
        text_add(text, " (it seems that it ");
        add_limit(text, verdict);
        text_add(text, ")");
    }
}

static void add_lack_of_end(struct text *text, const struct verdict *verdict)
{
    text_add(text, verdict->still_runs ? "did not end" : "lost its jail");
}

/* --- why it cannot be run --- */

static void add_refusal(struct text *text, const struct wire_answer *answer)
{
    const char *reason = strerrordesc_np((int)answer->error);

    if (answer->refusal == WIRE_NOT_EXECUTABLE) {
        text_add(text, "is not executable (chmod +x would make it so), and "
                 "files of its extension have no interpreter");
        return;
    }
    if (answer->refusal == WIRE_DOS_LINE) {
        text_add(text, "needs an interpreter whose name ends with a carriage "
                 "return");
        return;
    }
    text_add(text, answer->refusal == WIRE_CANNOT_START
             ? "could not be started"
             : "needs an interpreter that cannot be executed");
    if (answer->error != 0 && reason != NULL) {
        text_addf(text, ": %s", reason);
    }
}

/* --- all of it --- */

static const char *what_it_did(enum verdict_kind kind)
{
    switch (kind) {
    case VERDICT_NONE:
        return "was not heard to its end";
    case VERDICT_NO_HEADER:
        return "printed no header";
    case VERDICT_HALF_HEADER:
        return "printed no complete header";
    case VERDICT_BAD_HEADER:
        return "printed something that is no header";
    case VERDICT_LARGE_HEADER:
        return "printed a header that is larger than 64 KiB or 200 lines, or "
            "a line of it that is larger than 8 KiB";
    case VERDICT_BAD_FRAMING:
        return "printed a Transfer-Encoding or Trailer header or a status "
            "below 200, which are the web server's to send";
    case VERDICT_CUT_SHORT:
        return "had not printed all of its answer";
    case VERDICT_UNHEARD:
        return "was not heard to its end by the client";
    case VERDICT_REDIRECTED:
        return "redirected";
    default:
        return "answered";
    }
}

static bool has_answered(const struct verdict *verdict)
{
    return verdict->kind == VERDICT_NONE || verdict->kind > VERDICT_CUT_SHORT;
}

static bool end_is_news(const struct verdict *verdict)
{
    if (!verdict->has_ended) {
        return !has_answered(verdict);
    }
    return verdict->answer.wait_status != 0
        || verdict->kind == VERDICT_NO_HEADER
        || verdict->kind == VERDICT_HALF_HEADER;
}

static void add_what_happened(struct text *text,
                              const struct verdict *verdict)
{
    if (!end_is_news(verdict)) {
        text_add(text, what_it_did(verdict->kind));
        return;
    }
    if (verdict->has_ended) {
        add_end(text, verdict);
    }
    else {
        add_lack_of_end(text, verdict);
    }
    if (!has_answered(verdict)) {
        text_add(text, " and ");
        text_add(text, what_it_did(verdict->kind));
    }
}

void verdict_add(struct text *text, const struct verdict *verdict)
{
    if (verdict->kind == VERDICT_REFUSED) {
        add_refusal(text, &verdict->answer);
    }
    else {
        add_what_happened(text, verdict);
    }
}
