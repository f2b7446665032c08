/* bench [-q] WHAT: one measurement of the system it runs on. `bench list` names them.
 * bench serve PORT BYTES: an HTTP server that answers everything with that many bytes.
 * bench stream PORT: sends or takes bytes as fast as it can: a client that sends `s` is sent to. */
#define _GNU_SOURCE
#include "measure.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t round_ns = 100000000;
int rounds = 7;
static const char *measured = "bench";

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

void say(const char *name, double value, const char *unit)
{
    char line[128];
    int length = snprintf(line, sizeof line, "%s %.3f %s\n", name, value, unit);
    write(1, line, length);
}

void not_here(const char *name, const char *call)
{
    char line[160];
    int length = snprintf(line, sizeof line, "%s n/a %s: %s\n", name, call, strerror(errno));
    write(1, line, length);
    _exit(0);
}

long must(const char *call, long result)
{
    if (result < 0)
        not_here(measured, call);
    return result;
}

int stay_on(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

int cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

void measure(const char *name, work *what)
{
    measured = name;
    long count = 1;
    uint64_t took;
    for (;;) {
        uint64_t start = now_ns();
        what(count);
        took = now_ns() - start;
        if (took >= round_ns / 4 || count >= 1L << 30)
            break;
        count *= 2;
    }
    count = took ? count * (round_ns / (double)took) : count;
    count = count > 0 ? count : 1;
    double best = (double)took / count;
    for (int i = 0; i < rounds; i++) {
        uint64_t start = now_ns();
        what(count);
        double each = (double)(now_ns() - start) / count;
        if (i == 0 || each < best)
            best = each;
    }
    say(name, best, "ns");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "-q") == 0) {
        round_ns = 20000000;
        rounds = 3;
        argc--;
        argv++;
    }
    if (argc == 4 && strcmp(argv[1], "serve") == 0)
        serve(atoi(argv[2]), atol(argv[3]), 0);
    if (argc == 3 && strcmp(argv[1], "stream") == 0)
        serve(atoi(argv[2]), 0, 1);
    if (argc == 2 && strcmp(argv[1], "nothing") == 0)
        return 0;
    if (argc < 2)
        return 2;
    measured = argv[1];
    calls(argv[1]);
    processes(argv[1]);
    memory(argv[1]);
    return 0;
}
