/* munmap, MAP_FIXED, mprotect and mremap over several areas; reservations of any size. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096L
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void show(const char *what, long result) {
    if (result == -1)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static long at(void *p, void *base) {
    return p == MAP_FAILED ? -1 : (long)((char *)p - (char *)base) / PAGE;
}

int main(void) {
    char *base = mmap(0, 64 * PAGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    for (int i = 0; i < 8; i++)
        memset(mmap(base + 8 * i * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0), 'a' + i, 4 * PAGE);
    show("unmap across", munmap(base + 2 * PAGE, 16 * PAGE));
    printf("%c %c\n", base[PAGE], base[18 * PAGE]);
    show("fixed into the hole", at(mmap(base + 4 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0), base));
    show("no replace", at(mmap(base + 5 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), base));
    show("no replace, free", at(mmap(base + 8 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), base));
    printf("%d %d\n", base[4 * PAGE], base[8 * PAGE]);
    show("fixed, unaligned", at(mmap(base + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), base));
    show("no length", at(mmap(0, 0, RW, ANON, -1, 0), base));
    show("neither private nor shared", at(mmap(0, PAGE, RW, MAP_ANONYMOUS, -1, 0), base));
    show("no such file", at(mmap(0, PAGE, RW, MAP_PRIVATE, 77, 0), base));
    show("too long", at(mmap(0, (size_t)1 << 48, RW, ANON, -1, 0), base));
    show("unmap nothing", munmap(base + 10 * PAGE, 2 * PAGE));
    show("unmap no length", munmap(base, 0));
    show("unmap unaligned", munmap(base + 1, PAGE));
    show("unmap beyond", munmap((void *)(uintptr_t)0xffff800000000000, PAGE));

    show("protect several", mprotect(base + 24 * PAGE, 20 * PAGE, PROT_READ));
    show("protect back", mprotect(base + 24 * PAGE, 20 * PAGE, RW));
    printf("%c %d\n", base[24 * PAGE], base[30 * PAGE]);
    show("protect with a hole", mprotect(base, 12 * PAGE, PROT_READ));
    show("protect unaligned", mprotect(base + 1, PAGE, PROT_READ));
    show("protect oddly", mprotect(base, PAGE, 64));
    show("protect no length", mprotect(base, 0, PROT_READ));

    char *m = mmap(0, 4 * PAGE, RW, ANON, -1, 0);
    memset(m, 'm', 4 * PAGE);
    show("shrink", at(mremap(m, 4 * PAGE, 2 * PAGE, 0), m));
    show("grow in place", at(mremap(m, 2 * PAGE, 3 * PAGE, 0), m));
    printf("%c %d\n", m[2 * PAGE - 1], m[2 * PAGE]);
    char *n = mremap(m, 3 * PAGE, 1000 * PAGE, MREMAP_MAYMOVE);
    printf("%c %d\n", n[0], n[999 * PAGE]);
    char *o = mremap(n, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, base + 40 * PAGE);
    show("to a place", at(o, base));
    printf("%c %c\n", o[0], n[PAGE]);
    show("what has moved away", at(mremap(n, PAGE, 2 * PAGE, MREMAP_MAYMOVE), n));
    show("overlapping", at(mremap(o, 2 * PAGE, 2 * PAGE, 3, o + PAGE), n));
    show("to nothing", at(mremap(o, PAGE, 0, 0), n));
    show("unknown flags", at(mremap(o, PAGE, PAGE, 64), n));
    show("fixed without may move", at(mremap(o, PAGE, PAGE, MREMAP_FIXED, base), n));
    char *s = mmap(0, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(s, "twin");
    char *u = mremap(s, 0, 2 * PAGE, MREMAP_MAYMOVE);
    printf("%s", u == MAP_FAILED ? "no twin\n" : "");
    if (u != MAP_FAILED) {
        strcpy(u, "changed");
        printf("%s %d\n", s, u != s);
    }

    for (int i = 0; i < 40; i++) {
        char *r = mmap(0, 64L << 30, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
        if (r == MAP_FAILED || mprotect(r + (32L << 30), PAGE, RW))
            return 1;
        r[32L << 30] = 'r';
        if (i % 2 && munmap(r, 64L << 30))
            return 2;
    }
    printf("reservations are done\n");
    return 0;
}
