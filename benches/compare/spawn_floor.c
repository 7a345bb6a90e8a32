/* The floor under a fork call: posix_spawn a program, write 100 bytes to its stdin, read its stdout to the end, wait.
 * Usage: spawn_floor SECONDS PROGRAM [ARGUMENT…]; prints the calls and the seconds they took. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
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
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void call(char **program) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
        fail("pipe2");

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    pid_t pid;
    errno = posix_spawn(&pid, program[0], &actions, NULL, program, environ);
    if (errno)
        fail(program[0]);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);

    char body[100], answer[4096];
    memset(body, 'x', sizeof body);
    if (write(in[1], body, sizeof body) < 0 && errno != EPIPE)
        fail("write");
    close(in[1]);
    while (read(out[0], answer, sizeof answer) > 0) {
    }
    close(out[0]);

    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0)
        fail("waitpid");
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: spawn_floor SECONDS PROGRAM [ARGUMENT...]\n", stderr);
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    double wanted = atof(argv[1]), began = now(), took;
    long calls = 0;
    do {
        call(argv + 2);
        calls++;
        took = now() - began;
    } while (took < wanted);
    printf("%ld %.6f\n", calls, took);
    return 0;
}
