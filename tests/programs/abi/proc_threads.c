// proves: /proc tells of threads: under their own numbers, with names that can be written, and without their leader.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[4096];

static const char *slurp(const char *path) {
    int fd = open(path, O_RDONLY);
    text[0] = 0;
    if (fd < 0) return strerror(errno);
    long got = read(fd, text, sizeof text - 1);
    text[got > 0 ? got : 0] = 0;
    close(fd);
    return text;
}

static const char *of(int number, const char *file) {
    char path[64];
    sprintf(path, "/proc/%d/%s", number, file);
    return slurp(path);
}

static char state_of(const char *path) {
    char *end = strrchr(slurp(path), ')');
    return end ? end[2] : '-';
}

static void put(const char *what, const char *path, const char *name) {
    int fd = open(path, O_WRONLY | O_TRUNC);
    long count = write(fd, name, strlen(name));
    int why = errno;
    printf("%s: opened %d, written %ld%s%s\n", what, fd >= 0, count, count < 0 ? ", " : "", count < 0 ? strerror(why) : "");
    close(fd);
}

static int go[2], ready[2];

static void *other(void *unused) {
    int tid = syscall(SYS_gettid);
    write(ready[1], &tid, sizeof tid);
    char byte;
    read(go[0], &byte, 1);
    return unused;
}

/* Its first thread ends before the other. */
static void *last(void *unused) {
    char byte;
    read(go[0], &byte, 1);
    _exit(7);
    return unused;
}

int main(void) {
    char path[64], name[32] = "";
    pthread_t thread;
    int tid;
    prctl(PR_SET_NAME, "the first");
    pipe(go);
    pipe(ready);
    pthread_create(&thread, NULL, other, NULL);
    read(ready[0], &tid, sizeof tid);
    int number = 0, group = 0;
    sscanf(strstr(of(tid, "status"), "\nTgid:"), "\nTgid: %d", &group);
    sscanf(strstr(text, "\nPid:"), "\nPid: %d", &number);
    printf("under its own number: %d %d\n", group == getpid(), number == tid);
    sprintf(path, "/proc/%d/fd/%d", tid, go[0]);
    printf("its descriptors: %d\n", access(path, F_OK) == 0);
    int is_listed = 0;
    DIR *all = opendir("/proc");
    struct dirent *entry;
    while ((entry = readdir(all))) is_listed |= atoi(entry->d_name) == tid;
    closedir(all);
    is_listed = is_listed != 0;
    sprintf(path, "/proc/self/task/%d/exe", tid);
    printf("its program: %d\n", access(path, F_OK) == 0);
    printf("listed among processes: %d\n", is_listed);

    sprintf(path, "/proc/self/task/%d/comm", tid);
    put("the other's name", path, "a name that is too long\n");
    printf("the other: %s", of(tid, "comm"));
    put("own name", "/proc/self/comm", "short");
    printf("own: %s", of(getpid(), "comm"));
    prctl(PR_GET_NAME, name);
    printf("as told: %s; the other is still %s", name, of(tid, "comm"));
    fflush(stdout);
    int parent = getpid(), child = fork();
    if (!child) {
        sprintf(path, "/proc/%d/comm", parent);
        put("another process's", path, "no");
        fflush(stdout);
        _exit(0);
    }
    fflush(stdout);
    waitpid(child, NULL, 0);
    write(go[1], "", 1);
    pthread_join(thread, NULL);

    fflush(stdout);
    child = fork();
    if (!child) {
        pthread_create(&thread, NULL, last, NULL);
        pthread_exit(NULL);
    }
    sprintf(path, "/proc/%d/stat", child);
    while (state_of(path) != 'Z') sched_yield();
    printf("the leader: %s", strstr(of(child, "status"), "State:") ? "has a state, " : "");
    int threads = 0, tasks = 0;
    sscanf(strstr(text, "\nThreads:"), "\nThreads: %d", &threads);
    sprintf(path, "/proc/%d/task", child);
    all = opendir(path);
    while ((entry = readdir(all))) tasks += entry->d_name[0] != '.';
    closedir(all);
    printf("tasks %d, ", tasks);
    sprintf(path, "/proc/%d/stat", child);
    printf("command \"%s\", ", of(child, "cmdline"));
    printf("threads %d, nobody to wait for: %d\n", threads, waitpid(child, NULL, WNOHANG));
    write(go[1], "", 1);
    siginfo_t info;
    waitid(P_PID, child, &info, WEXITED | WNOWAIT);
    printf("ended: state %c", state_of(path));
    printf(", command \"%s\"\n", of(child, "cmdline"));
    int status;
    waitpid(child, &status, 0);
    printf("exit %d\n", WEXITSTATUS(status));
    return 0;
}
