/* After a fork both have the same memory until one of them writes; shared memory stays shared. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096L
#define PAGES 600L
#define RW (PROT_READ | PROT_WRITE)

static char data[3 * PAGE] = "data";
static char zeros[3 * PAGE];

static long sum(const char *p) {
    long all = 0;
    for (long i = 0; i < PAGES; i++)
        all += p[i * PAGE] * (i + 1);
    return all;
}

static void in_child(const char *what, void (*work)(void)) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        work();
        fflush(stdout);
        _exit(7);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("%s: %d\n", what, WEXITSTATUS(status));
}

static char *own, *shared, *gone, *wiped, *heap;

static void change(void) {
    printf("child sees %ld %s %d\n", sum(own), data, zeros[5]);
    for (long i = 0; i < PAGES; i += 3)
        own[i * PAGE] = 9;
    strcpy(data, "child's");
    zeros[5] = 5;
    shared[0] = 'c';
    shared[(PAGES - 1) * PAGE] = 'd';
    heap[0] = 'h';
    printf("child has %ld %s\n", sum(own), data);
}

static void advised(void) {
    unsigned char vec[1];
    printf("gone: %d, wiped: %d\n", mincore(gone, PAGE, vec), wiped[0]);
}

static void grandchild(void) {
    own[1] = 'g';
    in_child("grandchild", change);
    printf("between: %ld %c\n", sum(own), own[1]);
}

int main(void) {
    own = mmap(0, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    shared = mmap(0, PAGES * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    gone = mmap(0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    wiped = mmap(0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    heap = malloc(100000);
    heap[0] = 'p';
    for (long i = 0; i < PAGES; i++)
        own[i * PAGE] = i % 7;
    shared[0] = 'p';
    in_child("changes", change);
    printf("parent: %ld %s %d %c %c %c\n", sum(own), data, zeros[5], shared[0],
           shared[(PAGES - 1) * PAGE], heap[0]);
    for (long i = 0; i < PAGES; i++)
        own[i * PAGE] = i % 5;
    printf("parent writes: %ld\n", sum(own));
    in_child("grandchildren", grandchild);
    printf("parent: %ld %d\n", sum(own), own[1]);
    gone[0] = wiped[0] = 'w';
    madvise(gone, PAGE, MADV_DONTFORK);
    madvise(wiped, PAGE, MADV_WIPEONFORK);
    in_child("advice", advised);
    printf("parent: %c %c\n", gone[0], wiped[0]);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            own[0] = i;
            _exit(own[0] == i ? i : 99);
        }
        int status;
        waitpid(child, &status, 0);
        if (WEXITSTATUS(status) != i || own[0] != 0)
            printf("round %d went wrong\n", i);
    }
    printf("done\n");
    return 0;
}
