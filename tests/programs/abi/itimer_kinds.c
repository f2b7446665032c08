// Proves alarm(2), the three interval timers, and timer_create(2) with values and overruns.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int alarms, virtual_, profiling;

static void handler(int signal) {
    if (signal == SIGALRM) alarms++;
    if (signal == SIGVTALRM) virtual_++;
    if (signal == SIGPROF) profiling++;
}

int main(void) {
    signal(SIGALRM, handler);
    signal(SIGVTALRM, handler);
    signal(SIGPROF, handler);
    printf("alarm %u", alarm(100));
    printf(" %u", alarm(0));
    printf(" %u\n", alarm(0));
    struct itimerval timer = {{0, 5000}, {0, 5000}}, old;
    setitimer(ITIMER_REAL, &timer, NULL);
    while (alarms < 5) pause();
    memset(&timer, 0, sizeof timer);
    setitimer(ITIMER_REAL, &timer, &old);
    printf("real: interval %ld, running %d\n", (long)old.it_interval.tv_usec, old.it_value.tv_usec > 0);
    timer.it_value.tv_usec = 20000;
    setitimer(ITIMER_VIRTUAL, &timer, NULL);
    // It computes without a system call; clock_gettime is none, either.
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    while (!virtual_) {}
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("virtual within 10 s: %d\n", to.tv_sec - from.tv_sec <= 10);
    setitimer(ITIMER_PROF, &timer, NULL);
    while (!profiling) {}
    getitimer(ITIMER_PROF, &old);
    printf("virtual %d profiling %d, over %d\n", virtual_, profiling, old.it_value.tv_usec == 0);
    timer.it_value.tv_usec = 1000000;
    int result = setitimer(ITIMER_REAL, &timer, NULL);
    printf("wrong: %d %d\n", result, errno == EINVAL);
    result = getitimer(3, &old);
    printf("wrong: %d %d\n", result, errno == EINVAL);

    int number = SIGRTMIN + 3;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, NULL);
    timer_t id, quiet;
    struct sigevent event = {0};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = number;
    event.sigev_value.sival_int = 42;
    printf("create %d\n", timer_create(CLOCK_MONOTONIC, &event, &id));
    struct itimerspec spec = {{0, 2000000}, {0, 2000000}}, left;
    timer_settime(id, 0, &spec, NULL);
    struct timespec pause = {0, 50000000};
    nanosleep(&pause, NULL);
    siginfo_t info;
    result = sigwaitinfo(&set, &info);
    printf("took %d code %d value %d overrun %d\n", result == number, info.si_code,
           info.si_value.sival_int, info.si_overrun > 3 && timer_getoverrun(id) == info.si_overrun);
    memset(&spec, 0, sizeof spec);
    timer_settime(id, 0, &spec, &left);
    printf("interval was %ld\n", left.it_interval.tv_nsec);
    timer_gettime(id, &left);
    printf("off %d\n", left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
    event.sigev_notify = SIGEV_NONE;
    timer_create(CLOCK_REALTIME, &event, &quiet);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    spec.it_value.tv_sec = now.tv_sec + 100;
    timer_settime(quiet, TIMER_ABSTIME, &spec, NULL);
    timer_gettime(quiet, &left);
    printf("absolute %d\n", left.it_value.tv_sec >= 98 && left.it_value.tv_sec <= 100);
    printf("delete %d", timer_delete(quiet));
    result = timer_delete(quiet);
    printf(" %d %d\n", result, errno == EINVAL);
    return 0;
}
