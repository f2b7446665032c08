// Proves that a huge reservation (PROT_NONE, MAP_NORESERVE) costs nothing, is found in the maps, cannot
// be touched, and can be made use of piece by piece, as Go's and Java's heaps are.
// proves: K6
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static sigjmp_buf back;

static void caught(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    siglongjmp(back, info->si_code);
}

static long status(const char *key) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long found = -1;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key)))
            found = atol(line + strlen(key));
    fclose(file);
    return found;
}

// The rights of the area that an address lies in.
static const char *rights(const char *at) {
    static char found[8];
    strcpy(found, "none");
    FILE *file = fopen("/proc/self/maps", "r");
    char line[512];
    while (fgets(line, sizeof line, file)) {
        unsigned long start, end;
        char area[8];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, area) == 3 && (unsigned long)at >= start &&
            (unsigned long)at < end)
            strcpy(found, area);
    }
    fclose(file);
    return found;
}

static void touch(const char *what, volatile char *at) {
    int code = sigsetjmp(back, 1);
    if (code == 0) {
        *at = 1;
        printf("%s: touched\n", what);
    } else {
        printf("%s: fault with code %d\n", what, code);
    }
}

int main(void) {
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    const unsigned long terabyte = 1UL << 40, mib = 1 << 20;
    rights(NULL);
    long before = status("VmRSS:"), pages = status("VmPTE:");
    char *area =
        mmap(NULL, terabyte, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    printf("reserved %d\n", area != MAP_FAILED);
    printf("in the size %d\n", status("VmSize:") >= (long)(terabyte >> 10));
    printf("free of charge %d %d\n", status("VmRSS:") < before + 256, status("VmPTE:") <= pages + 64);
    printf("in the maps %s\n", rights(area + terabyte / 2));
    touch("reserved", area + terabyte / 2);
    char *piece = area + terabyte / 4;
    printf("opened %d\n", mprotect(piece, 4 * mib, PROT_READ | PROT_WRITE));
    touch("a piece", piece);
    touch("behind it", piece + 4 * mib);
    for (unsigned long i = 0; i < 4 * mib; i += 4096)
        piece[i] = 1;
    printf("charged %d\n", status("VmRSS:") >= before + 4096);
    printf("in the maps %s\n", rights(piece));
    void *again = mmap(piece, 4 * mib, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    printf("closed again %d\n", again == piece);
    printf("given back %d\n", status("VmRSS:") < before + 512);
    touch("closed", piece);
    printf("unmapped %d\n", munmap(area, terabyte));
    printf("in the maps %s\n", rights(area + terabyte / 2));
    touch("gone", piece);
    return 0;
}
