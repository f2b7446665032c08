// Futexes in memory that processes share: each has it at an address of its own, one wakes the other.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT, WAKE };

static long futex(volatile uint32_t *at, int operation, uint32_t value) {
    long result = syscall(SYS_futex, at, operation, value, NULL, NULL, 0);
    return result < 0 ? -errno : result;
}

static void pass(volatile uint32_t *word, uint32_t mine, int rounds) {
    for (int i = 0; i < rounds; i++) {
        while (*word != mine) futex(word, WAIT, 1 - mine);
        *word = 1 - mine;
        futex(word, WAKE, 1);
    }
}

int main(void) {
    volatile uint32_t *shared =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 1;
    if (fork() == 0) {
        volatile uint32_t *moved = mremap((void *)shared, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
                                          (char *)shared - (1 << 20));
        pass(moved == MAP_FAILED ? shared : moved, 1, 100);
        _exit(0);
    }
    pass(shared, 0, 100);
    int status;
    wait(&status);
    printf("passed, word %u, child %d\n", *shared, WEXITSTATUS(status));
    printf("nobody there: %ld\n", futex(shared, WAKE, 9));
    printf("no memory: %ld\n", futex((uint32_t *)64, WAKE, 1));
    return 0;
}
