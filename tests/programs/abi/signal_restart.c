// Proves which calls a handler interrupts and which go on: signal(7).
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int handled;
static int pipe_ends[2];

static void handler(int signal) {
    (void)signal;
    handled++;
}

static void writing(int signal) {
    (void)signal;
    if (handled++ == 0 && write(pipe_ends[1], "x", 1) != 1) handled = -1;
}

static void set(void (*function)(int), int flags) {
    struct sigaction action = {0};
    action.sa_handler = function;
    action.sa_flags = flags;
    sigaction(SIGALRM, &action, NULL);
    handled = 0;
}

// Again and again, for a machine that takes longer than that to the call which is to be interrupted.
static void soon(void) {
    struct itimerval timer = {{0, 30000}, {0, 30000}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

// No more of it; says whether there was one.
static int was_handled(void) {
    int error = errno;
    struct itimerval none = {0};
    setitimer(ITIMER_REAL, &none, NULL);
    errno = error;
    return handled > 0;
}

int main(void) {
    char byte;
    set(handler, SA_RESTART);
    struct timespec wanted = {5, 0}, left = {0, 0};
    soon();
    int result = nanosleep(&wanted, &left);
    printf("nanosleep %d %d left %d handled %d\n", result, errno == EINTR,
           left.tv_sec == 4 && left.tv_nsec > 0, was_handled());

    set(handler, SA_RESTART);
    soon();
    result = pause();
    printf("pause %d %d handled %d\n", result, errno == EINTR, was_handled());

    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGALRM);
    set(handler, SA_RESTART);
    soon();
    result = sigsuspend(&all);
    printf("sigsuspend %d %d handled %d\n", result, errno == EINTR, was_handled());

    if (pipe(pipe_ends) != 0) return 1;
    set(writing, SA_RESTART);
    soon();
    result = (int)read(pipe_ends[0], &byte, 1);
    printf("read with restart %d handled %d\n", result, was_handled());

    set(handler, 0);
    soon();
    result = (int)read(pipe_ends[0], &byte, 1);
    printf("read without restart %d %d handled %d\n", result, errno == EINTR, was_handled());

    set(handler, SA_RESTART);
    soon();
    struct pollfd fd = {pipe_ends[0], POLLIN, 0};
    result = poll(&fd, 1, 5000);
    printf("poll %d %d handled %d\n", result, errno == EINTR, was_handled());

    // A signal that is ignored interrupts nothing.
    signal(SIGALRM, SIG_IGN);
    soon();
    struct timespec start, end, brief = {0, 100000000};
    clock_gettime(CLOCK_MONOTONIC, &start);
    result = nanosleep(&brief, NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    long ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
    printf("ignored: nanosleep %d long enough %d\n", result, ms >= 99);
    return 0;
}
