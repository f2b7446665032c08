// Proves TIOCGPTPEER, TCGETS2 and TCSETS2 with speeds, and reads with VMIN 0: at once, and for a time
// (VTIME).
// proves: P7
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif
#define GET2 0x802c542a
#define SET2 0x402c542b
#define SETW2 0x402c542c
#define SPEED_BITS 0010017
#define OTHER_SPEED 0010000

struct modes2 {
    unsigned c_iflag, c_oflag, c_cflag, c_lflag;
    unsigned char c_line, c_cc[19];
    unsigned c_ispeed, c_ospeed;
};

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static int master;

static void *type_later(void *unused) {
    usleep(50000);
    write(master, "k", 1);
    return unused;
}

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(void) {
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    int unlock = 0;
    ioctl(master, TIOCSPTLCK, &unlock);
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    show("peer", slave >= 0);
    printf("close on exec %d, access %d\n", fcntl(slave, F_GETFD), fcntl(slave, F_GETFL) & O_ACCMODE);
    show("of a peer", ioctl(slave, TIOCGPTPEER, O_RDWR));
    unsigned number;
    char path[32], link[64] = {0}, own[32];
    ioctl(master, TIOCGPTN, &number);
    snprintf(path, sizeof path, "/proc/self/fd/%d", slave);
    readlink(path, link, sizeof link - 1);
    snprintf(own, sizeof own, "/dev/pts/%u", number);
    printf("named %d\n", strcmp(link, own) == 0);

    struct modes2 modes;
    show("get", ioctl(slave, GET2, &modes));
    printf("speed %u %u bits %o\n", modes.c_ispeed, modes.c_ospeed, modes.c_cflag & SPEED_BITS);
    modes.c_cflag = (modes.c_cflag & ~(unsigned)SPEED_BITS) | OTHER_SPEED;
    modes.c_ispeed = modes.c_ospeed = 115200;
    show("set", ioctl(slave, SET2, &modes));
    ioctl(slave, GET2, &modes);
    printf("speed %u bits %o\n", modes.c_ospeed, modes.c_cflag & SPEED_BITS);
    modes.c_cflag = (modes.c_cflag & ~(unsigned)SPEED_BITS) | B9600;
    show("set", ioctl(slave, SETW2, &modes));
    ioctl(slave, GET2, &modes);
    printf("speed %u bits %o\n", modes.c_ospeed, modes.c_cflag & SPEED_BITS);

    modes.c_lflag &= ~(unsigned)(ICANON | ECHO);
    modes.c_cc[VMIN] = 0;
    modes.c_cc[VTIME] = 0;
    ioctl(slave, SET2, &modes);
    char text[8];
    show("at once", read(slave, text, sizeof text));
    write(master, "ab", 2);
    show("two", read(slave, text, sizeof text));
    modes.c_cc[VTIME] = 2;
    ioctl(slave, SET2, &modes);
    long start = now();
    show("for a time", read(slave, text, sizeof text));
    long waited = now() - start;
    printf("as long as said %d\n", waited >= 190);
    modes.c_cc[VTIME] = 100;
    ioctl(slave, SET2, &modes);
    pthread_t thread;
    pthread_create(&thread, NULL, type_later, NULL);
    start = now();
    show("until a key", read(slave, text, sizeof text));
    printf("no longer %d\n", now() - start < 9000);
    pthread_join(thread, NULL);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    show("not at all", read(slave, text, sizeof text));
    return 0;
}
