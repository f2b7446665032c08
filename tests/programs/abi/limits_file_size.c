// The limit of a file's size: what fits is written, then there is a signal and EFBIG.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static volatile sig_atomic_t signals;

static void count(int signal) { (void)signal, signals++; }

int main(void) {
    char name[] = "/tmp/limits_file_size", bytes[300];
    memset(bytes, 'x', sizeof bytes);
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0) return 1;
    unlink(name);
    struct rlimit limit = {1000, RLIM_INFINITY};
    signal(SIGXFSZ, count);
    setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 0; i < 5; i++) {
        long written = write(file, bytes, sizeof bytes);
        printf("wrote %ld%s\n", written, written < 0 && errno == EFBIG ? ", too big" : "");
    }
    long written = pwrite(file, bytes, 10, 2000);
    printf("far behind %ld%s\n", written, written < 0 && errno == EFBIG ? ", too big" : "");
    written = pwrite(file, bytes, 10, 500);
    printf("within %ld, signals %d\n", written, signals);
    return 0;
}
