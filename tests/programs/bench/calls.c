/* System calls that don't make anything: null call, one byte, pipes, futex, yield, signals. */
#define _GNU_SOURCE
#include "measure.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* musl's compiler does not see Linux's headers (futex(2)). */
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

static int zero, null;

static void null_call(long count)
{
    while (count--)
        syscall(SYS_getppid);
}

static void read_byte(long count)
{
    char byte;
    while (count--)
        must("read", read(zero, &byte, 1));
}

static void write_byte(long count)
{
    char byte = 0;
    while (count--)
        must("write", write(null, &byte, 1));
}

static void yield(long count)
{
    while (count--)
        must("sched_yield", sched_yield());
}

static void clock_read(long count)
{
    struct timespec t;
    while (count--)
        clock_gettime(CLOCK_MONOTONIC, &t);
}

/* Two threads of two processes that hand a byte to and fro. */
static int there[2], back[2];
static int other_cpu;

static void echo(void)
{
    char byte;
    stay_on(other_cpu);
    while (read(there[0], &byte, 1) == 1)
        if (write(back[1], &byte, 1) != 1)
            break;
    _exit(0);
}

static void pipe_trip(long count)
{
    char byte = 1;
    while (count--) {
        must("write", write(there[1], &byte, 1));
        must("read", read(back[0], &byte, 1));
    }
}

static void pipes(const char *name, int cpu)
{
    other_cpu = cpu;
    must("sched_setaffinity", stay_on(0) ? 0 : -1);
    must("pipe", pipe(there));
    must("pipe", pipe(back));
    pid_t child = must("fork", fork());
    if (child == 0) {
        close(there[1]);
        close(back[0]);
        echo();
    }
    close(there[0]);
    close(back[1]);
    measure(name, pipe_trip);
    close(there[1]);
    waitpid(child, NULL, 0);
}

/* Two threads that wait for each other's turn at one word. */
static _Atomic uint32_t turn;

static void hand_over(uint32_t mine, uint32_t theirs)
{
    while (atomic_load(&turn) != mine)
        if (syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, theirs, NULL) < 0 && errno != EAGAIN)
            must("futex wait", -1);
    atomic_store(&turn, theirs);
    must("futex wake", syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1));
}

static void *partner(void *unused)
{
    stay_on(other_cpu);
    for (;;)
        hand_over(1, 0);
    return unused;
}

static void futex_trip(long count)
{
    while (count--)
        hand_over(0, 1);
}

static void futexes(const char *name, int cpu)
{
    pthread_t thread;
    other_cpu = cpu;
    must("sched_setaffinity", stay_on(0) ? 0 : -1);
    errno = pthread_create(&thread, NULL, partner, NULL);
    must("clone", errno ? -1 : 0);
    measure(name, futex_trip);
    _exit(0);
}

static volatile sig_atomic_t heard;

static void handler(int signal)
{
    (void)signal;
    heard++;
}

static void signal_self(long count)
{
    pid_t self = getpid();
    while (count--)
        must("kill", kill(self, SIGUSR1));
}

void calls(const char *what)
{
    if (strcmp(what, "null_call") == 0) {
        measure(what, null_call);
    } else if (strcmp(what, "clock_read") == 0) {
        measure(what, clock_read);
    } else if (strcmp(what, "read_byte") == 0) {
        zero = must("open", open("/dev/zero", O_RDONLY));
        measure(what, read_byte);
    } else if (strcmp(what, "write_byte") == 0) {
        null = must("open", open("/dev/null", O_WRONLY));
        measure(what, write_byte);
    } else if (strcmp(what, "yield") == 0) {
        measure(what, yield);
    } else if (strcmp(what, "pipe_one_cpu") == 0) {
        pipes(what, 0);
    } else if (strcmp(what, "pipe_two_cpus") == 0) {
        pipes(what, 1);
    } else if (strcmp(what, "futex_one_cpu") == 0) {
        futexes(what, 0);
    } else if (strcmp(what, "futex_two_cpus") == 0) {
        futexes(what, 1);
    } else if (strcmp(what, "signal") == 0) {
        struct sigaction action = {.sa_handler = handler};
        must("sigaction", sigaction(SIGUSR1, &action, NULL));
        measure(what, signal_self);
        if (heard == 0)
            must("a handler that was not called", -1);
    }
}
