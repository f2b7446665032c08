// What sysinfo says of memory and load is what /proc says.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

static double from(const char *path, const char *name) {
    char line[256];
    double value = -1;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)) && sscanf(line + strlen(name), "%lf", &value) == 1)
            break;
    if (file) fclose(file);
    return value;
}

int main(void) {
    struct sysinfo about;
    printf("sysinfo: %d\n", sysinfo(&about));
    double unit = about.mem_unit / 1024.0;
    double total = about.totalram * unit, free_ = about.freeram * unit;
    printf("total: %d\n", total == from("/proc/meminfo", "MemTotal:"));
    printf("free: %d\n", fabs(free_ - from("/proc/meminfo", "MemFree:")) < total / 10);
    printf("cached fits: %d\n", from("/proc/meminfo", "Cached:") + free_ <= total);
    printf("shared: %d\n", fabs(about.sharedram * unit - from("/proc/meminfo", "Shmem:")) < total / 10);
    // It may be worked out anew in between.
    double load = about.loads[0] / 65536.0;
    printf("load: %d\n", fabs(load - from("/proc/loadavg", "")) < 0.5 + load / 5);
    printf("uptime: %d\n", fabs(about.uptime - from("/proc/uptime", "")) < 5);
    printf("processes: %d\n", about.procs > 0);
    return 0;
}
