// Proves that lseek(2) finds data and holes, that getdents(2) of old gives what getdents64 does, and
// that a running program's file is not opened for writing or cut (ETXTBSY).
// proves: P7
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

struct old_entry {
    unsigned long inode, next;
    unsigned short length;
    char name[];
};

int main(int argc, char **argv) {
    (void)argc;
    int fd = open("/dev/shm/holes", O_RDWR | O_CREAT | O_TRUNC, 0600);
    unlink("/dev/shm/holes");
    show("data in nothing", lseek(fd, 0, SEEK_DATA));
    show("hole in nothing", lseek(fd, 0, SEEK_HOLE));
    show("write", pwrite(fd, "x", 1, 40960));
    show("data", lseek(fd, 0, SEEK_DATA));
    show("data", lseek(fd, 40961, SEEK_DATA));
    show("hole", lseek(fd, 0, SEEK_HOLE));
    show("hole", lseek(fd, 40960, SEEK_HOLE));
    show("grow", ftruncate(fd, 1 << 20));
    show("hole", lseek(fd, 40960, SEEK_HOLE));
    show("data behind", lseek(fd, 50000, SEEK_DATA));
    show("hole at the end", lseek(fd, 1 << 20, SEEK_HOLE));
    show("hole before the start", lseek(fd, -1, SEEK_HOLE));
    show("stands at", lseek(fd, 0, SEEK_CUR));

    close(open("one", O_CREAT | O_WRONLY, 0600));
    close(open("a name that is longer", O_CREAT | O_WRONLY, 0600));
    if (symlink("one", "link"))
        return 1;
    int directory = open(".", O_RDONLY | O_DIRECTORY);
    char buffer[1024];
    show("too small", syscall(SYS_getdents, directory, buffer, 20));
    long count = syscall(SYS_getdents, directory, buffer, sizeof buffer);
    int seen = 0, kinds = 0;
    for (long at = 0; at < count;) {
        struct old_entry *entry = (struct old_entry *)(buffer + at);
        char kind = buffer[at + entry->length - 1];
        if (!strcmp(entry->name, "one") || !strcmp(entry->name, "a name that is longer"))
            seen++, kinds += kind == DT_REG;
        if (!strcmp(entry->name, "link"))
            seen++, kinds += kind == DT_LNK;
        if (!strcmp(entry->name, "."))
            seen++, kinds += kind == DT_DIR;
        if (entry->length % 8 || entry->length < 20 + strlen(entry->name))
            printf("odd length\n");
        at += entry->length;
    }
    printf("seen %d of the right kind %d\n", seen, kinds);
    show("at the end", syscall(SYS_getdents, directory, buffer, sizeof buffer));
    show("no directory", syscall(SYS_getdents, fd, buffer, sizeof buffer));

    show("write to a running program", open(argv[0], O_WRONLY));
    show("read and write", open(argv[0], O_RDWR));
    show("cut it", truncate(argv[0], 0));
    show("read it", open(argv[0], O_RDONLY) >= 0);
    return 0;
}
