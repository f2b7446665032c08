// Descriptors of single threads, and what a signal sent by a descriptor reaches.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPEN = 434, SEND = 424, THREAD = 0x80 };
enum { TO_THREAD = 1, TO_PROCESS = 2, TO_GROUP = 4 };

static volatile pid_t worker, taken_by;
static volatile int is_over, value, code;
static int gate[2];

static long try(long result) { return result < 0 ? -errno : result; }
static pid_t own(void) { return (pid_t)syscall(SYS_gettid); }

static void handler(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    code = info->si_code;
    value = info->si_value.sival_int;
    taken_by = own();
}

static void *work(void *unused) {
    (void)unused;
    worker = own();
    while (!is_over) usleep(1000);
    return NULL;
}

static const char *who(void) {
    while (!taken_by) usleep(1000);
    const char *name = taken_by == worker ? "the thread" : taken_by == getpid() ? "the first" : "?";
    taken_by = 0;
    return name;
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    while (!worker) usleep(1000);
    printf("a thread's number is no process's: %d\n", syscall(OPEN, worker, 0) < 0);
    int fd = (int)syscall(OPEN, worker, THREAD), whole = (int)syscall(OPEN, getpid(), 0);
    int first = (int)syscall(OPEN, getpid(), THREAD);
    printf("open: %d %d %d\n", fd >= 0, whole >= 0, first >= 0);
    printf("no such %ld, bad flag %ld\n", try(syscall(OPEN, 1 << 21, THREAD)),
           try(syscall(OPEN, worker, 1)));
    struct pollfd ends = {fd, POLLIN, 0};
    printf("lives: %d\n", poll(&ends, 1, 10));
    printf("nothing: %ld, bad flags: %ld %ld\n", try(syscall(SEND, fd, 0, NULL, 0)),
           try(syscall(SEND, fd, 0, NULL, 8)), try(syscall(SEND, fd, 0, NULL, 3)));
    printf("send: %ld", try(syscall(SEND, fd, SIGUSR1, NULL, 0)));
    printf(", taken by %s\n", who());
    printf("to the thread: %ld", try(syscall(SEND, fd, SIGUSR1, NULL, TO_THREAD)));
    printf(", taken by %s\n", who());
    printf("to the first: %ld", try(syscall(SEND, first, SIGUSR1, NULL, 0)));
    printf(", taken by %s\n", who());
    // The worker takes what is for all once the first one does not.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    printf("to the process: %ld", try(syscall(SEND, whole, SIGUSR1, NULL, 0)));
    printf(", taken by %s\n", who());
    printf("by a thread's descriptor: %ld", try(syscall(SEND, fd, SIGUSR1, NULL, TO_PROCESS)));
    printf(", taken by %s\n", who());
    siginfo_t info = {0};
    info.si_signo = SIGUSR1;
    info.si_code = SI_QUEUE;
    info.si_value.sival_int = 77;
    printf("with a value: %ld", try(syscall(SEND, fd, SIGUSR1, &info, 0)));
    printf(", taken by %s", who());
    printf(", code %d, value %d\n", code, value);
    printf("of another signal: %ld\n", try(syscall(SEND, fd, SIGUSR2, &info, 0)));
    is_over = 1;
    printf("ends: %d\n", poll(&ends, 1, 5000));
    pthread_join(thread, NULL);
    printf("gone: %ld, the process lives: %ld\n", try(syscall(SEND, fd, 0, NULL, 0)),
           try(syscall(SEND, whole, 0, NULL, 0)));

    // To a group, and not what only the kernel says.
    pipe(gate);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        if (fork() == 0) for (;;) pause();
        write(gate[1], "x", 1);
        for (;;) pause();
    }
    char byte;
    read(gate[0], &byte, 1);
    close(gate[1]);
    int leader = (int)syscall(OPEN, child, 0);
    info.si_code = SI_USER;
    printf("what the kernel says: %ld\n", try(syscall(SEND, leader, SIGUSR1, &info, 0)));
    printf("to the group: %ld\n", try(syscall(SEND, leader, SIGTERM, NULL, TO_GROUP)));
    printf("all ended: %ld\n", (long)read(gate[0], &byte, 1));
    int status;
    waitpid(child, &status, 0);
    printf("by signal %d\n", WTERMSIG(status));
    return 0;
}
