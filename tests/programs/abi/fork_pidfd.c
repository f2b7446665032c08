// Descriptors of processes; subreapers; signals at a parent's end.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const idtype_t PIDFD = (idtype_t)3;
enum { OPEN = 434, SEND = 424 };

static long try(long result) { return result < 0 ? -errno : result; }

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    pid_t child = fork();
    if (child == 0) for (;;) pause();
    int fd = (int)syscall(OPEN, child, 0);
    printf("open %s\n", fd >= 0 ? "fine" : "failed");
    struct pollfd poll_ = {fd, POLLIN, 0};
    printf("lives: %d\n", poll(&poll_, 1, 10));
    printf("nothing %ld\n", try(syscall(SEND, fd, 0, NULL, 0)));
    printf("signal %ld\n", try(syscall(SEND, fd, SIGTERM, NULL, 0)));
    printf("ends: %d\n", poll(&poll_, 1, 5000));
    siginfo_t info = {0};
    printf("wait %ld", try(waitid(PIDFD, fd, &info, WEXITED)));
    printf(", code %d, status %d\n", info.si_code, info.si_status);
    printf("gone %ld\n", try(syscall(SEND, fd, SIGTERM, NULL, 0)));
    printf("no such %ld, bad %ld\n", try(syscall(OPEN, 1 << 21, 0)), try(syscall(OPEN, -1, 0)));
    printf("no pidfd %ld\n", try(syscall(SEND, 0, 0, NULL, 0)));

    int made = -1;
    child = (pid_t)syscall(SYS_clone, 0x1000 | SIGCHLD, 0, &made, 0, 0);
    if (child == 0) _exit(4);
    printf("made with %s\n", made > fd ? "a descriptor" : "none");
    printf("wait %ld", try(waitid(PIDFD, made, &info, WEXITED)));
    printf(", status %d\n", info.si_status);

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    child = fork();
    if (child == 0) {
        pid_t orphan = fork();
        if (orphan == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;) pause();
        }
        usleep(30000);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    pid_t orphan = waitpid(-1, &status, 0);
    printf("an orphan came: %s, by signal %d\n", orphan > 0 ? "yes" : "no", WTERMSIG(status));
    char name[16] = "";
    prctl(PR_SET_NAME, "a name that is too long");
    prctl(PR_GET_NAME, name);
    printf("%s\n", name);
    return 0;
}
