// proves: P4, /proc/self/status and statm tell what is mapped, and whose the frames are.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static char text[16384];

static const char *slurp(const char *path) {
    int fd = open(path, O_RDONLY);
    size_t at = 0;
    long got;
    while (at < sizeof text - 1 && (got = read(fd, text + at, sizeof text - 1 - at)) > 0) at += got;
    text[at] = 0;
    close(fd);
    return text;
}

/* A line of status: KiB, or a number in this base. */
static unsigned long line(const char *name, int base) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\n%s:\t", name);
    const char *at = strstr(slurp("/proc/self/status"), wanted);
    return at ? strtoul(at + strlen(wanted), NULL, base) : 999999999;
}

static long kib(const char *name) { return (long)line(name, 10); }

/* How much lines have grown since the last look, in MiB. */
static void grown(const char *what) {
    static const char *names[] = {"VmSize", "VmLck", "VmRSS", "RssAnon", "RssFile", "RssShmem", "VmData", "VmStk", "VmSwap"};
    static long before[9];
    printf("%-28s", what);
    for (int i = 0; i < 9; i++) {
        long now = kib(names[i]);
        /* Rounded: the C library has small things of its own. */
        printf(" %s %+ld", names[i], (now - before[i] + 1536 * (now >= before[i] ? 1 : -1)) / 1024 / 2 * 2);
        before[i] = now;
    }
    printf("\n");
}

static void touch(char *at, long length) {
    for (long i = 0; i < length; i += 4096) at[i] = 1;
}

static long look(const char *at, long length) {
    long sum = 0;
    for (long i = 0; i < length; i += 4096) sum += ((volatile const char *)at)[i];
    return sum;
}

static void statm_agrees(void) {
    long size, resident, shared, code, library, data, dirty;
    int found = sscanf(slurp("/proc/self/statm"), "%ld %ld %ld %ld %ld %ld %ld", &size, &resident, &shared, &code, &library, &data, &dirty);
    printf("statm %d:", found);
    printf(" size %d", size * 4 == kib("VmSize"));
    printf(" resident %d", labs(resident * 4 - kib("VmRSS")) < 512);
    printf(" shared %d", labs(shared * 4 - kib("RssFile") - kib("RssShmem")) < 512);
    printf(" code %d", code * 4 == kib("VmExe"));
    printf(" data %d", data * 4 == kib("VmData") + kib("VmStk"));
    printf(" library %ld dirty %ld\n", library, dirty);
    printf("parts make the whole %d\n", kib("RssAnon") + kib("RssFile") + kib("RssShmem") == kib("VmRSS"));
    printf("code %d, of the file resident %d\n", kib("VmExe") >= 8 && kib("VmExe") < 4096, kib("RssFile") > 0);
}

static void handler(int signal) { (void)signal; }

int main(void) {
    grown("at the start");
    statm_agrees();
    char *reserved = mmap(0, 64 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    grown("64 MiB reserved");
    char *own = mmap(0, 32 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    grown("32 MiB mapped");
    touch(own, 16 * MIB);
    grown("16 MiB touched");
    statm_agrees();
    mprotect(own + 16 * MIB, 16 * MIB, PROT_READ);
    grown("16 MiB made readable");
    mprotect(own, 16 * MIB, PROT_NONE);
    mprotect(own, 16 * MIB, PROT_READ | PROT_WRITE);
    grown("hidden and shown");
    char *shared = mmap(0, 16 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    touch(shared, 8 * MIB);
    grown("8 of 16 MiB shared");
    int fd = memfd_create("memory", 0);
    ftruncate(fd, 16 * MIB);
    char *file = mmap(0, 16 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    touch(file, 16 * MIB);
    grown("a file of memory");
    munmap(file, 16 * MIB);
    grown("it unmapped");
    char *copy = mmap(0, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    look(copy, 16 * MIB);
    grown("mapped privately and read");
    mprotect(copy, 16 * MIB, PROT_READ);
    mprotect(copy, 16 * MIB, PROT_READ | PROT_WRITE);
    grown("its rights changed");
    touch(copy, 8 * MIB);
    grown("half of it written");
    statm_agrees();
    fflush(stdout);
    if (fork() == 0) {
        /* Linux lets a child find what is shared on its own. */
        look(shared, 8 * MIB);
        look(copy, 16 * MIB);
        grown("the child");
        touch(copy, 16 * MIB);
        grown("the child has written all");
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    grown("the parent afterwards");
    mlock(own, 16 * MIB);
    grown("16 MiB locked");
    munlock(own, 16 * MIB);
    long peak = kib("VmPeak");
    munmap(reserved, 64 * MIB);
    munmap(copy, 16 * MIB);
    grown("unmapped");
    printf("peak stays %d, above the size %d\n", kib("VmPeak") == peak, peak - kib("VmSize") == 80 * 1024);
    long high = kib("VmHWM");
    madvise(own, 16 * MIB, MADV_DONTNEED);
    grown("given back");
    printf("high mark stays %d\n", kib("VmHWM") >= high - 256 && kib("VmHWM") - kib("VmRSS") >= 15 * 1024);
    /* Moving is no peak. */
    munmap(shared, 16 * MIB);
    char *large = mmap(0, 256 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    peak = kib("VmPeak");
    char *elsewhere = mmap(0, 256 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    munmap(elsewhere, 256 * MIB);
    printf("peak grew %ld\n", (kib("VmPeak") - peak) / 1024);
    peak = kib("VmPeak");
    large = mremap(large, 256 * MIB, 256 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere);
    printf("moved %d, peak grew %ld\n", large == elsewhere, (kib("VmPeak") - peak) / 1024);

    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGTERM);
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
    printf("own %lx shared %lx", line("SigPnd", 16), line("ShdPnd", 16));
    printf(" blocked %lx ignored %lx caught %lx\n", line("SigBlk", 16), line("SigIgn", 16) & 1 << 11, line("SigCgt", 16));
    return 0;
}
