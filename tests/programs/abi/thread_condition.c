// Condition variables and semaphores: requeue, time limits, broadcasts.
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static int turn, waiting, released;
static sem_t ping, pong;

static void *pass_on(void *argument) {
    int me = (int)(long)argument;
    for (int round = 0; round < 50; round++) {
        pthread_mutex_lock(&lock);
        while (turn % 4 != me) pthread_cond_wait(&news, &lock);
        turn++;
        pthread_cond_broadcast(&news);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void *wait_for_release(void *argument) {
    (void)argument;
    pthread_mutex_lock(&lock);
    waiting++;
    while (!released) pthread_cond_wait(&news, &lock);
    waiting--;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *answer(void *argument) {
    (void)argument;
    for (int i = 0; i < 200; i++) {
        sem_wait(&ping);
        sem_post(&pong);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[8];
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, pass_on, (void *)i);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    printf("turns %d\n", turn);

    for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, wait_for_release, NULL);
    for (int all = 0; !all;) {
        pthread_mutex_lock(&lock);
        all = waiting == 8;
        if (all) released = 1, pthread_cond_broadcast(&news);
        pthread_mutex_unlock(&lock);
    }
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    printf("left waiting %d\n", waiting);

    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_nsec += 20000000;
    if (limit.tv_nsec >= 1000000000) limit.tv_sec++, limit.tv_nsec -= 1000000000;
    pthread_mutex_lock(&lock);
    int result = pthread_cond_timedwait(&news, &lock, &limit);
    pthread_mutex_unlock(&lock);
    printf("time limit: %s\n", result == ETIMEDOUT ? "ETIMEDOUT" : "another");

    sem_init(&ping, 0, 0);
    sem_init(&pong, 0, 0);
    pthread_create(&threads[0], NULL, answer, NULL);
    for (int i = 0; i < 200; i++) {
        sem_post(&ping);
        sem_wait(&pong);
    }
    pthread_join(threads[0], NULL);
    puts("answered");
    return 0;
}
