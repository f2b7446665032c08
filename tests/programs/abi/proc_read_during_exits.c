// Proves that all that /proc says of a process can be read while it starts threads, executes a program
// or ends, in whatever way: what is read is whole or an error that says that it is gone.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 200 // at least
#define READS 1000    // of something, at least
#define AT_ONCE 8
#define READERS 3

static volatile pid_t alive[AT_ONCE];
static volatile int is_over;
static volatile int wrong;
static volatile uintptr_t nowhere = 8;
static volatile unsigned long reads[READERS];

static void complain(const char *path, const char *what) {
    if (__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED) < 10)
        printf("%s: %s (%s)\n", path, what, strerror(errno));
}

static int is_gone(int error) { return error == ENOENT || error == ESRCH; }

static ssize_t whole(const char *path, char *text, size_t room) {
    int file = open(path, O_RDONLY);
    if (file < 0) {
        if (!is_gone(errno)) complain(path, "open");
        return -1;
    }
    ssize_t length = 0, count;
    while ((count = read(file, text + length, room - 1 - (size_t)length)) > 0) length += count;
    if (count < 0 && !is_gone(errno)) complain(path, "read");
    close(file);
    text[length] = 0;
    return count < 0 ? -1 : length;
}

static void look_at(pid_t pid, volatile unsigned long *count) {
    static const char *const files[] = {"stat", "status", "statm", "maps", "cmdline", "io", "limits",
                                        "comm", "environ", "cgroup"};
    static const char *const links[] = {"exe", "cwd", "root", "fd/0", "fd/1"};
    static const char *const folders[] = {"fd", "task", "."};
    char path[128], text[16384];
    for (size_t at = 0; at < sizeof files / sizeof *files; at++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, files[at]);
        ssize_t length = whole(path, text, sizeof text);
        *count += length > 0;
        if (at == 0 && length > 0 && atoi(text) != pid) complain(path, "another process");
        if (at == 0 && length > 0 && text[length - 1] != '\n') complain(path, "cut off");
    }
    for (size_t at = 0; at < sizeof links / sizeof *links; at++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, links[at]);
        ssize_t length = readlink(path, text, sizeof text);
        *count += length > 0;
        if (length < 0 && !is_gone(errno)) complain(path, "readlink");
    }
    for (size_t at = 0; at < sizeof folders / sizeof *folders; at++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, folders[at]);
        DIR *folder = opendir(path);
        if (!folder && !is_gone(errno)) complain(path, "opendir");
        while (folder && readdir(folder)) ++*count;
        if (folder) closedir(folder);
    }
}

static void *reader(void *given) {
    volatile unsigned long *count = given;
    while (!is_over)
        for (int at = 0; at < AT_ONCE; at++)
            if (alive[at] > 0) look_at(alive[at], count);
    return NULL;
}

static void *idle(void *unused) {
    (void)unused;
    for (;;) pause();
    return NULL;
}

static void child(int number, const char *own_path) {
    pthread_t thread;
    for (int threads = number % 3; threads > 0; threads--) pthread_create(&thread, NULL, idle, NULL);
    open("/dev/null", O_RDONLY);
    memset(mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, 1 << 16);
    switch (number % 5) {
    case 0: _exit(3);
    case 1: raise(SIGKILL); break;
    case 2: *(volatile int *)nowhere = 1; break;
    case 3: execl(own_path, "ended", "end", NULL); break;
    default: pthread_exit(NULL); // the last thread's end, or for ever
    }
    _exit(4);
}

// Children are made until enough is read of them.
static int is_enough(int made) {
    unsigned long all = 0;
    for (int at = 0; at < READERS; at++) all += reads[at];
    return made >= CHILDREN && all >= READS;
}

int main(int count, char **words) {
    if (count > 1) return 5;
    setvbuf(stdout, NULL, _IONBF, 0);
    alarm(50);
    pthread_t threads[READERS];
    for (int at = 0; at < READERS; at++) pthread_create(&threads[at], NULL, reader, (void *)&reads[at]);
    int ends[3] = {0}; // by themselves, by a signal, killed by us
    for (int made = 0, ended = 0; ended < made || !is_enough(made);) {
        if (!is_enough(made) && made - ended < AT_ONCE) {
            pid_t pid = fork();
            if (pid == 0) child(made, words[0]);
            for (int at = 0; at < AT_ONCE; at++)
                if (alive[at] == 0) {
                    alive[at] = pid;
                    break;
                }
            // Threads that wait for ever keep those that only end their first one.
            if (made % 5 == 4 && made % 3 != 0) kill(pid, SIGTERM), ends[2]++;
            made++;
            continue;
        }
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        for (int at = 0; at < AT_ONCE; at++)
            if (alive[at] == pid) alive[at] = 0;
        ends[WIFSIGNALED(status)]++;
        ended++;
    }
    is_over = 1;
    for (int at = 0; at < READERS; at++) pthread_join(threads[at], NULL);
    printf("by themselves %d, by a signal %d, some of them ours %d\n", ends[0] > 50, ends[1] > 50,
           ends[2] > 20);
    printf("wrong %d\n", wrong);
    return 0;
}
