/* Processes and threads: made, waited for, many at once; and work spread over CPUs. */
#define _GNU_SOURCE
#include "measure.h"
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void fork_wait(long count)
{
    while (count--) {
        pid_t child = must("fork", fork());
        if (child == 0)
            _exit(0);
        must("wait", waitpid(child, NULL, 0));
    }
}

static void exec_wait(long count)
{
    char *words[] = {"bench", "nothing", NULL};
    while (count--) {
        int status;
        pid_t child = must("fork", fork());
        if (child == 0) {
            execve("/test/bench", words, environ);
            _exit(99);
        }
        must("wait", waitpid(child, &status, 0));
        errno = ENOSYS;
        must("exec", WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1);
    }
}

static void *nothing(void *unused)
{
    return unused;
}

static void thread_join(long count)
{
    while (count--) {
        pthread_t thread;
        errno = pthread_create(&thread, NULL, nothing, NULL);
        must("clone", errno ? -1 : 0);
        pthread_join(thread, NULL);
    }
}

/* Work that needs nothing but a CPU. */
static uint64_t spin(uint64_t turns)
{
    uint64_t x = 88172645463325252ull;
    while (turns--) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}

static int spinners;

static void *spinner(void *turns)
{
    return (void *)spin((uintptr_t)turns);
}

static void scaling(long count)
{
    pthread_t threads[64];
    for (int i = 1; i < spinners; i++) {
        errno = pthread_create(&threads[i], NULL, spinner, (void *)(count * 1000));
        must("clone", errno ? -1 : 0);
    }
    volatile uint64_t result = spin(count * 1000);
    (void)result;
    for (int i = 1; i < spinners; i++)
        pthread_join(threads[i], NULL);
}

static double free_bytes(void)
{
    struct sysinfo info;
    must("sysinfo", sysinfo(&info));
    return (double)info.freeram * (info.mem_unit ? info.mem_unit : 1);
}

/* Many processes that sleep: making one, its memory, finding all of them in /proc, ending one. */
static void crowd(const char *what, int wanted)
{
    char name[48];
    struct rlimit limit = {wanted + 100, wanted + 100};
    setrlimit(RLIMIT_NPROC, &limit);
    pid_t *children = malloc(wanted * sizeof *children);
    memset(children, 1, wanted * sizeof *children);
    double before = free_bytes();
    int ready[2];
    must("pipe", pipe(ready));
    uint64_t start = now_ns();
    for (int i = 0; i < wanted; i++) {
        children[i] = must("fork", fork());
        if (children[i] == 0) {
            close(ready[0]);
            close(ready[1]); /* says that it is about to sleep */
            pause();
            _exit(0);
        }
    }
    close(ready[1]);
    char byte;
    read(ready[0], &byte, 1);
    double each = (double)(now_ns() - start) / wanted;
    snprintf(name, sizeof name, "%s_create", what);
    say(name, each, "ns");
    snprintf(name, sizeof name, "%s_memory", what);
    say(name, (before - free_bytes()) / wanted, "bytes");

    snprintf(name, sizeof name, "%s_list", what);
    start = now_ns();
    DIR *folder = opendir("/proc");
    int found = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[300], text[512];
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(text, sizeof text, file))
            found++;
        if (file)
            fclose(file);
    }
    if (found > wanted) {
        say(name, (double)(now_ns() - start) / found, "ns");
    } else {
        char line[80];
        write(1, line, snprintf(line, sizeof line, "%s n/a /proc shows %d\n", name, found));
    }

    snprintf(name, sizeof name, "%s_kill", what);
    start = now_ns();
    for (int i = 0; i < wanted; i++)
        must("kill", kill(children[i], SIGKILL));
    for (int i = 0; i < wanted; i++)
        must("wait", waitpid(children[i], NULL, 0));
    say(name, (double)(now_ns() - start) / wanted, "ns");
}

void processes(const char *what)
{
    if (strcmp(what, "fork_wait") == 0) {
        measure(what, fork_wait);
    } else if (strcmp(what, "exec_wait") == 0) {
        measure(what, exec_wait);
    } else if (strcmp(what, "thread_join") == 0) {
        measure(what, thread_join);
    } else if (strncmp(what, "scaling_", 8) == 0) {
        spinners = atoi(what + 8);
        measure(what, scaling);
    } else if (strncmp(what, "crowd_", 6) == 0) {
        crowd(what, atoi(what + 6));
    }
}
