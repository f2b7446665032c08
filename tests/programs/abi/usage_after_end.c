// What is told of a process that has ended, of one that has executed another program, and how many
// there are when many have come and gone.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOUCHED_KIB (32 << 10)

static char text[4096];

static const char *contents(pid_t pid, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[length] = 0;
    if (file) fclose(file);
    return text;
}

static long kib(const char *name) {
    const char *line = strstr(contents(getpid(), "status"), name);
    return line ? atol(line + strlen(name) + 1) : -1;
}

/* Threads, as /proc/loadavg counts them. */
static int threads(void) {
    int running, all = -1;
    FILE *file = fopen("/proc/loadavg", "r");
    if (file && fscanf(file, "%*f %*f %*f %d/%d", &running, &all) != 2) all = -1;
    if (file) fclose(file);
    return all;
}

static void touch(void) {
    char *memory = malloc(TOUCHED_KIB << 10);
    for (long at = 0; at < TOUCHED_KIB << 10; at += 4096) ((volatile char *)memory)[at] = 1;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    struct rusage usage;
    if (argc > 1) {
        getrusage(RUSAGE_SELF, &usage);
        printf("the peak outlives exec: %d\n", usage.ru_maxrss >= TOUCHED_KIB);
        printf("the program's own peak does not: %d\n", kib("VmHWM") < TOUCHED_KIB);
        return 0;
    }
    pid_t child = fork();
    if (child == 0) {
        touch();
        _exit(7);
    }
    siginfo_t ended;
    waitid(P_PID, child, &ended, WEXITED | WNOWAIT);
    char state = 0;
    long resident = -1;
    const char *fields = strrchr(contents(child, "stat"), ')');
    if (fields) {
        state = fields[2];
        for (int field = 2; field < 24 && fields; field++) fields = strchr(fields + 1, ' ');
        if (fields) resident = atol(fields);
    }
    printf("state %c, resident %ld\n", state, resident);
    printf("statm %s", contents(child, "statm"));
    printf("memory in status: %d\n", strstr(contents(child, "status"), "VmRSS") != NULL);
    int status;
    wait4(child, &status, 0, &usage);
    printf("code %d, peak kept: %d\n", WEXITSTATUS(status), usage.ru_maxrss >= TOUCHED_KIB);

    child = fork();
    if (child == 0) {
        touch();
        execl(argv[0], argv[0], "again", NULL);
        _exit(1);
    }
    wait4(child, &status, 0, &usage);
    printf("executed: %d, peak kept: %d\n", status, usage.ru_maxrss >= TOUCHED_KIB);

    child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        raise(SIGSEGV);
    }
    wait(&status);
    printf("signal %d, core %d\n", WTERMSIG(status), WCOREDUMP(status) != 0);

    struct sysinfo before, after;
    sysinfo(&before);
    for (int index = 0; index < 300; index++) {
        if (fork() == 0) _exit(0);
        wait(NULL);
    }
    sysinfo(&after);
    printf("those that are gone count: %d\n", after.procs > before.procs + 150);
    printf("as in loadavg: %d\n", abs((int)after.procs - threads()) < 50);
    return 0;
}
