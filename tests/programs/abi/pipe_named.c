/* Named pipes: opening without waiting, both ways, the end, hanging up. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static int events(int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    poll(&p, 1, 0);
    return p.revents;
}

int main(void) {
    const char *path = "/tmp/pipe_named.fifo";
    char b[16];
    struct stat st;
    signal(SIGPIPE, SIG_IGN);
    unlink(path);
    show("mkfifo", mkfifo(path, 0600));
    show("writer without a reader", open(path, O_WRONLY | O_NONBLOCK));
    int r = open(path, O_RDONLY | O_NONBLOCK);
    printf("events %x\n", events(r));
    show("read", read(r, b, 1));
    int w = open(path, O_WRONLY);
    printf("events %x %x\n", events(r), events(w));
    show("read", read(r, b, 1));
    show("write", write(w, "text", 4));
    fstat(r, &st);
    printf("fifo %d\n", S_ISFIFO(st.st_mode));
    show("read", read(r, b, 16));
    close(w);
    printf("events %x\n", events(r));
    show("end", read(r, b, 16));
    int both = open(path, O_RDWR);
    printf("events %x %x\n", events(r), events(both));
    show("write", write(both, "x", 1));
    show("read", read(r, b, 16));
    w = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    printf("cloexec %d fl %o\n", fcntl(w, F_GETFD), fcntl(w, F_GETFL) & ~0100000);
    close(r), close(both);
    show("nobody", write(w, "x", 1));
    printf("events %x\n", events(w));
    unlink(path);
    return 0;
}
