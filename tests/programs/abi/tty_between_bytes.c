// Reads of a terminal that wait for several bytes (VMIN), and for a time between them (VTIME).
// proves: P7
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int master, slave;

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void modes(int least, int tenths) {
    struct termios modes;
    tcgetattr(slave, &modes);
    cfmakeraw(&modes);
    modes.c_cc[VMIN] = (cc_t)least;
    modes.c_cc[VTIME] = (cc_t)tenths;
    tcsetattr(slave, TCSANOW, &modes);
}

static void *type(void *text) {
    for (const char *at = text; *at; at++) {
        usleep(60000);
        write(master, at, 1);
    }
    return NULL;
}

// What a read gives while these bytes are typed, one after the other.
static long take(const char *what, const char *text, size_t most) {
    char buffer[64] = "";
    pthread_t thread;
    pthread_create(&thread, NULL, type, (void *)text);
    long start = now();
    long got = read(slave, buffer, most);
    long took = now() - start;
    printf("%s: %ld %.*s\n", what, got, (int)(got > 0 ? got : 0), buffer);
    pthread_join(thread, NULL);
    return took;
}

static int ready(void) {
    struct pollfd poll_ = {slave, POLLIN, 0};
    return poll(&poll_, 1, 20);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    master = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(master);
    unlockpt(master);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    modes(3, 0);
    take("three", "abc", 10);
    take("as many as are asked for", "de", 2);
    printf("one is not enough: ");
    write(master, "f", 1);
    printf("%d\n", ready());
    fcntl(slave, F_SETFL, O_NONBLOCK);
    char buffer[8];
    printf("without waiting: %ld\n", (long)read(slave, buffer, 8));
    long none = read(slave, buffer, 8);
    printf("and then: %ld %s\n", none, strerror(errno));
    fcntl(slave, F_SETFL, 0);

    modes(5, 10);
    take("all in time", "ghijk", 10);
    long took = take("some, then nothing", "lm", 10);
    printf("the gap was waited for: %d\n", took >= 1000 && took < 8000);
    write(master, "no", 2);
    long start = now();
    printf("what was there: %ld\n", (long)read(slave, buffer, 8));
    printf("with a gap behind it: %d\n", now() - start >= 900);
    printf("one is enough to be told: ");
    write(master, "p", 1);
    printf("%d\n", ready());
    fcntl(slave, F_SETFL, O_NONBLOCK);
    printf("without waiting: %ld\n", (long)read(slave, buffer, 8));
    return 0;
}
