// exit of one thread leaves the others; exit of the process ends all of them.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void *forever(void *argument) {
    if (argument)
        for (;;) pause();
    for (volatile unsigned long i = 0;; i++)
        ;
    return NULL;
}

static void *last(void *argument) {
    (void)argument;
    struct timespec moment = {0, 30000000};
    nanosleep(&moment, NULL);
    puts("the others go on after main has ended");
    fflush(stdout);
    exit(0);
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, forever, NULL);
    pthread_create(&thread, NULL, forever, "sleep");
    pthread_create(&thread, NULL, last, NULL);
    puts("main ends alone");
    fflush(stdout);
    syscall(SYS_exit, 7);
}
