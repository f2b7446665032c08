// Limits that a process sets for itself, and what it has used.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long try(long result) { return result < 0 ? -errno : result; }

static void spin(int milliseconds) {
    struct timespec now;
    do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < milliseconds);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    struct rlimit old, new;
    getrlimit(RLIMIT_NOFILE, &old);
    printf("files: %s\n", old.rlim_cur >= 256 && old.rlim_cur <= old.rlim_max ? "usual" : "odd");
    new = (struct rlimit){16, old.rlim_max};
    printf("lower %ld\n", try(setrlimit(RLIMIT_NOFILE, &new)));
    int last = -1, fd;
    while ((fd = dup(0)) >= 0) last = fd;
    printf("last descriptor %d, then %d\n", last, errno == EMFILE);
    new.rlim_cur = old.rlim_cur;
    printf("raise %ld\n", try(setrlimit(RLIMIT_NOFILE, &new)));
    printf("more: %d\n", dup(0));
    new = (struct rlimit){20, 10};
    printf("upside down %ld\n", try(setrlimit(RLIMIT_NOFILE, &new)));
    printf("no such %ld\n", try(getrlimit(99, &new)));
    pid_t child = fork();
    if (child == 0) {
        new = (struct rlimit){64, 64};
        setrlimit(RLIMIT_NOFILE, &new);
        if (fork() == 0) {
            getrlimit(RLIMIT_NOFILE, &new);
            _exit((int)new.rlim_max);
        }
        int status;
        wait(&status);
        spin(60);
        _exit(WEXITSTATUS(status));
    }
    int status;
    struct rusage usage;
    wait4(child, &status, 0, &usage);
    printf("inherited %d\n", WEXITSTATUS(status));
    long used = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    printf("the child ran %s\n", used >= 50000 ? "long" : "not at all");
    getrusage(RUSAGE_CHILDREN, &usage);
    long again = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    printf("children ran %s\n", again >= used ? "as long" : "less");
    spin(30);
    getrusage(RUSAGE_SELF, &usage);
    printf("itself %s\n", usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 20000 ? "ran" : "not");
    struct tms times_;
    printf("times %s\n", times(&times_) != (clock_t)-1 && times_.tms_cutime >= 0 ? "fine" : "odd");
    printf("bad %ld\n", try(getrusage(5, &usage)));

    /* The tests may have been started with another one. */
    setpriority(PRIO_PROCESS, 0, 0);
    printf("priority %d\n", getpriority(PRIO_PROCESS, 0));
    printf("nicer %ld, now %d\n", try(setpriority(PRIO_PROCESS, 0, 5)), getpriority(PRIO_PROCESS, 0));
    printf("too nice %ld, now %d\n", try(setpriority(PRIO_PROCESS, 0, 50)),
           getpriority(PRIO_PROCESS, 0));
    printf("bad %ld\n", try(setpriority(7, 0, 5)));
    printf("policies %d %d %d %d\n", sched_get_priority_max(1), sched_get_priority_min(2),
           sched_get_priority_max(0), sched_get_priority_max(9));
    cpu_set_t cpus, none;
    CPU_ZERO(&none);
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    printf("no CPU %ld\n", try(sched_setaffinity(0, sizeof none, &none)));
    printf("one CPU %ld\n", try(sched_setaffinity(0, sizeof cpus, &cpus)));
    CPU_ZERO(&cpus);
    sched_getaffinity(0, sizeof cpus, &cpus);
    printf("CPUs %d, runs on %d\n", CPU_COUNT(&cpus), sched_getcpu());
    return 0;
}
