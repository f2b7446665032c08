// Calls that say how they move bytes: preadv2 and pwritev2.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOWAIT = 8, APPEND = 0x10, NOAPPEND = 0x20 };

static long get(int fd, long at, int flags) {
    static char bytes[64];
    struct iovec one = {bytes, 8};
    long result = syscall(SYS_preadv2, fd, &one, 1L, at, 0L, flags);
    return result < 0 ? -errno : result;
}

static long put(int fd, const char *text, long at, int flags) {
    struct iovec one = {(void *)text, strlen(text)};
    long result = syscall(SYS_pwritev2, fd, &one, 1L, at, 0L, flags);
    return result < 0 ? -errno : result;
}

static void show(const char *what, long result, int fd) {
    char bytes[64] = "";
    pread(fd, bytes, 63, 0);
    printf("%s: %ld, %s, at %ld\n", what, result, bytes, (long)lseek(fd, 0, SEEK_CUR));
}

int main(void) {
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    write(fd, "abcdef", 6);
    show("at a place", put(fd, "X", 1, 0), fd);
    show("at the end", put(fd, "gh", 1, APPEND), fd);
    lseek(fd, 2, SEEK_SET);
    show("at the end, from where it stands", put(fd, "i", -1, APPEND), fd);
    show("in place, though", put(fd, "Y", 2, NOAPPEND), fd);
    fcntl(fd, F_SETFL, O_APPEND);
    show("of one that appends", put(fd, "j", 0, 0), fd);
    show("in place, though", put(fd, "Z", 0, NOAPPEND), fd);
    lseek(fd, 3, SEEK_SET);
    show("in place, where it stands", put(fd, "-", -1, NOAPPEND), fd);
    printf("both: %ld, unknown: %ld\n", put(fd, "k", 0, APPEND | NOAPPEND), put(fd, "k", 0, 1 << 20));
    printf("read: %ld\n", get(fd, 0, APPEND));

    int ends[2];
    pipe(ends);
    printf("empty pipe: %ld\n", get(ends[0], -1, NOWAIT));
    printf("write: %ld\n", put(ends[1], "abc", -1, NOWAIT));
    printf("read: %ld\n", get(ends[0], -1, NOWAIT));
    while (put(ends[1], "0123456789abcdef", -1, NOWAIT) > 0)
        ;
    printf("full pipe: %ld\n", put(ends[1], "0123456789abcdef", -1, NOWAIT));
    int pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    printf("empty socket: %ld\n", get(pair[0], -1, NOWAIT));
    put(pair[1], "abc", -1, NOWAIT);
    printf("socket: %ld\n", get(pair[0], -1, NOWAIT));
    printf("counter: %ld\n", get(eventfd(0, 0), -1, NOWAIT));
    printf("zeroes: %ld\n", get(open("/dev/zero", O_RDONLY), -1, NOWAIT));
    printf("terminal: %ld\n", get(open("/dev/ptmx", O_RDWR), -1, NOWAIT));
    printf("proc: %ld\n", get(open("/proc/uptime", O_RDONLY), -1, NOWAIT));
    return 0;
}
