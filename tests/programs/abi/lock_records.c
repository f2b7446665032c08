/* Record locks of processes and of open files; close_range; dup3 and fcntl's odd corners. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static long lock(int fd, int command, int type, long start, long length) {
    struct flock f = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &f);
}

static void ask(int fd, int command, int type, long start, long length) {
    struct flock f = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    if (fcntl(fd, command, &f) < 0)
        show("ask", -1);
    else if (f.l_type == F_UNLCK)
        printf("free\n");
    else
        printf("type %d start %ld length %ld pid %s\n", f.l_type, (long)f.l_start, (long)f.l_len,
               f.l_pid == getppid() ? "parent" : f.l_pid == -1 ? "-1" : "other");
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    int f = open("/tmp/lock_records", O_RDWR | O_CREAT | O_TRUNC, 0600);
    int r = open("/tmp/lock_records", O_RDONLY);
    show("exclusive", lock(f, F_SETLK, F_WRLCK, 10, 10));
    show("own again", lock(f, F_SETLK, F_RDLCK, 12, 4));
    show("exclusive on a reader", lock(r, F_SETLK, F_WRLCK, 0, 1));
    show("bad type", lock(f, F_SETLK, 9, 0, 1));
    show("negative", lock(f, F_SETLK, F_WRLCK, -1, 1));
    ask(f, F_GETLK, F_WRLCK, 0, 0);
    pid_t child = fork();
    if (child == 0) {
        ask(f, F_GETLK, F_WRLCK, 0, 0);
        ask(f, F_GETLK, F_RDLCK, 12, 4);
        ask(f, F_GETLK, F_WRLCK, 12, 4);
        show("taken", lock(f, F_SETLK, F_WRLCK, 19, 1));
        show("beside", lock(f, F_SETLK, F_WRLCK, 20, 0));
        _exit(0);
    }
    waitpid(child, NULL, 0);
    show("child's are gone", lock(f, F_SETLK, F_WRLCK, 20, 100));
    /* Waiting for a lock that the other lets go of by closing. */
    int p[2];
    char b;
    pipe(p);
    child = fork();
    if (child == 0) {
        lock(f, F_SETLK, F_WRLCK, 1000, 1);
        write(p[1], "x", 1);
        show("child waits", lock(f, F_SETLKW, F_WRLCK, 12, 1));
        _exit(0);
    }
    read(p[0], &b, 1);
    close(dup(f));
    waitpid(child, NULL, 0);
    ask(f, F_GETLK, F_WRLCK, 0, 0);
    /* Open files' locks. */
    int g = open("/tmp/lock_records", O_RDWR);
    show("ofd", lock(f, F_OFD_SETLK, F_WRLCK, 0, 5));
    show("ofd conflict", lock(g, F_OFD_SETLK, F_WRLCK, 4, 1));
    show("process conflict", lock(f, F_SETLK, F_WRLCK, 0, 1));
    ask(g, F_OFD_GETLK, F_RDLCK, 0, 0);
    close(f);
    show("after close", lock(g, F_OFD_SETLK, F_WRLCK, 4, 1));
    /* Descriptors. */
    int base = fcntl(g, F_DUPFD, 20);
    for (int i = 0; i < 5; i++)
        fcntl(g, F_DUPFD, 20);
    show("close_range cloexec", syscall(SYS_close_range, base + 2, base + 3, 4));
    printf("%d %d %d %d\n", fcntl(base + 1, F_GETFD), fcntl(base + 2, F_GETFD), fcntl(base + 3, F_GETFD),
           fcntl(base + 4, F_GETFD));
    show("close_range", syscall(SYS_close_range, base + 1, ~0U, 0));
    show("closed", fcntl(base + 1, F_GETFD));
    show("not closed", fcntl(base, F_GETFD));
    show("backwards", syscall(SYS_close_range, 5, 4, 0));
    show("bad flags", syscall(SYS_close_range, 500, 600, 1));
    show("dup3 same", dup3(g, g, 0));
    show("dup3 flags", dup3(g, 50, O_APPEND));
    show("dup3", dup3(g, 50, O_CLOEXEC));
    show("cloexec", fcntl(50, F_GETFD));
    show("dupfd", fcntl(g, F_DUPFD, 60));
    show("dupfd_cloexec", fcntl(g, F_DUPFD_CLOEXEC, 60));
    show("cloexec", fcntl(61, F_GETFD));
    show("dupfd negative", fcntl(g, F_DUPFD, -1));
    show("setfl", fcntl(g, F_SETFL, O_APPEND | O_NONBLOCK | O_RDONLY | O_CREAT));
    printf("%o\n", fcntl(50, F_GETFL) & ~0100000);
    show("bad command", fcntl(g, 4242, 0));
    show("pipe size of a file", fcntl(g, F_GETPIPE_SZ));
    unlink("/tmp/lock_records");
    return 0;
}
