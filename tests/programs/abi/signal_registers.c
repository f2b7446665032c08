// Proves that a handler changes no register of the code that it interrupts, neither in a system call
// nor at any point where a timer or another thread stops it, and that it starts with clean vectors.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int handled, dirty;

static void handler(int signal) {
    (void)signal;
    uint32_t mxcsr;
    uint16_t control;
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr), "=m"(control));
    if ((mxcsr & ~0x3fu) != 0x1f80 || control != 0x37f) dirty++;
    handled++;
    // Everything that a handler may destroy, it does.
    __asm__ volatile("pxor %%xmm0,%%xmm0; movdqa %%xmm0,%%xmm1; movdqa %%xmm0,%%xmm2;"
                     "movdqa %%xmm0,%%xmm3; movdqa %%xmm0,%%xmm7; movdqa %%xmm0,%%xmm15;"
                     "fninit; fldpi; fldz; mov $-1,%%rax; mov %%rax,%%rcx; mov %%rax,%%rdx;"
                     "mov %%rax,%%rsi; mov %%rax,%%rdi; mov %%rax,%%r8; mov %%rax,%%r9;"
                     "mov %%rax,%%r10; mov %%rax,%%r11; fninit"
                     ::: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory",
                     "xmm0", "xmm1", "xmm2", "xmm3", "xmm7", "xmm15");
}

// Fills all registers, spins `rounds` times (or makes a system call if it is 0), and stores them.
// buffer: 0 rsp, 1..14 general, 16.. xmm0-15, 48 flags, 49 mxcsr, 50 x87 control word.
void registers_across(uint64_t *buffer, uint64_t rounds, uint64_t pid, uint64_t signal);
__asm__(".globl registers_across\nregisters_across:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdi\n"
        "mov %rsp, (%rdi)\n"
        "movl $0x3f80, 392(%rdi); ldmxcsr 392(%rdi)\n"
        "movw $0x077f, 400(%rdi); fldcw 400(%rdi)\n"
        "mov $0x1111, %eax\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "add $0x1111, %eax; movq %rax, %xmm\\n; punpcklqdq %xmm\\n, %xmm\\n\n"
        ".endr\n"
        "test %rsi, %rsi; jnz 1f\n"
        "mov %rdx, %rdi; mov %rcx, %rsi; mov $62, %eax; mov $0x33, %edx\n"
        "mov $8,%r8d; mov $9,%r9d; mov $10,%r10d; mov $12,%r12d; mov $13,%r13d; mov $14,%r14d\n"
        "mov $15,%r15d; mov $0xbb,%ebx; mov $0xeb,%ebp; syscall\n"
        "mov $11,%r11d; mov $0xcc,%ecx; mov $0xdd,%edi; mov $0xee,%esi; jmp 3f\n"
        "1: mov %rsi, %rax; mov $0xbb,%ebx; mov $0xcc,%ecx; mov $0x33,%edx; mov $0xee,%esi\n"
        "mov $0xdd,%edi; mov $0xeb,%ebp; mov $8,%r8d; mov $9,%r9d; mov $10,%r10d; mov $11,%r11d\n"
        "mov $12,%r12d; mov $13,%r13d; mov $14,%r14d; mov $15,%r15d; std\n"
        "2: dec %rax; jnz 2b\n"
        "3: xchg %rdi, (%rsp)\n"
        "pushfq; popq 384(%rdi); cld\n"
        "mov %rsp,%rsp; sub %rsp, (%rdi)\n"
        "mov %rax,8(%rdi); mov %rbx,16(%rdi); mov %rcx,24(%rdi); mov %rdx,32(%rdi)\n"
        "mov %rsi,40(%rdi); mov %rbp,48(%rdi); mov %r8,56(%rdi); mov %r9,64(%rdi)\n"
        "mov %r10,72(%rdi); mov %r11,80(%rdi); mov %r12,88(%rdi); mov %r13,96(%rdi)\n"
        "mov %r14,104(%rdi); mov %r15,112(%rdi); mov (%rsp),%rax; mov %rax,120(%rdi)\n"
        ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "movdqu %xmm\\n, 128+16*\\n(%rdi)\n"
        ".endr\n"
        "stmxcsr 392(%rdi); fnstcw 400(%rdi)\n"
        "movl $0x1f80, 408(%rdi); ldmxcsr 408(%rdi); movw $0x37f, 408(%rdi); fldcw 408(%rdi)\n"
        "pop %rax; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

static int wrong(uint64_t *b, uint64_t r11) {
    uint64_t expected[16] = {0, 0, 0xbb, 0xcc, 0x33, 0xee, 0xeb, 8, 9, 10, r11, 12, 13, 14, 15, 0xdd};
    int bad = memcmp(b, expected, sizeof expected) != 0;
    for (uint64_t n = 0; n < 16; n++) {
        uint64_t value = 0x1111 * (n + 2);
        bad += b[16 + 2 * n] != value || b[17 + 2 * n] != value;
    }
    return bad + ((uint32_t)b[49] != 0x3f80) + ((uint16_t)b[50] != 0x077f);
}

static volatile int is_over;
static pthread_t main_thread;

static void *sender(void *unused) {
    while (!is_over) {
        struct timespec pause = {0, 300000};
        pthread_kill(main_thread, SIGUSR2);
        nanosleep(&pause, NULL);
    }
    return unused;
}

int main(void) {
    uint64_t buffer[64];
    struct sigaction action = {0};
    action.sa_handler = handler;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    int bad = 0;
    for (int i = 0; i < 100; i++) {
        registers_across(buffer, 0, (uint64_t)getpid(), SIGUSR1);
        bad += wrong(buffer, 11);
    }
    printf("in a system call: handled %d wrong %d dirty %d\n", handled, bad, dirty);
    handled = 0;
    main_thread = pthread_self();
    pthread_t thread;
    if (pthread_create(&thread, NULL, sender, NULL) != 0) {
        printf("no threads\n");
        return 1;
    }
    int rounds = 0;
    while (handled < 100 && rounds++ < 100000) {
        registers_across(buffer, 20000, 0, 0);
        bad += wrong(buffer, 11);
        bad += !(buffer[48] & 0x400);
    }
    is_over = 1;
    pthread_join(thread, NULL);
    printf("anywhere: handled enough %d wrong %d dirty %d\n", handled >= 100, bad, dirty);
    return bad != 0;
}
