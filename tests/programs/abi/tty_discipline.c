// Proves what a pseudo-terminal does to bytes: lines, editing, echo, raw input, output processing,
// sizes, and what its ioctls answer.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;

static void show(const char *what, int from) {
    char bytes[256];
    struct pollfd fd = {from, POLLIN, 0};
    if (poll(&fd, 1, 200) <= 0) {
        printf("%s: nothing\n", what);
        return;
    }
    ssize_t count = read(from, bytes, sizeof bytes);
    printf("%s: %zd \"", what, count);
    for (ssize_t i = 0; i < count; i++) {
        if (bytes[i] >= 32 && bytes[i] < 127) putchar(bytes[i]);
        else printf("\\x%02x", (unsigned char)bytes[i]);
    }
    printf("\"\n");
}

static void type(const char *text) { write(master, text, strlen(text)); }

int main(void) {
    struct termios modes, raw;
    struct winsize size = {24, 80, 0, 0}, got = {0};
    master = posix_openpt(O_RDWR | O_NOCTTY);
    int number = -1, lock = -1;
    printf("open %d number %d locked %d %d\n", master >= 0, ioctl(master, TIOCGPTN, &number),
           ioctl(master, TIOCGPTLCK, &lock), lock);
    char name[64];
    snprintf(name, sizeof name, "/dev/pts/%d", number);
    slave = open(name, O_RDWR | O_NOCTTY);
    printf("locked slave %d %d\n", slave, errno == EIO);
    unlockpt(master);
    slave = open(name, O_RDWR | O_NOCTTY);
    printf("slave %d tty %d %d name %d\n", slave >= 0, isatty(slave), isatty(master), strcmp(ptsname(master), name) == 0);
    tcgetattr(slave, &modes);
    printf("modes %o %o %o\n", modes.c_iflag & 0xffff, modes.c_oflag, modes.c_lflag);

    type("hello\r");
    show("line", slave);
    show("echo", master);
    type("ab\177c \027xy\025ok\004");
    show("edited", slave);
    show("echo", master);
    type("\004");
    show("end of file", slave);
    type("no line yet");
    struct pollfd fd = {slave, POLLIN, 0};
    printf("poll without a line %d\n", poll(&fd, 1, 20));
    type("\n");
    show("line", slave);
    tcflush(master, TCIOFLUSH);
    show("flush", master);
    write(slave, "out\n\tput\n", 9);
    show("output", master);

    raw = modes;
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    type("\003\004\r\n\177");
    show("raw", slave);
    show("no echo", master);
    write(slave, "a\nb", 3);
    show("raw output", master);
    raw.c_cc[VMIN] = 3;
    tcsetattr(slave, TCSANOW, &raw);
    type("12");
    printf("poll for three %d\n", poll(&fd, 1, 20));
    type("3");
    show("three", slave);
    raw.c_cc[VMIN] = 0;
    tcsetattr(slave, TCSANOW, &raw);
    char byte;
    printf("at once %d\n", (int)read(slave, &byte, 1));
    tcsetattr(slave, TCSANOW, &modes);

    printf("size %d", ioctl(slave, TIOCGWINSZ, &got));
    printf(" %d %d", got.ws_row, got.ws_col);
    ioctl(master, TIOCSWINSZ, &size);
    ioctl(slave, TIOCGWINSZ, &got);
    printf(" then %d %d\n", got.ws_row, got.ws_col);
    type("waiting\n");
    int waiting = 0;
    poll(&fd, 1, 200);
    ioctl(slave, FIONREAD, &waiting);
    printf("waiting %d\n", waiting);
    int result = ioctl(slave, TIOCGPGRP, &waiting);
    printf("foreground of no session %d %d\n", result, errno == ENOTTY);
    result = ioctl(slave, 0x1234, 0);
    printf("unknown %d %d\n", result, errno == ENOTTY);
    close(slave);
    tcflush(master, TCIOFLUSH);
    fd = (struct pollfd){master, POLLIN, 0};
    result = poll(&fd, 1, 100);
    printf("hang-up %d %d\n", result, !!(fd.revents & POLLHUP));
    slave = open(name, O_RDWR | O_NOCTTY);
    close(master);
    printf("after the master: read %d", (int)read(slave, &byte, 1));
    result = (int)write(slave, "x", 1);
    printf(" write %d %d", result, errno == EIO);
    printf(" name is gone %d\n", access(name, F_OK) != 0);
    return 0;
}
