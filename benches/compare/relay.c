/* How long a signal takes through an init: it starts PROGRAM ARGUMENT… RELAY answer (RELAY is this file, the words before it
 * are the init), sends SIGUSR1 to what it started, and waits for the byte that the answering end writes.
 * Usage: relay CALLS [PROGRAM ARGUMENT…]; without a program there is no init between. Prints the median in microseconds. */
#define _GNU_SOURCE
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A byte when it is ready, then one for each signal. */
static int answer(void) {
    sigset_t set;
    int got;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    while (write(1, "x", 1) == 1)
        if (sigwait(&set, &got))
            return 1;
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "answer"))
        return answer();
    if (argc < 2) {
        fputs("usage: relay CALLS [PROGRAM ARGUMENT...]\n", stderr);
        return 64;
    }
    int calls = atoi(argv[1]), out[2];
    char **command = calloc((size_t)argc + 2, sizeof *command), self[4096], byte;
    double *took = calloc((size_t)(calls > 0 ? calls : 1), sizeof *took);
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (calls < 1 || !command || !took || length < 0 || pipe(out))
        fail("relay");
    self[length] = 0;
    memcpy(command, argv + 2, (size_t)(argc - 2) * sizeof *command);
    command[argc - 2] = self;
    command[argc - 1] = "answer";

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    pid_t pid;
    if (posix_spawn(&pid, command[0], &actions, NULL, command, environ))
        fail(command[0]);
    close(out[1]);
    if (read(out[0], &byte, 1) != 1)
        fail("no answer");
    for (int at = 0; at < calls; at++) {
        double began = now();
        if (kill(pid, SIGUSR1) || read(out[0], &byte, 1) != 1)
            fail("no answer");
        took[at] = now() - began;
    }
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    qsort(took, (size_t)calls, sizeof *took, by_size);
    printf("%.3f\n", took[calls / 2]);
    return 0;
}
