/* What the measured programs share: the clock, rounds, and how a figure is said.
 *
 * A figure is a line `NAME VALUE UNIT`. What the kernel can't do is a line `NAME n/a REASON`. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>

/* A thing to measure: does its work `count` times. Ends the program when it can't. */
typedef void work(long count);

/* Time since some moment, in nanoseconds. */
uint64_t now_ns(void);

/* How long a round should take, and how many there are: set by the command line. */
extern uint64_t round_ns;
extern int rounds;

/* Finds out how often `what` fits into a round, runs the rounds, and says the shortest one as
 * nanoseconds for each time. The shortest, because a busy host only ever adds to it. */
void measure(const char *name, work *what);

/* Says a figure. */
void say(const char *name, double value, const char *unit);

/* Says that the kernel can't do it, with the error of errno, and ends the program with 0. */
_Noreturn void not_here(const char *name, const char *call);

/* Keeps the calling thread on one CPU; false when the kernel can't. */
int stay_on(int cpu);

/* The CPUs there are. */
int cpus(void);

/* Ends the program when `result` is negative. */
long must(const char *call, long result);

/* What the command line can ask for. */
void calls(const char *what);
void processes(const char *what);
void memory(const char *what);
void serve(int port, long bytes, int streams);

#endif
