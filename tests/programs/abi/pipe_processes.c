/* Pipes, sockets, epoll and eventfd between processes: waiting, ends, many readers, ping-pong. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

static int e, counter;
static volatile int woken;

static void *waiter(void *unused) {
    struct epoll_event v;
    uint64_t n;
    /* Another thread may have been faster. */
    while (epoll_wait(e, &v, 1, -1) != 1 || read(counter, &n, 8) != 8)
        ;
    __sync_fetch_and_add(&woken, 1);
    return unused;
}

static void *poller(void *p) {
    struct pollfd v = {*(int *)p, POLLIN, 0};
    return (void *)(long)poll(&v, 1, -1);
}

int main(void) {
    int a[2], b[2], status;
    char c = 0, big[70000];
    setvbuf(stdout, NULL, _IONBF, 0);
    memset(big, 'z', sizeof big);
    pipe(a), pipe(b);
    if (fork() == 0) {
        while (read(a[0], &c, 1) == 1 && c != 'q')
            c++, write(b[1], &c, 1);
        _exit(c);
    }
    for (int i = 0; i < 2000; i++) {
        c = i % 100;
        write(a[1], &c, 1);
        if (read(b[0], &c, 1) != 1 || c != i % 100 + 1)
            printf("wrong\n");
    }
    write(a[1], "q", 1);
    wait(&status);
    printf("ping-pong %d\n", WEXITSTATUS(status) == 'q');
    /* A write larger than the pipe waits for its reader; the reader sees the end. */
    if (fork() == 0) {
        close(a[1]);
        long total = 0, n;
        while ((n = read(a[0], big, 5000)) > 0)
            total += n;
        printf("read %ld\n", total);
        fflush(stdout);
        _exit(0);
    }
    printf("wrote %ld\n", (long)write(a[1], big, sizeof big));
    fflush(stdout);
    close(a[1]);
    wait(&status);
    /* A reader that is killed while it waits. */
    pipe(a);
    pid_t child = fork();
    if (child == 0) {
        read(a[0], &c, 1);
        _exit(1);
    }
    close(a[0]);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    printf("killed %d\n", WIFSIGNALED(status));
    signal(SIGPIPE, SIG_IGN);
    printf("nobody reads %ld\n", (long)write(a[1], "x", 1));
    /* A named pipe: opening waits for the other side. */
    mkfifo("/tmp/pipe_processes", 0600);
    if (fork() == 0) {
        int w = open("/tmp/pipe_processes", O_WRONLY);
        write(w, "named", 5);
        _exit(0);
    }
    int r = open("/tmp/pipe_processes", O_RDONLY);
    memset(big, 0, 16);
    while (read(r, big + strlen(big), 10) > 0)
        ;
    printf("%s\n", big);
    wait(&status);
    unlink("/tmp/pipe_processes");
    /* Three threads wait on one epoll; each event wakes one. */
    e = epoll_create1(0), counter = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
    struct epoll_event v = {.events = EPOLLIN};
    epoll_ctl(e, EPOLL_CTL_ADD, counter, &v);
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, waiter, NULL);
    while (woken < 3)
        eventfd_write(counter, 1), usleep(1000);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    printf("woken %d\n", woken);
    /* A poll in another thread sees the peer of a socket go. */
    int s[2];
    void *answer;
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    pthread_create(&t[0], NULL, poller, &s[0]);
    usleep(2000);
    close(s[1]);
    pthread_join(t[0], &answer);
    printf("poll %ld\n", (long)answer);
    return 0;
}
