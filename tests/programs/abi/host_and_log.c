// Proves sethostname(2), setdomainname(2), syslog(2), readahead(2), sync_file_range(2) and
// pidfd_getfd(2) with their refusals.
// needs: root
// alone
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#define SYS_pidfd_getfd 438
#endif

static void show(const char *what, long result) {
    if (result < 0)
        printf("%s: -1 %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    char before[65] = {0}, domain[65] = {0};
    gethostname(before, sizeof before);
    getdomainname(domain, sizeof domain);
    struct utsname name;
    show("host", sethostname("a-host", 6));
    show("domain", setdomainname("a.domain", 8));
    uname(&name);
    printf("%s %s\n", name.nodename, name.domainname);
    char told[80] = {0};
    int file = open("/proc/sys/kernel/hostname", O_RDONLY);
    read(file, told, sizeof told - 1);
    printf("%s", told);
    show("too long", sethostname(told, 65));
    show("negative", syscall(SYS_sethostname, "x", -1));
    show("bad address", syscall(SYS_sethostname, 8, 4));
    sethostname(before, strlen(before));
    setdomainname(domain, strlen(domain));

    char log[4096];
    int size = klogctl(10, NULL, 0);
    printf("size %d\n", size > 0);
    int count = klogctl(3, log, sizeof log);
    printf("lines %d, of the form %d\n", count > 0, count > 0 && log[0] == '<' && log[count - 1] == '\n');
    show("unknown", klogctl(99, log, 10));
    show("no buffer", klogctl(3, NULL, 10));
    show("negative", klogctl(3, log, -1));

    int data = open("data", O_RDWR | O_CREAT, 0600), ends[2];
    pipe(ends);
    show("readahead", readahead(data, 0, 4096));
    show("readahead of a pipe", readahead(ends[0], 0, 4096));
    show("readahead to write", readahead(open("data", O_WRONLY), 0, 4096));
    show("sync a part", sync_file_range(data, 0, 4096, 7));
    show("sync with unknown flags", sync_file_range(data, 0, 4096, 8));
    show("sync before the start", sync_file_range(data, -1, 4096, 1));
    show("sync a pipe", sync_file_range(ends[1], 0, 1, 1));

    // A descriptor of another process.
    int go[2];
    pipe(go);
    pid_t child = fork();
    if (child == 0) {
        int own = open("childs", O_RDWR | O_CREAT, 0600);
        dup2(own, 50);
        write(own, "hello", 5);
        write(ends[1], "r", 1);
        char byte;
        read(go[0], &byte, 1);
        _exit(0);
    }
    char byte;
    read(ends[0], &byte, 1);
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    show("unknown flags", syscall(SYS_pidfd_getfd, pidfd, 50, 1));
    show("none there", syscall(SYS_pidfd_getfd, pidfd, 51, 0));
    show("no pidfd", syscall(SYS_pidfd_getfd, data, 50, 0));
    int copy = (int)syscall(SYS_pidfd_getfd, pidfd, 50, 0);
    printf("close on exec %d\n", fcntl(copy, F_GETFD));
    char text[6] = {0};
    show("its position is the child's", read(copy, text, 5));
    show("its file, too", pread(copy, text, 5, 0));
    printf("%s\n", text);
    // Without rights.
    fflush(stdout);
    pid_t other = fork();
    if (other == 0) {
        setgid(1000);
        setuid(1000);
        show("somebody else's", syscall(SYS_pidfd_getfd, pidfd, 50, 0));
        show("host", sethostname("x", 1));
        show("clear the log", klogctl(5, NULL, 0));
        _exit(0);
    }
    waitpid(other, NULL, 0);
    write(go[1], "x", 1);
    waitpid(child, NULL, 0);
    show("ended", syscall(SYS_pidfd_getfd, pidfd, 50, 0));
    return 0;
}
