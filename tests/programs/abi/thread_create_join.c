// Threads: they share memory, have numbers and storage of their own, and can be waited for.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local int own;
static int shared;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *argument) {
    long number = (long)argument;
    own = (int)number;
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        shared++;
        pthread_mutex_unlock(&lock);
    }
    int distinct = syscall(SYS_gettid) != getpid();
    return (void *)(own == number && distinct ? number * 10 : -1);
}

int main(void) {
    pthread_t threads[8];
    for (long i = 0; i < 8; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i)) return 1;
    for (long i = 0; i < 8; i++) {
        void *result;
        if (pthread_join(threads[i], &result)) return 2;
        printf("thread %ld gave %ld\n", i, (long)result);
    }
    printf("shared %d, own %d, main is %s\n", shared, own,
           syscall(SYS_gettid) == getpid() ? "the process" : "another");
    // One after the other, many times: nothing is used up.
    for (long i = 0; i < 200; i++) {
        pthread_t one;
        if (pthread_create(&one, NULL, work, (void *)i)) { printf("create %ld\n", i); return 3; }
        pthread_join(one, NULL);
    }
    printf("shared %d\n", shared);
    return 0;
}
