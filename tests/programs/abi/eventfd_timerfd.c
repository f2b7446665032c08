/* eventfd counts; timerfd runs out, once and again. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

int main(void) {
    uint64_t n = 0;
    struct pollfd p = {.events = POLLIN | POLLOUT};
    show("eventfd bad flags", eventfd(0, 2));
    int e = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
    p.fd = e;
    show("short read", read(e, &n, 7));
    show("read", read(e, &n, 64));
    printf("%llu\n", (unsigned long long)n);
    show("read nothing", read(e, &n, 8));
    show("short write", write(e, &n, 4));
    n = UINT64_MAX;
    show("write too much", write(e, &n, 8));
    n = UINT64_MAX - 1;
    show("write all", write(e, &n, 8));
    n = 1;
    show("write more", write(e, &n, 8));
    show("poll full", poll(&p, 1, 0));
    printf("%x\n", p.revents);
    n = 0;
    show("write none", write(e, &n, 8));
    show("read", read(e, &n, 8));
    printf("%llx\n", (unsigned long long)n);
    show("poll empty", poll(&p, 1, 0));
    printf("%x\n", p.revents);
    show("lseek", lseek(e, 0, SEEK_SET));
    show("pread", pread(e, &n, 8, 0));
    int s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    for (int i = 0; i < 3; i++) {
        show("semaphore", read(s, &n, 8));
        printf("%llu\n", (unsigned long long)n);
    }
    /* Timers. */
    struct itimerspec t = {.it_value.tv_nsec = 20000000}, o;
    show("timerfd bad clock", timerfd_create(77, 0));
    show("timerfd cpu clock", timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
    show("timerfd bad flags", timerfd_create(CLOCK_MONOTONIC, 1));
    int f = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    p.fd = f;
    show("not set", read(f, &n, 8));
    show("gettime", timerfd_gettime(f, &o));
    printf("%ld %ld\n", (long)o.it_value.tv_sec, (long)o.it_value.tv_nsec);
    struct itimerspec late = {.it_value.tv_sec = 1000};
    show("settime", timerfd_settime(f, 0, &late, &o));
    show("not yet", read(f, &n, 8));
    show("settime", timerfd_settime(f, 0, &t, &o));
    show("poll", poll(&p, 1, 1000));
    printf("%x\n", p.revents);
    show("short", read(f, &n, 4));
    show("read", read(f, &n, 8));
    printf("%llu\n", (unsigned long long)n);
    show("once", read(f, &n, 8));
    t.it_value.tv_nsec = 1000000, t.it_interval.tv_nsec = 1000000;
    show("settime", timerfd_settime(f, 0, &t, NULL));
    struct timespec nap = {0, 30000000};
    nanosleep(&nap, NULL);
    show("read", read(f, &n, 8));
    printf("many %d\n", n >= 20);
    fcntl(f, F_SETFL, 0);
    show("blocking read", read(f, &n, 8));
    printf("some %d\n", n >= 1);
    t.it_value.tv_nsec = 0;
    show("off", timerfd_settime(f, 0, &t, &o));
    printf("was on %d, every %ld\n", o.it_value.tv_nsec > 0, (long)o.it_interval.tv_nsec);
    show("poll off", poll(&p, 1, 5));
    t.it_value.tv_nsec = 1000000000;
    show("bad time", timerfd_settime(f, 0, &t, NULL));
    show("bad flags", timerfd_settime(f, 8, &t, NULL));
    show("not a timer", timerfd_settime(e, 0, &(struct itimerspec){0}, NULL));
    int w = timerfd_create(CLOCK_REALTIME, 0);
    clock_gettime(CLOCK_REALTIME, &t.it_value);
    t.it_interval = (struct timespec){0};
    t.it_value.tv_sec -= 10;
    show("past", timerfd_settime(w, TFD_TIMER_ABSTIME, &t, NULL));
    show("read", read(w, &n, 8));
    printf("%llu\n", (unsigned long long)n);
    t.it_value.tv_sec += 1000;
    show("future", timerfd_settime(w, TFD_TIMER_ABSTIME, &t, NULL));
    show("gettime", timerfd_gettime(w, &o));
    printf("%d\n", o.it_value.tv_sec >= 985 && o.it_value.tv_sec <= 990);
    return 0;
}
