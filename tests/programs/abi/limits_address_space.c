// RLIMIT_AS holds at once, is inherited by fork and kept over exec.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void try_map(const char *who, size_t mib)
{
    void *at = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("%s %zu MiB: %s\n", who, mib, at == MAP_FAILED ? strerror(errno) : "ok");
    fflush(stdout);
    if (at != MAP_FAILED)
        munmap(at, mib << 20);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        try_map("executed", 100);
        try_map("executed", 8);
        return 0;
    }
    try_map("before", 100);
    struct rlimit limit = {64 << 20, 128 << 20};
    printf("set: %d\n", setrlimit(RLIMIT_AS, &limit));
    try_map("limited", 100);
    try_map("limited", 8);
    if (fork() == 0) {
        try_map("child", 100);
        execl(argv[0], argv[0], "again", NULL);
        perror("exec");
        return 1;
    }
    int status;
    wait(&status);
    printf("child: %d\n", status);
    limit.rlim_cur = 128 << 20;
    printf("raise: %d\n", setrlimit(RLIMIT_AS, &limit));
    try_map("raised", 100);
    return 0;
}
