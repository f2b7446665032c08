// Proves that faults come as the right signals with the right codes and addresses, that a handler may
// leave by siglongjmp or by changing the context, and that a stack overflow is caught on another stack.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile int number, code, on_alternate;
static char *volatile address;
static volatile uintptr_t instruction;
static char alternate[32768];

static void handler(int signal, siginfo_t *info, void *context) {
    char here;
    number = signal;
    code = info->si_code;
    address = info->si_addr;
    instruction = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
    siglongjmp(back, 1);
}

static const char *name(int signal) {
    return signal == SIGSEGV ? "SIGSEGV" : signal == SIGBUS ? "SIGBUS" : signal == SIGFPE ? "SIGFPE"
         : signal == SIGILL ? "SIGILL" : signal == SIGTRAP ? "SIGTRAP" : "?";
}

#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int deeper(volatile char *above) {
    volatile char frame[4096];
    frame[0] = *above;
    return deeper(frame) + frame[0];
}

static void skip(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
    number++;
}

#define TRY(what, statement, expected)                                                  \
    do {                                                                                \
        number = 0;                                                                     \
        if (sigsetjmp(back, 1) == 0) { statement; }                                     \
        printf("%s: %s code %d address %d\n", what, name(number), code, (expected));    \
    } while (0)

int main(void) {
    stack_t stack = {alternate, 0, sizeof alternate}, old;
    sigaltstack(&stack, NULL);
    struct sigaction action = {0};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (int i = 0; i < 5; i++) sigaction(signals[i], &action, NULL);
    volatile uintptr_t low = 8;
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + 4096, 4096);
    mprotect(page, 4096, PROT_READ);
    TRY("null", *(volatile int *)low = 1, address == (char *)8);
    TRY("unmapped", page[4096] = 1, address == page + 4096);
    TRY("read-only", page[5] = 1, address == page + 5);
    TRY("not executable", ((void (*)(void))page)(), address == page);
    TRY("non-canonical", *(volatile char *)(low << 60) = 1, address == NULL);
    TRY("division", __asm__ volatile("xor %%ecx,%%ecx; mov $1,%%eax; cltd; idiv %%ecx" ::: "rax", "rcx", "rdx"), (uintptr_t)address == instruction);
    TRY("ud2", __asm__ volatile("ud2"), (uintptr_t)address == instruction);
    TRY("int3", __asm__ volatile("int3"), address == NULL);
    TRY("privileged", __asm__ volatile("hlt"), address == NULL);
    char start = 0;
    TRY("stack overflow", deeper(&start), on_alternate);
    sigaltstack(NULL, &old);
    printf("left the stack: %d\n", old.ss_flags == 0 && old.ss_sp == alternate);

    number = 0;
    action.sa_sigaction = skip;
    sigaction(SIGILL, &action, NULL);
    __asm__ volatile("ud2; ud2");
    printf("skipped %d\n", number);
    return 0;
}
