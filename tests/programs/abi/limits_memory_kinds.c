// RLIMIT_DATA and RLIMIT_MEMLOCK, as who may not pass them meets them.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1L << 20)

static const char *said(long result) {
    static char text[64];
    if (result != -1) return "ok";
    snprintf(text, sizeof text, "%s", strerror(errno));
    return text;
}

static void *get(size_t length, int rights, int flags) {
    return mmap(NULL, length, rights, flags | MAP_ANONYMOUS, -1, 0);
}

static void limit(int which, rlim_t soft, rlim_t hard) {
    struct rlimit limits = {soft, hard};
    printf("limit %d: %s\n", which, said(setrlimit(which, &limits)));
}

static void data(void) {
    const int both = PROT_READ | PROT_WRITE;
    limit(RLIMIT_DATA, 16 * MIB, RLIM_INFINITY);
    /* What one sets that runs in another's memory is its own. */
    if (vfork() == 0) {
        struct rlimit little = {MIB, MIB};
        setrlimit(RLIMIT_DATA, &little);
        _exit(get(8 * MIB, both, MAP_PRIVATE) == MAP_FAILED ? 0 : 1);
    }
    int status;
    wait(&status);
    printf("in another's memory: %d\n", status);
    void *afterwards = get(8 * MIB, both, MAP_PRIVATE);
    printf("afterwards: %s\n", said((long)afterwards));
    munmap(afterwards, 8 * MIB);
    printf("private, written: %s\n", said((long)get(32 * MIB, both, MAP_PRIVATE)));
    printf("shared: %s\n", said((long)get(32 * MIB, both, MAP_SHARED)));
    printf("read: %s\n", said((long)get(32 * MIB, PROT_READ, MAP_PRIVATE)));
    char *reserved = get(32 * MIB, PROT_NONE, MAP_PRIVATE);
    printf("reserved: %s\n", said((long)reserved));
    printf("made data: %s\n", said(mprotect(reserved, 32 * MIB, both)));
    printf("a part made data: %s\n", said(mprotect(reserved, 4 * MIB, both)));
    printf("grown: %s\n", said((long)mremap(reserved, 4 * MIB, 64 * MIB, MREMAP_MAYMOVE)));
    char *end = sbrk(0);
    printf("heap: %s, moved %d\n", said((long)sbrk(32 * MIB)), sbrk(0) != end);
    /* 0 is what some programs set to say nothing; the hard limit holds. */
    limit(RLIMIT_DATA, 0, RLIM_INFINITY);
    printf("with 0: %s\n", said((long)get(32 * MIB, both, MAP_PRIVATE)));
    limit(RLIMIT_DATA, 16 * MIB, 16 * MIB);
    printf("again: %s\n", said((long)get(32 * MIB, both, MAP_PRIVATE)));
    if (fork() == 0) {
        printf("child: %s\n", said((long)get(32 * MIB, both, MAP_PRIVATE)));
        _exit(0);
    }
    wait(NULL);
}

static void lock(void) {
    const int both = PROT_READ | PROT_WRITE;
    limit(RLIMIT_MEMLOCK, 2 * MIB, 2 * MIB);
    /* Who is root may lock all. Anyone else may not. */
    if (geteuid() == 0) {
        setgroups(0, NULL);
        if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)) perror("setresuid");
    }
    char *memory = get(4 * MIB, both, MAP_PRIVATE);
    printf("all: %s\n", said(mlock(memory, 4 * MIB)));
    printf("half of it: %s\n", said(mlock(memory, MIB)));
    printf("the same again: %s\n", said(mlock(memory, MIB)));
    printf("too much more: %s\n", said(mlock2(memory + MIB, 2 * MIB, MLOCK_ONFAULT)));
    printf("mapped locked: %s\n", said((long)get(2 * MIB, both, MAP_PRIVATE | MAP_LOCKED)));
    void *locked = get(MIB / 2, both, MAP_PRIVATE | MAP_LOCKED);
    printf("fewer mapped locked: %s\n", said((long)locked));
    printf("grown: %s\n", said((long)mremap(memory, MIB, 4 * MIB, MREMAP_MAYMOVE)));
    printf("everything: %s\n", said(mlockall(MCL_CURRENT)));
    printf("what comes: %s\n", said(mlockall(MCL_FUTURE)));
    printf("large, mapped: %s\n", said((long)get(8 * MIB, both, MAP_PRIVATE)));
    printf("large, heap: %s\n", said((long)sbrk(8 * MIB)));
    printf("unlocked: %s\n", said(munlockall()));
    printf("mapped: %s\n", said((long)get(8 * MIB, both, MAP_PRIVATE)));
    limit(RLIMIT_MEMLOCK, 0, 0);
    printf("none: %s\n", said(mlock(memory, 4096)));
    printf("none, everything: %s\n", said(mlockall(MCL_CURRENT)));
    printf("none, mapped: %s\n", said((long)get(4096, both, MAP_PRIVATE | MAP_LOCKED)));
    printf("unlocking: %s\n", said(munlock(memory, 4096)));
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    void (*parts[])(void) = {data, lock};
    for (int part = 0; part < 2; part++) {
        if (fork() == 0) {
            parts[part]();
            _exit(0);
        }
        wait(NULL);
    }
    return 0;
}
