/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step.c - kills a program as it enters one of its system calls, or makes
 * that call fail
 *
 *   step WHO NUMBER[:ERROR[@CALL]] COMMAND [ARGUMENT...]
 *   step WHO NUMBER[:ERROR[@CALL]] -p PID
 *
 * WHO is 0 for the program and 1 for its first child; NUMBER counts that
 * process's system calls from 1, until it executes something.  With an ERROR,
 * a number as in errno(3), the call is not made and answers that; without one
 * the process is killed.  With a CALL, a number, only such are counted.  With
 * NUMBER 0 nothing happens to anybody, and descriptor 20 gets a line
 * "WHO CALL" for each call.
 * The exit status is the program's, or 128 and the signal that ended it.
 *
 * With -p it is a program that runs already, whose calls count from then on,
 * until step is ended.  It says "attached" on stdout; and "struck CALL" when it
 * has made a call fail.
 *
 * strace(1) can do both, too, but not to one process when two make the same
 * calls.
 */
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FAILED = 125,
    PEOPLE = 2,
    LIST_FD = 20,
    OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK
              | PTRACE_O_TRACEEXEC,
    SYSCALL_STOP = SIGTRAP | 0x80,
    EXEC_STOP = SIGTRAP | PTRACE_EVENT_EXEC << 8
};

static struct person {
    pid_t pid;
    int programs;           /* executed so far; the first one is COMMAND */
    unsigned long calls;    /* made by it */
} people[PEOPLE];

static int victim;
static unsigned long fatal;
static long fault;          /* 0: to be killed */
static long only = -1;      /* the calls that count, or -1: all */
static bool failing;        /* the call has been entered */
static unsigned long long struck;   /* which one that is */
static bool attached;       /* to a program that ran already */

static _Noreturn void die(const char *what)
{
    perror(what);
    _exit(FAILED);
}

static struct person *person_of(pid_t pid)
{
    struct person *person = &people[people[0].pid == pid
                                    || people[0].pid == 0 ? 0 : 1];

    if (person->pid == 0) {
        person->pid = pid;
        person->programs = 1;
    }
    if (person->pid != pid) {
        die("more than two processes");
    }
    return person;
}

/* Another call of the process that it is about to make, or its answer. */
static void set_register(pid_t pid, bool answer, long value)
{
#ifdef __x86_64__
    size_t which = answer ? offsetof(struct user_regs_struct, rax)
                          : offsetof(struct user_regs_struct, orig_rax);

    if (ptrace(PTRACE_POKEUSER, pid, which, value) != 0) {
        die("PTRACE_POKEUSER");
    }
#else
    (void)pid, (void)answer, (void)value;
    die("no faults on this architecture");
#endif
}

static void strike(pid_t pid, unsigned long long call)
{
    if (fault == 0) {
        (void)kill(pid, SIGKILL);
    }
    else {
        set_register(pid, false, -1);       /* there is no such call */
        failing = true;
        struck = call;
    }
}

static void count(struct person *person)
{
    struct __ptrace_syscall_info info;
    int who = (int)(person - people);

    if (failing && who == victim) {
        set_register(person->pid, true, -fault);
        failing = false;
        if (attached) {     /* not sooner: we may be ended for it */
            dprintf(STDOUT_FILENO, "struck %llu\n", struck);
        }
        return;
    }
    if (person->programs != 1
        || ptrace(PTRACE_GET_SYSCALL_INFO, person->pid, sizeof info, &info) < 0
        || info.op != PTRACE_SYSCALL_INFO_ENTRY
        || (only >= 0 && (long)info.entry.nr != only)) {
        return;
    }
    person->calls++;
    if (fatal == 0) {
        dprintf(LIST_FD, "%d %llu\n", who,
                (unsigned long long)info.entry.nr);
    }
    else if (who == victim && person->calls == fatal) {
        strike(person->pid, info.entry.nr);
    }
}

/* Lets it go on; one that has executed something else, without us. */
static void go_on(struct person *person, int status)
{
    int sig = WSTOPSIG(status);

    if (sig == SYSCALL_STOP || sig == SIGTRAP || sig == SIGSTOP) {
        sig = 0;
    }
    (void)ptrace(person->programs > 1 ? PTRACE_DETACH : PTRACE_SYSCALL,
                 person->pid, NULL, sig);
}

static int follow(void)
{
    int status, result = FAILED;
    pid_t pid;

    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        if (WIFSTOPPED(status)) {
            struct person *person = person_of(pid);

            if (WSTOPSIG(status) == SYSCALL_STOP) {
                count(person);
            }
            if (status >> 8 == EXEC_STOP) {
                person->programs++;
            }
            go_on(person, status);
        }
        else if (pid == people[0].pid) {
            result = WIFEXITED(status) ? WEXITSTATUS(status)
                                       : 128 + WTERMSIG(status);
        }
    }
    return result;
}

static void start(char **command)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)kill(getpid(), SIGSTOP);
        (void)execv(command[0], command);
        die(command[0]);
    }
    people[0].pid = pid;
    if (pid < 0 || waitpid(pid, NULL, 0) != pid
        || ptrace(PTRACE_SETOPTIONS, pid, NULL, OPTIONS) < 0
        || ptrace(PTRACE_SYSCALL, pid, NULL, 0) < 0) {
        die("ptrace");
    }
}

/* Stopped once, so that it waits in a new call, which will be seen. */
static void attach(pid_t pid)
{
    int status;

    attached = true;
    (void)person_of(pid);
    if (ptrace(PTRACE_SEIZE, pid, NULL, OPTIONS) < 0
        || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0
        || waitpid(pid, &status, __WALL) != pid
        || ptrace(PTRACE_SYSCALL, pid, NULL, 0) < 0) {
        die("attach");
    }
    dprintf(STDOUT_FILENO, "attached\n");
}

int main(int argc, char **argv)
{
    char *end;

    if (argc < 4) {
        dprintf(STDERR_FILENO,
                "usage: step WHO NUMBER[:ERROR] COMMAND...|-p PID\n");
        return FAILED;
    }
    victim = (int)strtol(argv[1], NULL, 10);
    fatal = strtoul(argv[2], &end, 10);
    fault = *end == ':' ? strtol(end + 1, &end, 10) : 0;
    only = *end == '@' ? strtol(end + 1, NULL, 10) : -1;
    if (argc == 5 && strcmp(argv[3], "-p") == 0) {
        attach((pid_t)strtol(argv[4], NULL, 10));
    }
    else {
        start(argv + 3);
    }
    return follow();
}
