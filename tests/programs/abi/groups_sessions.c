// Process groups and sessions: who may move whom, and what waits find.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *answer(long result) { return result < 0 ? strerror(errno) : "done"; }

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    int start[2], status;
    if (pipe(start)) return 1;
    pid_t child = fork();
    if (child == 0) {
        char letter;
        close(start[1]);
        if (read(start[0], &letter, 1)) {}
        for (;;) pause();
    }
    printf("inherits the group: %s\n", getpgid(child) == getpgrp() ? "yes" : "no");
    printf("inherits the session: %s\n", getsid(child) == getsid(0) ? "yes" : "no");
    printf("child to its own group: %s\n", answer(setpgid(child, child)));
    printf("leads it: %s\n", getpgid(child) == child ? "yes" : "no");
    printf("not in mine: %s\n", answer(waitpid(0, &status, WNOHANG)));
    printf("in its own: %s\n", answer(waitpid(-child, &status, WNOHANG)));
    printf("back to mine: %s\n", answer(setpgid(child, getpgrp())));
    printf("to none: %s\n", answer(setpgid(child, 999999)));
    printf("negative: %s\n", answer(setpgid(child, -5)));
    printf("not mine to move: %s\n", answer(setpgid(1 << 21, 0)));
    setpgid(child, child);
    printf("kill the group: %s\n", answer(kill(-child, SIGTERM)));
    printf("found: %s\n", waitpid(-child, &status, 0) == child ? "yes" : "no");
    printf("by signal %d\n", WTERMSIG(status));
    printf("nobody left: %s\n", answer(kill(-child, 0)));

    child = fork();
    if (child == 0) {
        pid_t session = setsid();
        int fine = session == getpid() && getsid(0) == session && getpgrp() == session;
        int again = setsid() == -1 && errno == EPERM;
        int stays = setpgid(0, getppid()) == -1 && errno == EPERM;
        _exit(fine + 2 * again + 4 * stays);
    }
    waitpid(child, &status, 0);
    printf("session: %d\n", WEXITSTATUS(status));
    puts("done");
    return 0;
}
