// proves: a listing gives each name that stays exactly once while others come and go.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAMES = 600 };
struct entry { unsigned long long inode; long long offset; unsigned short length; unsigned char kind; char name[]; };

int main(void) {
    char dir[] = "/tmp/abiXXXXXX", name[64], buffer[1024];
    static int seen[NAMES];
    if (!mkdtemp(dir) || chdir(dir) < 0) { perror("setup"); return 1; }
    for (int i = 0; i < NAMES; i++) {
        sprintf(name, "stays-%d", i); close(open(name, O_CREAT | O_WRONLY, 0644));
        sprintf(name, "goes-%d", i); close(open(name, O_CREAT | O_WRONLY, 0644));
    }
    int d = open(".", O_RDONLY), step = 0, dots = 0;
    long got;
    while ((got = syscall(SYS_getdents64, d, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < got;) {
            struct entry *e = (struct entry *)(buffer + at);
            int number;
            if (e->name[0] == '.') dots++;
            else if (sscanf(e->name, "stays-%d", &number) == 1) seen[number]++;
            at += e->length;
        }
        for (int i = 0; i < 8 && step < NAMES; i++, step++) {
            sprintf(name, "goes-%d", step); unlink(name);
            sprintf(name, "comes-%d", step); mkdir(name, 0755);
        }
    }
    int bad = 0;
    for (int i = 0; i < NAMES; i++) bad += seen[i] != 1;
    printf("end %ld, dots %d, not seen once: %d\n", got, dots, bad);
    lseek(d, 0, SEEK_SET);
    long again = syscall(SYS_getdents64, d, buffer, sizeof buffer);
    printf("again: %d\n", again > 0);
    for (int i = 0; i < NAMES; i++) {
        sprintf(name, "stays-%d", i); unlink(name);
        sprintf(name, "goes-%d", i); unlink(name);
        sprintf(name, "comes-%d", i); rmdir(name);
    }
    printf("removed: %d\n", rmdir(dir));
    return 0;
}
