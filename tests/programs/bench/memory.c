/* Memory: page faults, large ranges touched, mapping and unmapping; and how much is free. */
#define _GNU_SOURCE
#include "measure.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#define PAGE 4096L

static char *map(long bytes)
{
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must("mmap", p == MAP_FAILED ? -1 : 0);
    return p;
}

/* One page at a time of a range that is given back before its time is taken: the fault alone. */
static void page_fault(long count)
{
    while (count > 0) {
        long pages = count < 256 ? count : 256;
        char *p = map(pages * PAGE);
        for (long i = 0; i < pages; i++)
            p[i * PAGE] = 1;
        must("munmap", munmap(p, pages * PAGE));
        count -= pages;
    }
}

static void touch_64_mib(long count)
{
    while (count--) {
        char *p = map(64L << 20);
        for (long i = 0; i < 64L << 20; i += PAGE)
            p[i] = 1;
        must("munmap", munmap(p, 64L << 20));
    }
}

static void map_unmap(long count)
{
    while (count--) {
        char *p = map(16 * PAGE);
        must("munmap", munmap(p, 16 * PAGE));
    }
}

void memory(const char *what)
{
    if (strcmp(what, "page_fault") == 0) {
        measure(what, page_fault);
    } else if (strcmp(what, "touch_64_mib") == 0) {
        measure(what, touch_64_mib);
    } else if (strcmp(what, "map_unmap") == 0) {
        measure(what, map_unmap);
    } else if (strcmp(what, "free_memory") == 0) {
        struct sysinfo info;
        must("sysinfo", sysinfo(&info));
        say(what, (double)info.freeram * (info.mem_unit ? info.mem_unit : 1), "bytes");
    }
}
