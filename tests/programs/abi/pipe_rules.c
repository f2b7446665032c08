/* What a pipe promises to one process: order, capacity, flags, errors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char big[300000];

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

int main(void) {
    int p[2], n;
    char b[64];
    struct stat st;
    show("pipe2 bad flags", pipe2(p, O_APPEND));
    show("pipe2 bad pointer", syscall(SYS_pipe2, 8, 0));
    show("pipe2", pipe2(p, O_NONBLOCK | O_CLOEXEC));
    printf("ends %d %d\n", p[0], p[1]);
    printf("getfl %o %o getfd %d %d\n", fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL), fcntl(p[0], F_GETFD),
           fcntl(p[1], F_GETFD));
    show("fstat", fstat(p[0], &st));
    printf("fifo %d mode %o size %ld links %ld\n", S_ISFIFO(st.st_mode), st.st_mode & 07777, (long)st.st_size,
           (long)st.st_nlink);
    show("lseek", lseek(p[0], 0, SEEK_SET));
    show("pread", pread(p[0], b, 1, 0));
    show("pwrite", pwrite(p[1], b, 1, 0));
    show("read empty", read(p[0], b, 1));
    show("read from the writer", read(p[1], b, 1));
    show("write to the reader", write(p[0], b, 1));
    show("write nothing", write(p[1], b, 0));
    show("write", write(p[1], "hello", 5));
    show("fionread", ioctl(p[0], FIONREAD, &n));
    printf("waiting %d\n", n);
    show("read", read(p[0], b, 3));
    printf("%.3s\n", b);
    struct iovec v[3] = {{b, 1}, {b + 10, 0}, {b + 20, 30}};
    show("readv", readv(p[0], v, 3));
    printf("%c%c\n", b[0], b[20]);
    struct iovec w[2] = {{"abc", 3}, {"defg", 4}};
    show("writev", writev(p[1], w, 2));
    show("read", read(p[0], b, 64));
    printf("%.7s\n", b);
    show("writev too many", writev(p[1], w, 1025));
    /* Capacity. */
    show("size", fcntl(p[0], F_GETPIPE_SZ));
    long total = 0, r;
    while ((r = write(p[1], big, 4096)) > 0)
        total += r;
    show("full", r);
    printf("held %ld\n", total);
    show("one byte more", write(p[1], "x", 1));
    show("shrink a full one", fcntl(p[1], F_SETPIPE_SZ, 4096));
    show("grow", fcntl(p[1], F_SETPIPE_SZ, 100000));
    show("size", fcntl(p[1], F_GETPIPE_SZ));
    total = 0;
    while ((r = read(p[0], big, sizeof big)) > 0)
        total += r;
    printf("drained %ld\n", total);
    show("large write", write(p[1], big, sizeof big));
    show("large read", read(p[0], big, sizeof big));
    show("shrink", fcntl(p[1], F_SETPIPE_SZ, 1));
    show("too large", fcntl(p[1], F_SETPIPE_SZ, 0x7fffffff) < 0 ? 0 : 1);
    /* A write of up to PIPE_BUF is whole or not at all. */
    show("most of it", write(p[1], big, 4000));
    show("does not fit", write(p[1], big, 200));
    show("drain", read(p[0], big, sizeof big));
    /* Ends. */
    n = 0;
    show("fionbio off", ioctl(p[0], FIONBIO, &n));
    printf("getfl %o\n", fcntl(p[0], F_GETFL));
    show("fionclex", ioctl(p[0], FIONCLEX));
    printf("getfd %d\n", fcntl(p[0], F_GETFD));
    show("fioclex", ioctl(p[0], FIOCLEX));
    printf("getfd %d\n", fcntl(p[0], F_GETFD));
    show("write", write(p[1], "rest", 4));
    close(p[1]);
    show("rest", read(p[0], b, 64));
    show("end", read(p[0], b, 64));
    close(p[0]);
    show("pipe", pipe(p));
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    show("nobody reads", write(p[1], "x", 1));
    show("nothing to nobody", write(p[1], "x", 0));
    show("preadv2 flags", syscall(SYS_preadv2, p[1], w, 1, -1L, 0L, 0x40000000));
    return 0;
}
