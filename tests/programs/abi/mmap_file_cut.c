// Proves that a mapping of a file that is cut ends with the file: SIGBUS behind the last page, for
// private copies, too, in a forked child, too; zeros behind the end in the last page; and the pages
// come back empty when the file grows again. What is punched out reads as zeros.
// proves: K6
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int code;

static void caught(int signal, siginfo_t *info, void *context) {
    (void)context;
    code = signal * 1000 + info->si_code;
    siglongjmp(back, 1);
}

static void look(const char *what, volatile char *at) {
    if (sigsetjmp(back, 1) == 0)
        printf("%s: %d\n", what, *at);
    else
        printf("%s: SIGBUS %d code %d\n", what, code / 1000 == SIGBUS, code % 1000);
}

static void put(const char *what, volatile char *at) {
    if (sigsetjmp(back, 1) == 0) {
        *at = 'w';
        printf("%s: written\n", what);
    } else {
        printf("%s: SIGBUS %d code %d\n", what, code / 1000 == SIGBUS, code % 1000);
    }
}

int main(void) {
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    char page[4096];
    memset(page, 'a', sizeof page);
    for (int i = 0; i < 8; i++)
        if (write(fd, page, sizeof page) != sizeof page)
            return 1;
    char *shared = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *later = mmap(NULL, 4 * 4096, PROT_READ, MAP_SHARED, fd, 4 * 4096);
    for (int i = 0; i < 8; i++) {
        shared[i * 4096] = 's';
        private[i * 4096 + 1] = 'p';
    }
    look("before", later + 3 * 4096);
    int to_child[2], to_parent[2];
    if (pipe(to_child) || pipe(to_parent))
        return 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char go;
        look("child before", shared + 5 * 4096);
        fflush(stdout);
        if (write(to_parent[1], "r", 1) != 1 || read(to_child[0], &go, 1) != 1)
            _exit(1);
        look("child shared", shared + 5 * 4096);
        look("child private", private + 5 * 4096);
        fflush(stdout);
        _exit(0);
    }
    char ready;
    if (read(to_parent[0], &ready, 1) != 1)
        return 1;
    // In the middle of the fourth page.
    if (ftruncate(fd, 3 * 4096 + 100))
        return 1;
    if (write(to_child[1], "g", 1) != 1)
        return 1;
    waitpid(child, NULL, 0);
    look("kept", shared + 2 * 4096);
    look("in the last page", shared + 3 * 4096 + 99);
    look("behind the end", shared + 3 * 4096 + 100);
    look("behind the last page", shared + 4 * 4096);
    put("written there", shared + 7 * 4096);
    look("copied, kept", private + 2 * 4096 + 1);
    look("copied, gone", private + 4 * 4096 + 1);
    look("mapped from there on", later);
    // For a system call it is an address that cannot be used.
    int ends[2];
    if (pipe(ends))
        return 1;
    long written = write(ends[1], shared + 6 * 4096, 1);
    printf("given to a call: %ld %d\n", written, errno == EFAULT);
    if (ftruncate(fd, 8 * 4096))
        return 1;
    look("grown again", shared + 5 * 4096);
    look("its private copy", private + 5 * 4096 + 1);
    put("written again", shared + 7 * 4096);
    look("seen by the other", later + 3 * 4096);
    int again = open("file", O_RDWR | O_TRUNC);
    look("truncated by open", shared);
    if (ftruncate(again, 4 * 4096))
        return 1;
    for (int i = 0; i < 4; i++)
        shared[i * 4096] = (char)('0' + i);
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 2 * 4096))
        return 1;
    for (int i = 0; i < 4; i++)
        look("punched", shared + i * 4096);
    put("into the hole", shared + 4096);
    char byte;
    printf("read %ld %d\n", (long)pread(fd, &byte, 1, 4096), byte);
    return 0;
}
