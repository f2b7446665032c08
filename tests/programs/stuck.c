/* stuck HOW
 *
 * A process that is hard to get rid of; says `ready` when it is in that state, and stays there:
 *   stopped   it has stopped itself
 *   masked    it blocks all signals and sleeps
 *   spin      it blocks all signals and computes
 *   vfork     it waits for the child that it has lent its memory to
 *   zombie    it has a child that has ended, which it does not wait for
 *   futex     it waits for a word of its memory
 *   inherit   it waits for a lock whose holder inherits its priority, and stays
 *   lock      it waits for a lock on a file
 *   fifo      it waits until somebody opens the other end of a pipe
 *   group     it has threads that do several of these
 *   storm     it makes processes that end at once, as fast as it can
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT = 0, LOCK_PI = 6 };

static void ready(void) { write(1, "ready\n", 6); }

static void block_all(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
}

static void *sleeps(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void *spins(void *unused)
{
    for (volatile int turn = 0;; turn++)
        ;
    return unused;
}

static void *waits(void *unused)
{
    static uint32_t word;
    syscall(SYS_futex, &word, WAIT, 0, NULL, NULL, 0);
    return unused;
}

/* Another process that keeps what this one is about to wait for. */
static void keeper(void (*take)(void *), void *what)
{
    int gate[2];
    char byte;
    pipe(gate);
    if (fork() == 0) {
        take(what);
        write(gate[1], "", 1);
        sleeps(NULL);
    }
    read(gate[0], &byte, 1);
}

static void take_lock(void *word) { syscall(SYS_futex, word, LOCK_PI, 0, NULL, NULL, 0); }
static void take_file(void *path) { flock(open(path, O_RDWR | O_CREAT, 0600), LOCK_EX); }

int main(int count, char **words)
{
    const char *how = count > 1 ? words[1] : "";
    char path[64];
    snprintf(path, sizeof path, "/tmp/stuck-%d", getpid());
    if (!strcmp(how, "stopped")) {
        ready();
        raise(SIGSTOP);
    } else if (!strcmp(how, "masked")) {
        block_all();
        ready();
        sleeps(NULL);
    } else if (!strcmp(how, "spin")) {
        block_all();
        ready();
        spins(NULL);
    } else if (!strcmp(how, "vfork")) {
        ready();
        if (vfork() == 0)
            sleeps(NULL);
    } else if (!strcmp(how, "zombie")) {
        if (fork() == 0)
            _exit(3);
        siginfo_t info;
        waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
        ready();
        sleeps(NULL);
    } else if (!strcmp(how, "futex")) {
        ready();
        waits(NULL);
    } else if (!strcmp(how, "inherit")) {
        uint32_t *word =
            mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        keeper(take_lock, word);
        ready();
        take_lock(word);
    } else if (!strcmp(how, "lock")) {
        keeper(take_file, path);
        ready();
        take_file(path);
    } else if (!strcmp(how, "fifo")) {
        mkfifo(path, 0600);
        ready();
        open(path, O_RDONLY);
    } else if (!strcmp(how, "group")) {
        void *(*const all[])(void *) = {sleeps, spins, waits};
        pthread_t thread;
        block_all();
        for (int each = 0; each < 6; each++)
            pthread_create(&thread, NULL, all[each % 3], NULL);
        ready();
        syscall(SYS_exit, 0);
    } else if (!strcmp(how, "storm")) {
        ready();
        for (;;) {
            if (fork() == 0)
                _exit(0);
            while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
        }
    }
    /* Nothing of this comes back. */
    return 1;
}
