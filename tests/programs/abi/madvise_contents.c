/* What madvise does to contents, and its errors; mincore, mlock. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096L
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static void show(const char *what, long result) {
    if (result == -1)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static void resident(const char *what, char *p, long pages) {
    unsigned char vec[16] = {0};
    long result = mincore(p, pages * PAGE, vec);
    printf("%s: %ld", what, result);
    for (int i = 0; i < pages; i++)
        printf(" %d", vec[i] & 1);
    printf("\n");
}

int main(void) {
    char *p = mmap(0, 16 * PAGE, RW, ANON, -1, 0);
    memset(p, 'x', 4 * PAGE);
    resident("touched", p, 8);
    show("dontneed", madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED));
    printf("%d %d %d %d\n", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
    memset(p, 'y', 4 * PAGE);
    show("free", madvise(p, 4 * PAGE, MADV_FREE));
    p[0] = 'z';
    printf("%c %d\n", p[0], p[PAGE] == 0 || p[PAGE] == 'y');
    show("hints", madvise(p, 16 * PAGE, MADV_SEQUENTIAL) + madvise(p, 16 * PAGE, MADV_WILLNEED));
    show("populate", madvise(p + 8 * PAGE, 4 * PAGE, MADV_POPULATE_WRITE));
    show("populate to read", madvise(p + 12 * PAGE, 2 * PAGE, MADV_POPULATE_READ));
    resident("populated", p + 7 * PAGE, 8);
    mprotect(p + 15 * PAGE, PAGE, PROT_READ);
    show("populate what is read-only", madvise(p + 15 * PAGE, PAGE, MADV_POPULATE_WRITE));
    show("unknown", madvise(p, PAGE, 1234));
    show("unaligned", madvise(p + 1, PAGE, MADV_DONTNEED));
    show("no length", madvise(p, 0, MADV_DONTNEED));
    show("wraps", madvise(p, -PAGE, MADV_DONTNEED));
    munmap(p + 5 * PAGE, PAGE);
    memset(p + 6 * PAGE, 'h', PAGE);
    show("with a hole", madvise(p + 4 * PAGE, 4 * PAGE, MADV_DONTNEED));
    printf("behind the hole: %d\n", p[6 * PAGE]);
    show("fork advice", madvise(p, PAGE, MADV_DONTFORK) + madvise(p, PAGE, MADV_DOFORK));
    show("wipe", madvise(p, PAGE, MADV_WIPEONFORK) + madvise(p, PAGE, MADV_KEEPONFORK));

    char *s = mmap(0, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(s, "stays");
    show("dontneed, shared", madvise(s, PAGE, MADV_DONTNEED));
    printf("%s\n", s);
    show("free, shared", madvise(s, PAGE, MADV_FREE));
    show("wipe, shared", madvise(s, PAGE, MADV_WIPEONFORK));
    show("remove", madvise(s, PAGE, MADV_REMOVE));
    printf("%d\n", s[0]);
    show("remove, private", madvise(p, PAGE, MADV_REMOVE));

    char *q = mmap(0, 8 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);
    resident("map populate", q, 8);
    resident("untouched", mmap(0, 4 * PAGE, RW, ANON, -1, 0), 4);
    unsigned char vec[1];
    show("mincore unaligned", mincore(q + 1, PAGE, vec));
    munmap(q + PAGE, PAGE);
    show("mincore of a hole", mincore(q + PAGE, PAGE, vec));
    show("mincore to nowhere", mincore(q, PAGE, (void *)16));
    char *l = mmap(0, 4 * PAGE, RW, ANON, -1, 0);
    show("mlock", mlock(l, 2 * PAGE));
    resident("locked", l, 4);
    show("dontneed, locked", madvise(l, PAGE, MADV_DONTNEED));
    show("munlock", munlock(l, 2 * PAGE));
    show("dontneed, unlocked", madvise(l, PAGE, MADV_DONTNEED));
    munmap(l + 3 * PAGE, PAGE);
    show("mlock a hole", mlock(l + 2 * PAGE, 2 * PAGE));
    show("mlockall badly", mlockall(64));
    show("munlockall", munlockall());
    return 0;
}
