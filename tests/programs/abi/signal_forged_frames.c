// Proves that no frame given to rt_sigreturn(2) harms more than the program: thousands of forged ones,
// with kernel addresses, privileged flags, foreign selectors and wrong vector states in them.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf back;
static char alternate[65536];
static volatile int caught;
static uint64_t seed = 88172645463325252ull;

static uint64_t next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void handler(int signal) {
    (void)signal;
    caught++;
    siglongjmp(back, 1);
}

static uint64_t address(void *valid) {
    static const uint64_t chosen[] = {0, 1, 8, 0xfff, 0x7fffffffefff, 0x7ffffffff000, 0x7fffffffffff,
        0x800000000000, 0x7fffffffeffe, 0xffff800000000000, 0xffffffff80000000, 0xffffffff80100000,
        0xffffffffffffffff, 0xffffc00000000000, 0x8000000000000000, 0x100000000};
    uint64_t r = next() % 24;
    if (r < 16) return chosen[r];
    if (r < 20) return (uint64_t)valid + (next() % 4096);
    return next();
}

// A frame as the kernel lays it out: return address, ucontext (304 bytes), siginfo (128 bytes).
struct frame {
    uint64_t restorer, flags, link;
    uint64_t stack_base;
    int32_t stack_flags, padding;
    uint64_t stack_bytes;
    uint64_t r8_15[8], rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t error, trap, old_mask, cr2, fpstate, reserved[8], mask;
    unsigned char info[128];
};

static void forge(struct frame *frame, unsigned char *vector, void *page) {
    uint64_t *words = (uint64_t *)frame;
    for (size_t i = 0; i < sizeof *frame / 8; i++) words[i] = next();
    for (int i = 0; i < 512; i++) vector[i] = (unsigned char)next();
    frame->mask = next() & 0xffffffff00000000ull;
    frame->rip = address(page);
    frame->rsp = address(page);
    // Without AC: a handler of the C library's is not made for it, on Linux neither.
    frame->rflags = next() & ~0x40000ull;
    if (next() % 2) frame->rflags &= 0xffff;
    frame->fpstate = next() % 4 ? (uint64_t)vector + (next() % 3) : address(page);
    frame->stack_flags = next() % 2 ? 77 : 0;
    frame->stack_base = (uint64_t)alternate;
    frame->stack_bytes = sizeof alternate;
}

int main(void) {
    stack_t stack = {alternate, 0, sizeof alternate};
    sigaltstack(&stack, NULL);
    struct sigaction action = {0};
    action.sa_handler = handler;
    action.sa_flags = SA_ONSTACK;
    sigfillset(&action.sa_mask);
    int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (int i = 0; i < 5; i++) {
        sigdelset(&action.sa_mask, signals[i]);
        sigaction(signals[i], &action, NULL);
    }
    char *page = mmap(NULL, 20480, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page + 16384, 4096, PROT_NONE);
    char *code = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(code, 0xcc, 8192);
    mprotect(code, 8192, PROT_READ | PROT_EXEC);
    int rounds = 0;
    for (volatile int i = 0; i < 3000; i++) {
        if (sigsetjmp(back, 1) == 0) {
            unsigned char *vector = (unsigned char *)page + 8192;
            struct frame *frame = (struct frame *)(page + 4096);
            forge(frame, vector, code);
            uint64_t at = (uint64_t)frame + 8;
            // Now and then there is no frame at all, or half of one.
            if (next() % 8 == 0) at = next() % 2 ? (uint64_t)page + 16384 - next() % 400 : (next() | 1ull << 63);
            __asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall; ud2" ::"r"(at) : "memory");
        }
        rounds++;
    }
    printf("rounds %d caught %d\n", rounds, caught);
    return 0;
}
