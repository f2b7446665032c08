// A thread that ends with a robust mutex leaves it to the next one, which is told so.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock;

static void *holder(void *argument) {
    (void)argument;
    pthread_mutex_lock(&lock);
    return NULL;
}

static const char *name(int error) {
    return error == 0 ? "0" : error == EOWNERDEAD ? "EOWNERDEAD"
         : error == ENOTRECOVERABLE ? "ENOTRECOVERABLE" : "another";
}

int main(void) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&lock, &attributes);
    for (int round = 0; round < 3; round++) {
        pthread_t thread;
        pthread_create(&thread, NULL, holder, NULL);
        pthread_join(thread, NULL);
        printf("lock: %s\n", name(pthread_mutex_lock(&lock)));
        if (round < 2) printf("consistent: %s\n", name(pthread_mutex_consistent(&lock)));
        printf("unlock: %s\n", name(pthread_mutex_unlock(&lock)));
    }
    printf("lock: %s\n", name(pthread_mutex_lock(&lock)));
    return 0;
}
