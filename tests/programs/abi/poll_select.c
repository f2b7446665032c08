/* poll, ppoll, select and pselect on pipes, an eventfd, files and what is no file. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static long ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(void) {
    int p[2], q[2], e = eventfd(0, 0);
    char big[65536] = "";
    pipe(p), pipe(q);
    int f = open("/proc/self/exe", O_RDONLY);
    if (f < 0)
        f = open("/bin/busybox", O_RDONLY);
    struct pollfd v[7] = {{p[0], POLLIN, -1}, {p[1], POLLOUT | POLLWRNORM, -1}, {-5, POLLIN, -1}, {77, 0, -1},
                          {e, POLLIN | POLLOUT, -1}, {f, POLLIN | POLLOUT | POLLPRI, -1}, {q[0], POLLIN | POLLRDNORM, -1}};
    show("poll", poll(v, 7, 1000));
    for (int i = 0; i < 7; i++)
        printf(" %x", v[i].revents);
    printf("\n");
    write(p[1], "x", 1);
    close(q[1]);
    eventfd_write(e, 1);
    show("poll", poll(v, 7, -1));
    for (int i = 0; i < 7; i++)
        printf(" %x", v[i].revents);
    printf("\n");
    write(p[1], big, 65535);
    close(q[0]);
    show("poll full", poll(v + 1, 1, 0));
    read(p[0], big, 4095);
    show("poll not quite a page", poll(v + 1, 1, 0));
    read(p[0], big, 1);
    show("poll a page", poll(v + 1, 1, 0));
    while (poll(v, 1, 0))
        read(p[0], big, sizeof big);
    close(p[0]);
    v[1].events = 0;
    show("nobody reads", poll(v + 1, 1, 0));
    printf(" %x\n", v[1].revents);
    close(p[1]);
    pipe(p);
    v[0].fd = p[0];
    long start = ms();
    show("timeout", poll(v, 1, 50));
    printf("waited %d\n", ms() - start >= 50 && ms() - start < 1000);
    show("none", poll(NULL, 0, 10));
    show("too many", poll(v, 1 << 30, 0));
    show("bad pointer", syscall(SYS_poll, 8, 1, 0));
    struct timespec t = {0, 20000000}, bad = {0, 1000000000}, neg = {-1, 0};
    show("ppoll", ppoll(v, 1, &t, NULL));
    show("ppoll bad time", ppoll(v, 1, &bad, NULL));
    show("ppoll negative time", ppoll(v, 1, &neg, NULL));
    sigset_t set;
    sigemptyset(&set);
    show("ppoll bad size", syscall(SYS_ppoll, v, 1, &t, &set, 4));
    show("ppoll with a mask", ppoll(v, 1, &t, &set));
    /* select */
    fd_set r, w, x;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&x);
    FD_SET(p[0], &r), FD_SET(e, &r), FD_SET(p[1], &w), FD_SET(e, &w), FD_SET(e, &x);
    struct timeval tv = {5, 0};
    show("select", select(20, &r, &w, &x, &tv));
    printf("%d %d %d %d %d\n", !!FD_ISSET(p[0], &r), !!FD_ISSET(e, &r), !!FD_ISSET(p[1], &w), !!FD_ISSET(e, &w),
           !!FD_ISSET(e, &x));
    printf("left %d\n", tv.tv_sec == 4 || tv.tv_sec == 5);
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    tv.tv_sec = 0, tv.tv_usec = 30000;
    start = ms();
    show("select timeout", select(20, &r, NULL, NULL, &tv));
    printf("%d %ld.%06ld waited %d\n", !!FD_ISSET(p[0], &r), (long)tv.tv_sec, (long)tv.tv_usec, ms() - start >= 30);
    /* Linux overlooks numbers beyond its table of descriptors, which has room for 64 at least. */
    FD_SET(40, &r);
    tv.tv_sec = tv.tv_usec = 0;
    show("select bad descriptor", select(41, &r, NULL, NULL, &tv));
    show("select negative", select(-1, &r, NULL, NULL, &tv));
    tv.tv_sec = -1;
    show("select negative time", select(1, NULL, NULL, NULL, &tv));
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    close(p[1]);
    show("select at the end", select(20, &r, NULL, NULL, NULL));
    show("pselect", pselect(20, &r, NULL, NULL, &t, &set));
    return 0;
}
