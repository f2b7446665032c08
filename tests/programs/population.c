/* population sleepers COUNT | population sharing COUNT | population churn | population compute COUNT MS
 *
 *   sleepers  makes COUNT processes with address spaces of their own, which sleep; says `made N` and
 *             sleeps, too
 *   sharing   the same, but they share this one's memory: clone(2) with CLONE_VM
 *   churn     makes processes that end at once, and waits for them, until it is ended itself; says
 *             after each hundred how many these were
 *   compute   has COUNT processes compute for MS milliseconds of CPU time each, and says after how many
 *             milliseconds the last one was done
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A process that goes on where this one is, on the same stack, and sleeps for good. It touches
 * neither stack nor data, which may be another's. */
static long sleeper(unsigned long flags)
{
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    long result;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 2f\n\t"
                     "1: mov %[pause], %%eax\n\t"
                     "syscall\n\t"
                     "jmp 1b\n\t"
                     "2:"
                     : "=a"(result)
                     : "a"(SYS_clone), "D"(flags), "S"(0), "d"(0), "r"(r10), "r"(r8),
                       [pause] "i"(SYS_pause)
                     : "rcx", "r11", "memory");
    return result;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static int make(unsigned long count, unsigned long flags)
{
    double began = seconds();
    for (unsigned long made = 0; made < count; made++) {
        long result = sleeper(flags);
        if (result < 0) {
            printf("made %lu, then: %s\n", made, strerror((int)-result));
            return 1;
        }
    }
    printf("made %lu in %.1f s\n", count, seconds() - began);
    fflush(stdout);
    for (;;)
        pause();
}

static int churn(void)
{
    for (unsigned long ended = 0;;) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child > 0)
            ended += waitpid(child, NULL, 0) == child;
        else if (errno != EAGAIN)
            return 1;
        if (ended % 100 == 0) {
            printf("%lu\n", ended);
            fflush(stdout);
        }
    }
}

static int compute(unsigned long count, unsigned long ms)
{
    double began = seconds();
    for (unsigned long made = 0; made < count; made++) {
        pid_t child = fork();
        if (child < 0)
            return 1;
        for (struct timespec used = {0, 0}; child == 0;) {
            for (volatile unsigned turn = 0; turn < 20000; turn++)
                ;
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
            if (used.tv_sec * 1000UL + used.tv_nsec / 1000000UL >= ms)
                _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    printf("%.0f\n", (seconds() - began) * 1000);
    return 0;
}

int main(int count, char **words)
{
    if (count == 4 && strcmp(words[1], "compute") == 0)
        return compute(strtoul(words[2], NULL, 0), strtoul(words[3], NULL, 0));
    if (count == 3 && strcmp(words[1], "sleepers") == 0)
        return make(strtoul(words[2], NULL, 0), SIGCHLD);
    if (count == 3 && strcmp(words[1], "sharing") == 0)
        return make(strtoul(words[2], NULL, 0), CLONE_VM | SIGCHLD);
    if (count == 2 && strcmp(words[1], "churn") == 0)
        return churn();
    fprintf(stderr, "population sleepers COUNT | sharing COUNT | churn | compute COUNT MS\n");
    return 2;
}
