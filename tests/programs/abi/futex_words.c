// The futex call itself: its answers and its errors.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// musl has no <linux/futex.h>.
enum {
    FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE, FUTEX_CMP_REQUEUE_PRIVATE = 132,
    FUTEX_WAKE_OP_PRIVATE, FUTEX_WAIT_BITSET = 9, FUTEX_WAIT_BITSET_PRIVATE = 137,
    FUTEX_WAKE_BITSET_PRIVATE, FUTEX_CLOCK_REALTIME = 256,
};

static uint32_t word, other;
static volatile int gone;

static long futex(void *at, int op, uint32_t value, const void *time, void *at2, uint32_t value3) {
    long result = syscall(SYS_futex, at, op, value, time, at2, value3);
    return result < 0 ? -errno : result;
}

static void *sleeper(void *bits) {
    long result = futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (uint32_t)(long)bits);
    __sync_fetch_and_add(&gone, 1);
    return (void *)result;
}

// Until so many sleep on the word: moving none of them counts them.
static void settle(void) {
    struct timespec moment = {0, 30000000};
    nanosleep(&moment, NULL);
}

int main(void) {
    struct timespec none = {0, 0}, little = {0, 5000000}, bad = {0, 1000000000};
    printf("other value: %ld\n", futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
    printf("no time: %ld\n", futex(&word, FUTEX_WAIT_PRIVATE, 0, &none, NULL, 0));
    printf("little time: %ld\n", futex(&word, FUTEX_WAIT_PRIVATE, 0, &little, NULL, 0));
    printf("past: %ld\n", futex(&word, FUTEX_WAIT_BITSET, 0, &little, NULL, ~0u));
    printf("past wall: %ld\n",
           futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &little, NULL, ~0u));
    printf("bad time: %ld\n", futex(&word, FUTEX_WAIT_PRIVATE, 0, &bad, NULL, 0));
    printf("unaligned: %ld\n", futex((char *)&word + 1, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    printf("not there: %ld\n", futex((void *)16, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0));
    printf("no bits: %ld\n", futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0));
    printf("unknown: %ld\n", futex(&word, 77, 0, NULL, NULL, 0));
    printf("nobody: %ld\n", futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));

    pthread_t threads[4];
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, sleeper, (void *)(1L << i));
    settle();
    printf("wake bit 2: %ld\n", futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 4));
    pthread_join(threads[2], NULL);
    printf("requeue, other value: %ld\n",
           futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)9, &other, 1));
    printf("requeue: %ld\n", futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &other, 0));
    settle();
    printf("gone %d\n", gone);
    printf("on the other: %ld\n", futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
    // Adds 1 to the other word; wakes one here, and there too if it was 0.
    uint32_t add = 1u << 28 | 1u << 12;
    printf("wake op: %ld\n", futex(&word, FUTEX_WAKE_OP_PRIVATE, 9, (void *)9, &other, add));
    printf("other is %u\n", other);
    for (int i = 0; i < 4; i++)
        if (i != 2) {
            void *result;
            pthread_join(threads[i], &result);
            printf("sleeper gave %ld\n", (long)result);
        }
    return 0;
}
