// Proves splice(2), tee(2) and vmsplice(2): between pipes, files and sockets, with positions, without
// waiting and with it, and that what does not go stays where it was; sendfile(2) into a pipe.
// proves: P7
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static void drain(const char *what, int fd) {
    char text[64];
    long count = read(fd, text, sizeof text - 1);
    text[count > 0 ? count : 0] = 0;
    printf("%s: %ld \"%s\"\n", what, count, text);
}

static int a[2], b[2];

static void *write_later(void *unused) {
    usleep(20000);
    write(a[1], "later", 5);
    return unused;
}

static void *read_later(void *unused) {
    char big[65536];
    usleep(20000);
    long got = 0;
    while (got < 65536 + 10) {
        long count = read(b[0], big, sizeof big);
        if (count <= 0)
            break;
        got += count;
    }
    (void)unused;
    return (void *)got;
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    signal(SIGPIPE, SIG_IGN);
    if (pipe(a) || pipe(b))
        return 1;
    int file = open("file", O_RDWR | O_CREAT, 0644);
    write(file, "0123456789", 10);
    lseek(file, 2, SEEK_SET);

    show("no pipe", splice(file, NULL, file, NULL, 5, 0));
    show("one pipe", splice(a[0], NULL, a[1], NULL, 5, 0));
    show("wrong end", splice(file, NULL, a[0], NULL, 5, 0));
    show("nothing", splice(file, NULL, a[1], NULL, 0, 0));
    show("unknown flags", splice(file, NULL, a[1], NULL, 5, 16));
    loff_t at = 7;
    show("position of a pipe", splice(a[0], &at, file, NULL, 5, 0));
    show("empty", splice(a[0], NULL, b[1], NULL, 5, SPLICE_F_NONBLOCK));

    show("file to pipe", splice(file, NULL, a[1], NULL, 4, 0));
    show("file stands at", lseek(file, 0, SEEK_CUR));
    show("from a position", splice(file, &at, a[1], NULL, 100, SPLICE_F_MOVE));
    printf("position %lld, file stands at %ld\n", (long long)at, (long)lseek(file, 0, SEEK_CUR));
    at = 10;
    show("at the end", splice(file, &at, a[1], NULL, 100, 0));
    show("tee", tee(a[0], b[1], 5, 0));
    drain("teed", b[0]);
    show("pipe to pipe", splice(a[0], NULL, b[1], NULL, 3, 0));
    drain("moved", b[0]);
    at = 20;
    show("pipe to file", splice(a[0], NULL, file, &at, 100, 0));
    printf("position %lld\n", (long long)at);
    char text[8] = {0};
    pread(file, text, 4, 20);
    printf("%s\n", text);
    int appends = open("file", O_WRONLY | O_APPEND);
    write(a[1], "kept", 4);
    show("to who appends", splice(a[0], NULL, appends, NULL, 4, 0));
    drain("still there", a[0]);

    int s[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(a[1], "to a socket", 11);
    show("pipe to socket", splice(a[0], NULL, s[0], NULL, 100, 0));
    show("socket to pipe", splice(s[1], NULL, b[1], NULL, 100, 0));
    drain("by way of both", b[0]);
    write(s[0], "sent", 4);
    show("sendfile from a socket into a pipe", sendfile(a[1], s[1], NULL, 100));
    drain("sent", a[0]);
    show("sendfile from a pipe", sendfile(s[0], a[0], NULL, 5));
    at = 1;
    show("sendfile into a pipe", sendfile(a[1], file, &at, 3));
    drain("sent", a[0]);
    int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
    show("zeros", splice(zero, NULL, a[1], NULL, 1000, 0));
    show("to nothing", splice(a[0], NULL, null, NULL, 1000, 0));
    show("directory", splice(open(".", O_RDONLY), NULL, a[1], NULL, 10, 0));

    pthread_t thread;
    pthread_create(&thread, NULL, write_later, NULL);
    show("waits for data", splice(a[0], NULL, b[1], NULL, 100, 0));
    pthread_join(thread, NULL);
    drain("moved", b[0]);
    // More than fits, into a full pipe and then into one that is being read.
    char *big = malloc(65536);
    memset(big, 'x', 65536);
    show("fill", write(b[1], big, 65536));
    write(a[1], "0123456789", 10);
    show("full", splice(a[0], NULL, b[1], NULL, 10, SPLICE_F_NONBLOCK));
    show("tee into full", tee(a[0], b[1], 10, SPLICE_F_NONBLOCK));
    pthread_create(&thread, NULL, read_later, NULL);
    show("waits for room", splice(a[0], NULL, b[1], NULL, 10, 0));
    void *got;
    pthread_join(thread, &got);
    show("reader got", (long)got);

    struct iovec pieces[2] = {{"user", 4}, {" memory", 7}};
    show("vmsplice", vmsplice(a[1], pieces, 2, 0));
    char one[5] = {0}, two[8] = {0};
    struct iovec places[2] = {{one, 4}, {two, 7}};
    show("vmsplice to memory", vmsplice(a[0], places, 2, 0));
    printf("%s%s\n", one, two);
    show("vmsplice to a file", vmsplice(file, pieces, 2, 0));
    show("vmsplice nothing", vmsplice(a[0], places, 2, SPLICE_F_NONBLOCK));
    close(b[0]);
    write(a[1], "x", 1);
    show("nobody reads", splice(a[0], NULL, b[1], NULL, 10, 0));
    drain("still there", a[0]);
    close(a[1]);
    show("at the end", splice(a[0], NULL, s[0], NULL, 10, 0));
    return 0;
}
