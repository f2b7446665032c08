// RLIMIT_SIGPENDING: what is queued for all processes of a user together.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT 8

static sigset_t all;

/* How many could be queued for a process until one was refused, and how it was. */
static void fill(const char *name, pid_t pid) {
    int count = 0;
    while (count < 4 * LIMIT && sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = count}) == 0)
        count++;
    printf("%s: %d, then %s\n", name, count, count < 4 * LIMIT ? strerror(errno) : "more");
}

static int drain(void) {
    struct timespec none = {0, 0};
    int count = 0;
    while (sigtimedwait(&all, NULL, &none) > 0) count++;
    return count;
}

static void queued(void) {
    char line[128];
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "SigQ:", 5)) printf("%s", line);
    if (file) fclose(file);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    struct rlimit limits = {LIMIT, LIMIT};
    printf("set %d\n", setrlimit(RLIMIT_SIGPENDING, &limits));
    /* A user of one's own, for whom nobody else has signals queued. */
    if (geteuid() == 0) {
        setgroups(0, NULL);
        if (setresgid(54321, 54321, 54321) || setresuid(54321, 54321, 54321)) perror("setresuid");
        fill("own", getpid());
        queued();
        printf("kill %d\n", kill(getpid(), SIGRTMIN + 1));
        printf("kill, ordinary %d\n", kill(getpid(), SIGUSR1));
        long sent = syscall(SYS_tgkill, getpid(), getpid(), SIGRTMIN + 2);
        printf("tgkill %s\n", sent == 0 ? "ok" : strerror(errno));
        printf("sigqueue, ordinary %d\n", sigqueue(getpid(), SIGUSR2, (union sigval){0}));
        pid_t child = fork();
        if (child == 0) {
            fill("child", getpid());
            fill("parent", getppid());
            _exit(drain());
        }
        int status;
        waitpid(child, &status, 0);
        printf("child had %d\n", WEXITSTATUS(status));
        printf("drained %d\n", drain());
        queued();
        child = fork();
        if (child == 0) {
            fill("child alone", getpid());
            pause();
        }
        /* Until the child has said so: it then waits. */
        siginfo_t info;
        do {
            sigqueue(child, 0, (union sigval){0});
            char path[64], state = 0;
            snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
            FILE *file = fopen(path, "r");
            if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 0;
            if (file) fclose(file);
            if (state == 'S') break;
            sched_yield();
        } while (1);
        fill("beside it", getpid());
        kill(child, SIGKILL);
        waitid(P_PID, child, &info, WEXITED);
        drain();
        fill("after it", getpid());
    }
    return 0;
}
