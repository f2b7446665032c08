// Proves memfd_create(2): a file without a name that is read, written, mapped, executed and passed on
// like others, and what each seal keeps it from.
// proves: P7
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#define MFD_EXEC 16
#endif
#define SEAL_EXEC 0x20

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static void map(const char *what, int fd, int prot, int flags) {
    void *p = mmap(NULL, 4096, prot, flags, fd, 0);
    show(what, p == MAP_FAILED ? -1 : 0);
    if (p != MAP_FAILED) {
        show("  made writable", mprotect(p, 4096, PROT_READ | PROT_WRITE));
        munmap(p, 4096);
    }
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 1) {
        printf("executed from memory: %s\n", argv[1]);
        return 0;
    }
    char name[260];
    memset(name, 'n', sizeof name);
    name[249] = 0;
    show("longest name", memfd_create(name, 0) >= 0);
    name[249] = 'n', name[250] = 0;
    show("too long", memfd_create(name, 0));
    show("unknown flags", memfd_create("x", 0x80));
    show("contradiction", memfd_create("x", MFD_EXEC | MFD_NOEXEC_SEAL));
    show("no name", syscall(SYS_memfd_create, NULL, 0));

    int fd = memfd_create("file", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct stat st;
    fstat(fd, &st);
    printf("mode %o links %ld size %ld own %d\n", st.st_mode, (long)st.st_nlink, (long)st.st_size,
           st.st_uid == geteuid());
    printf("flags %o close on exec %d\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    char path[64], link[300];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    long length = readlink(path, link, sizeof link - 1);
    link[length > 0 ? length : 0] = 0;
    printf("%s\n", link);
    show("seals", fcntl(fd, F_GET_SEALS));
    show("seals of another", fcntl(memfd_create("other", 0), F_GET_SEALS));
    int ends[2];
    if (pipe(ends))
        return 1;
    show("seals of a pipe", fcntl(ends[0], F_GET_SEALS));

    show("write", write(fd, "0123456789", 10));
    show("grow", ftruncate(fd, 8192));
    char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memcpy(shared + 10, "mapped", 7);
    char text[32] = {0};
    show("pread", pread(fd, text, 17, 0));
    printf("%s\n", text);
    int again = open(path, O_RDONLY);
    show("opened again", pread(again, text, 4, 6));
    printf("%.4s\n", text);
    show("seal for readers", fcntl(again, F_ADD_SEALS, F_SEAL_GROW));

    show("unknown seal", fcntl(fd, F_ADD_SEALS, 0x100));
    show("seal shrink", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    show("shrink", ftruncate(fd, 4096));
    show("truncate by open", open(path, O_RDWR | O_TRUNC));
    show("grow", ftruncate(fd, 8193));
    show("shrink back", ftruncate(fd, 8192));
    show("seal grow", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    show("grow", ftruncate(fd, 10000));
    show("write behind the end", pwrite(fd, "x", 1, 9000));
    show("allocate behind the end", fallocate(fd, 0, 8192, 4096));
    show("write within", pwrite(fd, "x", 1, 5));
    show("seal write while mapped", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    show("seal future writes", fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    shared[0] = 'm';
    show("write", pwrite(fd, "x", 1, 5));
    map("map shared to write", fd, PROT_READ | PROT_WRITE, MAP_SHARED);
    show("pread", pread(fd, text, 2, 0));
    printf("%.2s\n", text);
    munmap(shared, 8192);
    show("seal write", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    show("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    map("map privately to write", fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    show("seals", fcntl(fd, F_GET_SEALS));
    show("seal seal", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    show("no more", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));

    int plain = open("plain", O_RDWR | O_CREAT, 0644);
    show("seal plain", fcntl(plain, F_ADD_SEALS, F_SEAL_GROW) < 0);

    // A program that is nowhere.
    int self = open(argv[0], O_RDONLY), program = memfd_create("program", 0);
    char buffer[65536];
    for (long n; (n = read(self, buffer, sizeof buffer)) > 0;)
        if (write(program, buffer, (size_t)n) != n)
            return 1;
    // What is open for writing is not executed: by its path it is opened anew.
    snprintf(path, sizeof path, "/proc/self/fd/%d", program);
    int readable = open(path, O_RDONLY | O_CLOEXEC);
    close(program);
    pid_t child = fork();
    if (child == 0) {
        char *arguments[] = {"program", "with an argument", NULL}, *none[] = {NULL};
        syscall(SYS_execveat, readable, "", arguments, none, AT_EMPTY_PATH);
        show("execveat", -1);
        _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    printf("status %d\n", status);
    return 0;
}
