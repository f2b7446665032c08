// A program that executes itself in several ways, and a script.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *self;

static void handler(int signal) { (void)signal; }

static void run(const char *what, char *const arguments[], char *const environment[]) {
    pid_t child = fork();
    if (child == 0) {
        execve(self, arguments, environment);
        printf("%s: %s\n", what, strerror(errno));
        _exit(99);
    }
    int status;
    waitpid(child, &status, 0);
    printf("%s: exit %d\n", what, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void *execute(void *argument) {
    (void)argument;
    execl(self, "child", "thread", NULL);
    return NULL;
}

static int child(int count, char **arguments) {
    if (!strcmp(arguments[1], "show")) {
        printf("%d arguments, last %s, X is %s\n", count, arguments[count - 1], getenv("X"));
        struct sigaction action;
        sigaction(SIGUSR1, NULL, &action);
        printf("handler %s, ", action.sa_handler == SIG_DFL ? "gone" : "kept");
        sigaction(SIGUSR2, NULL, &action);
        printf("ignored %s\n", action.sa_handler == SIG_IGN ? "kept" : "gone");
        printf("3 is %s, 4 is %s\n", fcntl(3, F_GETFD) < 0 ? "closed" : "open",
               fcntl(4, F_GETFD) < 0 ? "closed" : "open");
        printf("page %lu, entry %s, secure %lu\n", getauxval(AT_PAGESZ),
               getauxval(AT_ENTRY) ? "there" : "missing", getauxval(AT_SECURE));
        return 5;
    }
    if (!strcmp(arguments[1], "thread")) {
        printf("main thread: %s\n", syscall(SYS_gettid) == getpid() ? "yes" : "no");
        return 6;
    }
    return (int)strlen(arguments[1]) % 100;
}

int main(int count, char **arguments) {
    setvbuf(stdout, NULL, _IONBF, 0);
    if (count > 1) return child(count, arguments);
    self = arguments[0];
    int file = open("/", O_RDONLY | O_DIRECTORY);
    dup2(file, 4);
    if (file != 3) dup2(file, 3);
    fcntl(3, F_SETFD, FD_CLOEXEC);
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    run("shown", (char *[]){"child", "show", "last", NULL}, (char *[]){"X=42", NULL});

    if (fork() == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, execute, NULL);
        for (;;) pause();
    }
    int status;
    wait(&status);
    printf("by a thread: exit %d\n", WEXITSTATUS(status));

    static char big[100001];
    memset(big, 'x', sizeof big - 1);
    run("large argument", (char *[]){"child", big, NULL}, NULL);
    static char huge[200000];
    memset(huge, 'x', sizeof huge - 1);
    run("huge argument", (char *[]){"child", huge, NULL}, NULL);

    char *empty[] = {NULL}, **volatile bad = (char **)8;
    printf("missing: %s\n", execve("/no/such/file", empty, empty) ? strerror(errno) : "");
    printf("directory: %s\n", execve("/", empty, empty) ? strerror(errno) : "");
    printf("no path: %s\n", execve("", empty, empty) ? strerror(errno) : "");
    printf("bad pointer: %s\n", execve(self, bad, empty) ? strerror(errno) : "");
    pid_t vchild = vfork();
    if (vchild == 0) {
        execl(self, "child", "12345", NULL);
        _exit(98);
    }
    waitpid(vchild, &status, 0);
    printf("vfork: exit %d\n", WEXITSTATUS(status));
    return 0;
}
