/* What is written through a shared mapping is in the file, and the other way round; private
   mappings keep what they write. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static void show(const char *what, int result) {
    printf("%s: %s\n", what, result == -1 ? strerror(errno) : "done");
}

static const char *path = "/tmp/mmap_shared_file";

int main(void) {
    char text[16] = "";
    int f = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (f < 0)
        f = open(path = "/mmap_shared_file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (f < 0 || pwrite(f, "", 1, 3 * PAGE + 99) != 1)
        return 1;
    char *s = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
    char *t = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, f, PAGE);
    char *p = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, f, 0);
    if (s == MAP_FAILED || t == MAP_FAILED || p == MAP_FAILED)
        return 2;
    printf("holes read as %d %d %d\n", s[0], s[2 * PAGE + 5], p[PAGE]);

    strcpy(s + PAGE + 10, "mapped");
    pread(f, text, 7, PAGE + 10);
    printf("file: %s, other mapping: %s, private: %s\n", text, t + 10, p + PAGE + 10);
    pwrite(f, "written", 8, PAGE + 10);
    printf("after pwrite: %s, %s\n", s + PAGE + 10, t + 10);

    strcpy(p + PAGE + 10, "own");
    pwrite(f, "again", 6, PAGE + 10);
    pread(f, text, 8, PAGE + 10);
    printf("private keeps %s, file has %s, shared has %s\n", p + PAGE + 10, text, t + 10);
    /* The rest of a page that was copied is the file's as it was. */
    printf("rest of the private page: %d\n", p[PAGE + 100]);

    s[3 * PAGE + 99] = 'z';
    pread(f, text, 1, 3 * PAGE + 99);
    printf("last byte: %c, behind the end in its page: %d\n", text[0], s[3 * PAGE + 100]);
    show("msync", msync(s, 4 * PAGE, MS_SYNC));
    show("msync later", msync(s, PAGE, MS_ASYNC));
    show("both", msync(s, PAGE, MS_SYNC | MS_ASYNC));
    show("unaligned", msync(s + 1, PAGE, MS_SYNC));

    close(f);
    s[0] = 'x';
    printf("without the descriptor: %c\n", s[0]);
    munmap(t, PAGE);
    t = mmap(0, PAGE, PROT_READ, MAP_SHARED, open(path, O_RDONLY), 0);
    printf("read-only mapping: %c\n", t[0]);
    show("made writable", mprotect(t, PAGE, PROT_READ | PROT_WRITE));
    f = open(path, O_RDONLY);
    t = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
    show("writable mapping of a read-only file", t == MAP_FAILED ? -1 : 0);
    t = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, f, 0);
    t[0] = 'p';
    printf("private of the same: %c, shared: %c\n", t[0], s[0]);
    f = open(path, O_WRONLY);
    t = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, f, 0);
    show("of a write-only file", t == MAP_FAILED ? -1 : 0);
    unlink(path);
    s[PAGE] = 'u';
    printf("unlinked: %c %c\n", s[PAGE], p[PAGE + 10]);
    return 0;
}
