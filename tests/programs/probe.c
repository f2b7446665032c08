/* probe MODE [ARGUMENTS]
 *
 * What the tests inside the kernel need of a program, one mode each:
 *   vector SEED ROUNDS  keeps values of its own in all x87 and SSE registers and checks them; status 0
 *   touch MIB           touches that much memory, page by page; status 0
 *   copy                has the kernel copy from and to good and bad addresses; status 0
 *   nothing             ends at once; status 0
 *   spin                never ends by itself
 *   hold MIB            touches that much memory and waits
 *   account             uses known amounts, says what it has used and may use, and waits
 *   idle PID            has another process run only when nothing else can; status 0
 *   deep                goes down the stack until it ends
 *   execute | code | kernel | privileged | divide   what has to be ended by a signal
 * A status other than 0 says which check failed (see `fail`).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL

_Noreturn static void fail(int status, const char *what)
{
    fprintf(stderr, "probe: %s (errno %d)\n", what, errno);
    exit(status);
}

struct registers {
    uint64_t xmm[16][2];
    int64_t x87[8];
    uint32_t mxcsr;
    uint16_t control;
} __attribute__((aligned(16)));

/* Fills the registers from `in`, runs for a while, and stores what they hold then to `out`. */
static void keep(const struct registers *in, struct registers *out, uint64_t turns)
{
    __asm__ volatile(
        "fninit\n\t"
        "fldcw %c[control](%[in])\n\t"
        "ldmxcsr %c[mxcsr](%[in])\n\t"
        "fildll %c[x87]+56(%[in])\n\tfildll %c[x87]+48(%[in])\n\t"
        "fildll %c[x87]+40(%[in])\n\tfildll %c[x87]+32(%[in])\n\t"
        "fildll %c[x87]+24(%[in])\n\tfildll %c[x87]+16(%[in])\n\t"
        "fildll %c[x87]+8(%[in])\n\tfildll %c[x87](%[in])\n\t"
        "movaps 0(%[in]), %%xmm0\n\tmovaps 16(%[in]), %%xmm1\n\t"
        "movaps 32(%[in]), %%xmm2\n\tmovaps 48(%[in]), %%xmm3\n\t"
        "movaps 64(%[in]), %%xmm4\n\tmovaps 80(%[in]), %%xmm5\n\t"
        "movaps 96(%[in]), %%xmm6\n\tmovaps 112(%[in]), %%xmm7\n\t"
        "movaps 128(%[in]), %%xmm8\n\tmovaps 144(%[in]), %%xmm9\n\t"
        "movaps 160(%[in]), %%xmm10\n\tmovaps 176(%[in]), %%xmm11\n\t"
        "movaps 192(%[in]), %%xmm12\n\tmovaps 208(%[in]), %%xmm13\n\t"
        "movaps 224(%[in]), %%xmm14\n\tmovaps 240(%[in]), %%xmm15\n\t"
        "1: dec %[turns]\n\tjnz 1b\n\t"
        "movaps %%xmm0, 0(%[out])\n\tmovaps %%xmm1, 16(%[out])\n\t"
        "movaps %%xmm2, 32(%[out])\n\tmovaps %%xmm3, 48(%[out])\n\t"
        "movaps %%xmm4, 64(%[out])\n\tmovaps %%xmm5, 80(%[out])\n\t"
        "movaps %%xmm6, 96(%[out])\n\tmovaps %%xmm7, 112(%[out])\n\t"
        "movaps %%xmm8, 128(%[out])\n\tmovaps %%xmm9, 144(%[out])\n\t"
        "movaps %%xmm10, 160(%[out])\n\tmovaps %%xmm11, 176(%[out])\n\t"
        "movaps %%xmm12, 192(%[out])\n\tmovaps %%xmm13, 208(%[out])\n\t"
        "movaps %%xmm14, 224(%[out])\n\tmovaps %%xmm15, 240(%[out])\n\t"
        "stmxcsr %c[mxcsr](%[out])\n\t"
        "fnstcw %c[control](%[out])\n\t"
        "fistpll %c[x87](%[out])\n\tfistpll %c[x87]+8(%[out])\n\t"
        "fistpll %c[x87]+16(%[out])\n\tfistpll %c[x87]+24(%[out])\n\t"
        "fistpll %c[x87]+32(%[out])\n\tfistpll %c[x87]+40(%[out])\n\t"
        "fistpll %c[x87]+48(%[out])\n\tfistpll %c[x87]+56(%[out])\n\t"
        "fninit\n\t"
        : [turns] "+r"(turns)
        : [in] "r"(in), [out] "r"(out), [x87] "i"(offsetof(struct registers, x87)),
          [mxcsr] "i"(offsetof(struct registers, mxcsr)),
          [control] "i"(offsetof(struct registers, control))
        : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
          "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void vector(uint64_t seed, uint64_t rounds)
{
    static struct registers in, out;
    for (uint64_t round = 0; round < rounds; round++) {
        uint64_t value = (seed << 32) + round + 1;
        for (int i = 0; i < 16; i++) {
            in.xmm[i][0] = value * 0x9e3779b97f4a7c15 + i;
            in.xmm[i][1] = ~in.xmm[i][0];
        }
        for (int i = 0; i < 8; i++)
            in.x87[i] = value * 0x100 + i;
        /* Rounding modes of its own; every exception stays masked. */
        in.mxcsr = 0x1f80 | (seed & 3) << 13;
        in.control = 0x037f | (seed & 3) << 10;
        keep(&in, &out, 1 << 20);
        if (memcmp(in.xmm, out.xmm, sizeof in.xmm))
            fail(10, "SSE registers have changed");
        if (memcmp(in.x87, out.x87, sizeof in.x87))
            fail(11, "x87 registers have changed");
        if (in.mxcsr != out.mxcsr || in.control != out.control)
            fail(12, "control registers have changed");
    }
}

static unsigned char *pages(size_t count)
{
    void *at = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        fail(20, "mmap");
    return at;
}

static void expect_fault(ssize_t result, int status, const char *what)
{
    if (result != -1 || errno != EFAULT)
        fail(status, what);
}

static void copy(const char *own_path)
{
    unsigned char *fresh = pages(8);
    unsigned char *gone = pages(1);
    munmap(gone, PAGE);
    /* Pages that nothing has touched yet: the kernel's copy brings them in. */
    if (write(STDOUT_FILENO, fresh + PAGE - 8, 16) != 16)
        fail(30, "write from untouched pages");
    int file = open(own_path, O_RDONLY);
    if (file < 0)
        fail(31, "open");
    if (read(file, fresh + 3 * PAGE - 2, 4) != 4 || memcmp(fresh + 3 * PAGE - 2, "\177ELF", 4))
        fail(32, "read to untouched pages");
    if (mprotect(fresh + 4 * PAGE, PAGE, PROT_READ))
        fail(33, "mprotect");
    expect_fault(read(file, fresh + 4 * PAGE, 4), 34, "read to a read-only page");
    expect_fault(read(file, (void *)(uintptr_t)copy, 4), 35, "read to code");
    expect_fault(read(file, gone, 4), 36, "read to unmapped memory");
    expect_fault(write(STDOUT_FILENO, gone, 4), 37, "write from unmapped memory");
    if (mprotect(fresh + 5 * PAGE, PAGE, PROT_NONE))
        fail(38, "mprotect");
    expect_fault(write(STDOUT_FILENO, fresh + 5 * PAGE, 4), 39, "write from a hidden page");
    static const uint64_t forbidden[] = {
        0, 0x00007ffffffff000, 0x0000800000000000, 0xffff800000000000, 0xffffffff80200000,
        0xfffffffffffffffc,
    };
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        expect_fault(write(STDOUT_FILENO, (void *)forbidden[i], 4), 40, "write from a bad address");
        expect_fault(read(file, (void *)forbidden[i], 4), 41, "read to a bad address");
    }
    if (memcmp(fresh, (unsigned char[16]){0}, 16))
        fail(42, "fresh memory is not zero");
}

static void touch(size_t mib)
{
    unsigned char *memory = pages(mib * 256);
    for (size_t page = 0; page < mib * 256; page++)
        ((volatile unsigned char *)memory)[page * PAGE] = (unsigned char)page;
    for (size_t page = 0; page < mib * 256; page++)
        if (memory[page * PAGE] != (unsigned char)page)
            fail(50, "memory has changed");
}

/* Goes down the stack until it ends, or is a gigabyte deep. */
static unsigned deep(unsigned left)
{
    volatile char room[4096];
    room[0] = (char)left;
    return left == 0 ? 0 : deep(left - 1) + (unsigned)room[0];
}

/* Uses known amounts of everything, says what it has used and may use, and waits. */
static void account(void)
{
    static char bytes[1000];
    int null = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_RDONLY);
    for (int i = 0; i < 100; i++)
        if (write(null, bytes, sizeof bytes) != sizeof bytes)
            fail(70, "nothing takes bytes");
    for (int i = 0; i < 50; i++)
        if (read(zero, bytes, sizeof bytes) != sizeof bytes)
            fail(71, "nothing gives bytes");
    touch(4);
    struct timespec now;
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    while (now.tv_sec == 0 && now.tv_nsec < 100000000);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &limit);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("usage %ld %ld %ld %ld %ld\n", usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec,
           usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec, usage.ru_maxrss,
           usage.ru_minflt, usage.ru_nvcsw);
    for (int number = 0; number < 16; number++) {
        prlimit(0, number, NULL, &limit);
        printf("limit %llu %llu\n", (unsigned long long)limit.rlim_cur,
               (unsigned long long)limit.rlim_max);
    }
    fflush(stdout);
    for (;;)
        pause();
}

