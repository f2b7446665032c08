/* Clocks read with and without a system call say the same, in order. proves: K4 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }

static long long by_call(int clock) {
    struct timespec t;
    syscall(SYS_clock_gettime, clock, &t);
    return ns(t);
}

/* Whether what the C library reads lies between two system calls; not only once. */
static int is_in_order(int clock) {
    for (int i = 0; i < 1000; i++) {
        struct timespec t;
        long long before = by_call(clock);
        if (clock_gettime(clock, &t)) return -1;
        long long after = by_call(clock);
        if (t.tv_nsec < 0 || t.tv_nsec > 999999999) return -2;
        if (ns(t) < before || ns(t) > after) return 0;
    }
    return 1;
}

int main(void) {
    const unsigned char *object = (void *)getauxval(AT_SYSINFO_EHDR);
    printf("there: %d\n", object != NULL);
    if (object) printf("ELF: %d\n", !memcmp(object, "\177ELF\2\1\1", 7));
    static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME};
    for (int i = 0; i < 4; i++) printf("clock %d: %d\n", clocks[i], is_in_order(clocks[i]));
    struct timespec t;
    printf("CPU time: %d\n", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t));
    printf("thread's: %d\n", clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t));
    printf("coarse: %d %d\n", clock_gettime(CLOCK_REALTIME_COARSE, &t), clock_gettime(CLOCK_MONOTONIC_COARSE, &t));
    printf("TAI: %d\n", clock_gettime(CLOCK_TAI, &t));
    printf("no clock: %d\n", clock_gettime(77, &t));
    printf("negative: %d\n", clock_gettime(-1, &t));
    struct timeval v;
    struct timezone z = {7, 7};
    long long before = by_call(CLOCK_REALTIME) / 1000;
    printf("gettimeofday: %d\n", gettimeofday(&v, &z));
    long long after = by_call(CLOCK_REALTIME) / 1000, us = v.tv_sec * 1000000LL + v.tv_usec;
    printf("in order: %d, microseconds: %d\n", before <= us && us <= after, v.tv_usec >= 0 && v.tv_usec < 1000000);
    printf("zone: %d %d\n", z.tz_minuteswest, z.tz_dsttime);
    time_t stored = 0, first = by_call(CLOCK_REALTIME) / 1000000000, now = time(&stored);
    printf("time: %d %d\n", now == stored, now >= first && now <= by_call(CLOCK_REALTIME) / 1000000000);
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int seen = 0;
    while (maps && fgets(line, sizeof line, maps))
        if (strstr(line, "[vdso]")) {
            unsigned long start, end;
            char rights[5];
            sscanf(line, "%lx-%lx %4s", &start, &end, rights);
            seen++;
            printf("%s, where it was said: %d\n", rights, start == (unsigned long)object);
        }
    printf("mapped: %d\n", seen);
    return 0;
}
