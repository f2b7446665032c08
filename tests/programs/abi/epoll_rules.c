/* epoll: level, edge, one-shot, changes, errors, closing, nesting. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static int e;

static int ctl(int op, int fd, unsigned events, unsigned long long data) {
    struct epoll_event v = {.events = events, .data.u64 = data};
    return epoll_ctl(e, op, fd, &v);
}

static void wait_show(const char *what, int most) {
    struct epoll_event v[8];
    int n = epoll_wait(e, v, most, 0);
    printf("%s: %d", what, n);
    for (int i = 0; i < n; i++)
        printf(" %x/%llx", v[i].events, (unsigned long long)v[i].data.u64);
    printf("\n");
}

int main(void) {
    int p[2], q[2];
    char b[16];
    struct epoll_event v[4];
    show("create 0", epoll_create(0));
    show("create1 bad", epoll_create1(1));
    e = epoll_create1(EPOLL_CLOEXEC);
    printf("cloexec %d\n", fcntl(e, F_GETFD));
    pipe2(p, O_NONBLOCK), pipe2(q, O_NONBLOCK);
    show("add", ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 0x1122334455667788));
    show("add again", ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 2));
    show("add itself", ctl(EPOLL_CTL_ADD, e, EPOLLIN, 2));
    show("add nothing", ctl(EPOLL_CTL_ADD, 99, EPOLLIN, 2));
    show("modify what is not there", ctl(EPOLL_CTL_MOD, q[0], EPOLLIN, 2));
    show("delete what is not there", ctl(EPOLL_CTL_DEL, q[0], 0, 0));
    show("bad operation", ctl(9, p[0], EPOLLIN, 2));
    show("no event", epoll_ctl(e, EPOLL_CTL_ADD, q[0], NULL));
    show("not an epoll", epoll_ctl(p[0], EPOLL_CTL_ADD, q[0], v));
    show("wait for none", epoll_wait(e, v, 0, 0));
    show("wait bad", epoll_wait(p[0], v, 1, 0));
    wait_show("nothing", 8);
    write(p[1], "abc", 3);
    wait_show("level", 8);
    wait_show("level still", 8);
    read(p[0], b, 3);
    wait_show("level no more", 8);
    show("edge", ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 3));
    write(p[1], "abc", 3);
    wait_show("edge", 8);
    wait_show("edge once", 8);
    read(p[0], b, 1);
    wait_show("edge: a read is none", 8);
    write(p[1], "d", 1);
    wait_show("edge: a write is one", 8);
    show("modify tells anew", ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 4));
    wait_show("edge anew", 8);
    show("one shot", ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 5));
    wait_show("one shot", 8);
    write(p[1], "d", 1);
    wait_show("spent", 8);
    show("again", ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 6));
    wait_show("one shot again", 8);
    show("delete", ctl(EPOLL_CTL_DEL, p[0], 0, 0));
    wait_show("deleted", 8);
    /* Several, in turns. */
    int a = eventfd(1, 0), c = eventfd(1, 0), d = eventfd(1, 0);
    ctl(EPOLL_CTL_ADD, a, EPOLLIN, 0xa), ctl(EPOLL_CTL_ADD, c, EPOLLIN, 0xc), ctl(EPOLL_CTL_ADD, d, EPOLLIN, 0xd);
    wait_show("two of three", 2);
    wait_show("the next two", 2);
    wait_show("all", 8);
    /* A closed file is gone, but not while another descriptor has it. */
    int twin = dup(c);
    close(a);
    close(c);
    wait_show("one gone, one kept", 8);
    close(twin);
    wait_show("both gone", 8);
    close(d);
    /* Hang up and error are told unasked. */
    ctl(EPOLL_CTL_ADD, q[0], 0, 7), ctl(EPOLL_CTL_ADD, q[1], EPOLLOUT, 8);
    wait_show("room", 8);
    int spare = dup(q[0]);
    close(q[1]);
    wait_show("hung up", 8);
    close(spare);
    /* Nesting. */
    int outer = epoll_create1(0);
    struct epoll_event n = {.events = EPOLLIN, .data.u32 = 9};
    show("nest", epoll_ctl(outer, EPOLL_CTL_ADD, e, &n));
    show("circle", ctl(EPOLL_CTL_ADD, outer, EPOLLIN, 1));
    show("outer", epoll_wait(outer, v, 4, 0));
    close(q[0]);
    show("outer quiet", epoll_wait(outer, v, 4, 0));
    int f = eventfd(0, 0);
    ctl(EPOLL_CTL_ADD, f, EPOLLIN, 1);
    eventfd_write(f, 1);
    show("outer again", epoll_wait(outer, v, 4, 1000));
    int depth = 2, last = outer;
    for (; depth < 10; depth++) {
        int more = epoll_create1(0);
        if (epoll_ctl(more, EPOLL_CTL_ADD, last, &n) < 0) {
            show("too deep", -1);
            break;
        }
        last = more;
    }
    printf("depth %d\n", depth);
    show("through all", epoll_wait(last, v, 4, 0));
    n.events = EPOLLIN | EPOLLEXCLUSIVE;
    show("exclusive epoll", epoll_ctl(last, EPOLL_CTL_ADD, e, &n));
    show("exclusive", epoll_ctl(last, EPOLL_CTL_ADD, f, &n));
    show("exclusive cannot be changed", epoll_ctl(last, EPOLL_CTL_MOD, f, &n));
    n.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
    show("exclusive one-shot", epoll_ctl(outer, EPOLL_CTL_ADD, p[0], &n));
    int file = open("/bin/busybox", O_RDONLY), reg = file >= 0 ? file : open("/bin/sh", O_RDONLY);
    show("a regular file", ctl(EPOLL_CTL_ADD, reg, EPOLLIN, 1));
    struct timespec t = {0, 1000000};
    show("pwait2", syscall(SYS_epoll_pwait2, outer, v, 4, &t, NULL, 8));
    t.tv_nsec = -1;
    show("pwait2 bad time", syscall(SYS_epoll_pwait2, outer, v, 4, &t, NULL, 8));
    return 0;
}
