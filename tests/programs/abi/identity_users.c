// For whom a process acts. Each part in a child of its own; needs to be root, and says so if it is not.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what) {
    uid_t r, e, s;
    gid_t gr, ge, gs;
    getresuid(&r, &e, &s);
    getresgid(&gr, &ge, &gs);
    printf("%s: users %u %u %u, groups %u %u %u\n", what, r, e, s, gr, ge, gs);
}

static long try(long result) { return result < 0 ? -errno : result; }

static void run(void (*part)(void)) {
    pid_t child = fork();
    if (child == 0) {
        part();
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static void drop(void) {
    gid_t groups[3] = {30, 10, 20}, back[8];
    printf("setgroups %ld\n", try(syscall(SYS_setgroups, 3, groups)));
    printf("getgroups %ld, too small %ld\n", try(getgroups(8, back)), try(getgroups(1, back)));
    printf("setgid %ld\n", try(syscall(SYS_setgid, 100)));
    printf("setuid %ld\n", try(syscall(SYS_setuid, 1000)));
    show("dropped");
    printf("back %ld\n", try(syscall(SYS_setuid, 0)));
    printf("groups %ld\n", try(syscall(SYS_setgroups, 0, NULL)));
    printf("kill the parent: %ld\n", try(kill(getppid(), 0)));
    printf("kill nobody: %ld\n", try(kill(1 << 21, 0)));
}

static void swap(void) {
    printf("seteuid %ld\n", try(syscall(SYS_setresuid, -1, 1000, -1)));
    show("effective");
    printf("other %ld\n", try(syscall(SYS_setresuid, 5, -1, -1)));
    printf("back %ld\n", try(syscall(SYS_setresuid, -1, 0, -1)));
    show("back");
    printf("setreuid %ld\n", try(syscall(SYS_setreuid, 7, 8)));
    show("two");
    printf("swapped %ld\n", try(syscall(SYS_setreuid, 8, 7)));
    show("swapped");
    printf("setregid %ld\n", try(syscall(SYS_setregid, 7, 8)));
}

static void capabilities(void) {
    struct { unsigned version; int pid; } header = {0x20080522, 0};
    struct { unsigned effective, permitted, inheritable; } data[2];
    printf("capget %ld\n", try(syscall(SYS_capget, &header, data)));
    data[0].effective &= ~(1u << 5);
    data[0].permitted &= ~(1u << 5);
    printf("capset %ld\n", try(syscall(SYS_capset, &header, data)));
    data[0].permitted |= 1u << 5;
    printf("take back %ld\n", try(syscall(SYS_capset, &header, data)));
    header.version = 1;
    printf("version %ld", try(syscall(SYS_capget, &header, NULL)));
    printf(" %x\n", header.version);
    printf("bound %ld, drop %ld, bound %ld\n", try(prctl(PR_CAPBSET_READ, 5)),
           try(prctl(PR_CAPBSET_DROP, 5)), try(prctl(PR_CAPBSET_READ, 5)));
    printf("no such %ld\n", try(prctl(PR_CAPBSET_READ, 100)));
    printf("new rights %ld %ld", try(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)),
           try(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)));
    printf(" %ld\n", try(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    if (getuid() != 0) {
        puts("needs root");
        return 77;
    }
    run(drop);
    run(swap);
    run(capabilities);
    return 0;
}