int main(int count, char **arguments)
{
    const char *mode = count > 1 ? arguments[1] : "";
    if (!strcmp(mode, "vector") && count == 4) {
        vector(strtoull(arguments[2], NULL, 10), strtoull(arguments[3], NULL, 10));
    } else if (!strcmp(mode, "touch") && count == 3) {
        touch(strtoull(arguments[2], NULL, 10));
    } else if (!strcmp(mode, "hold") && count == 3) {
        touch(strtoull(arguments[2], NULL, 10));
        for (;;)
            pause();
    } else if (!strcmp(mode, "copy")) {
        copy(arguments[0]);
    } else if (!strcmp(mode, "account")) {
        account();
    } else if (!strcmp(mode, "deep")) {
        exit((int)deep(1 << 18) & 1);
    } else if (!strcmp(mode, "idle") && count == 3) {
        struct sched_param none = {0};
        if (syscall(SYS_sched_setscheduler, atoi(arguments[2]), SCHED_IDLE, &none) != 0)
            fail(72, "no policy");
    } else if (!strcmp(mode, "nothing")) {
        return 0;
    } else if (!strcmp(mode, "spin")) {
        for (;;)
            __asm__ volatile("");
    } else if (!strcmp(mode, "execute")) {
        unsigned char *page = pages(1);
        *page = 0xc3; /* ret */
        ((void (*)(void))(uintptr_t)page)();
        fail(60, "data were executed");
    } else if (!strcmp(mode, "code")) {
        *(volatile unsigned char *)(uintptr_t)main = 0xc3;
        fail(61, "code was written");
    } else if (!strcmp(mode, "kernel")) {
        exit(62 + *(volatile unsigned char *)0xffffffff80200000);
    } else if (!strcmp(mode, "privileged")) {
        __asm__ volatile("hlt");
        fail(63, "a privileged instruction was executed");
    } else if (!strcmp(mode, "divide")) {
        uint32_t result = 1;
        __asm__ volatile("xorl %%edx, %%edx\n\txorl %%ecx, %%ecx\n\tdivl %%ecx"
                         : "+a"(result) : : "ecx", "edx", "cc");
        exit(64);
    } else {
        fail(2, "probe MODE [ARGUMENTS]: see the source");
    }
    return 0;
}
