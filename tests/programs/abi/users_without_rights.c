// What a user without rights may do to root's processes, to files and to the system.
// proves: X2
// needs: root
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAY(call) said(#call, (errno = 0, (long)(call)))

static void said(const char *what, long result)
{
    printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
    fflush(stdout);
}

/* Whether a file of /proc can be read: some say no when they are opened, some when they are read. */
static void file_of(pid_t pid, const char *name)
{
    char path[64], bytes[16];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY);
    said(name, fd < 0 ? fd : read(fd, bytes, sizeof bytes));
    if (fd >= 0)
        close(fd);
}

static void link_of(pid_t pid, const char *name)
{
    char path[64], bytes[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    said(name, readlink(path, bytes, sizeof bytes));
}

static void processes(pid_t root, int handle, pid_t own)
{
    struct sched_param none = { 0 }, some = { .sched_priority = 1 };
    struct rlimit files = { 10, 10 };
    siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
    cpu_set_t set;
    SAY(kill(root, 0));
    SAY(kill(root, SIGTERM));
    SAY(syscall(SYS_tkill, root, SIGTERM));
    SAY(syscall(SYS_tgkill, root, root, SIGTERM));
    SAY(syscall(SYS_rt_sigqueueinfo, root, SIGUSR1, &info));
    SAY(syscall(SYS_pidfd_send_signal, handle, SIGTERM, 0, 0));
    SAY(setpriority(PRIO_PROCESS, root, 10));
    SAY(syscall(SYS_sched_setscheduler, root, SCHED_BATCH, &none));
    SAY(sched_getaffinity(root, sizeof set, &set));
    SAY(sched_setaffinity(root, sizeof set, &set));
    SAY(prlimit(root, RLIMIT_NOFILE, &files, 0));
    SAY(prlimit(root, RLIMIT_NOFILE, 0, &files));
    SAY(setpgid(root, 0));
    SAY(getsid(root) > 0 ? 0 : -1);
    void *head;
    size_t length;
    SAY(syscall(SYS_get_robust_list, root, &head, &length));

    SAY(kill(own, 0));
    SAY(setpriority(PRIO_PROCESS, own, 10));
    SAY(setpriority(PRIO_PROCESS, own, 5));
    SAY(setpriority(PRIO_PROCESS, 0, -1));
    SAY(syscall(SYS_sched_setscheduler, own, SCHED_RR, &some));
    SAY(syscall(SYS_sched_setscheduler, own, SCHED_BATCH, &none));

    file_of(root, "stat");
    file_of(root, "status");
    file_of(root, "cmdline");
    file_of(root, "environ");
    file_of(root, "maps");
    file_of(root, "io");
    file_of(root, "fd");
    link_of(root, "exe");
    link_of(root, "cwd");
    link_of(root, "root");
    file_of(root, "root/etc/passwd");
    file_of(own, "environ");
    file_of(own, "maps");
    link_of(own, "cwd");
}

static void identity(void)
{
    unsigned header[] = { 0x20080522, 0 }, all[6] = { ~0u, ~0u, 0, 0, 0, 0 };
    gid_t groups[] = { 0 };
    SAY(setuid(0));
    SAY(setgid(0));
    SAY(setresuid(-1, 0, -1));
    SAY(setgroups(1, groups));
    SAY(syscall(SYS_capset, header, all));
    SAY(prctl(PR_CAPBSET_DROP, 5));
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_max += 1;
    SAY(setrlimit(RLIMIT_NOFILE, &files));
}

static void system_wide(void)
{
    struct timespec now = { 1000000000, 0 };
    struct timeval then = { 1000000000, 0 };
    SAY(mount("none", "/tmp", "tmpfs", 0, 0));
    SAY(umount("/tmp"));
    SAY(chroot("/tmp"));
    SAY(sethostname("x", 1));
    SAY(reboot(RB_POWER_OFF));
    SAY(clock_settime(CLOCK_REALTIME, &now));
    SAY(settimeofday(&then, 0));
    SAY(syscall(SYS_syslog, 5, 0, 0));
    SAY(mknod("device", S_IFCHR | 0666, 1 << 8 | 3));
    SAY(mknod("fifo", S_IFIFO | 0666, 0));
    SAY(socket(AF_INET, SOCK_RAW, 1));
}

static void files(void)
{
    char byte;
    SAY(open("secret", O_RDONLY));
    SAY(open("readable", O_WRONLY));
    SAY(truncate("readable", 0));
    SAY(chmod("readable", 0777));
    SAY(chown("readable", 1000, 1000));
    SAY(utimensat(AT_FDCWD, "readable", (struct timespec[2]){ { 1, 0 }, { 1, 0 } }, 0));
    SAY(rename("sticky/roots", "sticky/mine"));
    SAY(unlink("sticky/roots"));
    SAY(rmdir("sticky/folder"));
    SAY(access("closed/file", F_OK));
    SAY(chdir("closed"));
    SAY(execl("readable", "readable", (char *)0));

    int own = open("own", O_CREAT | O_RDWR, 0600);
    SAY(own);
    SAY(fchown(own, 0, -1));
    SAY(fchown(own, -1, 0));
    SAY(fchown(own, -1, 100));
    struct stat state;
    SAY(fchmod(own, 06755));
    fstat(own, &state);
    printf("set-id bits in a group of its own: %o\n", state.st_mode & 07777);
    SAY(write(own, "x", 1));
    fstat(own, &state);
    printf("after a write: %o\n", state.st_mode & 07777);
    SAY(read(own, &byte, 1) < 0);
    SAY(chmod("others-group", 02755));
    stat("others-group", &state);
    printf("set-group-id for a group of others: %o\n", state.st_mode & 07777);
}

static void shown_credentials(void)
{
    int pair[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    struct ucred shown[] = { { getpid(), getuid(), getgid() }, { 1, getuid(), getgid() },
        { getpid(), 0, getgid() }, { getpid(), getuid(), 0 } };
    for (int i = 0; i < 4; i++) {
        union { char bytes[CMSG_SPACE(sizeof *shown)]; struct cmsghdr head; } control = { { 0 } };
        control.head.cmsg_len = CMSG_LEN(sizeof *shown);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_CREDENTIALS;
        memcpy(CMSG_DATA(&control.head), &shown[i], sizeof *shown);
        struct iovec piece = { "x", 1 };
        struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1,
            .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
        SAY(sendmsg(pair[0], &message, 0));
    }
}

static int drop(void)
{
    gid_t groups[] = { 100, 1000 };
    return setgroups(2, groups) | setgid(1000) | setuid(1000);
}

int main(int count, char **arguments)
{
    for (; count > 1 && !strcmp(arguments[1], "wait");)
        pause();
    umask(0);
    // Above the folder that the tests make there may be one that users cannot pass.
    char folder[] = "/tmp/rightsXXXXXX";
    if (!mkdtemp(folder) || chdir(folder) < 0 || chmod(folder, 0777) < 0)
        return 1;
    close(open("secret", O_CREAT | O_WRONLY, 0600));
    close(open("readable", O_CREAT | O_WRONLY, 0644));
    mkdir("sticky", 01777);
    close(open("sticky/roots", O_CREAT | O_WRONLY, 0666));
    mkdir("sticky/folder", 0777);
    mkdir("closed", 0700);
    close(open("closed/file", O_CREAT | O_WRONLY, 0666));
    close(open("others-group", O_CREAT | O_WRONLY, 0644));
    chown("others-group", 1000, 0);

    pid_t root = fork();
    if (root == 0)
        for (;;)
            pause();
    int handle = syscall(SYS_pidfd_open, root, 0);
    pid_t user = fork();
    if (user == 0) {
        if (drop() != 0)
            _exit(2);
        // Closed when the child executes.
        int ready[2];
        char byte;
        pipe2(ready, O_CLOEXEC);
        pid_t own = fork();
        if (own == 0) {
            // Its files in /proc are its own again when it has executed something.
            execl("/proc/self/exe", "self", "wait", (char *)0);
            _exit(1);
        }
        close(ready[1]);
        read(ready[0], &byte, 1);
        processes(root, handle, own);
        kill(own, SIGKILL);
        waitpid(own, 0, 0);
        identity();
        system_wide();
        files();
        shown_credentials();
        _exit(0);
    }
    int status;
    waitpid(user, &status, 0);
    printf("the user ended with %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    said("root's process lives", kill(root, 0));
    kill(root, SIGKILL);
    waitpid(root, 0, 0);
    return 0;
}
