// Processes that processes make: their memory is their own, their ends reach their parents.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int value = 1;

static void show(const char *what, pid_t pid, pid_t child, int status) {
    printf("%s: %s, ", what, pid == child ? "the child" : pid == -1 ? strerror(errno) : "none");
    if (pid != child) puts("no status");
    else if (WIFEXITED(status)) printf("exit %d\n", WEXITSTATUS(status));
    else if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
    else if (WIFSTOPPED(status)) printf("stopped %d\n", WSTOPSIG(status));
    else if (WIFCONTINUED(status)) puts("continued");
}

static void await(const char *what, pid_t which, pid_t child, int options) {
    int status = 0;
    pid_t found = waitpid(which, &status, options);
    show(what, found, child, status);
}

static void nothing(int signal) { (void)signal; }

int main(void) {
    int status, pipes[2];
    struct rusage usage;
    setvbuf(stdout, NULL, _IONBF, 0);
    await("without children", -1, -2, 0);

    pid_t child = fork();
    if (child == 0) {
        value++;
        exit(value == 2 && getppid() > 0 ? 7 : 8);
    }
    pid_t found = wait4(child, &status, 0, &usage);
    show("exit", found, child, status);
    printf("value is %d\n", value);
    await("again", child, child, 0);

    // Memory in both directions, the child's number in a pipe.
    if (pipe(pipes)) return 1;
    child = fork();
    if (child == 0) {
        pid_t own = getpid();
        return write(pipes[1], &own, sizeof own) != sizeof own;
    }
    pid_t told = 0;
    if (read(pipes[0], &told, sizeof told) != sizeof told) return 1;
    await("a program's end", -1, child, 0);
    printf("the child knows its number: %s\n", told == child ? "yes" : "no");

    child = fork();
    if (child == 0) for (;;) pause();
    await("no news", child, child, WNOHANG);
    kill(child, SIGSTOP);
    await("stop", child, child, WUNTRACED);
    await("told once", child, child, WUNTRACED | WNOHANG);
    kill(child, SIGCONT);
    await("continue", child, child, WCONTINUED);
    siginfo_t info = {0};
    kill(child, SIGTERM);
    int result = waitid(P_PID, child, &info, WEXITED | WNOWAIT);
    printf("waitid: %d, signal %d, code %d, status %d\n", result, info.si_signo, info.si_code,
           info.si_status);
    await("kill", 0, child, 0);

    signal(SIGCHLD, SIG_IGN);
    child = fork();
    if (child == 0) _exit(3);
    await("ignored children", child, child, 0);
    signal(SIGCHLD, nothing);

    // A grandchild whose parent has ended has another one.
    if (pipe(pipes)) return 1;
    child = fork();
    if (child == 0) {
        pid_t parent = getpid();
        if (fork() == 0) {
            while (getppid() == parent) usleep(1000);
            return write(pipes[1], "o", 1) != 1;
        }
        _exit(0);
    }
    waitpid(child, &status, 0);
    char letter = 0;
    if (read(pipes[0], &letter, 1) != 1) return 1;
    printf("orphan: %c\n", letter);
    for (int i = 0; i < 50; i++) {
        child = fork();
        if (child == 0) _exit(i);
        if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != i) printf("round %d\n", i);
    }
    puts("done");
    return 0;
}
