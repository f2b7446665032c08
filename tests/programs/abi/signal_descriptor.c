// Proves that signalfd(2) gives what is blocked and pending, in poll and epoll, to whoever reads:
// also to a forked child; what it says of each signal; and which arguments it refuses.
// proves: P6
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static const char *name(int signal) {
    return signal == SIGUSR1    ? "usr1"
           : signal == SIGUSR2  ? "usr2"
           : signal == SIGCHLD  ? "chld"
           : signal == SIGALRM  ? "alrm"
           : signal == SIGRTMIN ? "rtmin"
                                : "another";
}

static int fd;

static void *raise_later(void *unused) {
    usleep(30000);
    kill(getpid(), SIGUSR1);
    return unused;
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGKILL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    struct signalfd_siginfo info[4];

    show("unknown flags", signalfd(-1, &set, 1));
    show("set of another size", syscall(SYS_signalfd4, -1, &set, 4, 0));
    show("no set", syscall(SYS_signalfd4, -1, NULL, 8, 0));
    show("another descriptor", signalfd(0, &set, 0));
    show("no descriptor", signalfd(99, &set, 0));
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    printf("close on exec %d, flags %d\n", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL) & O_NONBLOCK);
    show("nothing", read(fd, info, sizeof info));
    show("too small", read(fd, info, 127));
    show("write", write(fd, info, sizeof info));
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
    show("poll", poll(&p, 1, 0));

    for (int i = 0; i < 3; i++) {
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = -5 + i});
        kill(getpid(), SIGUSR1);
    }
    show("poll", poll(&p, 1, 0));
    printf("revents %x\n", p.revents);
    long got = read(fd, info, 3 * 128 + 5);
    show("read", got);
    for (long i = 0; i < got / 128; i++)
        printf("%s code %d value %d own %d uid %d\n", name((int)info[i].ssi_signo), info[i].ssi_code,
               info[i].ssi_int, info[i].ssi_pid == (unsigned)getpid(), info[i].ssi_uid == getuid());
    show("read the rest", read(fd, info, sizeof info));
    printf("%s %d\n", name((int)info[0].ssi_signo), info[0].ssi_int);

    // A child's end, told with its status.
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    int blocking = signalfd(-1, &set, 0);
    show("waited for", read(blocking, info, sizeof info));
    printf("%s code %d status %d child %d\n", name((int)info[0].ssi_signo), info[0].ssi_code,
           info[0].ssi_status, info[0].ssi_pid == (unsigned)child);
    waitpid(child, NULL, 0);

    // Through an epoll, by another thread.
    int ep = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = 5};
    show("epoll", epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
    show("epoll nothing", epoll_wait(ep, &event, 1, 0));
    pthread_t thread;
    pthread_create(&thread, NULL, raise_later, NULL);
    show("epoll waits", epoll_wait(ep, &event, 1, 5000));
    printf("events %x\n", event.events);
    show("read", read(fd, info, sizeof info));
    pthread_join(thread, NULL);

    // A forked child reads its own signals by the same descriptor.
    child = fork();
    if (child == 0) {
        kill(getpid(), SIGUSR1);
        memset(info, 0, sizeof info);
        long count = read(blocking, info, sizeof info);
        int own = info[0].ssi_pid == (unsigned)getpid();
        // One that comes while it waits.
        pthread_create(&thread, NULL, raise_later, NULL);
        long second = read(blocking, info, sizeof info);
        printf("child: %ld %s own %d, then %ld\n", count, name((int)info[0].ssi_signo), own, second);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    show("parent has the child's end only", read(fd, info, sizeof info));
    printf("%s\n", name((int)info[0].ssi_signo));

    // Other signals from now on.
    kill(getpid(), SIGUSR1);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    show("changed", signalfd(fd, &set, 0) == fd);
    show("no longer wanted", read(fd, info, sizeof info));
    struct sigevent tell = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM,
                            .sigev_value.sival_int = 44};
    timer_t timer;
    timer_create(CLOCK_MONOTONIC, &tell, &timer);
    struct itimerspec soon = {.it_value = {0, 20000000}};
    timer_settime(timer, 0, &soon, NULL);
    p.events = POLLIN;
    show("poll waits", poll(&p, 1, 5000));
    show("read", read(fd, info, sizeof info));
    printf("%s code %d value %d overruns %u\n", name((int)info[0].ssi_signo), info[0].ssi_code,
           info[0].ssi_int, info[0].ssi_overrun);
    char link[64], path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    long length = readlink(path, link, sizeof link - 1);
    link[length > 0 ? length : 0] = 0;
    printf("%s\n", link);
    show("lseek", lseek(fd, 3, SEEK_SET));
    return 0;
}
